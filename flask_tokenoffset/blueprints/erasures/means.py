"""What an erasure needs beside the database, from the application's state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_tokenoffset.services.erasing_steps import Means
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from flask_tokenoffset.state import State


def means_of(state: State | None = None) -> Means:
    """The means of an application. Needs its context.

    :param state: the extension's state of it; the current application's without it.
    """
    state = state or current_state()
    return Means(
        clock=state.clock,
        vault=state.vault,
        give_back=state.identities.give_back,
        link_key=state.link_key,
        tombstone_keys=state.tombstone_keys,
        proof_years=state.settings.proof_years,
        has_hook=state.settings.erasure_hook is not None,
    )
