"""Pages of lists: how many items are shown, and the cursor at which the next page begins."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from flask_tokenoffset.blueprints.schemas.base import decode_cursor, encode_cursor
from flask_tokenoffset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Item = TypeVar("Item")


class Page(NamedTuple, Generic[Item]):
    """Some items of a list.

    :param shown: the items.
    :param next_cursor: where the next page begins; ``None`` at the end of the list.
    """

    shown: Sequence[Item]
    next_cursor: str | None = None


def page_of(
    found: Sequence[Item], limit: int, key: Callable[[Item], tuple[str | int | date | UUID, ...]]
) -> Page[Item]:
    """A page of what was found.

    :param found: the items in order; one more than fits says that there is another page.
    :param limit: how many items fit.
    :param key: what an item is sorted by.
    """
    if len(found) <= limit:
        return Page(found)
    shown = found[:limit]
    return Page(shown, encode_cursor(map(_written, key(shown[-1]))))


def read_name_cursor(cursor: str | None) -> tuple[str, UUID] | None:
    """The place in a list by name and, among equal names, by id, after which a page begins.

    :param cursor: as the page before gave it; ``None`` for the first page.
    :raises InvalidInput: it is not one of ours.
    """
    parts: tuple[str, UUID] | None = _read(cursor, _name, _id)
    return parts


def read_time_cursor(cursor: str | None) -> tuple[datetime, UUID] | None:
    """The place in a list by instant and id; as :func:`read_name_cursor`."""
    parts: tuple[datetime, UUID] | None = _read(cursor, _instant, _id)
    return parts


def read_sequence_cursor(cursor: str | None) -> int | None:
    """The place in a list by number; as :func:`read_name_cursor`."""
    parts: tuple[int] | None = _read(cursor, _sequence)
    return parts and parts[0]


def read_month_cursor(cursor: str | None) -> date | None:
    """The place in a list by month; as :func:`read_name_cursor`."""
    parts: tuple[date] | None = _read(cursor, lambda part: date.fromisoformat(str(part)))
    return parts and parts[0]


def _read(cursor: str | None, *kinds: Callable[[str | int], Any]) -> Any:
    if cursor is None:
        return None
    parts = decode_cursor(cursor, len(kinds))
    try:
        return tuple(kind(part) for kind, part in zip(kinds, parts, strict=True))
    except ValueError:
        raise InvalidInput(
            {"cursor": "It is not a cursor of this list. Take next_cursor from the page before."}
        ) from None


def _written(part: str | int | date | UUID) -> str | int:
    if isinstance(part, UUID):
        return part.hex
    return part.isoformat() if isinstance(part, date) else part


def _id(part: str | int) -> UUID:
    return UUID(hex=str(part))


def _name(part: str | int) -> str:
    name = str(part)
    name.encode()  # Half a character cannot be asked for,
    if "\x00" in name:  # and PostgreSQL knows no NUL.
        raise ValueError
    return name


def _instant(part: str | int) -> datetime:
    instant = datetime.fromisoformat(str(part))
    if instant.utcoffset() is None:
        raise ValueError
    return instant


def _sequence(part: str | int) -> int:
    if not isinstance(part, int) or not 0 < part < 2**63:
        raise ValueError
    return part
