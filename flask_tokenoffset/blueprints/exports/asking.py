"""What the pages and the operations on copies share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import url_for

from flask_tokenoffset.blueprints.access.changing import changing
from flask_tokenoffset.blueprints.access.context import current_user
from flask_tokenoffset.blueprints.access.reauthentication import require_reauthentication
from flask_tokenoffset.services.exports import exports
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask_tokenoffset.models import Export


def own_exports() -> Sequence[Export]:
    """The current user's copies, the newest first; none before their first change."""
    person = current_user().person
    return [] if person is None else exports.list_exports(current_state().session, person.id)


def ask_for_export() -> Export:
    """Have a copy made for the current user.

    :raises ReauthenticationRequired: they must confirm first that it is they.
    :raises Conflict: a copy of theirs is under way or ready.
    :raises TooManyAttempts: they asked for too many.
    """
    require_reauthentication(strict=True)
    state = current_state()
    with changing() as (work, person, now):
        return exports.request_export(work, person, link_key=state.link_key, now=now)


def link_of(export: Export) -> str | None:
    """The address of the page that fetches a copy, while it can be fetched."""
    state = current_state()
    token = exports.link_token(export, link_key=state.link_key, now=state.clock.now())
    return None if token is None else url_for("tokenoffset.pages.export_link", token=token)
