"""The deletion of an account, as its person sees it: asked for, taken back, reminded of, and done.

Between the wish and the deed lies a grace. Nothing but storage is done with the data meanwhile (see
:mod:`.restrictions`), and taking it back leaves everything as it was. Whatever the grace is, all is
over within thirty days of the wish, the last message and its address included.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import CursorResult, select, update

from flask_tokenoffset.data_map.enforcement import enforces
from flask_tokenoffset.errors import Conflict
from flask_tokenoffset.models import (
    AuditAction,
    Erasure,
    ErasureStatus,
    MessageKind,
    Person,
    RightsRequest,
    RightsRequestKind,
    RightsRequestStatus,
)
from flask_tokenoffset.services.erasures.owned_organizations import (
    lock_organizations_of,
    refuse_leaving_alone,
)
from flask_tokenoffset.services.erasures.worker import new_erasure
from flask_tokenoffset.services.mail.outbox import notify
from flask_tokenoffset.services.rights_requests import requests as rights_requests
from flask_tokenoffset.unit_of_work import Task

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy.orm import Session

    from flask_tokenoffset.unit_of_work import UnitOfWork

#: Within which everything is gone, whatever the setting says.
LONGEST: Final = timedelta(days=30)
#: How long before that it begins: long enough for a worker to be late, and for the last message,
#: which is tried for some hours (see :data:`.message_links.RECEIPT_TRIED`).
MARGIN: Final = timedelta(hours=12)
#: How long before the day the person is reminded of it; a shorter grace has no reminder.
REMIND_BEFORE: Final = timedelta(days=3)
#: People reminded in one call.
BATCH: Final = 100


def request_erasure(
    work: UnitOfWork, person: Person, *, now: datetime, grace_days: int, link_key: bytes
) -> Erasure:
    """Take down that a person wants their account to be deleted. A second time changes nothing.

    :param person: who asks, whose row this transaction holds.
    :param now: the present instant, aware.
    :param grace_days: TOKENOFFSET_DELETION_GRACE_DAYS.
    :param link_key: the application's key for links.
    :raises LastOwner: they alone own an organization that is open; nothing is changed then.
    """
    waiting = find_waiting(work.session, person.id)
    if waiting is not None:
        return waiting
    lock_organizations_of(work.session, person)
    refuse_leaving_alone(work.session, person)
    erasure = new_erasure(
        work, person, now=now, due_at=due_after(now, grace_days), link_key=link_key
    )
    person.deletion_due_at = erasure.due_at
    rights_requests.receive(work, person, RightsRequestKind.DELETION, now, acknowledge=False)
    notify(
        work,
        person,
        MessageKind.DELETION_REQUESTED,
        now,
        reference_id=erasure.id,
        due=day_of(erasure.due_at),
    )
    work.record(
        AuditAction.PERSON_DELETION_REQUESTED,
        account_id=person.account_id,
        subject_type="person",
        subject_id=person.id,
        to_date=day_of(erasure.due_at),
    )
    if erasure.due_at <= now:
        work.enqueue(Task.ERASE, erasure.id)
    return erasure


@enforces(
    "everything-is-gone-within-thirty-days",
    "TS-011",
    "TB-005",
    off=datetime.max.replace(tzinfo=UTC),
)
def due_after(now: datetime, grace_days: int) -> datetime:
    """When an account is deleted whose deletion is asked for now.

    :param now: the present instant, aware.
    :param grace_days: how long its person may take it back.
    """
    return now + min(timedelta(days=grace_days), LONGEST - MARGIN)


def undo(work: UnitOfWork, person: Person, now: datetime) -> Erasure:
    """Take a deletion back. Everything is as it was before.

    :param person: who does, whose row this transaction holds.
    :param now: the present instant, aware.
    :raises Conflict: there is none to take back, or it has begun.
    """
    session = work.session
    erasure = find_waiting(session, person.id)
    if erasure is None or not _take_back(session, erasure.id, now):
        raise Conflict(
            "No deletion waits that could be taken back, so nothing was changed. Once its day has"
            " come, nothing can be brought back."
        )
    session.refresh(erasure)
    person.deletion_due_at = None
    request = session.scalar(
        select(RightsRequest).where(
            RightsRequest.person_id == person.id,
            RightsRequest.kind == RightsRequestKind.DELETION,
            RightsRequest.status == RightsRequestStatus.OPEN,
            RightsRequest.needs_human.is_(False),
        )
    )
    if request is not None:
        rights_requests.close(work, request, RightsRequestStatus.CANCELLED, now)
    work.record(
        AuditAction.PERSON_DELETION_UNDONE,
        account_id=person.account_id,
        subject_type="person",
        subject_id=person.id,
    )
    return erasure


def find_waiting(session: Session, person_id: UUID) -> Erasure | None:
    """The deletion of a person's account that can be taken back still, if there is one.

    :param person_id: the person.
    """
    return session.scalar(
        select(Erasure).where(
            Erasure.person_id == person_id, Erasure.status == ErasureStatus.WAITING
        )
    )


def remind(work: UnitOfWork, now: datetime, *, limit: int = BATCH) -> int:
    """Remind people of what is about to happen, each once.

    :param now: the present instant, aware.
    :param limit: how many at most.
    :return: how many were due to be reminded.
    """
    due = _to_remind(work.session, now, limit)
    for erasure in due:
        person = work.session.get_one(Person, erasure.person_id)
        erasure.reminded_at = now
        notify(
            work,
            person,
            MessageKind.DELETION_REMINDER,
            now,
            reference_id=erasure.id,
            due=day_of(erasure.due_at),
        )
    work.session.flush()
    return len(due)


def day_of(due_at: datetime) -> str:
    """The day on which something is due, as mail and the log write it."""
    return due_at.date().isoformat()


def _to_remind(session: Session, now: datetime, limit: int) -> Sequence[Erasure]:
    return [
        erasure
        for erasure in session.scalars(
            select(Erasure)
            .where(
                Erasure.status == ErasureStatus.WAITING,
                Erasure.reminded_at.is_(None),
                Erasure.due_at <= now + REMIND_BEFORE,
                Erasure.due_at > now,
            )
            .order_by(Erasure.due_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        if erasure.due_at - erasure.requested_at > REMIND_BEFORE
    ]


def _take_back(session: Session, erasure_id: UUID, now: datetime) -> bool:
    """Whether nobody has begun with it, in one statement: a worker may come at this moment."""
    taken = cast(
        "CursorResult[Any]",
        session.execute(
            update(Erasure)
            .where(Erasure.id == erasure_id, Erasure.status == ErasureStatus.WAITING)
            .values(status=ErasureStatus.UNDONE, undone_at=now)
            .execution_options(synchronize_session=False)
        ),
    )
    return taken.rowcount == 1
