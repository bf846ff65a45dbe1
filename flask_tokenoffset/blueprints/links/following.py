"""What following a link does, by what it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import request

from flask_tokenoffset.blueprints.access import own_login
from flask_tokenoffset.blueprints.access.browser_cookie import known_browser_digest
from flask_tokenoffset.blueprints.access.context import acting_person, current_user
from flask_tokenoffset.errors import Conflict, LinkNotValid, SignInRequired
from flask_tokenoffset.models import MagicLinkPurpose
from flask_tokenoffset.services.links import magic_links
from flask_tokenoffset.services.people import profiles as people
from flask_tokenoffset.services.shared import addresses
from flask_tokenoffset.services.sign_in import logins, reauthentication
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from flask_tokenoffset.host.users import HostUser
    from flask_tokenoffset.models import Person
    from flask_tokenoffset.services.links.magic_links import Redeemed
    from flask_tokenoffset.unit_of_work import UnitOfWork

#: What a proof by mail is called.
METHOD: Final = "magic-link"


def follow_link(token: str) -> Redeemed:
    """Use a link up and do what it is for, both or neither.

    :param token: as it stands in the address.
    :raises LinkNotValid: it does not work, for whatever reason.
    :raises TooManyAttempts: too many were tried from this network address.
    """
    state = current_state()
    magic_links.limit_following(state.attempts, request.remote_addr or "unknown")
    user = current_user()
    digest = known_browser_digest()
    signed_in_now: Person | None = None
    with state.unit_of_work() as work:
        redeemed = magic_links.redeem(
            work.session,
            token,
            browser_digest=digest,
            person_id=None if user.person is None else user.person.id,
            now=state.clock.now(),
        )
        match redeemed.purpose:
            case MagicLinkPurpose.VERIFY_ADDRESS:
                _verify(work, redeemed)
            case MagicLinkPurpose.CONFIRM:
                _confirm(work, redeemed, str(digest))
            case MagicLinkPurpose.SIGN_IN:
                signed_in_now = _sign_in(work, redeemed, str(digest))
    if signed_in_now is not None:
        own_login.log_in(signed_in_now)
    return redeemed


def _verify(work: UnitOfWork, redeemed: Redeemed) -> None:
    person, host_user = _who_asked(work, redeemed)
    try:
        people.prove_address(work, person, redeemed.email, host_user, current_state().clock.now())
    except Conflict:
        raise LinkNotValid from None


def _confirm(work: UnitOfWork, redeemed: Redeemed, browser_digest: str) -> None:
    """Only the address that is theirs at this moment proves that it is still they."""
    person, host_user = _who_asked(work, redeemed)
    held = people.held_of(person, host_user)
    if not held.verified or not addresses.same_address(held.email, redeemed.email):
        raise LinkNotValid
    reauthentication.confirm(
        work, person, browser_digest, method=METHOD, now=current_state().clock.now()
    )


def _sign_in(work: UnitOfWork, redeemed: Redeemed, browser_digest: str) -> Person:
    state = current_state()
    if state.settings.sign_in != "identity":  # It was another one when the link was mailed.
        raise LinkNotValid
    return logins.sign_in_by_address(
        work,
        redeemed.email,
        browser_digest=browser_digest,
        settings=state.settings,
        now=state.clock.now(),
    )


def _who_asked(work: UnitOfWork, redeemed: Redeemed) -> tuple[Person, HostUser]:
    """The current user, if it is they who asked for the link."""
    host_user = current_user().host_user
    try:
        person = acting_person(work)
    except SignInRequired:
        raise LinkNotValid from None
    if host_user is None or person.id != redeemed.person_id:
        raise LinkNotValid
    return person, host_user
