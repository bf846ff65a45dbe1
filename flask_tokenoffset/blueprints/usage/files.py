"""An account's sampled usage as a file: CSV for spreadsheets, JSON for programs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from sqlalchemy.orm import Session

from flask_tokenoffset.blueprints.access.context import account_if_any
from flask_tokenoffset.blueprints.html.files import FileFormat, sent_file
from flask_tokenoffset.blueprints.usage.schemas import UsageRowAnswer
from flask_tokenoffset.services.shared.csv_rows import csv_row
from flask_tokenoffset.services.sources.usage_export import stream_usage
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from flask import Response

    from flask_tokenoffset.services.sources.usage_export import UsageRow

_COLUMNS: Final = tuple(UsageRowAnswer.model_fields)


def csv_lines(rows: Iterable[UsageRow]) -> Iterator[str]:
    """A row of titles, then each row."""
    yield csv_row(_COLUMNS)
    for row in rows:
        values = UsageRowAnswer.of(row).model_dump(mode="json")
        yield csv_row(values[name] for name in _COLUMNS)


def json_pieces(rows: Iterable[UsageRow]) -> Iterator[str]:
    """One document, a row a line."""
    begins = '{"items":['
    for row in rows:
        yield f"{begins}\n{UsageRowAnswer.of(row).model_dump_json()}"
        begins = ","
    yield "\n]}\n" if begins == "," else f"{begins}]}}\n"


#: By the end of the file's name.
FORMATS: Final[Mapping[str, FileFormat[UsageRow]]] = {
    "csv": FileFormat("CSV", "text/csv; charset=utf-8", csv_lines),
    "json": FileFormat("JSON", "application/json", json_pieces),
}


def usage_file(file_format: str) -> Response:
    """All sampled usage of the account the request is about, sent while it is read.

    :param file_format: one of :data:`FORMATS`.
    """
    state = current_state()
    account_id = account_if_any()
    rows: Iterable[UsageRow] = ()
    if account_id is not None:
        # Not the request's session: the file is sent after the request is over.
        rows = stream_usage(partial(Session, state.engine), account_id)
    return sent_file("usage", file_format, FORMATS[file_format], rows)
