"""The worker behind ``flask tokenoffset worker``: RQ's, made quick to notice what was lost."""

from __future__ import annotations

import gc
import logging
import time
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from redis import Redis, RedisError
from rq import Worker
from rq.exceptions import StopRequested
from rq.job import Job
from rq.worker import WorkerStatus

from flask_tokenoffset.errors import ConfigurationError
from flask_tokenoffset.services.sampling import weekly_schedule
from flask_tokenoffset.state import state_of
from flask_tokenoffset.tasks.jobs import JobFailed, run_in_app
from flask_tokenoffset.tasks.queue import QUEUE_NAME, REDIS_TIMEOUT_SECONDS, SERIALIZER
from flask_tokenoffset.tasks.schedule import TICK_SECONDS, tick

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

logger = logging.getLogger(__name__)

_TRAMPOLINE: Final = f"{run_in_app.__module__}.{run_in_app.__qualname__}"

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


class TokenOffsetJob(Job):
    """A job that runs nothing but our own function, whatever Redis says.

    RQ would import and call any function that a job names, before, instead of or after the task.
    """

    @property
    def func(self) -> Callable[..., Any]:
        """Our trampoline.

        :raises JobFailed: the job names something else.
        """
        if self.func_name != _TRAMPOLINE or self.instance is not None:
            raise JobFailed(
                f"A job of the queue {QUEUE_NAME} does not name {_TRAMPOLINE}, so it was not run."
                " Somebody else writes to this queue."
            )
        return run_in_app

    @property
    def success_callback(self) -> None:
        """Ours have none."""

    @property
    def failure_callback(self) -> None:
        """Ours have none."""

    @property
    def stopped_callback(self) -> None:
        """Ours have none."""

    def send_webhooks(self, *_arguments: object, **_options: object) -> None:
        """Ours have none."""


class TokenOffsetWorker(Worker):
    """Runs our jobs, one at a time, each in a forked process, in the application's context.

    :param app: the application.
    :param redis_url: where Redis listens.
    :param with_schedule: tick every minute as well, between jobs and beside a long one. Ticks run
        in the worker's only thread: with a second one, a fork could copy a lock that it holds.
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
        self._next_tick: float | None = 0.0 if with_schedule else None
        self._ticking = False

    def get_heartbeat_ttl(self, job: Job) -> int:  # noqa: ARG002 - the base class's signature
        """Seconds of silence after which another worker may take the job over."""
        return HEARTBEAT_TTL_SECONDS

    def run_maintenance_tasks(self) -> None:
        """What an idle worker does now and then."""
        self._tick_if_due()
        super().run_maintenance_tasks()  # type: ignore[no-untyped-call]  # RQ leaves it untyped

    def maintain_heartbeats(self, job: Job) -> None:
        """What a worker does now and then while its job runs."""
        super().maintain_heartbeats(job)
        self._tick_if_due()

    def _tick_if_due(self) -> None:
        if self._next_tick is None or time.monotonic() < self._next_tick:
            return
        self._next_tick = time.monotonic() + TICK_SECONDS
        self._ticking = True
        try:
            with self._app.app_context():
                tick(state_of(self._app))
        finally:
            self._ticking = False
        if self._stop_requested and self.get_state() != WorkerStatus.BUSY:
            raise StopRequested

    def _shutdown(self) -> None:
        """Stop on SIGTERM or SIGINT; a tick that is under way is finished first.

        RQ raises in whatever an idle worker is doing, and a commit is no place for that.
        """
        if self._ticking:
            self._stop_requested = True
        else:
            super()._shutdown()  # type: ignore[no-untyped-call]  # RQ leaves it untyped

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
    :param with_schedule: tick every minute as well.
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
