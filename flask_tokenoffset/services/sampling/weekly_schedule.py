"""What is due: weekly refreshes, runs whose worker was lost, and what may start this minute.

Each function is one set-based step inside the caller's transaction. Any number of schedulers may
take the same step at once: the unique constraints on the run's row, and one statement that claims
and marks, keep them from doubling anything.

**When a week counts as served.** A connection gets its weekly run once its turn has come (Sunday
08:00 UTC plus its own fixed offset), unless for that Sunday it has a weekly run already, or a run
of any kind is under way, or one was completed since that Sunday 08:00: then what a weekly run would
read is read or about to be. Any other run that fails does not serve the week, and the weekly run
follows it.

People who restricted the processing of their data get no run at all
(services/consents/restrictions.py).

**After an outage** only the newest Sunday is made up for. Runs that are late start again over the
whole window counted from now, by the same fixed offsets, instead of all at once.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, case, exists, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from flask_tokenoffset.models import (
    UNFINISHED,
    Connection,
    ConnectionStatus,
    RunStatus,
    RunTrigger,
    SampleRun,
    new_id,
)
from flask_tokenoffset.services.consents.restrictions import may_be_sampled
from flask_tokenoffset.services.shared.leases import Due
from flask_tokenoffset.services.sources.windows import sample_window

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import ColumnElement, Update
    from sqlalchemy.orm import Session

    from flask_tokenoffset.settings import Settings

#: How often a run is started before it fails for good.
MOST_ATTEMPTS: Final = 5
#: The stable code of a run that failed because its workers kept vanishing.
WORKER_LOST: Final = "worker-lost"
#: A run enqueued this long ago and not started is enqueued again.
QUEUE_PATIENCE: Final = timedelta(minutes=1)
#: A weekly run made later than this after its turn is spread anew. Schedulers that run every few
#: minutes stay below it.
LATE_AFTER: Final = timedelta(minutes=15)
#: Rows that one call of :func:`create_weekly_runs` makes at most.
BATCH: Final = 500

SUNDAY: Final = 6
SLOT_HOUR: Final = 8
WEEK: Final = timedelta(days=7)

#: A scheduler that runs every minute is at times a little early. Counting whole minutes would then
#: find the last batch still inside and start nothing, which halves the rate.
_CAP_MINUTE: Final = timedelta(seconds=55)
#: Nothing is given a place in the last twentieth of the window, so that a connection whose turn
#: comes late still starts inside it when scheduler runs and the vendor's cap add their minutes.
_USED_SHARE_OF_WINDOW_PERCENT: Final = 95
#: PostgreSQL's advisory locks are numbers; this one is ours by the digest of its name.
_ENQUEUEING: Final = int.from_bytes(
    hashlib.sha256(b"tokenoffset: handing runs to the queue").digest()[:8], signed=True
)


@dataclass(frozen=True, slots=True)
class LostRun:
    """A run that failed for good because its workers kept vanishing."""

    run_id: UUID
    source_id: UUID
    account_id: UUID


@dataclass(frozen=True, slots=True)
class Reclaimed:
    """What became of the runs whose lease had run out."""

    #: Runs that wait for a worker again.
    requeued: int
    failed: list[LostRun]


def weekly_slot(now: datetime) -> datetime:
    """The newest Sunday 08:00 UTC that is not after ``now``.

    :param now: the present instant, aware.
    """
    today = now.astimezone(UTC).replace(hour=SLOT_HOUR, minute=0, second=0, microsecond=0)
    slot = today - timedelta(days=(today.weekday() - SUNDAY) % 7)
    return slot if slot <= now else slot - WEEK


def refresh_offset_seconds(source_id: UUID, window_minutes: int) -> int:
    """Seconds after Sunday 08:00 UTC at which a connection's weekly refresh has its turn.

    The same connection always has the same place, and connections lie evenly over the window: the
    place is a digest of the id, so that it does not depend on how ids are made.

    :param window_minutes: the stated window in minutes, at least 1.
    """
    places = window_minutes * 60 * _USED_SHARE_OF_WINDOW_PERCENT // 100
    return int.from_bytes(hashlib.sha256(source_id.bytes).digest()[:8]) % places


def create_weekly_runs(
    session: Session, now: datetime, settings: Settings, *, limit: int = BATCH
) -> list[UUID]:
    """Make the weekly runs whose turn has come, at most one a connection and Sunday.

    Call it again, in a transaction of its own, until it returns fewer than ``limit``.

    :param now: the present instant, aware.
    :param limit: how many rows to make at most.
    :return: the ids of the new runs; :func:`due_runs` enqueues them.
    """
    slot = weekly_slot(now)
    waiting = session.execute(
        select(
            Connection.source_id,
            Connection.account_id,
            Connection.provider,
            Connection.refresh_offset_seconds,
        )
        .where(
            Connection.status == ConnectionStatus.ACTIVE,
            Connection.connected_at < slot,
            Connection.refresh_offset_seconds <= (now - slot).total_seconds(),
            *_not_served(slot),
            may_be_sampled(Connection.account_id),
        )
        # One order for all schedulers, so that two of them cannot wait for each other's rows.
        .order_by(Connection.refresh_offset_seconds, Connection.source_id)
        .limit(limit)
    ).all()
    if not waiting:
        return []
    window = sample_window(now, days=settings.sample_days, settling_hours=settings.settling_hours)
    rows = [
        {
            "id": new_id(),
            "account_id": connection.account_id,
            "source_id": connection.source_id,
            "provider": connection.provider,
            "trigger": RunTrigger.WEEKLY,
            "scheduled_for": slot,
            "window_start": window.start,
            "window_end": window.end,
            "status": RunStatus.QUEUED,
            "attempt": 0,
            "fence": 0,
            "pages_done": 0,
            "pages_expected": 0,
            "requested_at": now,
            "available_at": _start_of(slot, now, connection.refresh_offset_seconds),
        }
        for connection in waiting
    ]
    insert = postgresql.insert if _dialect(session) == postgresql.dialect.name else sqlite.insert
    statement = insert(SampleRun).on_conflict_do_nothing().returning(SampleRun.id)
    return list(session.scalars(statement, rows))


def reclaim_lost(session: Session, now: datetime) -> Reclaimed:
    """Take runs back from workers that have been silent for longer than their lease.

    The fence is raised, so that a worker which only slept can write nothing any more. A run that
    was started :data:`MOST_ATTEMPTS` times fails for good, with a reason.

    :param now: the present instant, aware.
    """
    lost = and_(SampleRun.status == RunStatus.RUNNING, SampleRun.lease_expires_at < now)
    failed = session.execute(
        update(SampleRun)
        .where(lost, SampleRun.attempt >= MOST_ATTEMPTS)
        .values(
            status=RunStatus.FAILED,
            reason_code=WORKER_LOST,
            reason=(
                f"The sample was started {MOST_ATTEMPTS} times and broke off each time, so it was"
                " given up. What was known before still stands. Ask for a new sample, and tell"
                " whoever runs this site if that breaks off too."
            ),
            fence=SampleRun.fence + 1,
            finished_at=now,
            lease_expires_at=None,
        )
        .returning(SampleRun.id, SampleRun.source_id, SampleRun.account_id)
        .execution_options(synchronize_session=False)
    ).all()
    requeued = session.execute(_put_back(now).where(lost).returning(SampleRun.id)).all()
    return Reclaimed(requeued=len(requeued), failed=[LostRun(*row) for row in failed])


def hand_back(session: Session, run_id: UUID, now: datetime) -> bool:
    """Put a run whose worker is known to be dead back at once, without waiting for its lease.

    :param now: the present instant, aware.
    :return: whether the run was under way.
    """
    statement = _put_back(now).where(
        SampleRun.id == run_id,
        SampleRun.status == RunStatus.RUNNING,
        # The last attempt ends by its lease, which gives the failure its reason.
        SampleRun.attempt < MOST_ATTEMPTS,
    )
    return session.execute(statement.returning(SampleRun.id)).first() is not None


def due_runs(session: Session, now: datetime, settings: Settings) -> list[Due]:
    """Mark the runs that may start now as enqueued, and say which they are.

    A run is due when its time has come and it was never enqueued, or was, but no worker started
    it within :data:`QUEUE_PATIENCE`: then the queue has probably lost it. Of each vendor at most
    ``vendor_starts_per_minute`` runs are enqueued in a minute, new ones first.

    :param now: the present instant, aware.
    :return: the runs to enqueue once the transaction is committed.
    """
    if not _take_turn(session):
        return []
    due = and_(
        SampleRun.status == RunStatus.QUEUED,
        SampleRun.available_at <= now,
        or_(SampleRun.enqueued_at.is_(None), SampleRun.enqueued_at < now - QUEUE_PATIENCE),
        may_be_sampled(SampleRun.account_id),
    )
    providers = session.scalars(select(SampleRun.provider).where(due).distinct()).all()
    if not providers:
        return []
    lately = session.execute(
        select(SampleRun.provider, func.count(SampleRun.id))
        .where(SampleRun.enqueued_at > now - _CAP_MINUTE)
        .group_by(SampleRun.provider)
    )
    spent = {row.provider: row[1] for row in lately}
    runs: list[Due] = []
    for provider in sorted(providers):
        left = settings.vendor_starts_per_minute - spent.get(provider, 0)
        if left > 0:
            runs += _mark_enqueued(session, now, and_(due, SampleRun.provider == provider), left)
    return runs


def _not_served(slot: datetime) -> tuple[ColumnElement[bool], ...]:
    """The conditions under which a connection still lacks its run for a Sunday."""
    own = SampleRun.source_id == Connection.source_id
    # Three questions instead of one with OR, because each finds an index.
    return (
        ~exists().where(own, SampleRun.scheduled_for == slot),
        ~exists().where(own, SampleRun.status.in_(UNFINISHED)),
        ~exists().where(own, SampleRun.status == RunStatus.COMPLETE, SampleRun.finished_at >= slot),
    )


def _start_of(slot: datetime, now: datetime, offset_seconds: int) -> datetime:
    offset = timedelta(seconds=offset_seconds)
    turn = slot + offset
    return now + offset if now - turn > LATE_AFTER else turn


def _put_back(now: datetime) -> Update:
    return (
        update(SampleRun)
        .values(
            status=RunStatus.QUEUED,
            fence=SampleRun.fence + 1,
            available_at=now,
            enqueued_at=None,
            lease_expires_at=None,
        )
        .execution_options(synchronize_session=False)
    )


def _mark_enqueued(
    session: Session, now: datetime, due: ColumnElement[bool], limit: int
) -> list[Due]:
    """Claim and mark in one statement, so that two schedulers never take the same run."""
    chosen = (
        select(SampleRun.id)
        .where(due)
        .order_by(case((SampleRun.enqueued_at.is_(None), 0), else_=1), SampleRun.available_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("chosen")
    )
    marked = session.execute(
        update(SampleRun)
        .where(SampleRun.id.in_(select(chosen.c.id)))
        .values(enqueued_at=now)
        .returning(SampleRun.id, SampleRun.attempt)
        .execution_options(synchronize_session=False)
    )
    return [Due(*row) for row in marked]


def _take_turn(session: Session) -> bool:
    """Whether no other scheduler is handing runs over, so that the count of a minute is exact.

    SQLite has one writer at a time and needs no lock.
    """
    if _dialect(session) != postgresql.dialect.name:
        return True
    return bool(
        session.scalar(
            select(func.pg_try_advisory_xact_lock(_ENQUEUEING)),
            # Without it the host's default database would be asked, where there is a bind of ours.
            bind_arguments={"mapper": SampleRun},
        )
    )


def _dialect(session: Session) -> str:
    return session.get_bind(mapper=SampleRun).dialect.name
