"""The audit log as a file: CSV for spreadsheets, JSON Lines for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from flask_tokenoffset.blueprints.audit.schemas import AuditEventAnswer
from flask_tokenoffset.blueprints.audit.sentences import actor_of, sentence_of
from flask_tokenoffset.blueprints.html.files import FileFormat
from flask_tokenoffset.services.shared.csv_rows import csv_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from flask_tokenoffset.services.audit.reading import AuditView

_CSV_COLUMNS: Final = (
    "sequence",
    "occurred_at",
    "actor_id",
    "actor",
    "action",
    "sentence",
    "subject_type",
    "subject_id",
    "details",
    "address",
    "user_agent",
    "digest",
)


def json_lines(views: Iterable[AuditView]) -> Iterator[str]:
    """Each event as one line of JSON, as the API shows it."""
    for view in views:
        yield f"{AuditEventAnswer.of(view).model_dump_json()}\n"


def csv_lines(views: Iterable[AuditView]) -> Iterator[str]:
    """A row of titles, then each event as one row."""
    yield csv_row(_CSV_COLUMNS)
    for view in views:
        event = view.event
        yield csv_row(
            (
                event.sequence,
                event.occurred_at.isoformat(),
                _id(event.actor_id),
                actor_of(view),
                event.action,
                sentence_of(view),
                event.subject_type,
                _id(event.subject_id),
                json.dumps(event.details),
                view.address,
                view.user_agent,
                event.digest,
            )
        )


def _id(value: object) -> str | None:
    return None if value is None else str(value)


#: The ends of file names, with what is behind them.
FORMATS: Final[Mapping[str, FileFormat[AuditView]]] = {
    "csv": FileFormat("CSV", "text/csv; charset=utf-8", csv_lines),
    "jsonl": FileFormat("JSON Lines", "application/x-ndjson; charset=utf-8", json_lines),
}
