"""Rows of several models read as records: for what is shown and never changed.

The ORM prepares the loading of entities, and of each column even, anew for each query, which costs
a short request more than the query itself. So records are read past it, over the session's own
connection and in its transaction.
"""

from __future__ import annotations

from collections import namedtuple
from functools import cache
from types import FunctionType
from typing import TYPE_CHECKING, Any

from flask_tokenoffset.models.accounts import Account

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import ColumnElement, Executable, Row
    from sqlalchemy.orm import Session

    from flask_tokenoffset.models.base import Base


def record_columns(*models: type[Base]) -> list[ColumnElement[Any]]:
    """What a query selects so that :func:`records` can read its rows.

    :param models: in the order in which the records are wanted.
    """
    return [
        getattr(model, name).label(f"{model.__tablename__}_{name}")
        for model in models
        for name in _names(model)
    ]


def fetch_rows(
    session: Session, statement: Executable, values: Mapping[str, Any]
) -> Sequence[Row[*tuple[Any, ...]]]:
    """The rows of a query of :func:`record_columns`.

    :param statement: built once, with its values as named parameters.
    :param values: by the names of the parameters.
    """
    if session.autoflush:
        session.flush()  # as the ORM does before a query of its own
    connection = session.connection(bind_arguments={"mapper": Account})
    return connection.execute(statement, values).all()


def records(row: Sequence[Any], *models: type[Base]) -> Sequence[Any]:
    """One record for each model, with the attributes of its columns.

    :param row: of a query of :func:`record_columns` for the same models.
    :returns: None in the place of a model that an outer join found nothing of.
    """
    found: list[Any] = []
    begin = 0
    for model in models:
        kind, key, size = _kind(model)
        values = row[begin : begin + size]
        found.append(None if values[key] is None else kind(*values))
        begin += size
    return found


@cache
def _kind(model: type[Base]) -> tuple[Any, int, int]:
    """The record's class, the place of the primary key in it, and how many columns it has."""
    names = _names(model)
    key = names.index(str(model.__mapper__.primary_key[0].key))
    # What the model computes from its columns, the record computes as well.
    computed = {
        name: each
        for name, each in vars(model).items()
        if isinstance(each, property | FunctionType) and not name.startswith("__")
    }
    kind = type(model.__name__, (namedtuple(model.__name__, names),), computed)  # noqa: PYI024
    return kind, key, len(names)


@cache
def _names(model: type[Base]) -> list[str]:
    return [each.key for each in model.__mapper__.column_attrs]
