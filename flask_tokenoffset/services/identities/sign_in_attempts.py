"""Sign-in attempts at an identity provider: begun and ended once, soon, by the same browser.

A row remembers that an attempt was begun. It holds the digest of the state and nothing that would
help anyone who reads it: nonce and code verifier are derived anew from the state, which only the
address carries, the browser's own secret, and a key of the application.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, cast

from sqlalchemy import CursorResult, delete, or_, select, update

from flask_tokenoffset.errors import IdentityRefused
from flask_tokenoffset.models import AttemptPurpose, IdentityAttempt, new_id
from flask_tokenoffset.oidc import AuthorizationFlow
from flask_tokenoffset.services.shared.tokens import digest_of
from flask_tokenoffset.vault import Secret

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.orm import Session

#: How long a person may take at the provider.
ATTEMPT_LIFETIME: Final = timedelta(minutes=10)
#: How long the row of an attempt is kept after it could be used; it tells nothing any more.
KEPT_AFTERWARDS: Final = timedelta(days=1)
_STATE_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowOwner:
    """Who an attempt belongs to, as far as the browser tells.

    :param browser_secret: the browser's own secret.
    :param person_id: who is signed in, if anyone.
    """

    browser_secret: Secret
    person_id: UUID | None

    @property
    def browser_digest(self) -> str:
        """What is kept of the browser's secret."""
        return digest_of(self.browser_secret.reveal())


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedAttempt:
    """An attempt whose browser has just come back.

    :param purpose: what it was for.
    :param next_path: where to go on.
    :param began_at: when it began.
    """

    purpose: AttemptPurpose
    next_path: str
    began_at: datetime


def begin_attempt(
    session: Session,
    owner: FlowOwner,
    *,
    provider: str,
    purpose: AttemptPurpose,
    next_path: str,
    now: datetime,
) -> Secret:
    """Remember that a browser begins an attempt.

    :param provider: the provider's name.
    :param purpose: what the attempt is for.
    :param next_path: a local path to go on to afterwards.
    :return: the state, which is kept nowhere.
    """
    session.execute(
        delete(IdentityAttempt).where(IdentityAttempt.expires_at < now - KEPT_AFTERWARDS)
    )
    state = Secret(secrets.token_urlsafe(_STATE_BYTES))
    session.add(
        IdentityAttempt(
            id=new_id(),
            state_digest=digest_of(state.reveal()),
            browser_digest=owner.browser_digest,
            purpose=purpose,
            provider=provider,
            person_id=None if purpose is AttemptPurpose.SIGN_IN else owner.person_id,
            next_path=next_path,
            created_at=now,
            expires_at=now + ATTEMPT_LIFETIME,
        )
    )
    session.flush()
    return state


def end_attempt(
    session: Session, owner: FlowOwner, *, provider: str, state: Secret, now: datetime
) -> EndedAttempt:
    """Use up the one attempt that a state belongs to.

    Everything is compared in one statement, so two answers at once end one attempt, and a refusal
    does not tell what was wrong. What a stranger presents uses nothing up.

    :param provider: whose redirect address was called.
    :param state: as it came in the address.
    :raises IdentityRefused: there is no such attempt of this browser and person to this provider,
        or it was ended before, or took too long.
    """
    state_digest = digest_of(state.reveal())
    nobody = IdentityAttempt.person_id.is_(None)
    used = session.execute(
        update(IdentityAttempt)
        .where(
            IdentityAttempt.state_digest == state_digest,
            IdentityAttempt.browser_digest == owner.browser_digest,
            IdentityAttempt.provider == provider,
            nobody
            if owner.person_id is None
            else or_(nobody, IdentityAttempt.person_id == owner.person_id),
            IdentityAttempt.used_at.is_(None),
            IdentityAttempt.expires_at > now,
        )
        .values(used_at=now)
        .execution_options(synchronize_session=False)
    )
    if cast("CursorResult[None]", used).rowcount != 1:
        raise unknown_attempt()
    attempt = session.execute(
        select(IdentityAttempt).where(IdentityAttempt.state_digest == state_digest)
    ).scalar_one()
    return EndedAttempt(
        purpose=AttemptPurpose(attempt.purpose),
        next_path=attempt.next_path,
        began_at=attempt.created_at,
    )


def unknown_attempt() -> IdentityRefused:
    """What is said of an answer that nobody here asked for."""
    return IdentityRefused(
        "This answer of an identity provider belongs to nothing that was begun in this browser, was"
        " used already, or came too late, so nothing was changed. Begin again from here.",
        reason="state",
    )


def forget_attempts(session: Session, person_id: UUID) -> None:
    """Let no attempt of a person that is under way come to anything.

    :param person_id: the person.
    """
    session.execute(delete(IdentityAttempt).where(IdentityAttempt.person_id == person_id))


def make_flow(
    key: bytes,
    state: Secret,
    browser_secret: Secret,
    *,
    redirect_uri: str,
    authenticated_since: datetime | None = None,
) -> AuthorizationFlow:
    """The values of a flow; the same at both ends, without having been kept.

    :param key: the application's key for authorization flows.
    :param state: as it was made, or as it came back and was found.
    :param browser_secret: the browser's own secret.
    :param redirect_uri: where the browser comes back to.
    :param authenticated_since: for a proof that it is still they: since when.
    """
    return AuthorizationFlow(
        redirect_uri=redirect_uri,
        state=state,
        nonce=_derive(key, "nonce", state, browser_secret),
        code_verifier=_derive(key, "code verifier", state, browser_secret),
        authenticated_since=authenticated_since,
    )


def _derive(key: bytes, what: str, state: Secret, browser_secret: Secret) -> Secret:
    text = f"{what}\0{state.reveal()}\0{browser_secret.reveal()}"
    raw = hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
    return Secret(base64.urlsafe_b64encode(raw).rstrip(b"=").decode())
