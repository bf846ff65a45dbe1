"""Workers on a real Redis and PostgreSQL: ours, and a host's plain ``rq worker``."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, cast
from uuid import UUID

import pytest
import redis
from click.testing import CliRunner
from flask.cli import ScriptInfo
from rq import Queue
from sqlalchemy import text

from flask_tokenoffset.cli.worker import tick as tick_command
from flask_tokenoffset.cli.worker import worker as worker_command
from flask_tokenoffset.errors import ConfigurationError
from flask_tokenoffset.state import current_state, state_of
from flask_tokenoffset.tasks import jobs
from flask_tokenoffset.tasks.queue import QUEUE_NAME
from flask_tokenoffset.tasks.worker import TokenOffsetWorker
from flask_tokenoffset.unit_of_work import Task
from tests.integration.tasks.host import add_run, read_run
from tests.integration.tasks.sweep import everything_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask

    from flask_tokenoffset.state import State
    from tests.integration.tasks.conftest import MakeApp
    from tests.support.databases import MakeDatabase

ROOT = Path(__file__).parent.parent.parent.parent
HOST = "tests.integration.tasks.host:create_app"
SECRET = "sk-admin-CANARY-0123456789"
WEEK_SECONDS = 7 * 24 * 3600
PATIENCE_SECONDS = 30

# RQ forks while the thread that listens for its commands runs; Python 3.12 and later warn of that.
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")


@pytest.fixture
def database(postgres_database: MakeDatabase) -> str:
    return postgres_database()


@pytest.fixture
def app(database: str, redis_url: str, app_maker: MakeApp) -> Flask:
    return app_maker(database, redis_url)


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def work(app: Flask, redis_url: str) -> Iterator[Callable[..., None]]:
    """Call it to run a worker of ours in this process until the queue is empty."""
    handlers = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    loggers = [logging.getLogger(name) for name in ("rq.worker", "rq.job")]
    before = [(each, list(each.handlers), each.level) for each in loggers]

    def run(*, with_schedule: bool = False) -> None:
        with app.app_context():
            worker = TokenOffsetWorker(app, redis_url, with_schedule=with_schedule)
            worker.work(burst=True)
            worker.connection.close()

    yield run
    for each, handler in handlers.items():
        signal.signal(each, handler)
    for logger, kept, level in before:
        logger.handlers[:] = kept
        logger.setLevel(level)


#: A worker whose task claims its run, sleeps for as many seconds as the argument says, and ends it.
CLAIM_AND_SLEEP = """
import sys
import time
from datetime import timedelta
from types import MappingProxyType
from uuid import UUID

from flask.cli import ScriptInfo

from flask_tokenoffset.cli.worker import worker
from flask_tokenoffset.state import current_state
from flask_tokenoffset.tasks import jobs
from tests.integration.tasks.host import create_app, read_run


def claim_and_sleep(run_id):
    state = current_state()
    run = read_run(state, UUID(run_id))
    run.status, run.attempt, run.fence = "running", 1, 1
    run.lease_expires_at = state.clock.now() + timedelta(minutes=5)
    state.session.commit()
    time.sleep(float(sys.argv[1]))
    run = read_run(state, UUID(run_id))
    run.status = "complete"
    state.session.commit()


jobs.TASKS = MappingProxyType({"sample": claim_and_sleep})
worker.main([], obj=ScriptInfo(create_app=create_app))
"""


def children_of(pid: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in found.stdout.split()]


def wait_until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < give_up, "It took too long."
        time.sleep(0.1)


def set_sample(monkeypatch: pytest.MonkeyPatch, task: Callable[[str], None]) -> None:
    # The forked process has it too.
    monkeypatch.setattr(jobs, "TASKS", MappingProxyType({"sample": task}))


def test_a_worker_does_what_the_queue_carries_and_leaves_nothing_behind(
    app: Flask, work: Callable[..., None], client: redis.Redis
) -> None:
    with app.app_context():
        state = state_of(app)
        run_ids = [add_run(state) for _ in range(3)]
        for run_id in run_ids:
            state.queue.enqueue(Task.SAMPLE, run_id, attempt=0)
        state.session.execute(text("select 1"))  # A pooled connection that must not be shared.
        work()
        # The connections have no credential, so a worker that got to them has cancelled the runs.
        assert {read_run(state, run_id).status for run_id in run_ids} == {"cancelled"}
    left = {key for key in client.scan_iter() if client.ttl(key) < 0}
    assert left <= {b"rq:queues"}


def test_a_forked_job_does_not_talk_over_its_parents_connection(
    app: Flask, work: Callable[..., None], monkeypatch: pytest.MonkeyPatch, client: redis.Redis
) -> None:
    def note_backend(_run_id: str) -> None:
        backend = current_state().session.scalar(text("select pg_backend_pid()"))
        client.set("tokenoffset-test-backend", str(backend))

    set_sample(monkeypatch, note_backend)
    with app.app_context():
        state = state_of(app)
        parents = state.session.scalar(text("select pg_backend_pid()"))
        state.session.rollback()
        state.queue.enqueue(Task.SAMPLE, add_run(state), attempt=0)
        work()
        assert client.get("tokenoffset-test-backend") not in {None, str(parents).encode()}
        # The parent's connection still works: the child did not close it.
        assert state.session.scalar(text("select pg_backend_pid()")) == parents


def test_what_a_failed_job_leaves_in_redis_is_free_of_secrets_and_goes_away(
    app: Flask, work: Callable[..., None], monkeypatch: pytest.MonkeyPatch, client: redis.Redis
) -> None:
    def fail(run_id: str) -> None:
        raise ValueError(f"{SECRET} was not accepted for {run_id}")

    set_sample(monkeypatch, fail)
    with app.app_context():
        state_of(app).queue.enqueue(Task.SAMPLE, add_run(state_of(app)), attempt=0)
    work()
    kept = everything_in(client)
    assert b"JobFailed" in kept  # The sweep does see tracebacks...
    assert b"failed with ValueError" in kept
    assert b"CANARY" not in kept  # ...and there is no secret in them.
    for key in client.scan_iter():
        if key not in {b"rq:queues", b"rq:failed:tokenoffset"}:  # Names and ids.
            assert 0 < client.ttl(key) <= WEEK_SECONDS, key
    ((_, latest),) = cast(
        "list[tuple[bytes, float]]",
        client.zrange("rq:failed:tokenoffset", -1, -1, withscores=True),
    )
    assert latest <= time.time() + WEEK_SECONDS


@pytest.mark.parametrize("function", ["os.mkdir", "subprocess.run"])
def test_a_worker_runs_no_function_that_redis_names(
    work: Callable[..., None], client: redis.Redis, tmp_path: Path, function: str
) -> None:
    target = tmp_path / "made"
    arguments = [str(target)] if function == "os.mkdir" else [["mkdir", str(target)]]
    Queue(QUEUE_NAME, connection=client, serializer="rq.serializers.JSONSerializer").enqueue(
        function, *arguments
    )
    work()
    assert not target.exists()
    assert b"so it was not run" in everything_in(client)


def test_a_worker_calls_no_callback_that_redis_names(
    app: Flask, work: Callable[..., None], client: redis.Redis, tmp_path: Path
) -> None:
    with app.app_context():
        state = state_of(app)
        run_id = add_run(state)
        state.queue.enqueue(Task.SAMPLE, run_id, attempt=0)
        target = tmp_path / "made"
        client.hset(f"rq:job:sample-{run_id}-0", "success_callback_name", "os.mkdir")
        work()
        assert read_run(state, run_id).status == "cancelled"
    assert not target.exists()


def test_the_run_of_a_killed_process_is_handed_back_at_once(
    app: Flask, work: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def claim_and_die(run_id: str) -> None:
        state = current_state()
        run = read_run(state, UUID(run_id))
        run.status, run.attempt, run.fence = "running", run.attempt + 1, run.fence + 1
        run.lease_expires_at = state.clock.now() + timedelta(minutes=5)
        state.session.commit()
        os.kill(os.getpid(), signal.SIGKILL)

    set_sample(monkeypatch, claim_and_die)
    with app.app_context():
        state = state_of(app)
        run_id = add_run(state)
        state.queue.enqueue(Task.SAMPLE, run_id, attempt=0)
        work()
        run = read_run(state, run_id)
        # Killed in each of RQ's three tries, and put back each time behind a higher fence.
        assert (run.status, run.attempt, run.fence) == ("queued", 3, 6)
        assert run.lease_expires_at is None


def test_a_worker_with_the_schedule_takes_up_what_waits(
    app: Flask, work: Callable[..., None]
) -> None:
    with app.app_context():
        state = state_of(app)
        run_id = add_run(state)
        work()
        assert read_run(state, run_id).status == "queued"
        work(with_schedule=True)
        assert read_run(state, run_id).status == "cancelled"


def environment(database: str, redis_url: str, **more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    servers = {"TEST_DATABASE_URL": database, "TEST_WORKER_REDIS_URL": redis_url}
    return kept | servers | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1"} | more


@pytest.mark.parametrize("variable", ["TOKENOFFSET_APP", "FLASK_APP"])
def test_a_hosts_plain_rq_worker_finds_the_application(
    app: Flask, database: str, redis_url: str, variable: str
) -> None:
    with app.app_context():
        state = state_of(app)
        run_id = add_run(state)
        state.queue.enqueue(Task.SAMPLE, run_id, attempt=0)
        command = [sys.executable, "-m", "rq.cli", "worker", "--burst", "--url", redis_url]
        finished = subprocess.run(
            [*command, "--serializer", "rq.serializers.JSONSerializer", QUEUE_NAME],
            env=environment(database, redis_url, **{variable: HOST}),
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        assert read_run(state, run_id).status == "cancelled", finished.stderr


def test_sigterm_ends_a_worker_well_and_it_has_run_the_scheduler(
    app: Flask, database: str, redis_url: str, client: redis.Redis
) -> None:
    program = (
        "from flask.cli import ScriptInfo;"
        "from tests.integration.tasks.host import create_app;"
        "from flask_tokenoffset.cli.worker import worker;"
        "info = ScriptInfo(create_app=create_app);"
        "worker.main(['--with-schedule'], obj=info)"
    )
    with app.app_context():
        state = state_of(app)
        run_id = add_run(state)
        process = subprocess.Popen(
            [sys.executable, "-c", program],
            env=environment(database, redis_url),
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            wait_until(lambda: read_run(state, run_id).status != "queued")
            process.terminate()
            _, log = process.communicate(timeout=PATIENCE_SECONDS)
        finally:
            process.kill()
        assert read_run(state, run_id).status == "cancelled", log
    assert process.returncode == 0, log
    assert "Traceback" not in log
    assert client.scard("rq:workers") == 0


def test_without_a_redis_url_the_worker_refuses_and_says_why(
    database_url: str, app_maker: MakeApp
) -> None:
    info = ScriptInfo(create_app=lambda: app_maker(database_url))
    result = CliRunner().invoke(worker_command, obj=info)
    assert isinstance(result.exception, ConfigurationError)
    assert "TOKENOFFSET_REDIS_URL" in str(result.exception)
    assert "no queue for a worker" in str(result.exception)


def test_with_a_silent_redis_the_worker_refuses_without_telling_the_password(
    database_url: str, app_maker: MakeApp
) -> None:
    url = "redis://:not-for-the-log@127.0.0.1:1/0"
    result = CliRunner().invoke(
        worker_command, obj=ScriptInfo(create_app=lambda: app_maker(database_url, url))
    )
    assert isinstance(result.exception, ConfigurationError)
    assert "does not answer" in str(result.exception)
    assert "not-for-the-log" not in f"{result.exception} {result.output}"


def test_tick_says_what_it_did(
    database_url: str, redis_url: str, app_maker: MakeApp, client: redis.Redis
) -> None:
    app = app_maker(database_url, redis_url)
    with app.app_context():
        add_run(state_of(app))
    result = CliRunner().invoke(tick_command, obj=ScriptInfo(create_app=lambda: app))
    assert result.exit_code == 0, result.output
    assert "handed to queue: 1" in result.output
    assert client.llen("rq:queue:tokenoffset") == 1


def test_tick_fails_when_a_step_does(
    database_url: str, redis_url: str, app_maker: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("flask_tokenoffset.services.sampling.weekly_schedule.due_runs", fail)
    # The tables were not made by our migrations here, and that is not what this is about.
    monkeypatch.setattr("flask_tokenoffset.migrations.runner.not_current", lambda _engine: None)
    app = app_maker(database_url, redis_url)
    result = CliRunner().invoke(tick_command, obj=ScriptInfo(create_app=lambda: app))
    assert result.exit_code == 1
    assert "Could not hand runs to the queue" in result.output


def test_the_embedded_queue_works_and_runs_the_scheduler_on_real_tables(
    database_url: str, app_maker: MakeApp
) -> None:
    app = app_maker(database_url, scheduler_seconds=0.1)
    with app.app_context():
        state = state_of(app)
        direct = add_run(state)
        left_behind = add_run(state)
        state.queue.enqueue(Task.SAMPLE, direct, attempt=0)  # This starts the scheduler, too.
        for run_id in (direct, left_behind):
            wait_until(partial(is_cancelled, state, run_id))


def is_cancelled(state: State, run_id: UUID) -> bool:
    cancelled = read_run(state, run_id).status == "cancelled"
    state.session.rollback()  # SQLite's writers must not wait for this reader.
    return cancelled


def test_a_run_is_taken_over_when_worker_and_job_are_killed_together(
    app: Flask,
    database: str,
    redis_url: str,
    work: Callable[..., None],
) -> None:
    """Nobody is left to hand the run back: the lease ends, and a scheduler run starts it again."""
    with app.app_context():
        state = state_of(app)
        run_id = add_run(state)
        state.queue.enqueue(Task.SAMPLE, run_id, attempt=0)
        process = subprocess.Popen(
            [sys.executable, "-c", CLAIM_AND_SLEEP, "60"],
            env=environment(database, redis_url),
            start_new_session=True,
        )
        try:
            wait_until(lambda: read_run(state, run_id).status == "running")
            horses = children_of(process.pid)
        finally:
            for pid in [process.pid, *children_of(process.pid)]:
                os.kill(pid, signal.SIGKILL)
            process.wait()
        assert len(horses) == 1
        work(with_schedule=True)
        assert read_run(state, run_id).status == "running"  # The lease still protects it.
        run = read_run(state, run_id)
        run.lease_expires_at = state.clock.now() - timedelta(seconds=1)
        state.session.commit()
        work(with_schedule=True)
        run = read_run(state, run_id)
        assert (run.status, run.fence) == ("cancelled", 3)


@pytest.mark.parametrize("whole_group", [False, True])
def test_sigterm_in_the_middle_of_a_run(
    app: Flask, database: str, redis_url: str, whole_group: bool
) -> None:
    """To the worker alone: the run is finished. To its job as well: the run is handed back."""
    with app.app_context():
        state = state_of(app)
        run_id = add_run(state)
        state.queue.enqueue(Task.SAMPLE, run_id, attempt=0)
        process = subprocess.Popen(
            [sys.executable, "-c", CLAIM_AND_SLEEP, "2"], env=environment(database, redis_url)
        )
        try:
            wait_until(lambda: read_run(state, run_id).status == "running")
            (horse,) = children_of(process.pid)
            process.terminate()
            if whole_group:
                os.kill(horse, signal.SIGTERM)
            assert process.wait(PATIENCE_SECONDS) == 0
        finally:
            process.kill()
        assert read_run(state, run_id).status == ("queued" if whole_group else "complete")
