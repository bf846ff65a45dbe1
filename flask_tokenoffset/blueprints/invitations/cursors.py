"""Cursors of the list of invitations, which is ordered by time and, at one instant, by an id."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from flask_tokenoffset.blueprints.api_schema import decode_cursor, encode_cursor
from flask_tokenoffset.errors import InvalidInput

if TYPE_CHECKING:
    from flask_tokenoffset.models import Invitation


def write_cursor(last: Invitation) -> str:
    """Where a page ended.

    :param last: the last invitation shown.
    """
    return encode_cursor([last.created_at.isoformat(), last.id.hex])


def read_cursor(cursor: str | None) -> tuple[datetime, UUID] | None:
    """The place after which a page begins.

    :param cursor: as the page before gave it; ``None`` for the first page.
    :raises InvalidInput: it is not one of ours.
    """
    if cursor is None:
        return None
    created_at, invitation_id = decode_cursor(cursor, 2)
    try:
        instant = datetime.fromisoformat(str(created_at))
        if instant.utcoffset() is None:
            raise ValueError
        return instant, UUID(hex=str(invitation_id))
    except ValueError:
        raise InvalidInput(
            {"cursor": "It is not a cursor of this list. Take next_cursor from the page before."}
        ) from None
