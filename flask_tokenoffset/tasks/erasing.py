"""The task of an erasure: takes the steps that are left, then calls the host."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from flask_tokenoffset.services.erasures import worker as erasure_worker
from flask_tokenoffset.services.erasures.host_hook import ask_host
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask_tokenoffset.state import State


def erase(erasure_id: str) -> None:
    """Erase an account whose time has come, and call the host. Any number of times, once in effect.

    :param erasure_id: the id of an :class:`~flask_tokenoffset.models.Erasure`.
    """
    state = current_state()
    which = UUID(erasure_id)
    erasure_worker.erase(state.unit_of_work, erasure_id=which, means=state.erasure_means)
    erasure_worker.release_held(state.unit_of_work, erasure_id=which, means=state.erasure_means)
    ask_host(
        state.unit_of_work,
        erasure_id=which,
        hook=_apart(state),
        clock=state.clock,
    )


def _apart(state: State) -> Callable[[str], str | None] | None:
    """The host's hook, of which nothing is left in the session that we go on with."""
    hook = state.settings.erasure_hook
    if hook is None:
        return None

    def call(user_key: str) -> str | None:
        try:
            return hook(user_key)
        finally:
            # What the hook wants kept, it has committed.
            state.session.rollback()

    return call
