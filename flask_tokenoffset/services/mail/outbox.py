"""The outbox: messages are rows first, and leave after the commit.

:mod:`flask_tokenoffset.services.mail.sending` does the rest, in a worker.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, insert, select

from flask_tokenoffset.errors import NoMailer
from flask_tokenoffset.models import MessageKind, MessageStatus, OutboundMessage, new_id
from flask_tokenoffset.unit_of_work import Task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from flask_tokenoffset.host.mailer import Mailer
    from flask_tokenoffset.models import Person
    from flask_tokenoffset.unit_of_work import UnitOfWork

#: What the text of each kind names: the ``details`` a message of that kind must be given.
DETAILS: Final[Mapping[MessageKind, frozenset[str]]] = {
    # One of MagicLinkPurpose.
    MessageKind.MAGIC_LINK: frozenset({"purpose"}),
    # The organization's name, and one of Role.
    MessageKind.INVITATION: frozenset({"organization", "role"}),
    # How: the words "a mailed link", or the title of an identity provider.
    MessageKind.SIGNED_IN: frozenset({"method"}),
    # Sent to the former address, so it does not name the new one.
    MessageKind.ADDRESS_CHANGED: frozenset(),
    # The title of the identity provider.
    MessageKind.IDENTITY_LINKED: frozenset({"provider"}),
    MessageKind.IDENTITY_UNLINKED: frozenset({"provider"}),
    # What the person calls the source, and the title of its vendor.
    MessageKind.KEY_CONNECTED: frozenset({"source", "vendor"}),
    MessageKind.KEY_REPLACED: frozenset({"source", "vendor"}),
    MessageKind.KEY_DISCONNECTED: frozenset({"source", "vendor"}),
    # The organization's name, and one of Role.
    MessageKind.MEMBERSHIP_ENDED: frozenset({"organization"}),
    MessageKind.ROLE_CHANGED: frozenset({"organization", "role"}),
    # And what the plan's contribution is directed to, in words; empty where that is not changed.
    MessageKind.MEMBER_PLAN_CHANGED: frozenset({"organization", "programmes"}),
    # The day on which it is deleted.
    MessageKind.DELETION_REQUESTED: frozenset({"due"}),
    MessageKind.DELETION_REMINDER: frozenset({"due"}),
    MessageKind.ACCOUNT_FORGOTTEN: frozenset(),
    # The document's title, what changes, and the earliest time at which that takes effect.
    MessageKind.DOCUMENT_CHANGED: frozenset({"title", "summary", "not_before"}),
    # The title of the purpose, one of ConsentEventType, and the id of the event.
    MessageKind.CONSENT_RECEIPT: frozenset({"purpose", "decision", "receipt"}),
    # What was asked for, in words, and the day on which it is answered at the latest.
    MessageKind.REQUEST_RECEIVED: frozenset({"request", "due"}),
    MessageKind.REQUEST_EXTENDED: frozenset({"request", "due"}),
    # The same words, and what became of it.
    MessageKind.REQUEST_CLOSED: frozenset({"request", "outcome"}),
    # Until when it can be fetched.
    MessageKind.EXPORT_READY: frozenset({"expires"}),
    # Subject and text stand in the update that reference_id names.
    MessageKind.PRODUCT_UPDATE: frozenset(),
}
#: The kinds that another person can have sent to a member any number of times, and how many of each
#: kind one person gets within an hour. What they tell stands on the member's page all the same.
FROM_ORGANIZATIONS: Final = frozenset({MessageKind.ROLE_CHANGED, MessageKind.MEMBER_PLAN_CHANGED})
MOST_PER_HOUR: Final = 10
#: The kinds whose text carries a link, to what ``reference_id`` names.
WITH_LINK: Final = frozenset(
    {
        MessageKind.MAGIC_LINK,
        MessageKind.INVITATION,
        MessageKind.DOCUMENT_CHANGED,
        MessageKind.DELETION_REQUESTED,
        MessageKind.DELETION_REMINDER,
        MessageKind.ACCOUNT_FORGOTTEN,
        MessageKind.PRODUCT_UPDATE,
    }
)
#: The kinds that nobody needs. They go to those who asked for them, which is looked at once more
#: when they leave, and carry the way to get no more of them.
OPTIONAL: Final = frozenset({MessageKind.PRODUCT_UPDATE})


def require_mailer(mailer: Mailer | None) -> None:
    """Refuse what cannot do without mail, before anything is changed.

    :param mailer: the application's, if it has one.
    :raises NoMailer: it has none.
    """
    if mailer is None:
        raise NoMailer


def queue_message(
    work: UnitOfWork,
    *,
    kind: MessageKind,
    to_address: str,
    now: datetime,
    account_id: UUID | None = None,
    person_id: UUID | None = None,
    reference_id: UUID | None = None,
    **details: str | int,
) -> OutboundMessage:
    """Put a message into the outbox; it leaves after the commit, or never after a rollback.

    :param kind: which text it has.
    :param to_address: where it goes.
    :param account_id: the account it is about.
    :param person_id: who gets it, where they have a row here.
    :param reference_id: the link or invitation whose token the text carries.
    :param details: what the text names, as :data:`DETAILS` says; nothing that opens anything.
    :raises TypeError: one of them is missing, or the link is.
    """
    _check(kind, details, reference_id)
    message = OutboundMessage(
        id=new_id(),
        account_id=account_id,
        person_id=person_id,
        kind=kind,
        reference_id=reference_id,
        to_address=to_address,
        details=details,
        status=MessageStatus.QUEUED,
        next_attempt_at=now,
        created_at=now,
    )
    work.session.add(message)
    work.session.flush()
    work.enqueue(Task.MAIL, message.id)
    return message


@dataclass(frozen=True, slots=True)
class Recipient:
    """One of many who get the same kind of message.

    :param address: where it goes.
    :param reference_id: the link or invitation whose token the text carries.
    :param details: what the text names, as :data:`DETAILS` says; nothing that opens anything.
    :param person_id: who they are, where they have a row here.
    """

    address: str
    reference_id: UUID | None
    details: Mapping[str, str | int]
    person_id: UUID | None = None


def queue_messages(
    work: UnitOfWork,
    recipients: Sequence[Recipient],
    *,
    kind: MessageKind,
    account_id: UUID,
    now: datetime,
) -> None:
    """Put many messages into the outbox, with one statement however many they are.

    :param recipients: who gets one.
    :param kind: which text they have.
    :param account_id: the account they are about.
    :raises TypeError: a detail is missing that the text names.
    """
    if not recipients:
        return
    for each in recipients:
        _check(kind, each.details, each.reference_id)
    messages: list[dict[str, Any]] = [
        {
            "id": new_id(),
            "account_id": account_id,
            "person_id": each.person_id,
            "kind": kind,
            "reference_id": each.reference_id,
            "to_address": each.address,
            "details": dict(each.details),
            "status": MessageStatus.QUEUED,
            "next_attempt_at": now,
            "created_at": now,
        }
        for each in recipients
    ]
    work.session.execute(insert(OutboundMessage), messages)
    for message in messages:
        work.enqueue(Task.MAIL, message["id"])


def notify(
    work: UnitOfWork,
    person: Person,
    kind: MessageKind,
    now: datetime,
    *,
    reference_id: UUID | None = None,
    **details: str | int,
) -> None:
    """Tell a person by mail, if an address of theirs is proved; else nothing is sent.

    :param kind: which text it has. Of some, nobody gets more than a few within an hour.
    :param reference_id: what it is about, where that has a row.
    :param details: what the text names, as :data:`DETAILS` says; nothing that opens anything.
    """
    if person.email is None or person.email_verified_at is None:
        return
    if kind in FROM_ORGANIZATIONS and told_enough(work.session, kind, [person.id], now):
        return
    queue_message(
        work,
        kind=kind,
        to_address=person.email,
        now=now,
        account_id=person.account_id,
        person_id=person.id,
        reference_id=reference_id,
        **details,
    )


def told_enough(
    session: Session, kind: MessageKind, people: Sequence[UUID], now: datetime
) -> set[UUID]:
    """Those of some people who got :data:`MOST_PER_HOUR` messages of a kind within the last hour.

    :param people: ids, a thousand at most.
    :param now: the present instant, aware.
    """
    return set(
        session.scalars(
            select(OutboundMessage.person_id)
            .where(
                OutboundMessage.person_id.in_(people),
                OutboundMessage.kind == kind,
                OutboundMessage.created_at > now - timedelta(hours=1),
            )
            .group_by(OutboundMessage.person_id)
            .having(func.count() >= MOST_PER_HOUR)
        )
    )


def _check(kind: MessageKind, details: Mapping[str, str | int], reference_id: UUID | None) -> None:
    """Find a mistake of ours now, and not in a worker."""
    if missing := DETAILS[kind] - details.keys():
        raise TypeError(f"A message of kind {kind} also needs {', '.join(sorted(missing))}.")
    if kind in WITH_LINK and reference_id is None:
        raise TypeError(f"A message of kind {kind} carries a link, so it needs a reference_id.")
