"""The work behind an erasure: one step after the other, each in a transaction of its own.

An erasure is claimed by compare-and-set, which raises its fence and lets nobody else near it for
the length of a lease. Each step names the fence. A worker that dies is followed by another one,
which goes on after the last step that was finished; so every step is done, and none of them twice.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from sqlalchemy import CursorResult, and_, or_, select, update

from flask_tokenoffset.models import (
    Erasure,
    ErasureStatus,
    HostOutcome,
    Person,
    new_id,
)
from flask_tokenoffset.services.erasures.receipts import RECEIPT_TOKEN
from flask_tokenoffset.services.erasures.steps import (
    HELD,
    Erasing,
    Means,
    release,
    step_after,
    take,
)
from flask_tokenoffset.services.shared.tokens import (
    derive_token,
    digest_of,
    new_salt,
)

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from flask_tokenoffset.unit_of_work import UnitOfWork

Units = Callable[[], AbstractContextManager["UnitOfWork"]]

#: How long a worker may be silent before its erasure is given to another one.
LEASE: Final = timedelta(minutes=5)
#: Each further attempt waits twice as long, but never longer than this.
LONGEST_WAIT: Final = timedelta(hours=1)
#: Erasures that one call of :func:`due_erasures` names at most.
BATCH: Final = 100


class DueErasure(NamedTuple):
    """An erasure that a worker should take now, or whose host should be called."""

    erasure_id: UUID
    #: How often something was tried before.
    attempt: int


def new_erasure(
    work: UnitOfWork,
    person: Person,
    *,
    now: datetime,
    due_at: datetime,
    link_key: bytes,
) -> Erasure:
    """Note that somebody's account is to be erased.

    :param now: the present instant, aware.
    :param due_at: when it is.
    :param link_key: the application's key for links; the receipt is found by one.
    """
    erasure_id, salt = new_id(), new_salt()
    erasure = Erasure(
        id=erasure_id,
        account_id=person.account_id,
        person_id=person.id,
        status=ErasureStatus.WAITING,
        step=None,
        attempt=0,
        fence=0,
        next_attempt_at=due_at,
        requested_at=now,
        due_at=due_at,
        host_outcome=HostOutcome.NOT_ASKED,
        host_attempts=0,
        salt=salt,
        token_digest=digest_of(derive_token(link_key, RECEIPT_TOKEN, erasure_id, salt)),
    )
    work.session.add(erasure)
    work.session.flush()
    return erasure


def due_erasures(session: Session, now: datetime, *, limit: int = BATCH) -> list[DueErasure]:
    """The erasures whose time has come, those whose worker fell silent, and hosts to be called.

    :param now: the present instant, aware.
    """
    rows = session.execute(
        select(Erasure.id, Erasure.attempt + Erasure.host_attempts)
        .where(
            or_(
                and_(_unfinished(), Erasure.next_attempt_at <= now),
                and_(
                    Erasure.status == ErasureStatus.DONE,
                    Erasure.host_outcome == HostOutcome.PENDING,
                    Erasure.host_next_attempt_at <= now,
                ),
                and_(_held(), Erasure.next_attempt_at <= now),
            )
        )
        .order_by(Erasure.next_attempt_at)
        .limit(limit)
    )
    return [DueErasure(*row) for row in rows]


def erase(units: Units, *, erasure_id: UUID, means: Means) -> bool:
    """Take every step that is left of an erasure that is due.

    :param units: opens a unit of work; each one is committed when its block is left.
    :param erasure_id: any id; what is not due, is done or is held by somebody else is left alone.
    :return: whether it was brought to its end here.
    """
    with units() as work:
        claim = _claim(work.session, erasure_id, means.clock.now())
    if claim is None:
        return False
    while True:
        with units() as work:
            erasing = _hold(work, erasure_id, claim, means)
            if erasing is None:
                return False
            step = step_after(erasing.erasure.step)
            if step is None:
                return False
            take(step, erasing)
            finished = step_after(step) is None
            if not finished:
                erasing.erasure.next_attempt_at = erasing.now + LEASE
        if finished:
            return True


def erase_at_once(
    work: UnitOfWork,
    person: Person,
    means: Means,
    *,
    tells: bool = True,
    asks_host: bool = False,
    erased_at: datetime | None = None,
) -> Erasure:
    """Take all steps in one go and in one transaction, whatever was begun before.

    :param person: whose row this transaction holds.
    :param tells: whether they are sent a last message.
    :param asks_host: whether the host is to be called afterwards, where it has a hook.
    :param erased_at: when they were erased first, in a replay after a restore.
    """
    now = means.clock.now()
    erasure = work.session.scalar(
        select(Erasure)
        .where(Erasure.person_id == person.id, _unfinished())
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if erasure is None:
        erasure = new_erasure(work, person, now=now, due_at=now, link_key=means.link_key)
    erasure.status = ErasureStatus.RUNNING
    erasure.fence += 1
    erasure.attempt += 1
    erasing = Erasing(
        work=work,
        erasure=erasure,
        person=person,
        means=means,
        now=now,
        asks_host=asks_host and means.has_hook,
        tells=tells,
        erased_at=erased_at or now,
    )
    while (step := step_after(erasure.step)) is not None:
        take(step, erasing)
    return erasure


class _Claim(NamedTuple):
    """An erasure that this worker holds."""

    fence: int
    person_id: UUID


def _claim(session: Session, erasure_id: UUID, now: datetime) -> _Claim | None:
    claimed = cast(
        "CursorResult[Any]",
        session.execute(
            update(Erasure)
            .where(Erasure.id == erasure_id, _unfinished(), Erasure.next_attempt_at <= now)
            .values(
                status=ErasureStatus.RUNNING,
                fence=Erasure.fence + 1,
                attempt=Erasure.attempt + 1,
                next_attempt_at=now + LEASE,
            )
            .execution_options(synchronize_session=False)
        ),
    )
    if claimed.rowcount != 1:
        return None
    erasure = session.get_one(Erasure, erasure_id, populate_existing=True)
    # One that kills its worker each time is tried less and less often.
    erasure.next_attempt_at = now + waiting_time(erasure.attempt)
    return _Claim(erasure.fence, erasure.person_id)


def waiting_time(attempt: int) -> timedelta:
    """How long nobody else takes an erasure.

    :param attempt: the number of the attempt that begins, from 1 on.
    """
    doubled: timedelta = LEASE * 2 ** min(attempt - 1, 10)
    return min(doubled, LONGEST_WAIT)


def _hold(work: UnitOfWork, erasure_id: UUID, claim: _Claim, means: Means) -> Erasing | None:
    """Lock what a step works on: the person first, as everything does that changes them."""
    session = work.session
    person = _lock_person(session, claim.person_id)
    erasure = session.scalar(
        select(Erasure)
        .where(
            Erasure.id == erasure_id,
            Erasure.status == ErasureStatus.RUNNING,
            Erasure.fence == claim.fence,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if erasure is None:
        return None
    now = means.clock.now()
    return Erasing(
        work=work,
        erasure=erasure,
        person=person,
        means=means,
        now=now,
        asks_host=means.has_hook,
        tells=True,
        erased_at=now,
    )


def release_held(units: Units, *, erasure_id: UUID, means: Means) -> bool:
    """Look whether what a legal hold kept of somebody can go by now, once a day.

    :param erasure_id: any id; only one that is done but for that is looked at.
    :return: whether everything is gone.
    """
    with units() as work:
        session, now = work.session, means.clock.now()
        person_id = session.scalar(
            select(Erasure.person_id).where(
                Erasure.id == erasure_id, _held(), Erasure.next_attempt_at <= now
            )
        )
        if person_id is None:
            return False
        person = _lock_person(session, person_id)
        erasure = session.get_one(Erasure, erasure_id, with_for_update=True, populate_existing=True)
        return release(
            Erasing(
                work=work,
                erasure=erasure,
                person=person,
                means=means,
                now=now,
                asks_host=False,
                tells=False,
                erased_at=now,
            )
        )


def _lock_person(session: Session, person_id: UUID) -> Person:
    return session.scalars(
        select(Person)
        .where(Person.id == person_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()


def _held() -> ColumnElement[bool]:
    return and_(Erasure.status == ErasureStatus.DONE, Erasure.step == HELD)


def _unfinished() -> ColumnElement[bool]:
    return Erasure.status.in_((ErasureStatus.WAITING, ErasureStatus.RUNNING))
