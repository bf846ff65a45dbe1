"""How a message leaves the outbox: claimed, written, delivered, and only then marked as sent.

A message is claimed by compare-and-set, which raises its fence and lets nobody else near it for the
length of a lease. No transaction is open while it is written and given to the mailer. Marking it
names the fence. A worker that dies in between is followed by another one, which hands the message
over again under the same id; so a message may leave twice for a mailer that forgets ids, and never
leaves for none that is marked as sent.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from sqlalchemy.exc import DBAPIError

from flask_tokenoffset.host.mailer import MailRefused, MailUnavailable
from flask_tokenoffset.models import MessageKind, MessageStatus, OutboundMessage
from flask_tokenoffset.services.mail.outbox import OPTIONAL, WITH_LINK
from flask_tokenoffset.services.shared.leases import Held, LeaseLost, Leases

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from sqlalchemy.orm import Session

    from flask_tokenoffset.clock import Clock
    from flask_tokenoffset.host.mailer import Mailer, OutgoingMail
    from flask_tokenoffset.unit_of_work import UnitOfWork, Units

logger = logging.getLogger(__name__)

#: How workers take messages that are to leave.
MESSAGES: Final = Leases(
    model=OutboundMessage,
    waiting=MessageStatus.QUEUED,
    running=MessageStatus.SENDING,
    lease=timedelta(seconds=150),
)
#: How long a message without a link is tried. One with a link is tried for as long as that works.
GIVE_UP_AFTER: Final = timedelta(hours=24)

#: Why a message failed, or has not left yet; documented in ``docs/how-to/send-mail.md``.
NO_MAILER: Final = "no-mailer"
REFUSED: Final = "refused"
UNAVAILABLE: Final = "unavailable"
OUTDATED: Final = "outdated"
UNWANTED: Final = "unwanted"

#: Kinds whose address is taken out of the row once they have left or failed for good, because it is
#: nobody's any more: whose account is gone, or who has another address by now.
ADDRESS_TAKEN_OUT: Final = frozenset({MessageKind.ACCOUNT_FORGOTTEN, MessageKind.ADDRESS_CHANGED})


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

    held: Held
    letter: Letter


class Link(NamedTuple):
    """What a message leads to, while it does.

    :param path: the page, below our prefix; it may open something.
    :param expires_at: until when it does, or what is announced is still to come.
    """

    path: str
    expires_at: datetime | None


class MessageLinks(Protocol):
    """What the sending must know of the features that messages are about."""

    def find(self, session: Session, message: OutboundMessage, now: datetime) -> Link | None:
        """The link that a message carries, if it still works."""
        ...

    def is_wanted(self, session: Session, message: OutboundMessage, now: datetime) -> bool:
        """Whether a message that nobody needs is still wanted."""
        ...

    def written_by_operator(
        self, session: Session, message: OutboundMessage
    ) -> tuple[Mapping[str, str], str]:
        """Subject and text that an operator wrote; nothing of any other message."""
        ...


def send_message(
    units: Units,
    *,
    message_id: UUID,
    mailer: Mailer | None,
    write: Callable[[Letter], OutgoingMail],
    links: MessageLinks,
    clock: Clock,
) -> MessageStatus | None:
    """Have a message leave. Called any number of times, it leaves once, as far as we can tell.

    :param units: opens a unit of work; each one is committed when its block is left.
    :param message_id: the row to work on. Anything but a message that is due is left alone.
    :param mailer: what takes it; without one the message is marked as failed.
    :param write: makes a text of a letter.
    :param links: finds what a message leads to.
    :return: the status the message was left in, or ``None`` if there was nothing to do here.
    """
    with units() as work:
        claim = _claim(work, message_id, links, clock.now(), may_send=mailer is not None)
    if not isinstance(claim, _Claim):
        return claim
    if mailer is None:  # Then nothing was claimed.
        return None
    try:
        # Whatever a host's mailer or template raises: the message waits, and the error goes on to
        # where its places are logged without its words.
        with MESSAGES.working(units, claim.held, clock, failure_code=UNAVAILABLE):
            try:
                mailer.send(write(claim.letter))
            except MailRefused as refusal:
                logger.warning("Message %s is refused for good: %s.", message_id, refusal)
                return _end(units, claim, MessageStatus.FAILED, failure_code=REFUSED)
    except MailUnavailable as failure:
        logger.warning("Message %s has to wait: %s.", message_id, failure)
        return MessageStatus.QUEUED
    return _end(units, claim, MessageStatus.SENT, failure_code=None, sent_at=clock.now())


def _claim(
    work: UnitOfWork, message_id: UUID, links: MessageLinks, now: datetime, *, may_send: bool
) -> _Claim | MessageStatus | None:
    """Take a message that is due; its new status if it cannot leave any more."""
    session = work.session
    message = MESSAGES.claim(session, message_id, now)
    if message is None:
        return None
    link = links.find(session, message, now)
    needs_link = message.kind in WITH_LINK
    if not may_send:
        message.failure_code = NO_MAILER
    elif message.kind in OPTIONAL and not links.is_wanted(session, message, now):
        message.failure_code = UNWANTED
    elif needs_link and link is None:
        message.failure_code = OUTDATED
    elif not needs_link and now - message.created_at > GIVE_UP_AFTER:
        message.failure_code = message.failure_code or UNAVAILABLE
    else:
        subject, text = links.written_by_operator(session, message)
        letter = Letter(
            id=message.id,
            kind=MessageKind(message.kind),
            to_address=message.to_address,
            details={**message.details, **subject},
            text=text,
            path=None if link is None else link.path,
            expires_at=None if link is None else link.expires_at,
        )
        return _Claim(Held.of(message), letter)
    message.status = MessageStatus.FAILED
    if message.kind in ADDRESS_TAKEN_OUT:
        message.to_address = ""
    return MessageStatus.FAILED


def _end(
    units: Units, claim: _Claim, status: MessageStatus, **values: object
) -> MessageStatus | None:
    """Say what became of a message for good, unless another worker holds it by now."""
    if claim.letter.kind in ADDRESS_TAKEN_OUT:
        values["to_address"] = ""
    try:
        try:
            _change(units, claim, status=status, **values)
        except DBAPIError:
            # Marking it a second time is better than having it leave a second time.
            _change(units, claim, status=status, **values)
    except LeaseLost:
        return None
    return status


def _change(units: Units, claim: _Claim, **values: object) -> None:
    with units() as work:
        MESSAGES.change(work.session, claim.held, **values)
