"""Ending and checking a link: the steps that the page and the API share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_tokenoffset.blueprints.access import own_login
from flask_tokenoffset.blueprints.access.changing import changing
from flask_tokenoffset.blueprints.access.context import (
    acting_person,
    current_user,
    forget_current_user,
)
from flask_tokenoffset.errors import IdentityProviderUnavailable, NotFound, OutboundDisabled
from flask_tokenoffset.services.identities import links as identities
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from uuid import UUID

    from flask_tokenoffset.host.identity_providers import IdentityProvider


def unlink(identity_id: UUID) -> bool:
    """End a link, then give its refresh token back to the provider.

    :return: whether nothing is left at the provider that we know of.
    :raises NotFound: there is none, or it is another person's.
    :raises Conflict: it is the last way to sign in.
    """
    state = current_state()
    with changing() as (work, person, now):
        taken = identities.unlink(
            work, person, identity_id, vault=state.vault, settings=state.settings, now=now
        )
    if state.settings.sign_in == "identity":
        # Every login is over now; the person at this browser, who has just proved that it is they,
        # gets a new one.
        own_login.log_in(person)
        forget_current_user()
        state.session.commit()
    return taken is None or state.identities.give_back(taken.provider, taken.token)


def refresh(identity_id: UUID) -> None:
    """Ask a provider again about an identity.

    The token is used by one request only, and nobody else finds it meanwhile.

    :raises NotFound: there is none, or it is another person's.
    :raises Conflict: nothing is kept by which the provider could be asked.
    :raises IdentityRefused: the provider vouches for it no longer; the token is gone.
    :raises IdentityProviderUnavailable: the provider cannot be reached; the token is kept.
    """
    state = current_state()
    with state.unit_of_work() as work:
        taken = identities.take_token(work, acting_person(work), identity_id, vault=state.vault)
    client = state.identities.find(taken.provider)
    if client is None or taken.token is None:
        raise NotFound("The provider of this identity is not set up here any more.")
    try:
        proved = client.refresh(taken.token, taken.subject)
    except (IdentityProviderUnavailable, OutboundDisabled):
        with state.unit_of_work() as work:
            identities.put_token_back(work, taken, state.clock.now())
        raise
    with state.unit_of_work() as work:
        kept = identities.keep_refreshed(
            work, taken, proved, vault=state.vault, now=state.clock.now()
        )
    if not kept:
        state.identities.give_back(taken.provider, proved.refresh_token)


def confirming_providers() -> list[IdentityProvider]:
    """The providers by which the current user can show that it is they."""
    state = current_state()
    person = current_user().person
    if person is None:
        return []
    linked = {
        each.identity.provider for each in identities.list_identities(state.session, person.id)
    }
    return [each for each in state.identities.providers if each.name in linked]
