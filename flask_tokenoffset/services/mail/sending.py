"""How a message leaves the outbox: claimed, written, handed over, and only then marked as sent.

A message is claimed by compare-and-set, which raises its fence and lets nobody else near it for the
length of a lease. No transaction is open while it is written and handed over. Marking it names the
fence. A worker that dies in between is followed by another one, which hands the message over again
under the same id; so a message may leave twice for a mailer that forgets ids, and never leaves for
none that is marked as sent.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from sqlalchemy import CursorResult, select, update

from flask_tokenoffset.host.mailer import (
    MailRefused,
    MailUnavailable,
)
from flask_tokenoffset.models import (
    DocumentEffect,
    DocumentVersion,
    Erasure,
    ErasureStatus,
    Invitation,
    MagicLink,
    MessageKind,
    MessageStatus,
    OutboundMessage,
    ProductUpdate,
)
from flask_tokenoffset.services.erasures.receipts import RECEIPT_TOKEN
from flask_tokenoffset.services.links.product_updates import wants_updates
from flask_tokenoffset.services.links.unsubscribing import unsubscribe_token
from flask_tokenoffset.services.mail.outbox import (
    OPTIONAL,
    WITH_LINK,
)
from flask_tokenoffset.services.shared.tokens import derive_token

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from sqlalchemy.orm import Session

    from flask_tokenoffset.clock import Clock
    from flask_tokenoffset.host.mailer import (
        Mailer,
        OutgoingMail,
    )
    from flask_tokenoffset.unit_of_work import UnitOfWork

logger = logging.getLogger(__name__)

Units = Callable[[], AbstractContextManager["UnitOfWork"]]

#: How long a worker may be silent before its message is given to another one.
LEASE: Final = timedelta(seconds=150)
#: The wait after the first failure; each further one doubles it.
FIRST_WAIT: Final = timedelta(minutes=1)
LONGEST_WAIT: Final = timedelta(hours=1)
#: How long a message without a link is tried. One with a link is tried for as long as that works.
GIVE_UP_AFTER: Final = timedelta(hours=24)
#: How long news about the product is news.
GIVE_UP_ON_UPDATES: Final = timedelta(days=7)
#: Messages that one call of :func:`due_messages` names at most.
BATCH: Final = 500

#: Why a message failed, or has not left yet; documented in ``docs/how-to/send-mail.md``.
NO_MAILER: Final = "no-mailer"
REFUSED: Final = "refused"
UNAVAILABLE: Final = "unavailable"
OUTDATED: Final = "outdated"
UNWANTED: Final = "unwanted"

#: Kinds whose address is taken out of the row once they have left or failed for good, because it is
#: nobody's any more: whose account is gone, or who has another address by now.
ADDRESS_TAKEN_OUT: Final = frozenset({MessageKind.ACCOUNT_FORGOTTEN, MessageKind.ADDRESS_CHANGED})

#: How long the last message to somebody is tried whose account was erased. After that its address
#: goes without it, because nothing may be left thirty days after they asked for the deletion.
RECEIPT_TRIED: Final = timedelta(hours=11)

#: Words that tell apart what the tokens of different tables open.
MAGIC_LINK_TOKEN: Final = "magic-link"  # noqa: S105 - a word, not a secret
INVITATION_TOKEN: Final = "invitation"  # noqa: S105 - as above


class DueMessage(NamedTuple):
    """A message that a worker should take now."""

    message_id: UUID
    #: How often it was tried before.
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What a text is written from.

    :param path: the page the text leads to, below our prefix. It may open something.
    :param expires_at: until when it does, or what is announced is still to come.
    """

    id: UUID
    kind: MessageKind
    to_address: str = field(repr=False)
    details: Mapping[str, Any] = field(repr=False)
    #: What the operator wrote, of an update; it may have many lines.
    text: str = field(default="", repr=False)
    path: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Claim:
    """A message that this worker holds."""

    letter: Letter
    fence: int
    attempt: int


class _Link(NamedTuple):
    """What a message leads to, while it does."""

    path: str
    expires_at: datetime | None


def due_messages(session: Session, now: datetime, *, limit: int = BATCH) -> list[DueMessage]:
    """The messages whose time has come, and those whose worker fell silent; the oldest first.

    A queue that carries one of them already leaves it at that.

    :param now: the present instant, aware.
    """
    due = session.execute(
        select(OutboundMessage.id, OutboundMessage.attempt)
        .where(
            OutboundMessage.status.in_((MessageStatus.QUEUED, MessageStatus.SENDING)),
            OutboundMessage.next_attempt_at <= now,
        )
        .order_by(OutboundMessage.next_attempt_at)
        .limit(limit)
    )
    return [DueMessage(*row) for row in due]


def send_message(
    units: Units,
    *,
    message_id: UUID,
    mailer: Mailer | None,
    write: Callable[[Letter], OutgoingMail],
    link_key: bytes,
    clock: Clock,
) -> MessageStatus | None:
    """Have a message leave. Called any number of times, it leaves once, as far as we can tell.

    :param units: opens a unit of work; each one is committed when its block is left.
    :param message_id: the row to work on. Anything but a message that is due is left alone.
    :param mailer: what takes it; without one the message is marked as failed.
    :param write: makes a text of a letter.
    :param link_key: the application's key for links.
    :return: the status the message was left in, or ``None`` if there was nothing to do here.
    """
    with units() as work:
        claim = _claim(work, message_id, link_key, clock.now(), may_send=mailer is not None)
    if not isinstance(claim, _Claim):
        return claim
    if mailer is None:  # Then nothing was claimed.
        return None
    try:
        mailer.send(write(claim.letter))
    except MailRefused as refusal:
        logger.warning("Message %s is refused for good: %s.", message_id, refusal)
        return _end(units, claim, MessageStatus.FAILED, clock, failure_code=REFUSED)
    except MailUnavailable as failure:
        logger.warning("Message %s has to wait: %s.", message_id, failure)
        return _end(units, claim, MessageStatus.QUEUED, clock, failure_code=UNAVAILABLE)
    except Exception:
        # Whatever a host's mailer or template raises: the message waits, and the error goes on to
        # where its places are logged without its words.
        _end(units, claim, MessageStatus.QUEUED, clock, failure_code=UNAVAILABLE)
        raise
    return _end(units, claim, MessageStatus.SENT, clock)


def waiting_time(attempt: int) -> timedelta:
    """How long to wait after a failure.

    :param attempt: the number of the attempt that failed, from 1 on.
    """
    # Beyond a few doublings the longest wait is reached; more would overflow.
    doubled: timedelta = FIRST_WAIT * 2 ** min(attempt - 1, 10)
    return min(doubled, LONGEST_WAIT)


def _claim(
    work: UnitOfWork, message_id: UUID, link_key: bytes, now: datetime, *, may_send: bool
) -> _Claim | MessageStatus | None:
    """Take a message that is due; its new status if it cannot leave any more."""
    session = work.session
    claimed = cast(
        "CursorResult[None]",
        session.execute(
            update(OutboundMessage)
            .where(
                OutboundMessage.id == message_id,
                OutboundMessage.status.in_((MessageStatus.QUEUED, MessageStatus.SENDING)),
                OutboundMessage.next_attempt_at <= now,
            )
            .values(
                status=MessageStatus.SENDING,
                fence=OutboundMessage.fence + 1,
                attempt=OutboundMessage.attempt + 1,
                next_attempt_at=now + LEASE,
            )
            .execution_options(synchronize_session=False)
        ),
    )
    if claimed.rowcount != 1:
        return None
    message = session.scalars(
        select(OutboundMessage)
        .where(OutboundMessage.id == message_id)
        .execution_options(populate_existing=True)
    ).one()
    # A text that kills its worker each time is tried less and less often as well.
    message.next_attempt_at = now + max(LEASE, waiting_time(message.attempt))
    link = _link_of(session, message, link_key, now)
    needs_link = message.kind in WITH_LINK
    if not may_send:
        message.failure_code = NO_MAILER
    elif message.kind in OPTIONAL and not wants_updates(session, message, now):
        message.failure_code = UNWANTED
    elif needs_link and link is None:
        message.failure_code = OUTDATED
    elif not needs_link and now - message.created_at > GIVE_UP_AFTER:
        message.failure_code = message.failure_code or UNAVAILABLE
    else:
        subject, text = _written_by_operator(session, message)
        letter = Letter(
            id=message.id,
            kind=MessageKind(message.kind),
            to_address=message.to_address,
            details={**message.details, **subject},
            text=text,
            path=None if link is None else link.path,
            expires_at=None if link is None else link.expires_at,
        )
        return _Claim(letter, message.fence, message.attempt)
    message.status = MessageStatus.FAILED
    if message.kind in ADDRESS_TAKEN_OUT:
        message.to_address = ""
    return MessageStatus.FAILED


def _link_of(
    session: Session, message: OutboundMessage, link_key: bytes, now: datetime
) -> _Link | None:
    """The link that a message carries, if it still works."""
    which = message.reference_id
    if which is None:
        return None
    link: _Link | None = None
    match message.kind:
        case MessageKind.MAGIC_LINK:
            link = _magic_link(session, which, link_key, now)
        case MessageKind.INVITATION:
            link = _invitation(session, which, link_key, now)
        case MessageKind.DOCUMENT_CHANGED:
            link = _announcement(session, which, now)
        case MessageKind.DELETION_REQUESTED | MessageKind.DELETION_REMINDER:
            link = _deletion(session, which)
        case MessageKind.ACCOUNT_FORGOTTEN:
            link = _receipt(session, which, link_key, now)
        case MessageKind.PRODUCT_UPDATE:
            link = _way_out(message, link_key, now)
    return link


def _way_out(message: OutboundMessage, link_key: bytes, now: datetime) -> _Link | None:
    """The page on which somebody asks for no more news, as long as this is news."""
    if message.account_id is None or now - message.created_at > GIVE_UP_ON_UPDATES:
        return None
    return _Link(f"/unsubscribe/{unsubscribe_token(link_key, message.account_id)}", None)


def _written_by_operator(
    session: Session, message: OutboundMessage
) -> tuple[Mapping[str, str], str]:
    """Subject and text of an update; nothing of any other message."""
    if message.kind != MessageKind.PRODUCT_UPDATE:
        return {}, ""
    update = session.get_one(ProductUpdate, message.reference_id)
    return {"subject": update.subject}, update.text


def _magic_link(session: Session, link_id: UUID, link_key: bytes, now: datetime) -> _Link | None:
    link = session.get(MagicLink, link_id)
    if link is None or link.used_at is not None or link.expires_at <= now:
        return None
    token = derive_token(link_key, MAGIC_LINK_TOKEN, link.id, link.salt)
    return _Link(f"/links/{token}", link.expires_at)


def _invitation(
    session: Session, invitation_id: UUID, link_key: bytes, now: datetime
) -> _Link | None:
    invitation = session.get(Invitation, invitation_id)
    if (
        invitation is None
        or invitation.accepted_at is not None
        or invitation.cancelled_at is not None
        or invitation.expires_at <= now
    ):
        return None
    token = derive_token(link_key, INVITATION_TOKEN, invitation.id, invitation.salt)
    return _Link(f"/invitations/{token}", invitation.expires_at)


def _deletion(session: Session, erasure_id: UUID) -> _Link | None:
    """The page on which a deletion is taken back, as long as it can be."""
    erasure = session.get(Erasure, erasure_id)
    if erasure is None or erasure.status != ErasureStatus.WAITING:
        return None
    return _Link("/privacy/deletion", erasure.due_at)


def _receipt(session: Session, erasure_id: UUID, link_key: bytes, now: datetime) -> _Link | None:
    """The receipt of an erasure; the message with it is tried for some hours only."""
    erasure = session.get(Erasure, erasure_id)
    if erasure is None or erasure.finished_at is None:
        return None
    if now >= erasure.finished_at + RECEIPT_TRIED:
        return None
    token = derive_token(link_key, RECEIPT_TOKEN, erasure.id, erasure.salt)
    return _Link(f"/erasures/{token}", None)


def _announcement(session: Session, document_version_id: UUID, now: datetime) -> _Link | None:
    """The page of a version, as long as it is announced and has not taken effect."""
    version = session.get(DocumentVersion, document_version_id)
    effect = session.get(DocumentEffect, document_version_id)
    effective_at = None if effect is None else effect.effective_at
    if version is None or (effective_at is not None and effective_at <= now):
        return None
    return _Link(
        f"/documents/{version.document}/{version.version}?language={version.language}",
        effective_at,
    )


def _end(
    units: Units,
    claim: _Claim,
    status: MessageStatus,
    clock: Clock,
    *,
    failure_code: str | None = None,
) -> MessageStatus | None:
    """Say what became of a message, unless another worker holds it by now."""
    now = clock.now()
    sent = status is MessageStatus.SENT
    over = status is not MessageStatus.QUEUED and claim.letter.kind in ADDRESS_TAKEN_OUT
    with units() as work:
        ended = cast(
            "CursorResult[None]",
            work.session.execute(
                update(OutboundMessage)
                .where(
                    OutboundMessage.id == claim.letter.id,
                    OutboundMessage.status == MessageStatus.SENDING,
                    OutboundMessage.fence == claim.fence,
                )
                .values(
                    status=status,
                    **({"to_address": ""} if over else {}),
                    failure_code=failure_code,
                    sent_at=now if sent else None,
                    next_attempt_at=now + waiting_time(claim.attempt),
                )
                .execution_options(synchronize_session=False)
            ),
        )
    return status if ended.rowcount == 1 else None
