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
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, cast

from sqlalchemy import CursorResult, select, update

from flask_tokenoffset.host.mailer import (
    MailRefused,
    MailUnavailable,
)
from flask_tokenoffset.models import MessageKind, MessageStatus, OutboundMessage
from flask_tokenoffset.services.mail.outbox import (
    OPTIONAL,
    WITH_LINK,
)

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
    work: UnitOfWork, message_id: UUID, links: MessageLinks, now: datetime, *, may_send: bool
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
        return _Claim(letter, message.fence, message.attempt)
    message.status = MessageStatus.FAILED
    if message.kind in ADDRESS_TAKEN_OUT:
        message.to_address = ""
    return MessageStatus.FAILED


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
