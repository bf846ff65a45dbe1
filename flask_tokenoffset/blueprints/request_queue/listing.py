"""A page of the queue, for pages and operations alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from flask_tokenoffset.blueprints.schemas.time_cursors import read_time_cursor, write_time_cursor
from flask_tokenoffset.services.rights_requests.queue import list_closed, list_open
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask_tokenoffset.models import RightsRequest

#: What asks for the closed ones.
CLOSED: Final = "closed"


class QueuePage(NamedTuple):
    """Some of the queue.

    :param shown: the requests.
    :param next_cursor: where the next page begins, if there is one.
    """

    shown: Sequence[RightsRequest]
    next_cursor: str | None


def list_queue(wanted: str, cursor: str | None, limit: int) -> QueuePage:
    """Some of the queue.

    :param wanted: ``closed``, or anything else for what is open.
    :param cursor: as the page before gave it; ``None`` for the first one.
    :param limit: how many requests at most.
    :raises InvalidInput: it is no cursor of ours.
    """
    after = read_time_cursor(cursor)
    list_some = list_closed if wanted == CLOSED else list_open
    found = list_some(current_state().session, after=after, limit=limit + 1)
    shown = found[:limit]
    if len(found) <= limit:
        return QueuePage(shown, None)
    last = shown[-1]
    instant = last.closed_at if wanted == CLOSED else last.due_at
    return QueuePage(shown, write_time_cursor(instant or last.due_at, last.id))
