"""A real worker process, through long jobs and through a Redis that is full, away or read-only."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import pytest
import redis

from flask_tokenoffset.state import state_of
from flask_tokenoffset.unit_of_work import Task
from tests.integration.tasks.host import add_run, read_run
from tests.integration.tasks.test_worker import CLAIM_AND_SLEEP, environment
from tests.support.services import own_redis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from uuid import UUID

    from flask import Flask

    from flask_tokenoffset.state import State
    from tests.integration.tasks.conftest import MakeApp
    from tests.support.databases import MakeDatabase
    from tests.support.services import OwnRedis

#: Longer than every interval at which a worker at work does something.
LONG_JOB_SECONDS = 7
FILLER_MEGABYTES = 8
#: Enough for a machine that does much else: one start takes three seconds of CPU.
PATIENCE_SECONDS = 90

pytestmark = pytest.mark.timeout(300)


def wait_until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < give_up, "It took too long."
        time.sleep(0.1)


class RunningWorker:
    """A worker in a process of its own, whose task sleeps, and what it has logged."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def log(self) -> str:
        return self._log.read_text()

    def says(self, words: str) -> bool:
        assert self.process.poll() is None, self.log
        return words in self.log

    def lives(self) -> bool:
        return self.process.poll() is None


@pytest.fixture
def server() -> Iterator[OwnRedis]:
    with own_redis() as server:
        yield server


@pytest.fixture
def database(postgres_database: MakeDatabase) -> str:
    return postgres_database()


@pytest.fixture
def app(database: str, server: OwnRedis, app_maker: MakeApp) -> Flask:
    return app_maker(database, server.url)


@pytest.fixture
def state(app: Flask) -> Iterator[State]:
    with app.app_context():
        yield state_of(app)


@contextmanager
def worker_of(
    database: str,
    redis_url: str,
    folder: Path,
    *,
    sleep_seconds: float = 0,
    can_start: bool = True,
) -> Iterator[RunningWorker]:
    """Start one, and wait until it listens if it can."""
    log = folder / "worker.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", CLAIM_AND_SLEEP, str(sleep_seconds)],
            env=environment(database, redis_url),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    worker = RunningWorker(process, log)
    try:
        if can_start:
            wait_until(lambda: worker.says("Listening on"))
        yield worker
    finally:
        process.kill()
        process.wait()


def fill_up(client: redis.Redis) -> None:
    """Leave the Redis with more in it than it may hold, so that it refuses every write."""
    for number in range(FILLER_MEGABYTES):
        client.set(f"filler-{number}", b"x" * 2**20)
    client.config_set("maxmemory", f"{FILLER_MEGABYTES // 2}mb")
    with pytest.raises(redis.exceptions.OutOfMemoryError):
        client.set("one-more", "x")


def make_room(client: redis.Redis) -> None:
    client.delete(*(f"filler-{number}" for number in range(FILLER_MEGABYTES)))


def queue_a_run(state: State) -> UUID:
    run_id = add_run(state)
    state.queue.enqueue(Task.SAMPLE, run_id, attempt=0)
    return run_id


def is_complete(state: State, run_id: UUID) -> bool:
    return read_run(state, run_id).status == "complete"


def test_a_job_longer_than_every_interval_is_done_and_the_worker_goes_on(
    state: State, database: str, server: OwnRedis, tmp_path: Path
) -> None:
    with worker_of(database, server.url, tmp_path, sleep_seconds=LONG_JOB_SECONDS) as worker:
        for _ in range(2):
            run_id = queue_a_run(state)
            wait_until(partial(is_complete, state, run_id))
            run = read_run(state, run_id)
            assert (run.attempt, run.fence) == (1, 1)
        assert worker.lives(), worker.log
        worker.process.terminate()
        assert worker.process.wait(30) == 0
        assert "Traceback" not in worker.log
        assert "tokenoffset.tasks" not in worker.log


@pytest.mark.parametrize("seconds", [3, pytest.param(30, marks=pytest.mark.campaign)])
def test_an_idle_worker_outlasts_a_full_redis(
    state: State, database: str, server: OwnRedis, tmp_path: Path, seconds: int
) -> None:
    with (
        redis.Redis.from_url(server.url) as client,
        worker_of(database, server.url, tmp_path) as worker,
    ):
        fill_up(client)
        wait_until(lambda: worker.says("Redis fails this worker (OutOfMemoryError)"))
        time.sleep(seconds)
        assert worker.lives(), worker.log
        make_room(client)
        run_id = queue_a_run(state)
        wait_until(lambda: is_complete(state, run_id))
        wait_until(lambda: worker.says("Redis takes writes again"))
        assert worker.log.count("Redis fails this worker") == 1, worker.log
        assert "raise its maxmemory" in worker.log
        assert "Traceback" not in worker.log


def test_a_job_that_runs_while_redis_is_full_is_done_once_and_the_worker_goes_on(
    state: State, database: str, server: OwnRedis, tmp_path: Path
) -> None:
    with (
        redis.Redis.from_url(server.url) as client,
        worker_of(database, server.url, tmp_path, sleep_seconds=LONG_JOB_SECONDS) as worker,
    ):
        run_id = queue_a_run(state)
        wait_until(lambda: read_run(state, run_id).status == "running")
        fill_up(client)
        wait_until(lambda: is_complete(state, run_id))
        wait_until(lambda: worker.says("Redis fails this worker (OutOfMemoryError)"))
        assert worker.lives(), worker.log
        make_room(client)
        next_id = queue_a_run(state)
        wait_until(lambda: is_complete(state, next_id))
        assert is_complete(state, run_id)


def test_a_worker_that_starts_on_a_full_redis_begins_when_there_is_room(
    state: State, database: str, server: OwnRedis, tmp_path: Path
) -> None:
    with redis.Redis.from_url(server.url) as client:
        run_id = queue_a_run(state)
        fill_up(client)
        with worker_of(database, server.url, tmp_path, can_start=False) as worker:
            wait_until(lambda: worker.says("Redis fails this worker (OutOfMemoryError)"))
            make_room(client)
            wait_until(lambda: is_complete(state, run_id))


def test_a_worker_outlasts_a_redis_that_restarts(
    state: State, database: str, server: OwnRedis, tmp_path: Path
) -> None:
    with worker_of(database, server.url, tmp_path) as worker:
        server.stop()
        wait_until(lambda: worker.says("Redis fails this worker (ConnectionError)"))
        server.start()
        run_id = queue_a_run(state)
        wait_until(lambda: is_complete(state, run_id))
        assert worker.lives(), worker.log
        password = server.url.split(":")[2].split("@")[0]
        assert password not in worker.log


def test_a_worker_outlasts_a_redis_that_is_a_replica_for_a_while(
    state: State, database: str, server: OwnRedis, tmp_path: Path
) -> None:
    with (
        redis.Redis.from_url(server.url) as client,
        worker_of(database, server.url, tmp_path) as worker,
    ):
        client.replicaof("127.0.0.1", "1")
        wait_until(lambda: worker.says("Redis fails this worker (ReadOnlyError)"))
        assert "the primary" in worker.log
        client.replicaof("no", "one")
        run_id = queue_a_run(state)
        wait_until(lambda: is_complete(state, run_id))
        assert worker.lives(), worker.log


def test_sigterm_ends_a_worker_promptly_that_waits_for_redis(
    state: State, database: str, server: OwnRedis, tmp_path: Path
) -> None:
    with (
        redis.Redis.from_url(server.url) as client,
        worker_of(database, server.url, tmp_path) as worker,
    ):
        fill_up(client)
        wait_until(lambda: worker.says("Redis fails this worker"))
        time.sleep(7.5)  # Into the fourth wait, which lasts eight seconds.
        worker.process.terminate()
        assert worker.process.wait(6) == 0
        assert "Traceback" not in worker.log


def test_sigterm_while_redis_is_full_lets_the_job_end_first(
    state: State, database: str, server: OwnRedis, tmp_path: Path
) -> None:
    with (
        redis.Redis.from_url(server.url) as client,
        worker_of(database, server.url, tmp_path, sleep_seconds=LONG_JOB_SECONDS) as worker,
    ):
        run_id = queue_a_run(state)
        wait_until(lambda: read_run(state, run_id).status == "running")
        fill_up(client)
        wait_until(lambda: worker.says("Redis fails this worker"))
        worker.process.terminate()
        assert worker.process.wait(30) == 0
        assert is_complete(state, run_id)
