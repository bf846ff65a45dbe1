"""The authorization flow through an identity provider, and what comes of it.

No transaction is open while a provider is asked, so each half is made of short ones. Attempts are
counted before anything is asked or written.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flask import request, url_for

from flask_tokenoffset.blueprints.access import own_login
from flask_tokenoffset.blueprints.access.browser_cookie import browser_secret, known_browser_secret
from flask_tokenoffset.blueprints.access.context import (
    acting_person,
    current_user,
    forget_current_user,
)
from flask_tokenoffset.blueprints.errors.problems import request_id
from flask_tokenoffset.errors import IdentityRefused
from flask_tokenoffset.models import AttemptPurpose
from flask_tokenoffset.oidc import AuthorizationAnswer
from flask_tokenoffset.services.identities import links as identities
from flask_tokenoffset.services.identities.sign_in_attempts import (
    FlowOwner,
    begin_attempt,
    end_attempt,
    make_flow,
    unknown_attempt,
)
from flask_tokenoffset.services.sign_in import logins, reauthentication
from flask_tokenoffset.state import current_state
from flask_tokenoffset.vault import Secret

if TYPE_CHECKING:
    from flask_tokenoffset.oidc import ProvedIdentity
    from flask_tokenoffset.oidc.client import IdentityClient
    from flask_tokenoffset.services.identities.sign_in_attempts import EndedAttempt

logger = logging.getLogger(__name__)

#: Flows one person may begin in an hour.
FLOWS_PER_PERSON: Final = 30
#: Flows that may begin, and answers that may come back, through one network address in an hour; an
#: office may share one.
PER_CLIENT: Final = 300


@dataclass(frozen=True, slots=True)
class CompletedFlow:
    """How a flow ended well.

    :param purpose: what it was for.
    :param next_path: where to go on.
    """

    purpose: AttemptPurpose
    next_path: str


def begin_flow(provider: str, purpose: AttemptPurpose, next_path: str) -> str:
    """Begin an authorization flow.

    :param provider: the provider's name.
    :param purpose: what it is for.
    :param next_path: a local path to go on to afterwards.
    :return: where to send the browser. It holds the state, so it belongs into no log.
    :raises NotFound: there is no such provider.
    :raises TooManyAttempts: too many were begun.
    :raises IdentityProviderUnavailable: the provider cannot be reached.
    """
    state = current_state()
    client = state.identities.client(provider)
    host_user = current_user().host_user
    client_address = request.remote_addr or "unknown"
    state.attempts.check("identity-trip-client", client_address, limit_per_hour=PER_CLIENT)
    if host_user is not None:
        state.attempts.check("identity-trip", host_user.key, limit_per_hour=FLOWS_PER_PERSON)
    # Committed and not rolled back, because the host may have written something in this request.
    state.session.commit()
    client.metadata()
    secret = Secret(browser_secret())
    now = state.clock.now()
    with state.unit_of_work() as work:
        signs_in = purpose is AttemptPurpose.SIGN_IN
        person_id = None if signs_in else acting_person(work).id
        random_state = begin_attempt(
            work.session,
            FlowOwner(browser_secret=secret, person_id=person_id),
            provider=provider,
            purpose=purpose,
            next_path=next_path,
            now=now,
        )
    authenticated_since = now if purpose is AttemptPurpose.CONFIRM else None
    return client.authorization_address(
        make_flow(
            state.flow_key,
            random_state,
            secret,
            redirect_uri=redirect_address(provider),
            authenticated_since=authenticated_since,
        )
    )


def complete_flow(provider: str) -> CompletedFlow:
    """Complete the flow that the present request comes back from.

    Nothing in the address is looked at before its state is found to belong to this browser, person
    and provider; not even what the provider says went wrong.

    :param provider: the provider's name, from the redirect address.
    :raises IdentityRefused: the answer is not accepted; the log says why.
    """
    state = current_state()
    client = state.identities.client(provider)
    address = request.remote_addr or "unknown"
    state.attempts.check("identity-answer", address, limit_per_hour=PER_CLIENT)
    try:
        return _complete_flow(client, provider)
    except IdentityRefused as error:
        logger.warning(
            "An answer of the identity provider %s was refused: %s (request %s).",
            provider,
            error.reason,
            request_id(),
        )
        raise


def redirect_address(provider: str) -> str:
    """Where a provider sends browsers back to; one address for each provider.

    :param provider: the provider's name.
    """
    endpoint = "tokenoffset.pages.identity_callback"
    state = current_state()
    if state.settings.public_url is None:
        return url_for(endpoint, provider=provider, _external=True)
    return state.public_url(f"/identities/{provider}/callback")


def _complete_flow(client: IdentityClient, provider: str) -> CompletedFlow:
    state = current_state()
    answer = _answer()
    secret = _browser_secret()
    if secret is None or answer.state is None:
        raise unknown_attempt()
    person = current_user().person
    owner = FlowOwner(browser_secret=secret, person_id=None if person is None else person.id)
    with state.unit_of_work() as work:
        ended = end_attempt(
            work.session,
            owner,
            provider=provider,
            state=answer.state,
            now=state.clock.now(),
        )
    flow = make_flow(
        state.flow_key,
        answer.state,
        owner.browser_secret,
        redirect_uri=redirect_address(provider),
        authenticated_since=ended.began_at if ended.purpose is AttemptPurpose.CONFIRM else None,
    )
    proved = client.exchange(client.check_answer(answer), flow)
    _conclude(ended, proved, owner)
    return CompletedFlow(ended.purpose, ended.next_path)


def _conclude(ended: EndedAttempt, proved: ProvedIdentity, owner: FlowOwner) -> None:
    state = current_state()
    now = state.clock.now()
    with state.unit_of_work() as work:
        match ended.purpose:
            case AttemptPurpose.LINK:
                person = acting_person(work)
                identities.link(work, person, proved, vault=state.vault, now=now)
            case AttemptPurpose.CONFIRM:
                person = acting_person(work)
                identities.require_own(work.session, person.id, proved)
                reauthentication.confirm(
                    work, person, owner.browser_digest, method=proved.provider, now=now
                )
            case AttemptPurpose.SIGN_IN:
                person = logins.sign_in_by_identity(
                    work,
                    proved,
                    browser_digest=owner.browser_digest,
                    vault=state.vault,
                    settings=state.settings,
                    now=now,
                )
    if ended.purpose is AttemptPurpose.SIGN_IN:
        own_login.log_in(person)
        forget_current_user()


def _answer() -> AuthorizationAnswer:
    """What stands in the address, each name once (RFC 6749 section 3.1)."""
    if any(len(values) > 1 for _, values in request.args.lists()):
        raise unknown_attempt()
    return AuthorizationAnswer.read(request.args)


def _browser_secret() -> Secret | None:
    known = known_browser_secret()
    return None if known is None else Secret(known)
