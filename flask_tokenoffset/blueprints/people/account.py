"""What the pages and the operations on oneself both do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_tokenoffset.errors import SignInRequired
from flask_tokenoffset.services.erasures import immediate as immediate_erasure
from flask_tokenoffset.services.people.profiles import Held, held_of
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from uuid import UUID

    from flask_tokenoffset.blueprints.access.context import CurrentUser
    from flask_tokenoffset.host.users import HostUser
    from flask_tokenoffset.services.erasures.immediate import Forgotten


def known_of(user: CurrentUser) -> Held:
    """What is known of a person who is signed in.

    :param user: the user who sent the request.
    """
    return held_of(user.person, _host_user(user))


def forget(user_key: str, *, actor_id: UUID | None) -> Forgotten:
    """Delete what belongs to one of the host's users.

    :param user_key: the host's own key for the user.
    :param actor_id: the person who asks for it; nobody where the host does.
    :raises LastOwner: they alone own an organization that is open; nothing is changed then.
    """
    state = current_state()
    with state.unit_of_work() as work:
        work.actor_id = actor_id
        return immediate_erasure.forget_person(
            work,
            user_key=user_key,
            means=state.erasure_means,
        )


def _host_user(user: CurrentUser) -> HostUser:
    if user.host_user is None:  # The permission of every page and operation here says so first.
        raise SignInRequired("Nobody is signed in, so there is nobody to show. Sign in first.")
    return user.host_user
