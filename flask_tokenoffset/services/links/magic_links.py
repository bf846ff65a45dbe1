"""Magic links: mailed to an address, followed once, soon, in the browser that asked.

A link is a row with a salt and a digest. Its token is derived when the mail is written, so neither
this table nor the outbox holds anything that opens something. Asking takes the same steps whether
anyone here has the address or not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, cast

from sqlalchemy import CursorResult, delete, or_, select, update

from flask_tokenoffset.errors import LinkNotValid
from flask_tokenoffset.models import MagicLink, MagicLinkPurpose, MessageKind, new_id
from flask_tokenoffset.services.mail.outbox import queue_message
from flask_tokenoffset.services.shared.tokens import (
    MAGIC_LINK_TOKEN,
    derive_token,
    digest_of,
    new_salt,
)

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.orm import Session

    from flask_tokenoffset.models import Person
    from flask_tokenoffset.services.shared.attempts import AttemptLimiter
    from flask_tokenoffset.unit_of_work import UnitOfWork

#: ASVS 6.5.5 allows ten minutes at most.
LIFETIME: Final = timedelta(minutes=10)

#: Links that may be asked for in an hour: to one address, no matter who asks; by one person; from
#: one browser; and from one network address, behind which a whole office may sit.
PER_ADDRESS: Final = 5
PER_PERSON: Final = 10
PER_BROWSER: Final = 10
PER_CLIENT: Final = 60
#: Links that may be tried in an hour. A token cannot be guessed; trying costs us a query.
TRIES_PER_CLIENT: Final = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Who asks for a link, as far as a request tells.

    :param browser_digest: the browser's own secret, as a digest.
    :param client: the network address.
    """

    browser_digest: str
    client: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeemed:
    """A link that was just followed.

    :param purpose: what it is for.
    :param person_id: who asked for it; nobody where it signs in.
    :param email: the address that is proved by having followed it.
    :param next_path: a local path to go on to.
    """

    purpose: MagicLinkPurpose
    person_id: UUID | None
    email: str = field(repr=False)
    next_path: str


def limit_asking(
    attempts: AttemptLimiter, asking: Asking, *, email: str, person_id: UUID | None
) -> None:
    """Count that a person asks for a link, before anything is done for it.

    Following a link clears no count: anyone who holds one address must not mail to others for
    ever.

    :param email: the address, in the form of :func:`.read_address`.
    :raises TooManyAttempts: one of the limits is reached; it says how long to wait.
    """
    attempts.check("magic-link-client", asking.client, limit_per_hour=PER_CLIENT)
    attempts.check("magic-link-browser", asking.browser_digest, limit_per_hour=PER_BROWSER)
    if person_id is not None:
        attempts.check("magic-link-person", str(person_id), limit_per_hour=PER_PERSON)
    attempts.check("magic-link-address", email, limit_per_hour=PER_ADDRESS)


def limit_following(attempts: AttemptLimiter, client: str) -> None:
    """Count that a person tries a link.

    :raises TooManyAttempts: the limit is reached.
    """
    attempts.check("magic-link-follow", client, limit_per_hour=TRIES_PER_CLIENT)


def ask_for_link(
    work: UnitOfWork,
    *,
    purpose: MagicLinkPurpose,
    email: str,
    asking: Asking,
    next_path: str,
    person: Person | None,
    link_key: bytes,
    now: datetime,
) -> None:
    """Have a link mailed, and make those worthless that were mailed for the same before.

    :param email: where it goes, in the form of :func:`.read_address`.
    :param next_path: a local path to go on to afterwards.
    :param person: who is signed in and asks; ``None`` where the link is to sign in.
    :param link_key: the application's key for links.
    """
    session = work.session
    # A person's links go by the person. A stranger's go by address and browser, or anyone could
    # spoil the link that another person waits for.
    former = (
        MagicLink.person_id == person.id
        if person is not None
        else (MagicLink.email == email) & (MagicLink.browser_digest == asking.browser_digest)
    )
    session.execute(
        delete(MagicLink)
        .where(MagicLink.purpose == purpose, former)
        .execution_options(synchronize_session=False)
    )
    link_id, salt = new_id(), new_salt()
    session.add(
        MagicLink(
            id=link_id,
            purpose=purpose,
            person_id=None if person is None else person.id,
            email=email,
            browser_digest=asking.browser_digest,
            salt=salt,
            token_digest=digest_of(derive_token(link_key, MAGIC_LINK_TOKEN, link_id, salt)),
            next_path=next_path,
            created_at=now,
            expires_at=now + LIFETIME,
        )
    )
    queue_message(
        work,
        kind=MessageKind.MAGIC_LINK,
        to_address=email,
        now=now,
        account_id=None if person is None else person.account_id,
        person_id=None if person is None else person.id,
        reference_id=link_id,
        purpose=purpose,
    )


def redeem(
    session: Session,
    token: str,
    *,
    browser_digest: str | None,
    person_id: UUID | None,
    now: datetime,
) -> Redeemed:
    """Use a link up. What it is for is done by the caller, in the same transaction.

    Everything is compared in one statement: two who follow a link at once use it once, and a
    refusal does not tell what was wrong. What a stranger presents uses nothing up.

    :param token: as it came in the address.
    :param browser_digest: the browser it came from, if that is known.
    :param person_id: who is signed in there, if anyone.
    :raises LinkNotValid: there is no such link of this browser and person, or it was used, replaced
        or has expired.
    """
    if browser_digest is None:
        raise LinkNotValid
    token_digest = digest_of(token)
    nobody = MagicLink.person_id.is_(None)
    used = cast(
        "CursorResult[None]",
        session.execute(
            update(MagicLink)
            .where(
                MagicLink.token_digest == token_digest,
                MagicLink.browser_digest == browser_digest,
                nobody if person_id is None else or_(nobody, MagicLink.person_id == person_id),
                MagicLink.used_at.is_(None),
                MagicLink.expires_at > now,
            )
            .values(used_at=now)
            .execution_options(synchronize_session=False)
        ),
    )
    if used.rowcount != 1:
        raise LinkNotValid
    link = session.scalars(
        select(MagicLink)
        .where(MagicLink.token_digest == token_digest)
        .execution_options(populate_existing=True)
    ).one()
    return Redeemed(
        purpose=MagicLinkPurpose(link.purpose),
        person_id=link.person_id,
        email=link.email,
        next_path=link.next_path,
    )
