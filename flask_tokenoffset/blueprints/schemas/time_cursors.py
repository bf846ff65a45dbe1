"""Cursors of lists that are ordered by an instant and, at one instant, by an id."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from flask_tokenoffset.blueprints.schemas.base import decode_cursor, encode_cursor
from flask_tokenoffset.errors import InvalidInput


def write_time_cursor(instant: datetime, row_id: UUID) -> str:
    """Where a page of such a list ended.

    :param instant: by which the last item shown is sorted, aware.
    :param row_id: its id.
    """
    return encode_cursor([instant.isoformat(), row_id.hex])


def read_time_cursor(cursor: str | None) -> tuple[datetime, UUID] | None:
    """The place after which a page begins.

    :param cursor: as the page before gave it; ``None`` for the first page.
    :raises InvalidInput: it is not one of ours.
    """
    if cursor is None:
        return None
    text, row_id = decode_cursor(cursor, 2)
    try:
        instant = datetime.fromisoformat(str(text))
        if instant.utcoffset() is None:
            raise ValueError
        return instant, UUID(hex=str(row_id))
    except ValueError:
        raise InvalidInput(
            {"cursor": "It is not a cursor of this list. Take next_cursor from the page before."}
        ) from None
