"""Telling everyone of a material change, a chunk of people in each transaction.

A chunk is worked on under the lock of its notice's row, and the messages it puts into the outbox
are committed together with the mark that says how far it has come. So everyone gets one message,
whichever worker does it and wherever another one died. When nobody is left, the same transaction
says that the notice is complete and since when the version counts: fourteen days later at the
earliest, which the database checks once more.

People are walked in the order of their ids, which are random. Anyone who comes while that goes on
may have an id that was passed already, so those are looked for at the end.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import exists, insert, select

from flask_tokenoffset.models import (
    DocumentEffect,
    DocumentNotice,
    DocumentVersion,
    MessageKind,
    MessageStatus,
    OutboundMessage,
    Person,
    new_id,
)
from flask_tokenoffset.services.documents.documents import effect_after_notice
from flask_tokenoffset.services.shared.leases import Due, due_in_chunks, work_in_chunks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from flask_tokenoffset.clock import Clock
    from flask_tokenoffset.unit_of_work import Units

#: People that one transaction tells.
PEOPLE_PER_CHUNK: Final = 1_000
#: How long before the notice began a person may have come whose row was not to be seen yet.
_UNSEEN: Final = timedelta(minutes=5)


class _Reader(NamedTuple):
    """A person who is to be told."""

    person_id: UUID
    account_id: UUID
    email: str | None
    email_verified_at: datetime | None


def continue_notice(units: Units, *, document_version_id: UUID, clock: Clock) -> None:
    """Go on telling everyone of a version, until that is done or another worker is at it.

    :param units: opens a unit of work.
    :param document_version_id: any id; nothing happens where there is nobody left to tell.
    """
    work_in_chunks(
        units,
        DocumentNotice,
        (
            DocumentNotice.document_version_id == document_version_id,
            DocumentNotice.completed_at.is_(None),
        ),
        lambda work, notice: tell_chunk(work.session, notice, clock.now()),
    )


def due_notices(session: Session, now: datetime) -> list[Due]:
    """Versions of which not everyone was told, those begun first coming first.

    :param now: the present instant, aware.
    """
    return due_in_chunks(
        session,
        DocumentNotice.document_version_id,
        DocumentNotice.started_at,
        DocumentNotice.completed_at.is_(None),
        now,
    )


def tell_chunk(session: Session, notice: DocumentNotice, now: datetime) -> bool:
    """Tell the next people, and write down since when the version counts once nobody is left.

    :param notice: locked.
    :param now: the present instant, aware.
    :return: whether a person may be left.
    """
    version = session.get_one(DocumentVersion, notice.document_version_id)
    readers = _next_readers(session, notice)
    if readers:
        notice.last_person_id = readers[-1].person_id
    else:
        readers = _late_comers(session, notice)
    reached = [each for each in readers if each.email and each.email_verified_at]
    _put_into_outbox(session, version, reached, now)
    notice.people_notified += len(reached)
    notice.people_unreached += len(readers) - len(reached)
    if not readers:
        _finish(session, version, notice, now)
    session.flush()
    return bool(readers)


def _next_readers(session: Session, notice: DocumentNotice) -> list[_Reader]:
    query = (
        select(Person.id, Person.account_id, Person.email, Person.email_verified_at)
        .where(Person.forgotten_at.is_(None))
        .order_by(Person.id)
        .limit(PEOPLE_PER_CHUNK)
        # Nobody is forgotten between this and the commit, which would leave their address behind.
        .with_for_update(read=True)
    )
    if notice.last_person_id is not None:
        query = query.where(Person.id > notice.last_person_id)
    return [_Reader._make(row) for row in session.execute(query)]


def _late_comers(session: Session, notice: DocumentNotice) -> list[_Reader]:
    """Those who came while the others were told, can be reached, and have no message yet."""
    has_message = exists().where(
        OutboundMessage.person_id == Person.id,
        OutboundMessage.kind == MessageKind.DOCUMENT_CHANGED,
        OutboundMessage.reference_id == notice.document_version_id,
    )
    rows = session.execute(
        select(Person.id, Person.account_id, Person.email, Person.email_verified_at)
        .where(
            Person.forgotten_at.is_(None),
            Person.created_at >= notice.started_at - _UNSEEN,
            Person.email.is_not(None),
            Person.email_verified_at.is_not(None),
            ~has_message,
        )
        .order_by(Person.id)
        .limit(PEOPLE_PER_CHUNK)
        .with_for_update(read=True)
    )
    return [_Reader._make(row) for row in rows]


def _put_into_outbox(
    session: Session, version: DocumentVersion, readers: Sequence[_Reader], now: datetime
) -> None:
    """A message for each, with one statement; the schedule has them sent."""
    messages: list[dict[str, Any]] = [
        {
            "id": new_id(),
            "account_id": each.account_id,
            "person_id": each.person_id,
            "kind": MessageKind.DOCUMENT_CHANGED,
            "reference_id": version.id,
            "to_address": each.email,
            "details": {
                "title": version.title,
                "summary": version.summary,
                "not_before": f"{version.intended_effective_at:%Y-%m-%d %H:%M} UTC",
            },
            "status": MessageStatus.QUEUED,
            "attempt": 0,
            "fence": 0,
            "next_attempt_at": now,
            "created_at": now,
        }
        for each in readers
    ]
    if messages:
        # What is returned is not needed; asking for it makes it one statement instead of many.
        session.execute(insert(OutboundMessage).returning(OutboundMessage.id), messages)


def _finish(
    session: Session, version: DocumentVersion, notice: DocumentNotice, now: datetime
) -> None:
    """Note that everyone was told, and since when the version counts, in every language."""
    notice.completed_at = now
    waiting = session.scalars(
        select(DocumentVersion).where(
            DocumentVersion.document == version.document,
            DocumentVersion.version == version.version,
            DocumentVersion.material,
            DocumentVersion.sequence > 1,
            ~exists().where(DocumentEffect.document_version_id == DocumentVersion.id),
        )
    )
    session.add_all(
        DocumentEffect(
            document_version_id=each.id,
            material=True,
            notice_at=now,
            effective_at=effect_after_notice(each.intended_effective_at, now),
        )
        for each in waiting
    )
