"""The log of requests, for security and reliability: one JSON object a line, one file a UTC day.

It is off unless the operator names a folder. A line says which operation was called and how it
went. It holds no path, query, person or id, so that it cannot tell what a person did; the address
and the user agent stand in it for as long as the file is kept.
"""

from __future__ import annotations

import json
import logging
import os
import re
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

from flask_tokenoffset.data_map.enforcement import enforces
from flask_tokenoffset.services.shared.periods import day_cutoff

if TYPE_CHECKING:
    from pathlib import Path

logger = logging.getLogger(__name__)

_FILE_NAME: Final = re.compile(r"tokenoffset-requests-(\d{4}-\d{2}-\d{2})\.jsonl")
#: Nobody but the operator's own user reads it.
_MODE: Final = 0o640


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRequest:
    """What is noted of one request.

    :param route: the pattern of its address, without what stood in it; ``None`` where none fits.
    :param address: the client's network address, where it may be kept.
    :param user_agent: what the client calls itself, where it may be kept.
    :param request_id: a number of this request alone, which an answer names where it fails.
    """

    time: datetime
    method: str
    route: str | None
    status: int
    latency_ms: int
    address: str | None
    user_agent: str | None
    request_id: str | None


def file_of(folder: Path, day: date) -> Path:
    """The file of one UTC day.

    :param folder: TOKENOFFSET_REQUEST_LOG.
    """
    return folder / f"tokenoffset-requests-{day.isoformat()}.jsonl"


def note(folder: Path, request: LoggedRequest) -> None:
    """Append a request to its day's file. Many processes may at once; a line is written whole.

    A folder that cannot be written to is said in the log and costs no request.

    :param folder: TOKENOFFSET_REQUEST_LOG; it is made where it is missing.
    """
    fields = asdict(request) | {"time": request.time.astimezone(UTC).isoformat()}
    line = json.dumps(fields, separators=(",", ":")) + "\n"
    path = file_of(folder, request.time.astimezone(UTC).date())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # One write to a file opened for appending, so that lines of two processes never mix.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, _MODE)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        logger.warning("The log of requests cannot be written (%s).", type(error).__name__)


@enforces("request-log-ends", "TS-015", off=0)
def delete_old_files(folder: Path, now: datetime, days: int) -> int:
    """Delete the files of days that are over long enough; gives how many.

    Only files of ours are looked at, by their name.

    :param folder: TOKENOFFSET_REQUEST_LOG.
    :param now: the present instant, aware.
    :param days: how many days a file is kept after its day.
    """
    deleted = 0
    newest_over = day_cutoff(now, days)
    for path in sorted(folder.glob("tokenoffset-requests-*.jsonl")):
        day = _day_of(path)
        # A file's day ends with the midnight after it.
        if day is None or day >= newest_over:
            continue
        path.unlink(missing_ok=True)
        deleted += 1
    return deleted


def _day_of(path: Path) -> date | None:
    """The day a file is about; ``None`` where it is none of ours, or its name holds no day."""
    match = _FILE_NAME.fullmatch(path.name)
    try:
        return None if match is None else date.fromisoformat(match[1])
    except ValueError:
        return None
