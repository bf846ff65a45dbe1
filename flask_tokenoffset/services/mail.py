"""The outbox: messages are rows first, and leave after the commit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert

from flask_tokenoffset.models import MessageKind, MessageStatus, OutboundMessage, new_id
from flask_tokenoffset.unit_of_work import Task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from flask_tokenoffset.models import Person
    from flask_tokenoffset.unit_of_work import UnitOfWork


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
    :param details: what the text names; nothing that opens anything.
    """
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
    :param details: what the text names; nothing that opens anything.
    """

    address: str
    reference_id: UUID
    details: Mapping[str, str | int]


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
    """
    if not recipients:
        return
    messages: list[dict[str, Any]] = [
        {
            "id": new_id(),
            "account_id": account_id,
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
    work: UnitOfWork, person: Person, kind: MessageKind, now: datetime, **details: str | int
) -> None:
    """Tell a person by mail, if an address of theirs is proved; else nothing is sent.

    :param kind: which text it has.
    :param details: what the text names; nothing that opens anything.
    """
    if person.email is None or person.email_verified_at is None:
        return
    queue_message(
        work,
        kind=kind,
        to_address=person.email,
        now=now,
        account_id=person.account_id,
        person_id=person.id,
        reference_id=None,
        **details,
    )
