"""What the page and the operations on a deletion both do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_tokenoffset.blueprints.access.changing import changing
from flask_tokenoffset.blueprints.access.context import (
    acting_person,
    current_user,
    forget_current_user,
    nothing_here,
)
from flask_tokenoffset.errors import SignInRequired
from flask_tokenoffset.services.erasures import requests as erasures
from flask_tokenoffset.services.erasures.immediate import forget_answers
from flask_tokenoffset.services.erasures.receipts import find_receipt
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from flask_tokenoffset.models import Erasure


def waiting_deletion() -> Erasure | None:
    """The deletion of the current user's account that they can take back still, if there is one."""
    person = current_user().person
    return None if person is None else erasures.find_waiting(current_state().session, person.id)


def ask_for_deletion() -> Erasure | None:
    """Have the account of the current user deleted.

    :return: when that is; ``None`` where they have no account here.
    :raises LastOwner: they alone own an organization that is open; nothing is changed then.
    """
    state = current_state()
    user = current_user()
    if user.host_user is None:
        raise SignInRequired("Nobody is signed in, so nothing was deleted. Sign in first.")
    with state.unit_of_work() as work:
        if user.person is None:
            forget_current_user()
            forget_answers(work, user.host_user.key)
            return None
        return erasures.request_erasure(
            work,
            acting_person(work),
            now=state.clock.now(),
            grace_days=state.settings.deletion_grace_days,
            link_key=state.link_key,
        )


def take_deletion_back() -> None:
    """Leave everything as it is.

    :raises Conflict: there is no deletion that could be taken back.
    """
    with changing() as (work, person, now):
        erasures.undo(work, person, now)


def find_done(token: str) -> Erasure:
    """The erasure that a receipt's link leads to.

    :param token: as it stands in the address.
    :raises NotFound: there is none.
    """
    erasure = find_receipt(current_state().session, token)
    if erasure is None:
        raise nothing_here()
    return erasure
