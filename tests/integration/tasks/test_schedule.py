"""The schedule against real tables, on SQLite and PostgreSQL."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, create_engine, func, insert, select, update
from sqlalchemy.orm import Session

from flask_tokenoffset.models import (
    Account,
    Connection,
    Person,
    RunStatus,
    SampleRun,
    Source,
    new_id,
)
from flask_tokenoffset.services.sampling import weekly_schedule
from flask_tokenoffset.services.sampling.weekly_schedule import (
    create_weekly_runs,
    due_runs,
    hand_back,
    reclaim_lost,
    refresh_offset_seconds,
)
from flask_tokenoffset.settings import Settings
from tests.support.tables import make_tables

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from tests.support.databases import MakeDatabase

SUNDAY = datetime(2026, 11, 22, 8, tzinfo=UTC)
SATURDAY = SUNDAY - timedelta(hours=20)
MONTHS_AGO = SUNDAY - timedelta(days=60)
MINUTE = timedelta(minutes=1)
WINDOW = timedelta(minutes=120)
SETTINGS = Settings(keys="unused")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = create_engine(database_url)
    make_tables(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with Session(engine) as session:
        yield session


def connect(session: Session, count: int = 1, **values: Any) -> list[UUID]:
    """Make connections of one account and return their source ids."""
    account, person, now = new_id(), new_id(), MONTHS_AGO
    session.execute(insert(Account), [{"id": account, "kind": "person", "created_at": now}])
    session.execute(
        insert(Person),
        [{"id": person, "account_id": account, "user_key": str(person), "created_at": now}],
    )
    sources = [new_id() for _ in range(count)]
    session.execute(
        insert(Source),
        [
            {
                "id": source,
                "account_id": account,
                "kind": "sampled",
                "label": "Acme",
                "created_by": person,
                "created_at": now,
            }
            for source in sources
        ],
    )
    session.execute(
        insert(Connection),
        [
            {
                "source_id": source,
                "account_id": account,
                "provider": "openai",
                "status": "active",
                "key_prefix": "sk-adm",
                "refresh_offset_seconds": refresh_offset_seconds(source, 120),
                "connected_at": now,
            }
            | values
            for source in sources
        ],
    )
    session.commit()
    return sources


def add_run(session: Session, source: UUID, **values: Any) -> SampleRun:
    connection = session.get_one(Connection, source)
    run = SampleRun(
        **{
            "account_id": connection.account_id,
            "source_id": source,
            "provider": connection.provider,
            "trigger": "requested",
            "window_start": (SUNDAY - timedelta(days=90)).date(),
            "window_end": SUNDAY.date(),
            "status": "queued",
            "requested_at": SUNDAY,
            "available_at": SUNDAY,
        }
        | values
    )
    session.add(run)
    session.commit()
    return run


def weekly_runs(session: Session) -> list[SampleRun]:
    session.expire_all()
    return list(session.scalars(select(SampleRun).where(SampleRun.trigger == "weekly")))


def sweep(session: Session, now: datetime, settings: Settings = SETTINGS) -> list[UUID]:
    """One whole scheduler run: make what is due, enqueue what may start."""
    while len(create_weekly_runs(session, now, settings)) == weekly_schedule.BATCH:
        session.commit()
    due = due_runs(session, now, settings)
    session.commit()
    return [run.row_id for run in due]


def finish(session: Session, run_id: UUID, now: datetime) -> None:
    run = session.get_one(SampleRun, run_id)
    run.status, run.finished_at = RunStatus.COMPLETE, now
    session.commit()


@pytest.mark.promise("TO-027")
def test_from_saturday_to_monday_each_connection_is_sampled_once_in_the_window(
    session: Session,
) -> None:
    sources = connect(session, 40, connected_at=SATURDAY)
    started: dict[UUID, datetime] = {}
    now = SATURDAY
    while now < SUNDAY + timedelta(days=1):
        for run_id in sweep(session, now):
            started[session.get_one(SampleRun, run_id).source_id] = now
            finish(session, run_id, now)
        now += 5 * MINUTE if SUNDAY - MINUTE <= now <= SUNDAY + WINDOW else 60 * MINUTE
    runs = weekly_runs(session)
    assert Counter(run.source_id for run in runs) == Counter(sources)
    assert {run.scheduled_for for run in runs} == {SUNDAY}
    assert min(started.values()) >= SUNDAY
    assert max(started.values()) <= SUNDAY + WINDOW
    for source, at in started.items():
        turn = SUNDAY + timedelta(seconds=refresh_offset_seconds(source, 120))
        assert turn <= at < turn + 5 * MINUTE


@pytest.mark.promise("TO-027")
def test_the_next_sunday_samples_again(session: Session) -> None:
    connect(session, refresh_offset_seconds=60)
    for week in range(3):
        now = SUNDAY + MINUTE + timedelta(weeks=week)
        (run_id,) = sweep(session, now)
        finish(session, run_id, now + MINUTE)
        assert sweep(session, now + WINDOW) == []
    assert len(weekly_runs(session)) == 3


@pytest.mark.promise("TO-027")
def test_an_outage_of_weeks_is_made_up_for_once_and_spread_from_now(session: Session) -> None:
    connect(session, 200)
    back = SUNDAY + timedelta(days=15, hours=3)
    first = sweep(session, back)
    runs = weekly_runs(session)
    assert len(runs) == 200
    assert {run.scheduled_for for run in runs} == {SUNDAY + timedelta(days=14)}
    assert len(first) <= 10  # Not all at once...
    starts = [run.available_at for run in runs]
    assert min(starts) >= back
    assert max(starts) < back + WINDOW  # ...but over the stated window.
    assert max(Counter((start - back) // (10 * MINUTE) for start in starts).values()) <= 40


def test_a_run_reads_the_days_that_were_settled_when_it_was_made(session: Session) -> None:
    connect(session)
    sweep(session, SUNDAY + WINDOW)
    (run,) = weekly_runs(session)
    assert (run.window_start, run.window_end) == (
        (SUNDAY - timedelta(days=90)).date(),
        SUNDAY.date(),
    )
    assert (run.status, run.attempt, run.provider) == ("queued", 0, "openai")


@pytest.mark.parametrize(
    "values",
    [
        {"connected_at": SUNDAY + MINUTE},
        {"connected_at": SUNDAY},
        {"status": "paused"},
        {"status": "disconnected"},
        {"refresh_offset_seconds": 7_201},
    ],
)
def test_no_weekly_run_for_whom_it_is_not_due(session: Session, values: dict[str, Any]) -> None:
    connect(session, **values)
    assert create_weekly_runs(session, SUNDAY + WINDOW, SETTINGS) == []


@pytest.mark.parametrize(
    ("values", "served"),
    [
        ({"status": "queued"}, True),
        ({"status": "running"}, True),
        ({"status": "complete", "finished_at": SUNDAY}, True),
        ({"status": "complete", "finished_at": SUNDAY - timedelta(seconds=1)}, False),
        ({"status": "failed", "finished_at": SUNDAY + MINUTE}, False),
        ({"status": "failed", "scheduled_for": SUNDAY, "trigger": "weekly"}, True),
        ({"status": "cancelled", "finished_at": SUNDAY + MINUTE}, False),
    ],
)
def test_what_serves_the_week(session: Session, values: dict[str, Any], served: bool) -> None:
    (source,) = connect(session)
    add_run(session, source, **values)
    made = create_weekly_runs(session, SUNDAY + WINDOW, SETTINGS)
    assert bool(made) is not served


def test_weekly_runs_are_made_in_batches(session: Session) -> None:
    connect(session, 25)
    made = [len(create_weekly_runs(session, SUNDAY + WINDOW, SETTINGS, limit=10)) for _ in "abcd"]
    assert made == [10, 10, 5, 0]


def test_ten_thousand_connections_stay_below_the_cap_and_inside_the_window(
    session: Session,
) -> None:
    connect(session, 10_000)
    started: Counter[int] = Counter()
    for minute in range(121):
        now = SUNDAY + minute * MINUTE
        run_ids = sweep(session, now)
        started[minute] = len(run_ids)
        session.execute(
            update(SampleRun)
            .where(SampleRun.id.in_(run_ids))
            .values(status="complete", finished_at=now)
        )
        session.commit()
    assert sum(started.values()) == 10_000
    assert max(started.values()) <= min(150, 2 * 10_000 / 120)
    assert session.scalar(select(func.count(SampleRun.id))) == 10_000


def test_the_cap_counts_each_vendor_by_itself_and_puts_new_runs_first(session: Session) -> None:
    settings = Settings(keys="unused", vendor_starts_per_minute=3)
    for provider in ("openai", "anthropic"):
        for source in connect(session, 5, provider=provider):
            add_run(session, source)
    names = {run.id: run.provider for run in session.scalars(select(SampleRun))}
    first = due_runs(session, SUNDAY, settings)
    assert Counter(names[run.row_id] for run in first) == {"openai": 3, "anthropic": 3}
    assert due_runs(session, SUNDAY + timedelta(seconds=20), settings) == []
    # Nobody has started the first ones: the two that were never enqueued still come first.
    second = [run.row_id for run in due_runs(session, SUNDAY + 3 * MINUTE, settings)]
    assert Counter(names[run_id] for run_id in second) == {"openai": 3, "anthropic": 3}
    assert len({run.row_id for run in first} | set(second)) == 10


@pytest.mark.parametrize(
    ("values", "due"),
    [
        ({}, True),
        ({"available_at": SUNDAY + MINUTE}, False),
        ({"enqueued_at": SUNDAY - timedelta(seconds=55)}, False),
        ({"enqueued_at": SUNDAY - timedelta(seconds=61)}, True),
        ({"status": "running", "lease_expires_at": SUNDAY + MINUTE}, False),
        ({"status": "complete"}, False),
        ({"status": "cancelled"}, False),
    ],
)
def test_what_is_enqueued(session: Session, values: dict[str, Any], due: bool) -> None:
    (source,) = connect(session)
    run = add_run(session, source, attempt=2, **values)
    assert due_runs(session, SUNDAY, SETTINGS) == ([(run.id, 2)] if due else [])


def test_a_silent_workers_run_waits_again_behind_a_higher_fence(session: Session) -> None:
    (source,) = connect(session)
    run = add_run(
        session, source, status="running", fence=3, attempt=2, lease_expires_at=SUNDAY - MINUTE,
        enqueued_at=SUNDAY - 5 * MINUTE,
    )  # fmt: skip
    assert reclaim_lost(session, SUNDAY).requeued == 1
    session.commit()
    assert (run.status, run.fence, run.lease_expires_at) == ("queued", 4, None)
    assert due_runs(session, SUNDAY, SETTINGS) == [(run.id, 2)]


def test_a_living_workers_run_is_left_alone(session: Session) -> None:
    (source,) = connect(session)
    add_run(session, source, status="running", lease_expires_at=SUNDAY + MINUTE)
    assert reclaim_lost(session, SUNDAY) == weekly_schedule.Reclaimed(requeued=0, failed=[])


def test_a_run_that_keeps_losing_its_worker_fails_with_a_reason(session: Session) -> None:
    (source,) = connect(session)
    run = add_run(
        session, source, status="running", attempt=5, fence=5, lease_expires_at=SUNDAY - MINUTE
    )
    reclaimed = reclaim_lost(session, SUNDAY)
    session.commit()
    assert reclaimed.requeued == 0
    assert [lost.run_id for lost in reclaimed.failed] == [run.id]
    assert (run.status, run.reason_code, run.finished_at) == ("failed", "worker-lost", SUNDAY)
    assert "started 5 times" in (run.reason or "")
    assert run.fence == 6


@pytest.mark.parametrize(
    ("values", "handed_back"),
    [
        ({"status": "running", "attempt": 1}, True),
        ({"status": "running", "attempt": 5}, False),
        ({"status": "complete"}, False),
        ({"status": "cancelled"}, False),
    ],
)
def test_a_dead_workers_run_is_handed_back_at_once(
    session: Session, values: dict[str, Any], handed_back: bool
) -> None:
    (source,) = connect(session)
    run = add_run(session, source, lease_expires_at=SUNDAY + MINUTE, **values)
    assert hand_back(session, run.id, SUNDAY) is handed_back
    session.commit()
    assert run.status == ("queued" if handed_back else values["status"])
    assert run.fence == int(handed_back)


def test_two_schedulers_at_once_double_nothing(postgres_database: MakeDatabase) -> None:
    engine = create_engine(postgres_database())
    make_tables(engine)
    settings = Settings(keys="unused", vendor_starts_per_minute=60)
    with Session(engine) as session:
        sources = connect(session, 400, refresh_offset_seconds=0)
    gate = threading.Barrier(2, timeout=20)
    made: list[UUID] = []
    enqueued: list[UUID] = []

    def schedule_once() -> None:
        with Session(engine) as session:
            gate.wait()
            made.extend(create_weekly_runs(session, SUNDAY + MINUTE, settings))
            session.commit()
            gate.wait()
            enqueued.extend(run.row_id for run in due_runs(session, SUNDAY + MINUTE, settings))
            session.commit()

    threads = [threading.Thread(target=schedule_once) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Session(engine) as session:
        runs = weekly_runs(session)
    engine.dispose()
    assert Counter(run.source_id for run in runs) == Counter(sources)
    assert sorted(made) == sorted(run.id for run in runs)
    assert len(enqueued) == len(set(enqueued)) == 60
