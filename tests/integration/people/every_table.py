"""Fills every table with marked rows, whatever tables there are.

A table that is added later gets such rows as well, so that a change that forgets to deal with it
finds its marks where none may be.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy import JSON, Boolean, Date, Integer, LargeBinary, String, Table, Uuid, insert

from flask_tokenoffset.data_map import load
from flask_tokenoffset.models import TABLE_PREFIX, Base, UTCDateTime

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Column
    from sqlalchemy.orm import Session

#: Words that our code reads, where a mark would be no word of ours.
WORDS: dict[str, dict[str, Any]] = {
    "tokenoffset_account": {"kind": "person"},
    "tokenoffset_organization": {"payer_rule": "organization", "default_coverage_percent": 100},
    "tokenoffset_membership": {"role": "member", "status": "active"},
    "tokenoffset_invitation": {"role": "member", "cancelled_at": None, "accepted_at": None},
    "tokenoffset_plan": {"status": "active"},
    "tokenoffset_sample_run": {"status": "running"},
    "tokenoffset_outbound_message": {"status": "sent"},
    "tokenoffset_bulk_change": {"status": "queued"},
    "tokenoffset_adoption": {"coverage_percent": 100},
    # One of the two names what it is about, and the notice is about nobody.
    "tokenoffset_consent_event": {"document_version_id": None, "notice_digest": None},
    "tokenoffset_rights_request": {"kind": "question", "status": "done", "needs_human": True},
    "tokenoffset_export": {"status": "ready"},
    "tokenoffset_erasure": {"status": "undone", "step": None, "host_outcome": "not-asked"},
}
#: Columns of the daily tables, which name their parents without a foreign key.
WITHOUT_FOREIGN_KEY = {
    "tokenoffset_daily_usage.series_id": "tokenoffset_usage_series",
    "tokenoffset_daily_cost.line_id": "tokenoffset_cost_line",
}
#: Written by the application itself, because nobody else could write a chain that fits.
BY_THE_APPLICATION = {
    "tokenoffset_audit_chain",
    "tokenoffset_audit_event",
    "tokenoffset_audit_origin",
}


class Marked:
    """Rows of one owner, one in each table, each text of which carries the owner's mark.

    :param mark: what stands in every text.
    :param parents: table to the id that its children name, where it is not a row made here.
    """

    def __init__(
        self, session: Session, mark: str, now: datetime, parents: Mapping[str, Any]
    ) -> None:
        self._session = session
        self.mark = mark
        self._now = now
        self.parents = dict(parents)

    def fill(self, *tables: Table, **values: Any) -> None:
        """Make a row in each table, the parents' tables first.

        :param values: what stands in columns of these names instead of something marked.
        """
        for table in tables:
            named = {**WORDS.get(table.name, {}), **values}
            row = {
                column.name: named.get(column.name, self._value_of(table, column))
                for column in table.columns
            }
            self._session.execute(insert(table).values(row))
            (first, *_) = table.primary_key.columns
            self.parents.setdefault(table.name, row[first.name])

    def _value_of(self, table: Table, column: Column[Any]) -> Any:
        for key in column.foreign_keys:
            if key.column.table.name in self.parents:
                return self.parents[key.column.table.name]
        if (parent := WITHOUT_FOREIGN_KEY.get(f"{table.name}.{column.name}")) is not None:
            return self.parents[parent]
        kind = column.type
        if isinstance(kind, String):
            # Short ones carry what fits; the mark is as long as the shortest.
            return f"{self.mark}{uuid4().hex}"[: kind.length]
        if isinstance(kind, Integer):
            return uuid4().int % 10**9 if column.primary_key else 7
        values = {
            Uuid: uuid4(),
            UTCDateTime: self._now,
            Date: date(2026, 11, 1),
            Boolean: True,
            LargeBinary: self.mark.encode(),
            JSON: {self.mark: self.mark},
        }
        return next(value for each, value in values.items() if isinstance(kind, each))


def about_nobody() -> set[str]:
    """The tables in which nothing is anyone's, as the data map says."""
    return {
        TABLE_PREFIX + table.name
        for table in load().tables.values()
        if table.about == "nobody" or table.found_by == "none"
    }


def tables(*, without: set[str]) -> list[Table]:
    """Every table of ours that can hold something of a person's but some, parents first."""
    left_out = without | BY_THE_APPLICATION | about_nobody()
    nameless = {name.partition(".")[0] for name in WITHOUT_FOREIGN_KEY}
    found = [table for table in Base.metadata.sorted_tables if table.name not in left_out]
    return sorted(found, key=lambda table: table.name in nameless)
