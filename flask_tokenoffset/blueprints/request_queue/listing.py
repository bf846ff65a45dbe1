"""A page of the queue, for pages and operations alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask_tokenoffset.blueprints.schemas.paging import Page, page_of, read_time_cursor
from flask_tokenoffset.services.rights_requests.queue import list_closed, list_open
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from flask_tokenoffset.models import RightsRequest

#: What asks for the closed ones.
CLOSED: Final = "closed"


def list_queue(wanted: str, cursor: str | None, limit: int) -> Page[RightsRequest]:
    """Some of the queue.

    :param wanted: ``closed``, or anything else for what is open.
    :param cursor: as the page before gave it; ``None`` for the first one.
    :param limit: how many requests at most.
    :raises InvalidInput: it is no cursor of ours.
    """
    after = read_time_cursor(cursor)
    if wanted == CLOSED:
        found = list_closed(current_state().session, after=after, limit=limit + 1)
        return page_of(found, limit, lambda each: (each.closed_at or each.due_at, each.id))
    found = list_open(current_state().session, after=after, limit=limit + 1)
    return page_of(found, limit, lambda each: (each.due_at, each.id))
