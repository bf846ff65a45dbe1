"""The worker behind ``flask tokenoffset worker``: RQ's, made quick to notice what was lost."""

from __future__ import annotations

import gc
import logging
import time
from typing import TYPE_CHECKING, Final
from uuid import UUID

from redis import Redis, RedisError

from flask_tokenoffset.errors import ConfigurationError
from flask_tokenoffset.services.sampling import weekly_schedule
from flask_tokenoffset.state import state_of
from flask_tokenoffset.tasks.queue import QUEUE_NAME, REDIS_TIMEOUT_SECONDS, SERIALIZER
from flask_tokenoffset.tasks.rq_overrides import PatientWorker, TokenOffsetJob, stop_signals_held
from flask_tokenoffset.tasks.schedule import SCHEDULER_SECONDS, run_scheduler

if TYPE_CHECKING:
    from flask import Flask
    from rq.job import Job

logger = logging.getLogger(__name__)

# RQ looks for lost jobs between two waits for new ones. By default an idle worker waits for 405
# seconds and looks every 600, so that a job of a killed worker stays "started" for minutes.
#: An idle worker waits this long less 15 seconds, then looks around.
WORKER_TTL_SECONDS: Final = 20
MAINTENANCE_SECONDS: Final = 15
#: How often a working worker says that it lives...
MONITORING_SECONDS: Final = 5
#: ...and after how much silence its job is taken over.
HEARTBEAT_TTL_SECONDS: Final = 30


def settle_memory() -> None:
    """Take everything loaded so far out of the garbage collector's rounds.

    A sample makes and drops a hundred thousand small objects, and each round would otherwise look
    at the whole application again. Forked workers share more of their parent's memory this way,
    too (see the documentation of ``gc.freeze``).
    """
    gc.collect()
    gc.freeze()


class TokenOffsetWorker(PatientWorker):
    """Runs our jobs, one at a time, each in a forked process, in the application's context.

    :param app: the application.
    :param redis_url: where Redis listens.
    :param with_schedule: run the scheduler every minute as well, between jobs and beside a long
        one. It runs in the worker's only thread: with a second one, a fork could copy a lock that
        it holds.
    """

    def __init__(self, app: Flask, redis_url: str, *, with_schedule: bool = False) -> None:
        super().__init__(
            [QUEUE_NAME],
            connection=Redis.from_url(redis_url),
            serializer=SERIALIZER,
            job_class=TokenOffsetJob,
            worker_ttl=WORKER_TTL_SECONDS,
            maintenance_interval=MAINTENANCE_SECONDS,
            job_monitoring_interval=MONITORING_SECONDS,
            work_horse_killed_handler=self._hand_back,
        )
        self._app = app
        self._next_run: float | None = 0.0 if with_schedule else None

    def get_heartbeat_ttl(self, *_arguments: object, **_options: object) -> int:
        """Seconds of silence after which another worker may take a job over."""
        return HEARTBEAT_TTL_SECONDS

    def glance(self) -> None:
        """Run the scheduler if it is time, without being interrupted by a signal to stop."""
        if self._next_run is None or time.monotonic() < self._next_run:
            return
        self._next_run = time.monotonic() + SCHEDULER_SECONDS
        with stop_signals_held(), self._app.app_context():
            run_scheduler(state_of(self._app))

    def _hand_back(self, job: Job, *_details: object) -> None:
        """Put the run of a killed process back, so that it need not wait for the lease's end."""
        try:
            run_id = UUID(job.args[1])
            with self._app.app_context():
                state = state_of(self._app)
                with state.unit_of_work() as work:
                    weekly_schedule.hand_back(work.session, run_id, state.clock.now())
        except Exception:
            logger.exception("The run of job %s could not be handed back; its lease will.", job.id)


def run_worker(app: Flask, redis_url: str, *, burst: bool, with_schedule: bool) -> None:
    """Work until a signal ends it, or until the queue is empty.

    :param burst: stop when the queue is empty.
    :param with_schedule: run the scheduler every minute as well.
    :raises ConfigurationError: Redis does not answer at the start. Later the worker waits for it.
    """
    try:
        with Redis.from_url(redis_url, socket_connect_timeout=REDIS_TIMEOUT_SECONDS) as client:
            client.ping()
    except RedisError as error:
        raise ConfigurationError(
            "TOKENOFFSET_REDIS_URL",
            f"the Redis there does not answer ({type(error).__name__}), so there is nothing to"
            " work on. Start it or correct the setting, then start the worker again.",
        ) from None
    worker = TokenOffsetWorker(app, redis_url, with_schedule=with_schedule)
    settle_memory()
    worker.work(burst=burst)
