"""What an archive says of itself: its manifest and its README, from the data map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask_tokenoffset.services.data_map.held_rows import columns_of, exported_tables
from flask_tokenoffset.services.exports.archive import FORMAT_VERSION, plain
from flask_tokenoffset.services.retention.choices import days_for
from flask_tokenoffset.services.retention.rules import find_rule

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from flask_tokenoffset.data_map import DataMap, Table
    from flask_tokenoffset.settings import Settings

_NOBODY: Final = "It says nothing about a person."
_NOT_FOUND: Final = "Whose it is cannot be told any more."
_PASSES: Final = "It stands outside the database, and passes by itself."

_README: Final = """\
A copy of everything held about you
===================================

Made at {made_at} (UTC).

manifest.json  What is in here: every file with its rows and its SHA-256 digest, and for each table
               what it is for, on which legal basis, and how long it is kept. It also names what is
               left out, and why.
json/          A file for each table, for programs. schema.json describes every field of them, as
               JSON Schema 2020-12.
csv/           The same rows for spreadsheets. A text that a spreadsheet might take for a formula
               stands behind an apostrophe there.

Instants are in UTC, as in 2026-11-20T10:00:00Z. Amounts of money are in US cents, or in billionths
of a US dollar where the name ends in nano_usd. Where a row would name another person, the field is
empty.

Keep this file where nobody else can read it. Our own copy of it was deleted when you fetched it.
"""


def readme(made_at: datetime) -> str:
    """The text that greets the reader of an archive.

    :param made_at: when it was made.
    """
    return _README.format(made_at=f"{made_at:%Y-%m-%d %H:%M}")


def about_archive(
    session: Session,
    data_map: DataMap,
    *,
    account_id: UUID,
    made_at: datetime,
    settings: Settings,
) -> dict[str, Any]:
    """The manifest without its list of files.

    :param account_id: the person's own account, whose periods of retention count.
    :param made_at: when the archive was made.
    """
    inside = exported_tables(data_map)
    return {
        "format": "flask-tokenoffset export",
        "format_version": FORMAT_VERSION,
        "made_at": plain(made_at),
        "tables": [_table(session, data_map, table, account_id, settings) for table in inside],
        "left_out": [
            *_left_out(data_map, {table.name for table in inside}),
            *(
                {
                    "kind": each.kind,
                    "name": each.name,
                    "holds": each.holds,
                    "why": each.why_not or _PASSES,
                }
                for each in data_map.elsewhere
                if each.about == "person"
            ),
        ],
    }


def _table(
    session: Session, data_map: DataMap, table: Table, account_id: UUID, settings: Settings
) -> dict[str, Any]:
    rule = find_rule(table.retention)
    days = None if rule.days is None else days_for(session, rule.name, account_id, settings)
    return {
        "name": table.name,
        "title": table.title,
        "holds": table.holds,
        "purpose": table.purpose,
        "basis": data_map.bases[table.basis],
        "kept": {"rule": rule.name, "days": days, "since": rule.begins},
        "fields": columns_of(table),
        "fields_left_out": [
            {"fields": list(columns), "why": why} for why, columns in table.kept_out.items()
        ],
    }


def _left_out(data_map: DataMap, inside: set[str]) -> list[dict[str, Any]]:
    return [
        {"kind": "table", "name": table.name, "holds": table.holds, "why": _why_not(table)}
        for table in data_map.tables.values()
        if table.name not in inside
    ]


def _why_not(table: Table) -> str:
    if table.about == "nobody":
        return _NOBODY
    return " ".join(table.kept_out) or _NOT_FOUND
