"""News about the product: to everyone who wants it, once, and to nobody else.

An update is a row, and goes into the outbox a chunk of people at a time. A chunk is worked on under
the lock of the update's row, and its messages are committed together with the mark that says how
far it has come; so a worker that goes on after a crash begins where the last chunk ended. Who
wants news is asked when a message is queued, and again when it leaves.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, insert, select, true

from flask_tokenoffset.data_map.enforcement import enforces
from flask_tokenoffset.data_map.purposes import Purpose
from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.host.mailer import one_line
from flask_tokenoffset.models import (
    LONGEST_UPDATE_SUBJECT,
    MessageKind,
    MessageStatus,
    OutboundMessage,
    Person,
    ProductUpdate,
    new_id,
)
from flask_tokenoffset.services.consents.holding import holding
from flask_tokenoffset.services.consents.restrictions import processable

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from flask_tokenoffset.clock import Clock
    from flask_tokenoffset.unit_of_work import UnitOfWork, Units

#: Characters of the longest text.
LONGEST_TEXT: Final = 50_000
#: People that one transaction queues a message for.
PEOPLE_PER_CHUNK: Final = 1_000


def begin_update(work: UnitOfWork, subject: str, text: str, now: datetime) -> ProductUpdate:
    """Take down an update, or find it where the very same was begun before.

    :param subject: one line.
    :param text: plain text.
    :param now: the present instant, aware.
    :raises InvalidInput: it cannot be sent as it is.
    """
    _check(subject, text)
    digest = hashlib.sha256(f"{subject}\n{text}".encode()).hexdigest()
    begun = work.session.scalar(select(ProductUpdate).where(ProductUpdate.digest == digest))
    if begun is not None:
        return begun
    update = ProductUpdate(
        id=new_id(), subject=subject, text=text, digest=digest, people_queued=0, created_at=now
    )
    work.session.add(update)
    work.session.flush()
    return update


def queue_update(units: Units, *, update_id: UUID, clock: Clock) -> int:
    """Queue an update for everyone who wants it and has not got it; returns for how many.

    The messages leave with the next scheduler run.

    :param units: opens a unit of work.
    :param update_id: an update that was begun.
    """
    queued = 0
    while True:
        with units() as work:
            chunk = _queue_chunk(work.session, update_id, clock.now())
        if chunk is None:
            return queued
        queued += chunk


@enforces("updates-go-to-those-who-want-them", "TO-041", "TO-052", off=true())
def wanting_updates(now: datetime) -> ColumnElement[bool]:
    """The condition on :class:`Person` that news may be sent to them at this moment.

    They agreed to it and have not taken that back, they have not restricted the processing of their
    data, and their account is not about to be deleted.

    :param now: the present instant, aware.
    """
    return and_(holding(Purpose.PRODUCT_UPDATES, Person.account_id, now), processable())


def wants_updates(session: Session, message: OutboundMessage, now: datetime) -> bool:
    """Whether a message with news may still leave, to the address it is addressed to.

    :param message: about to be sent.
    :param now: the present instant, aware.
    """
    found = session.execute(
        select(Person.id).where(
            Person.id == message.person_id, Person.email == message.to_address, _wanting(now)
        )
    )
    return found.first() is not None


def _wanting(now: datetime) -> ColumnElement[bool]:
    return and_(
        Person.forgotten_at.is_(None),
        Person.email.is_not(None),
        Person.email_verified_at.is_not(None),
        wanting_updates(now),
    )


def _queue_chunk(session: Session, update_id: UUID, now: datetime) -> int | None:
    """Queue messages for the next people, and say how far it has come.

    :return: for how many; ``None`` if there is nobody left.
    """
    update = session.scalars(
        select(ProductUpdate)
        .where(ProductUpdate.id == update_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if update.completed_at is not None:
        return None
    readers = select(Person.id, Person.account_id, Person.email).where(_wanting(now))
    if update.last_person_id is not None:
        readers = readers.where(Person.id > update.last_person_id)
    chunk = session.execute(readers.order_by(Person.id).limit(PEOPLE_PER_CHUNK)).all()
    if not chunk:
        update.completed_at = now
        return None
    messages: list[dict[str, Any]] = [
        {
            "id": new_id(),
            "account_id": account_id,
            "person_id": person_id,
            "kind": MessageKind.PRODUCT_UPDATE,
            "reference_id": update.id,
            "to_address": email,
            "details": {},
            "status": MessageStatus.QUEUED,
            "next_attempt_at": now,
            "created_at": now,
        }
        for person_id, account_id, email in chunk
    ]
    session.execute(insert(OutboundMessage), messages)
    update.last_person_id = chunk[-1].id
    update.people_queued += len(chunk)
    session.flush()
    return len(chunk)


def _check(subject: str, text: str) -> None:
    errors: dict[str, str] = {}
    if not 0 < len(subject) <= LONGEST_UPDATE_SUBJECT or subject != one_line(subject):
        errors["subject"] = (
            f"The subject must be one line of {LONGEST_UPDATE_SUBJECT} characters at most."
        )
    if not text.strip() or len(text) > LONGEST_TEXT or "\x00" in text:
        errors["text"] = (
            f"The text must not be empty, {LONGEST_TEXT:,} characters at most, and must not contain"
            " the character NUL."
        )
    if errors:
        raise InvalidInput(errors)
