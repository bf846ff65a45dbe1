"""What the queue puts into Redis, and what it does when Redis loses it or is away."""

from __future__ import annotations

import logging
import zlib
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import redis
from rq import Queue
from rq.job import JobStatus

from flask_tokenoffset.errors import ConfigurationError
from flask_tokenoffset.state import state_of
from flask_tokenoffset.tasks.queue import QUEUE_NAME, RedisQueue
from flask_tokenoffset.tasks.schedule import run_scheduler
from flask_tokenoffset.unit_of_work import Task
from tests.integration.tasks.host import add_run, read_run
from tests.integration.tasks.sweep import ask

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from flask_tokenoffset.state import State
    from tests.integration.tasks.conftest import MakeApp

NOWHERE = "redis://:not-for-the-log@127.0.0.1:1/0"


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def carried(client: redis.Redis) -> Queue:
    return Queue(QUEUE_NAME, connection=client, serializer="rq.serializers.JSONSerializer")


def test_a_job_carries_a_task_name_and_an_id(redis_url: str, carried: Queue) -> None:
    run_id = uuid4()
    RedisQueue(redis_url).enqueue(Task.SAMPLE, run_id, attempt=3)
    (job,) = carried.jobs
    assert job.id == f"sample-{run_id}-3"
    assert job.func_name == "flask_tokenoffset.tasks.jobs.run_in_app"
    assert (job.args, job.kwargs) == (["sample", str(run_id)], {})
    assert job.description == f"sample {run_id}"
    assert job.retries_left
    assert job.timeout == 900
    assert job.result_ttl == 0
    assert 0 < (job.failure_ttl or 0) <= 7 * 24 * 3600


def test_every_job_in_redis_goes_away_by_itself(redis_url: str, client: redis.Redis) -> None:
    run_id = uuid4()
    RedisQueue(redis_url).enqueue(Task.SAMPLE, run_id, attempt=0)
    keys = set(client.keys())
    assert keys == {b"rq:queues", b"rq:queue:tokenoffset", f"rq:job:sample-{run_id}-0".encode()}
    assert 0 < client.ttl(f"rq:job:sample-{run_id}-0") <= 24 * 3600
    # What has no time to live is the queue's name and the list of ids.
    assert client.smembers("rq:queues") == {b"rq:queue:tokenoffset"}
    assert client.lrange("rq:queue:tokenoffset", 0, -1) == [f"sample-{run_id}-0".encode()]
    call = f'["flask_tokenoffset.tasks.jobs.run_in_app", null, ["sample", "{run_id}"], {{}}]'
    assert (
        zlib.decompress(ask(client, "HGET", f"rq:job:sample-{run_id}-0", "data")) == call.encode()
    )


def test_a_run_is_queued_once_for_each_attempt(redis_url: str, carried: Queue) -> None:
    queue, run_id = RedisQueue(redis_url), uuid4()
    for attempt in (0, 0, 1, 0, 1):
        queue.enqueue(Task.SAMPLE, run_id, attempt=attempt)
    assert carried.job_ids == [f"sample-{run_id}-0", f"sample-{run_id}-1"]


@pytest.mark.parametrize("status", [JobStatus.FAILED, JobStatus.FINISHED, JobStatus.CANCELED])
def test_a_job_that_is_only_remembered_does_not_block_its_run(
    redis_url: str, carried: Queue, status: JobStatus
) -> None:
    queue, run_id = RedisQueue(redis_url), uuid4()
    queue.enqueue(Task.SAMPLE, run_id, attempt=0)
    carried.jobs[0].set_status(status)
    carried.pop_job_id()
    queue.enqueue(Task.SAMPLE, run_id, attempt=0)
    assert carried.job_ids == [f"sample-{run_id}-0"]
    assert carried.jobs[0].get_status() is JobStatus.QUEUED


def test_a_job_lost_between_queue_and_worker_is_queued_again(
    redis_url: str, carried: Queue
) -> None:
    queue, run_id = RedisQueue(redis_url), uuid4()
    queue.enqueue(Task.SAMPLE, run_id, attempt=0)
    carried.pop_job_id()  # A worker with several queues was killed here: the id is nowhere.
    queue.enqueue(Task.SAMPLE, run_id, attempt=0)
    assert carried.job_ids == [f"sample-{run_id}-0"]


def test_a_job_at_work_or_just_taken_is_not_queued_again(
    redis_url: str, client: redis.Redis, carried: Queue
) -> None:
    queue, run_id = RedisQueue(redis_url), uuid4()
    queue.enqueue(Task.SAMPLE, run_id, attempt=0)
    client.lmove(carried.key, carried.intermediate_queue_key)  # How a worker takes it.
    queue.enqueue(Task.SAMPLE, run_id, attempt=0)
    assert carried.job_ids == []
    job = carried.fetch_job(f"sample-{run_id}-0")
    assert job is not None
    job.set_status(JobStatus.STARTED)
    client.delete(carried.intermediate_queue_key)
    queue.enqueue(Task.SAMPLE, run_id, attempt=0)
    assert carried.job_ids == []


def test_after_redis_forgot_everything_the_schedule_queues_what_waits(
    redis_url: str,
    client: redis.Redis,
    carried: Queue,
    database_url: str,
    app_maker: MakeApp,
) -> None:
    app = app_maker(database_url, redis_url)
    with app.app_context():
        state = state_of(app)
        run_id = add_run(state)
        assert run_scheduler(state).enqueued == 1
        assert carried.job_ids == [f"sample-{run_id}-0"]
        client.flushdb()
        assert run_scheduler(state).enqueued == 0  # Not yet: a worker may be about to start it.
        _let_patience_end(state, run_id)
        assert run_scheduler(state).enqueued == 1
    assert carried.job_ids == [f"sample-{run_id}-0"]


def test_without_redis_nothing_fails_and_the_run_is_queued_when_it_is_back(
    redis_url: str,
    carried: Queue,
    database_url: str,
    app_maker: MakeApp,
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = app_maker(database_url, redis_url)
    with app.app_context():
        state = state_of(app)
        run_id = add_run(state)
        queue = state.queue
        assert isinstance(queue, RedisQueue)
        queue._redis_url = NOWHERE
        assert run_scheduler(state).failed_steps == []
        assert "Work waits in the database" in caplog.text
        assert "not-for-the-log" not in caplog.text
        assert read_run(state, run_id).status == "queued"
        del queue._redis, queue._queue
        queue._redis_url = redis_url
        _let_patience_end(state, run_id)
        run_scheduler(state)
    assert carried.job_ids == [f"sample-{run_id}-0"]


def test_a_redis_that_is_away_is_not_asked_for_every_job(
    caplog: pytest.LogCaptureFixture,
) -> None:
    queue = RedisQueue(NOWHERE, pause_seconds=60)
    for _ in range(150):
        queue.enqueue(Task.SAMPLE, uuid4(), attempt=0)
    assert caplog.text.count("Work waits") == 1


def test_a_redis_that_may_throw_jobs_away_is_refused(redis_url: str, client: redis.Redis) -> None:
    RedisQueue(redis_url).check()
    client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        with pytest.raises(ConfigurationError, match=r"TOKENOFFSET_REDIS_URL.*allkeys-lru"):
            RedisQueue(redis_url).check()
    finally:
        client.config_set("maxmemory-policy", "noeviction")


def test_a_redis_that_is_away_at_start_up_is_only_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        RedisQueue(NOWHERE).check()
    assert "Redis does not answer" in caplog.text
    assert "not-for-the-log" not in caplog.text


def _let_patience_end(state: State, run_id: UUID) -> None:
    run = read_run(state, run_id)
    assert run.enqueued_at is not None
    run.enqueued_at -= timedelta(minutes=3)
    state.session.commit()
