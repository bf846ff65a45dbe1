"""How a row's id gets to a worker. The database says what is due; a queue only carries it."""

from __future__ import annotations

import logging
import threading
import time
from functools import cached_property
from typing import TYPE_CHECKING, Final

from flask_tokenoffset.errors import ConfigurationError

if TYPE_CHECKING:
    from uuid import UUID

    from redis import Redis
    from rq import Queue

    from flask_tokenoffset.unit_of_work import Task

logger = logging.getLogger(__name__)

#: The one queue of ours. A worker must listen to no other beside it: only with a single queue does
#: RQ move a job over in one step, so that a worker killed at that moment does not lose it.
QUEUE_NAME: Final = "tokenoffset"
#: The default serializer unpickles, that is, it runs code that stands in Redis.
SERIALIZER: Final = "rq.serializers.JSONSerializer"

#: What a worker runs, by its name: enqueueing a job must not load what it does.
JOB: Final = "flask_tokenoffset.tasks.jobs.run_in_app"
JOB_TIMEOUT_SECONDS: Final = 15 * 60
#: A job that nobody took in a day is dropped; the schedule hands its run over again.
WAITING_TTL_SECONDS: Final = 24 * 60 * 60
#: A finished job is deleted at once, because its id may be needed again.
RESULT_TTL_SECONDS: Final = 0
FAILURE_TTL_SECONDS: Final = 24 * 60 * 60
#: At once and without RQ's scheduler: for a worker that was killed, not for a vendor that is down.
RETRIES: Final = 2

#: A Redis that does not answer in this time counts as down.
REDIS_TIMEOUT_SECONDS: Final = 2
#: After a failure Redis is left alone for so long, so that not every request waits for it.
PAUSE_AFTER_FAILURE_SECONDS: Final = 5.0


class RedisQueue:
    """The queue for production: RQ over Redis.

    :param redis_url: where Redis listens.
    :param pause_seconds: how long Redis is left alone after a failure.
    """

    def __init__(
        self, redis_url: str, *, pause_seconds: float = PAUSE_AFTER_FAILURE_SECONDS
    ) -> None:
        self._redis_url = redis_url
        self._pause_seconds = pause_seconds
        self._lock = threading.Lock()
        self._left_alone_until = 0.0

    def enqueue(self, task: Task, row_id: UUID, *, attempt: int = 0) -> None:
        """Put a row's id into the queue, unless it is there already."""
        import redis  # noqa: PLC0415 - a host page must not pay for loading the queue

        if time.monotonic() < self._left_alone_until:
            return
        try:
            self._enqueue(task, row_id, f"{task}-{row_id}-{attempt}")
        except redis.RedisError as error:
            with self._lock:
                self._left_alone_until = time.monotonic() + self._pause_seconds
            logger.warning(
                "Redis cannot take jobs (%s). Work waits in the database; the schedule hands it"
                " over when Redis is back.",
                type(error).__name__,
            )

    def start(self) -> None:
        """Nothing: workers are processes of their own."""

    def check(self) -> None:
        """Look whether Redis keeps what it is given.

        A Redis that does not answer is only logged: pages work without it, and work waits.

        :raises ConfigurationError: Redis may throw keys away when its memory is full.
        """
        import redis  # noqa: PLC0415 - as above

        try:
            policy = str(self._redis.config_get("maxmemory-policy").get("maxmemory-policy", ""))
        except redis.ResponseError:
            logger.info(
                "Redis does not tell its maxmemory-policy; make sure that it is noeviction."
            )
            return
        except redis.RedisError as error:
            logger.warning(
                "Redis does not answer (%s). Pages work, and work waits until it does.",
                type(error).__name__,
            )
            return
        if policy not in {"noeviction", ""}:
            raise ConfigurationError(
                "TOKENOFFSET_REDIS_URL",
                f"the Redis there has the maxmemory-policy {policy}, so it may throw waiting jobs"
                " away when its memory is full. Set «maxmemory-policy noeviction» there, or use a"
                " Redis that is not a cache.",
            )

    def _enqueue(self, task: Task, row_id: UUID, job_id: str) -> None:
        from rq import Retry  # noqa: PLC0415 - as above
        from rq.exceptions import DuplicateJobError  # noqa: PLC0415 - as above
        from rq.job import Job  # noqa: PLC0415 - as above

        for _ in range(2):
            try:
                self._queue.enqueue_call(
                    JOB,
                    args=(str(task), str(row_id)),
                    timeout=JOB_TIMEOUT_SECONDS,
                    ttl=WAITING_TTL_SECONDS,
                    result_ttl=RESULT_TTL_SECONDS,
                    failure_ttl=FAILURE_TTL_SECONDS,
                    description=f"{task} {row_id}",
                    job_id=job_id,
                    retry=Retry(max=RETRIES),
                    unique=True,
                )
            except DuplicateJobError:
                if self._is_carried(job_id):
                    return
                # What is left of a job that failed or was lost keeps its id from being used again.
                self._queue.connection.delete(Job.key_for(job_id))
            else:
                return

    def _is_carried(self, job_id: str) -> bool:
        """Whether a job is on its way or at work, and not just remembered."""
        from rq.job import JobStatus  # noqa: PLC0415 - as above

        job = self._queue.fetch_job(job_id)
        if job is None:
            return False
        status = job.get_status()
        if status is JobStatus.QUEUED:
            return (
                self._queue.get_job_position(job_id) is not None
                or job_id in self._queue.intermediate_queue.get_job_ids()
            )
        return status is JobStatus.STARTED

    @cached_property
    def _redis(self) -> Redis:
        import redis  # noqa: PLC0415 - as above

        return redis.Redis.from_url(
            self._redis_url,
            socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
            socket_timeout=REDIS_TIMEOUT_SECONDS,
        )

    @cached_property
    def _queue(self) -> Queue:
        from rq import Queue  # noqa: PLC0415 - as above

        return Queue(QUEUE_NAME, connection=self._redis, serializer=SERIALIZER)
