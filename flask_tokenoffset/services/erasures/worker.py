"""The work behind an erasure: one step after the other, each in a transaction of its own.

An erasure is claimed by compare-and-set, which raises its fence and lets nobody else near it for
the length of a lease. Each step names the fence. A worker that dies is followed by another one,
which goes on after the last step that was finished; so every step is done, and none of them twice.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, or_, select

from flask_tokenoffset.models import Erasure, ErasureStatus, HostOutcome, Person, new_id
from flask_tokenoffset.services.erasures.receipts import RECEIPT_TOKEN
from flask_tokenoffset.services.erasures.steps import (
    HELD,
    Erasing,
    Means,
    release,
    step_after,
    take,
)
from flask_tokenoffset.services.shared.leases import MOST_DUE, Due, Held, Leases
from flask_tokenoffset.services.shared.tokens import derive_token, digest_of, new_salt

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from flask_tokenoffset.unit_of_work import UnitOfWork, Units

#: How workers take erasures whose time has come. Once one was begun it cannot be taken back, so it
#: does not wait as before when it is handed back.
ERASURES: Final = Leases(
    model=Erasure,
    waiting=ErasureStatus.WAITING,
    running=ErasureStatus.RUNNING,
    handed_back=ErasureStatus.RUNNING,
    lease=timedelta(minutes=5),
)


def new_erasure(
    work: UnitOfWork,
    person: Person,
    *,
    now: datetime,
    due_at: datetime,
    link_key: bytes,
) -> Erasure:
    """Note that a person's account is to be erased.

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


def due_erasures(session: Session, now: datetime) -> list[Due]:
    """The erasures whose time has come, those whose worker fell silent, and hosts to be called.

    :param now: the present instant, aware.
    """
    rows = session.execute(
        select(Erasure.id, Erasure.attempt + Erasure.host_attempts)
        .where(
            or_(
                ERASURES.is_due(now),
                and_(
                    Erasure.status == ErasureStatus.DONE,
                    Erasure.host_outcome == HostOutcome.PENDING,
                    Erasure.host_next_attempt_at <= now,
                ),
                and_(_held(), Erasure.next_attempt_at <= now),
            )
        )
        .order_by(Erasure.next_attempt_at)
        .limit(MOST_DUE)
    )
    return [Due(*row) for row in rows]


def erase(units: Units, *, erasure_id: UUID, means: Means) -> bool:
    """Take every step that is left of an erasure that is due.

    :param units: opens a unit of work; each one is committed when its block is left.
    :param erasure_id: any id; what is not due, is done or is held by another worker is left alone.
    :return: whether it was brought to its end here.
    """
    with units() as work:
        erasure = ERASURES.claim(work.session, erasure_id, means.clock.now())
        if erasure is None:
            return False
        held, person_id = Held.of(erasure), erasure.person_id
    with ERASURES.working(units, held, means.clock):
        while True:
            with units() as work:
                erasing = _hold(work, held, person_id, means)
                step = None if erasing is None else step_after(erasing.erasure.step)
                if erasing is None or step is None:
                    return False
                take(step, erasing)
                finished = step_after(step) is None
                if not finished:
                    erasing.erasure.next_attempt_at = erasing.now + ERASURES.lease
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
        .where(Erasure.person_id == person.id, ERASURES.is_unfinished)
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


def _hold(work: UnitOfWork, held: Held, person_id: UUID, means: Means) -> Erasing | None:
    """Lock what a step works on: the person first, as everything does that changes them."""
    person = _lock_person(work.session, person_id)
    erasure = ERASURES.lock(work.session, held)
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
    """Look whether what a legal hold kept of a person can go by now, once a day.

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
