"""Workers killed with ``kill -9`` at named points, and a Redis that forgets: nothing is lost.

Every worker here is a real ``flask tokenoffset worker`` process over a real PostgreSQL and Redis.
Whatever was done to it, in the end the tables hold exactly what an undisturbed run leaves there.
Leases are seconds here instead of minutes; what the product's own lengths add up to is asserted.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
import redis
from sqlalchemy import select

from flask_tokenoffset.models import (
    Base,
    CostLine,
    DailyCost,
    DailyUsage,
    Estimate,
    KeptDay,
    RunStatus,
    SampleRun,
    UsageSeries,
)
from flask_tokenoffset.services.sampling import runs as sampling
from flask_tokenoffset.services.sampling import weekly_schedule
from flask_tokenoffset.state import state_of
from flask_tokenoffset.tasks.schedule import SCHEDULER_SECONDS
from flask_tokenoffset.tasks.worker import MAINTENANCE_SECONDS, WORKER_TTL_SECONDS
from flask_tokenoffset.testing import ANTHROPIC_DEMO_KEY
from flask_tokenoffset.vault import generate_key
from tests.support.worker_app import FAULT_POINTS, SHORT_LEASE, SHORT_QUEUE_PATIENCE, make_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask

    from tests.support.databases import MakeDatabase, Services

ROOT = Path(__file__).parent.parent.parent
PATIENCE_SECONDS = 60

#: What of an estimate says when and where it was made, and of a run how often it was started.
UNLIKE = {"id", "account_id", "source_id", "run_id", "created_at", "created_by"}
OF_THIS_RUN = UNLIKE | {"requested_at", "available_at", "enqueued_at", "started_at", "finished_at"}


@dataclass
class Mill:
    """A database, a Redis, and the host over both in this process."""

    app: Flask
    environment: dict[str, str]
    folder: Path
    client: redis.Redis
    _started: list[subprocess.Popen[str]] = field(default_factory=list)

    def connect(self) -> UUID:
        """Connect a vendor; its first run waits in Redis. Returns the run's id."""
        answer = self.app.test_client().post(
            "/tokenoffset/api/v1/sources",
            json={"provider": "anthropic", "key": ANTHROPIC_DEMO_KEY},
            headers={"X-User": "ada"},
        )
        assert answer.status_code == 201, answer.text
        return UUID(answer.get_json()["newest_run"]["id"])

    def worker(self, *options: str, fault_point: str | None = None) -> subprocess.Popen[str]:
        """Start ``flask tokenoffset worker`` in a process group of its own."""
        more = {"TEST_FAULT_POINT": fault_point} if fault_point else {}
        process = subprocess.Popen(
            [sys.executable, "-m", "flask", "tokenoffset", "worker", *options],
            cwd=ROOT,
            env=self.environment | more,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._started.append(process)
        return process

    def struck_at(self, fault_point: str) -> tuple[subprocess.Popen[str], int]:
        """A worker whose job waits at a fault point, and the job's process id."""
        worker = self.worker(fault_point=fault_point)
        mark = self.folder / "reached"
        wait_until(lambda: mark.exists() and bool(mark.read_text()))
        child = int(mark.read_text())
        assert child != worker.pid, "the job runs in a process of its own"
        return worker, child

    def let_go(self) -> None:
        """Let a job that waits at a fault point go on."""
        (self.folder / "release").touch()

    def finish_with_another_worker(self) -> None:
        """A new worker runs the schedule once, takes what is due, and stops."""
        log = self.worker("--burst", "--with-schedule").communicate(timeout=PATIENCE_SECONDS)[1]
        assert "Traceback" not in log, log

    def forget(self) -> None:
        """Let Redis lose all it has of us, as ``FLUSHALL`` does.

        The server may hold other things of the developer who runs the tests, so only this database
        is emptied; nothing of ours is in another one.
        """
        assert self.client.dbsize()
        self.client.flushdb()

    def run(self, run_id: UUID) -> SampleRun:
        """The run's row as it stands now."""
        with self.app.app_context():
            session = state_of(self.app).session
            run = session.get_one(SampleRun, run_id)
            session.expunge(run)
            return run

    def result(self, run_id: UUID) -> dict[str, Any]:
        """Everything that a run leaves, free of ids and times."""
        with self.app.app_context():
            session = state_of(self.app).session
            run = session.get_one(SampleRun, run_id)
            source_id = run.source_id
            usage = select(UsageSeries, DailyUsage).where(UsageSeries.id == DailyUsage.series_id)
            cost = select(CostLine, DailyCost).where(CostLine.id == DailyCost.line_id)
            estimates = select(Estimate).where(Estimate.source_id == source_id)
            kept = select(KeptDay).where(KeptDay.source_id == source_id)
            return {
                "run": values_of(run, OF_THIS_RUN | {"attempt", "fence"}),
                "usage": daily(session.execute(usage.where(UsageSeries.source_id == source_id))),
                "cost": daily(session.execute(cost.where(CostLine.source_id == source_id))),
                "kept days": [values_of(day, UNLIKE) for day in session.scalars(kept)],
                "estimates": [values_of(each, UNLIKE) for each in session.scalars(estimates)],
            }

    def stop(self) -> None:
        """End every process that is left."""
        for process in self._started:
            if process.poll() is None:
                kill(process.pid)
            process.communicate()
        mark = self.folder / "reached"
        if mark.exists():
            kill(int(mark.read_text()))


def values_of(row: Any, without: set[str]) -> dict[str, Any]:
    return {
        column.name: getattr(row, column.name)
        for column in row.__table__.columns
        if column.name not in without
    }


def daily(rows: Any) -> list[Any]:
    """Dimensions and figures of each day, in one order, with nothing left out or doubled."""
    found = [
        sorted((values_of(parent, UNLIKE) | values_of(day, {"series_id", "line_id"})).items())
        for parent, day in rows
    ]
    return sorted(found, key=repr)


def kill(pid: int) -> None:
    """``kill -9``, also of what has ended already."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that ended and waits to be reaped does not."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def wait_until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < give_up, "It took too long."
        time.sleep(0.05)


@contextmanager
def a_mill(database: str, redis_url: str, folder: Path) -> Iterator[Mill]:
    keys, started = generate_key("test"), time.time()
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
        "PYTHONPATH": str(ROOT),
        "FLASK_APP": "tests.support.worker_app:create_app",
        "TEST_DATABASE_URL": database,
        "TEST_WORKER_REDIS_URL": redis_url,
        "TEST_KEYS": keys,
        "TEST_STARTED": repr(started),
        "TEST_FAULT_FOLDER": str(folder),
    }
    app = make_app(
        database_url=database,
        redis_url=redis_url,
        keys=keys,
        started=started,
        fault_folder=folder,
    )
    with redis.Redis.from_url(redis_url) as client:
        mill = Mill(app, environment, folder, client)
        try:
            yield mill
        finally:
            mill.stop()
            with app.app_context():
                state_of(app).db.engine.dispose()


@pytest.fixture
def mill(postgres_database: MakeDatabase, redis_url: str, tmp_path: Path) -> Iterator[Mill]:
    with a_mill(postgres_database(), redis_url, tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def undisturbed(
    services: Services, postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """What a run leaves to which nothing is done."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with a_mill(postgres_url, services.redis_url, folder) as mill:
        mill.client.flushdb()
        run_id = mill.connect()
        mill.finish_with_another_worker()
        run = mill.run(run_id)
        assert (run.status, run.attempt, run.fence) == (RunStatus.COMPLETE, 1, 1)
        result = mill.result(run_id)
        mill.client.flushdb()
        # The comparison is worth something only if there is something to lose.
        assert len(result["usage"]) > 100
        assert len(result["cost"]) > 100
        assert len(result["estimates"]) == 1
        assert result["run"]["pages_done"] > max(filter(None, FAULT_POINTS.values()))
        yield result
        with mill.app.app_context():
            Base.metadata.drop_all(state_of(mill.app).db.engine)


#: The last point in every run, the others in the full campaign; the first test takes all of them.
EVERY_POINT = pytest.mark.parametrize(
    "fault_point",
    [
        pytest.param(each, marks=() if each == "before-commit" else pytest.mark.campaign)
        for each in FAULT_POINTS
    ],
)


def wait_for_the_lease_to_end() -> None:
    time.sleep(SHORT_LEASE.total_seconds() + 0.1)


@pytest.mark.parametrize("fault_point", FAULT_POINTS)
def test_a_worker_killed_with_its_job_loses_and_doubles_nothing(
    mill: Mill, undisturbed: dict[str, Any], fault_point: str
) -> None:
    run_id = mill.connect()
    worker, child = mill.struck_at(fault_point)
    kill(worker.pid)
    kill(child)
    wait_until(lambda: not is_alive(child))
    interrupted = mill.result(run_id)
    assert interrupted["run"]["status"] == RunStatus.RUNNING
    assert interrupted["usage"] == interrupted["estimates"] == []
    wait_for_the_lease_to_end()
    mill.finish_with_another_worker()
    assert mill.result(run_id) == undisturbed
    assert mill.run(run_id).attempt == 2


@EVERY_POINT
def test_a_killed_job_is_done_again_by_its_own_worker(
    mill: Mill, undisturbed: dict[str, Any], fault_point: str
) -> None:
    run_id = mill.connect()
    worker, child = mill.struck_at(fault_point)
    kill(child)
    wait_until(lambda: mill.run(run_id).status == RunStatus.COMPLETE)
    assert mill.result(run_id) == undisturbed
    assert mill.run(run_id).attempt == 2
    worker.terminate()
    assert worker.wait(PATIENCE_SECONDS) == 0


@EVERY_POINT
def test_the_job_of_a_killed_worker_goes_on_and_is_not_done_twice(
    mill: Mill, undisturbed: dict[str, Any], fault_point: str
) -> None:
    """Killing the parent leaves its job running, and that job may well come to its end."""
    run_id = mill.connect()
    worker, child = mill.struck_at(fault_point)
    kill(worker.pid)
    mill.let_go()
    wait_until(lambda: not is_alive(child))
    assert mill.result(run_id) == undisturbed
    wait_for_the_lease_to_end()
    mill.finish_with_another_worker()
    assert mill.result(run_id) == undisturbed
    assert mill.run(run_id).attempt == 1


@pytest.mark.parametrize(
    "fault_point", ["page-read", pytest.param("claimed", marks=pytest.mark.campaign)]
)
def test_a_job_that_wakes_after_its_lease_writes_nothing(
    mill: Mill, undisturbed: dict[str, Any], fault_point: str
) -> None:
    """Its worker is dead and its run was done by another; then it goes on where it stood."""
    run_id = mill.connect()
    worker, child = mill.struck_at(fault_point)
    kill(worker.pid)
    wait_for_the_lease_to_end()
    mill.finish_with_another_worker()
    assert mill.result(run_id) == undisturbed
    finished_at = mill.run(run_id).finished_at
    assert is_alive(child)
    mill.let_go()
    wait_until(lambda: not is_alive(child))
    assert mill.result(run_id) == undisturbed
    assert mill.run(run_id).finished_at == finished_at


def test_redis_forgets_everything_before_a_worker_comes(
    mill: Mill, undisturbed: dict[str, Any]
) -> None:
    run_id = mill.connect()
    assert mill.client.llen("rq:queue:tokenoffset") == 1
    mill.forget()
    time.sleep(SHORT_QUEUE_PATIENCE.total_seconds() + 0.1)
    mill.finish_with_another_worker()
    assert mill.result(run_id) == undisturbed


@EVERY_POINT
def test_redis_forgets_everything_in_the_middle_of_a_run(
    mill: Mill, undisturbed: dict[str, Any], fault_point: str
) -> None:
    run_id = mill.connect()
    _, child = mill.struck_at(fault_point)
    mill.forget()
    mill.let_go()
    wait_until(lambda: mill.run(run_id).status == RunStatus.COMPLETE)
    wait_until(lambda: not is_alive(child))
    assert mill.result(run_id) == undisturbed
    assert mill.run(run_id).attempt == 1


def test_redis_forgets_everything_and_the_worker_is_killed_as_well(
    mill: Mill, undisturbed: dict[str, Any]
) -> None:
    run_id = mill.connect()
    worker, child = mill.struck_at("page-read")
    mill.forget()
    kill(worker.pid)
    kill(child)
    wait_for_the_lease_to_end()
    mill.finish_with_another_worker()
    assert mill.result(run_id) == undisturbed


def test_what_is_due_is_taken_up_within_five_minutes() -> None:
    """By the product's own lengths, even if the queue loses what a dead worker left behind."""
    assert sampling.RUNS.lease > SHORT_LEASE  # The test's short ones live in other processes.
    assert weekly_schedule.QUEUE_PATIENCE > SHORT_QUEUE_PATIENCE
    # An idle worker looks around between two waits for jobs, and runs the scheduler only then.
    longest_idle = timedelta(seconds=max(MAINTENANCE_SECONDS, WORKER_TTL_SECONDS))
    tick = timedelta(seconds=SCHEDULER_SECONDS) + longest_idle
    assert sampling.RUNS.lease + tick + weekly_schedule.QUEUE_PATIENCE < timedelta(minutes=5)
