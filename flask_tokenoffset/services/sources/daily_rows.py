"""How a reading becomes rows: a reported day is replaced whole, any other is kept and marked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import chain, repeat
from struct import Struct
from typing import TYPE_CHECKING, Final, cast

from sqlalchemy import ARRAY, Text, bindparam, delete, func, insert, literal, select

from flask_tokenoffset.models import KeptDay, Report

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

    import psycopg
    from sqlalchemy import Connection, Insert, Table
    from sqlalchemy.orm import Session

    from flask_tokenoffset.clock import DayRange
    from flask_tokenoffset.services.sources.readings import Reading, ReadingColumns, ReportLayout

#: Rows sent to the database in one statement; bounds the memory a write needs.
ROWS_PER_STATEMENT: Final = 20_000

#: PostgreSQL's signature, and neither flags nor an extension of the header.
_COPY_BEGIN: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_END: Final = b"\xff\xff"
#: PostgreSQL counts days from here.
_POSTGRES_FIRST_DAY: Final = date(2000, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class KeptDays:
    """Days that a later reading no longer showed, by report; what was known of them is kept."""

    usage: set[date]
    costs: set[date]


def store_reading(
    session: Session,
    reading: Reading,
    *,
    account_id: UUID,
    source_id: UUID,
    run_id: UUID,
    window: DayRange,
) -> KeptDays:
    """Write both reports of one sample, replacing what an earlier one said of the same days.

    A day the vendor reports is replaced whole. A day it no longer reports keeps its rows and is
    marked in ``KeptDay``: "no row" is not "zero". Run twice, it changes nothing.

    :param reading: the whole window's rows.
    :param window: the days that were read.
    """
    ids = {"account_id": account_id, "source_id": source_id, "run_id": run_id}
    return KeptDays(
        usage=_store_report(session, reading.usage, window, **ids),
        costs=_store_report(session, reading.costs, window, **ids),
    )


def _store_report(
    session: Session,
    columns: ReadingColumns,
    window: DayRange,
    *,
    account_id: UUID,
    source_id: UUID,
    run_id: UUID,
) -> set[date]:
    layout = columns.layout
    parents = _dimension_rows(session, layout, source_id)
    kept: set[date] = set()
    if parents:
        known = set(_days_with_rows(session, layout, source_id, window))
        _delete_days(session, layout, source_id, known.intersection(columns.days))
        kept = known.difference(columns.days)
        _mark_kept_days(
            session,
            layout.report,
            kept,
            account_id=account_id,
            source_id=source_id,
            run_id=run_id,
            window=window,
        )
    parents |= _new_dimension_rows(
        session,
        layout,
        [dimensions for dimensions in columns.numbers if dimensions not in parents],
        account_id=account_id,
        source_id=source_id,
    )
    for chunk in columns.chunks(parents, ROWS_PER_STATEMENT):
        _insert_rows(session, layout, chunk)
    return kept


def _days_with_rows(
    session: Session, layout: ReportLayout, source_id: UUID, window: DayRange
) -> Iterable[date]:
    daily, parent = layout.daily_model, layout.dimension_model
    return session.scalars(
        select(daily.day)
        .join(parent, parent.id == getattr(daily, layout.parent_column))
        .where(parent.source_id == source_id, daily.day >= window.start, daily.day < window.end)
        .distinct()
    )


def _delete_days(session: Session, layout: ReportLayout, source_id: UUID, days: set[date]) -> None:
    daily, parent = layout.daily_model, layout.dimension_model
    own = select(parent.id).where(parent.source_id == source_id).scalar_subquery()
    session.execute(
        delete(daily)
        .where(getattr(daily, layout.parent_column).in_(own), daily.day.in_(sorted(days)))
        .execution_options(synchronize_session=False)
    )


def _mark_kept_days(
    session: Session,
    report: Report,
    days: set[date],
    *,
    account_id: UUID,
    source_id: UUID,
    run_id: UUID,
    window: DayRange,
) -> None:
    session.execute(
        delete(KeptDay)
        .where(
            KeptDay.source_id == source_id,
            KeptDay.report == report,
            KeptDay.day >= window.start,
            KeptDay.day < window.end,
        )
        .execution_options(synchronize_session=False)
    )
    if days:
        session.execute(
            insert(KeptDay),
            [
                {
                    "source_id": source_id,
                    "day": day,
                    "report": report,
                    "account_id": account_id,
                    "run_id": run_id,
                }
                for day in sorted(days)
            ],
        )


def _dimension_rows(
    session: Session, layout: ReportLayout, source_id: UUID
) -> dict[tuple[str, ...], int]:
    """The dimensions a source has met before, and the ids of their rows."""
    model = layout.dimension_model
    rows = session.execute(
        select(model.id, *layout.dimension_columns).where(model.source_id == source_id)
    )
    return {tuple(row[1:]): row[0] for row in rows}


def _new_dimension_rows(
    session: Session,
    layout: ReportLayout,
    missing: list[tuple[str, ...]],
    *,
    account_id: UUID,
    source_id: UUID,
) -> dict[tuple[str, ...], int]:
    """Make rows for dimensions that are met for the first time."""
    if not missing:
        return {}
    model = layout.dimension_model
    owner = {"account_id": account_id, "source_id": source_id}
    table = model.__table__
    connection = session.connection(bind_arguments={"mapper": model})
    made = (table.c.id, *(table.c[name] for name in layout.dimensions))
    if connection.dialect.name == "postgresql":
        rows = connection.execute(
            _insert_from_arrays(table, owner, layout.dimensions, missing).returning(*made)
        )
    else:
        rows = connection.execute(
            insert(table).returning(*made),
            [owner | dict(zip(layout.dimensions, each, strict=True)) for each in missing],
        )
    return {tuple(row[1:]): row[0] for row in rows}


def _insert_from_arrays(
    table: Table,
    owner: Mapping[str, UUID],
    names: Sequence[str],
    missing: list[tuple[str, ...]],
) -> Insert:
    """Make all rows with one statement that takes an array for each column of texts.

    Its text never grows, so the driver reads it once; value lists are read anew for each number of
    rows, which takes longer than making them.
    """
    owned = [literal(identifier, table.c[name].type) for name, identifier in owner.items()]
    columns = [
        func.unnest(bindparam(f"array_{name}", list(texts), type_=ARRAY(Text())))
        for name, texts in zip(names, zip(*missing, strict=True), strict=True)
    ]
    return insert(table).from_select([*owner, *names], select(*owned, *columns))


def _insert_rows(session: Session, layout: ReportLayout, chunk: Sequence[list[int]]) -> None:
    names = (layout.parent_column, "day", *layout.figures)
    connection = session.connection(bind_arguments={"mapper": layout.daily_model})
    if connection.dialect.driver == "psycopg":
        _copy_rows(connection, layout.daily_model.__table__, names, chunk)
        return
    parents, ordinals, *figures = chunk
    days = map(date.fromordinal, ordinals)
    session.execute(
        insert(layout.daily_model),
        [dict(zip(names, row, strict=True)) for row in zip(parents, days, *figures, strict=True)],
    )


def _copy_rows(
    connection: Connection,
    table: Table,
    names: Sequence[str],
    chunk: Sequence[list[int]],
) -> None:
    """Write a chunk with PostgreSQL's COPY in its binary form, which spares it to read numbers.

    Each row is the number of its fields, then the length and the bytes of each
    (https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format").
    """
    parents, ordinals, *figures = chunk
    days = [ordinal - _POSTGRES_FIRST_DAY for ordinal in ordinals]
    row = Struct("!h" + "iq" + "ii" + "iq" * len(figures))
    fields = [(8, parents), (4, days), *((8, column) for column in figures)]
    sized_fields = chain.from_iterable((repeat(size), column) for size, column in fields)
    rows = map(row.pack, repeat(len(fields)), *sized_fields)
    prepare = connection.dialect.identifier_preparer
    columns = ", ".join(map(prepare.quote, names))
    statement = f"COPY {prepare.format_table(table)} ({columns}) FROM STDIN (FORMAT BINARY)"
    # SQLAlchemy has no COPY; its own connection to the driver is in the same transaction.
    driver = cast("psycopg.Connection", connection.connection.dbapi_connection)
    with driver.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        copy.write(b"".join([_COPY_BEGIN, *rows, _COPY_END]))
