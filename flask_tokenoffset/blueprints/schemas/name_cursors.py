"""Cursors of lists that are ordered by a name and, among equal names, by an id."""

from __future__ import annotations

from uuid import UUID

from flask_tokenoffset.blueprints.schemas.base import decode_cursor, encode_cursor
from flask_tokenoffset.errors import InvalidInput


def write_name_cursor(name: str, row_id: UUID) -> str:
    """Where a page of such a list ended.

    :param name: by which the last item shown is sorted.
    :param row_id: its id.
    """
    return encode_cursor([name, row_id.hex])


def read_name_cursor(cursor: str | None) -> tuple[str, UUID] | None:
    """The place after which a page begins.

    :param cursor: as the page before gave it; ``None`` for the first page.
    :raises InvalidInput: it is not one of ours.
    """
    if cursor is None:
        return None
    name, row_id = decode_cursor(cursor, 2)
    try:
        name = str(name)
        name.encode()  # Half a character cannot be asked for,
        if "\x00" in name:  # and PostgreSQL knows no NUL.
            raise ValueError
        return name, UUID(hex=str(row_id))
    except ValueError:
        raise InvalidInput(
            {"cursor": "It is not a cursor of this list. Take next_cursor from the page before."}
        ) from None
