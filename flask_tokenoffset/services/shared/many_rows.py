"""Making many rows of one table with one statement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import ARRAY, bindparam, func, insert, literal, select

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Insert, Table
    from sqlalchemy.orm import DeclarativeBase, Session


def insert_many(
    session: Session,
    model: type[DeclarativeBase],
    same: Mapping[str, Any],
    each: Mapping[str, Iterable[Any]],
) -> None:
    """Make rows that differ in a few columns only.

    :param model: what the rows are.
    :param same: the values that all rows have, by the names of their columns.
    :param each: the values of the others, as many for each column as there are rows.
    """
    table = cast("Table", model.__table__)
    columns = {name: list(values) for name, values in each.items()}
    rows = zip(*columns.values(), strict=True)
    session.flush()  # The rows may name what stands in the session only.
    connection = session.connection(bind_arguments={"mapper": model})
    if connection.dialect.name == "postgresql":
        connection.execute(_insert_from_arrays(table, same, columns))
    else:
        connection.execute(
            insert(table), [{**same, **dict(zip(columns, row, strict=True))} for row in rows]
        )


def _insert_from_arrays(
    table: Table, same: Mapping[str, Any], columns: Mapping[str, Sequence[Any]]
) -> Insert:
    """One statement that takes an array for each column.

    Its text never grows, so the driver reads it once; a list of values for each row is read anew
    for each number of rows, which takes several times longer than making the rows.
    """
    return insert(table).from_select(
        [*same, *columns],
        select(
            *(literal(value, table.c[name].type) for name, value in same.items()),
            *(
                func.unnest(bindparam(f"all_{name}", values, type_=ARRAY(table.c[name].type)))
                for name, values in columns.items()
            ),
        ),
    )
