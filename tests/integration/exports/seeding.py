"""Rows about one person in every table that people get a copy of, each value of which is a mark.

The tables and columns are those of the metadata and the data map; a table that is added later is
seeded as well, so that a change that forgets to pass it on finds its marks missing.
"""

from __future__ import annotations

import random
import string
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from sqlalchemy import JSON, Boolean, Date, Integer, LargeBinary, String, Uuid, insert, select

from flask_tokenoffset.data_map import load
from flask_tokenoffset.models import Base, UTCDateTime
from flask_tokenoffset.services.data_map.held_rows import NAMING_PEOPLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import FromClause
    from sqlalchemy.orm import Session
    from sqlalchemy.sql.elements import KeyedColumnElement

#: Written by the application itself as people use it.
BY_THE_APPLICATION: Final = {
    "account",
    "audit_chain",
    "audit_event",
    "audit_origin",
    "membership",
    "organization",
    "person",
}
#: Words that our code or the database reads, where a mark would be no word.
WORDS: Final[dict[str, dict[str, Any]]] = {
    "export": {"status": "fetched"},
    "rights_request": {"status": "done"},
    "outbound_message": {"status": "sent"},
    "sample_run": {"status": "cancelled"},
    "plan": {"status": "ended"},
    "erasure": {"status": "undone"},
    "adoption": {"coverage_percent": 100},
    "consent_event": {"document_version_id": None},
    "document_effect": {"material": False},
    "invitation": {"role": "member"},
}
#: Columns of the daily tables, which name their parents without a foreign key.
WITHOUT_FOREIGN_KEY: Final = {
    "daily_usage.series_id": "usage_series",
    "daily_cost.line_id": "cost_line",
}
#: What is told of nobody stands for a person's rows to name.
PARENTS_OF_NOBODY: Final = ("consent_notice", "document_version")

_HOUSE_NUMBER: Final = len("tokenoffset_")


def name_of(table: FromClause) -> str:
    """A table's name without our prefix."""
    return str(table)[_HOUSE_NUMBER:]


class Seed:
    """One person's rows.

    :param letter: what each of their texts begins with.
    :param account_id: the account their rows belong to.
    :param organization_id: the organization that their rows name.
    :param named: columns that hold a certain value, by their names.
    """

    def __init__(
        self,
        session: Session,
        letter: str,
        *,
        account_id: UUID,
        person_id: UUID,
        user_key: str,
        now: datetime,
        organization_id: UUID,
        named: Mapping[str, Any],
    ) -> None:
        self._session = session
        self._random = random.Random(letter)
        self._letter = letter
        self._now = now
        self._person_id = person_id
        self._named = {"user_key": user_key, **named}
        self._parents: dict[str, Any] = {
            "account": account_id,
            "person": person_id,
            "organization": organization_id,
        }
        #: Every row that was made, by table.
        self.rows: dict[str, list[dict[str, Any]]] = {}

    def fill(self, *, without: frozenset[str] = frozenset()) -> None:
        """Make a row in each table about people, the parents' first."""
        data_map = load()
        daily = {each.partition(".")[0] for each in WITHOUT_FOREIGN_KEY}
        tables = sorted(Base.metadata.sorted_tables, key=lambda each: name_of(each) in daily)
        for table in tables:
            name = name_of(table)
            about = data_map.tables[name].about
            if name in BY_THE_APPLICATION | without:
                continue
            if about == "person" or name in PARENTS_OF_NOBODY:
                self.add(table)

    def add(self, table: FromClause, **values: Any) -> dict[str, Any]:
        """Make one row.

        :param values: what stands in columns of these names.
        """
        name = name_of(table)
        named = {**self._named, **WORDS.get(name, {}), **values}
        row = {
            column.name: named.get(column.name, self._value_of(name, column))
            if column.name in named
            else self._value_of(name, column)
            for column in table.columns
        }
        self._session.execute(insert(table).values(row))  # type: ignore[arg-type]  # a Table
        self.rows.setdefault(name, []).append(row)
        self._parents.setdefault(name, row[next(iter(table.primary_key)).name])
        return row

    def _value_of(self, table: str, column: KeyedColumnElement[Any]) -> Any:
        for key in column.foreign_keys:
            return self._parents.get(name_of(key.column.table))
        if (parent := WITHOUT_FOREIGN_KEY.get(f"{table}.{column.name}")) is not None:
            return self._parents[parent]
        if f"{table}.{column.name}" in NAMING_PEOPLE:
            return self._person_id
        return self._mark(column.type)

    def _mark(self, kind: Any) -> Any:
        if isinstance(kind, String):
            length = min(kind.length or 20, 20)
            letters = self._random.choices(string.ascii_letters + string.digits, k=length - 1)
            return self._letter + "".join(letters)
        if isinstance(kind, JSON):
            return {"mark": self._mark(String(20))}
        number = self._number()
        marks = {
            Uuid: uuid4(),
            UTCDateTime: self._now - timedelta(days=40, microseconds=number),
            Date: date(1990, 1, 1) + timedelta(days=number % 10_000),
            Boolean: True,
            Integer: 10**8 + number % 10**9,
            LargeBinary: self._random.randbytes(24),
        }
        return next(value for each, value in marks.items() if isinstance(kind, each))

    def _number(self) -> int:
        return self._random.randrange(10**12)


def rows_in(session: Session, table: FromClause, **values: Any) -> list[dict[str, Any]]:
    """The rows of a table that the application wrote, with these values."""
    found = session.execute(select(table).filter_by(**values))
    return [dict(row._mapping) for row in found]
