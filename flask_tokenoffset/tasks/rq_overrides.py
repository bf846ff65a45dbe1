"""Everything of RQ that we override, in one place, on RQ 2.8 to 3.

RQ invites to subclass its worker, but does not promise that methods keep their arguments: 3.0 gave
``maintain_heartbeats`` another one. So an override takes what comes and passes it on, none bears
a private name, and none repeats what RQ does. ``tests/unit/tasks/test_rq_overrides.py`` fails when
RQ renames one, which would otherwise switch it off unseen.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from redis import RedisError
from redis.client import Pipeline
from redis.exceptions import OutOfMemoryError, ReadOnlyError
from rq import Worker
from rq.exceptions import StopRequested
from rq.job import Job

from flask_tokenoffset.tasks.jobs import JobFailed, run_in_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

logger = logging.getLogger(__name__)

_TRAMPOLINE: Final = f"{run_in_app.__module__}.{run_in_app.__qualname__}"

#: The wait after the first refusal of Redis; each further one doubles it...
FIRST_WAIT_SECONDS: Final = 1.0
#: ...up to this.
LONGEST_WAIT_SECONDS: Final = 30.0
#: How soon a wait notices that the worker was told to stop.
_GLANCE_SECONDS: Final = 0.2

_STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


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
                f"A job of this queue does not name {_TRAMPOLINE}, so it was not run. Another"
                " program writes to the queue."
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


class PatientWorker(Worker):
    """RQ's worker, but that no error of Redis ends it.

    RQ waits for a Redis that is away, but only while it asks for the next job; any other error,
    such as that of a full Redis, ends its work loop. Here a call that the loop cannot do without is
    repeated until Redis takes it, and what only tells others how the worker fares is left out.

    It takes no commands over Redis (:meth:`subscribe`).
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._refused_since: float | None = None
        self._refusal: type[RedisError] | None = None
        self._told_to_stop = False

    def glance(self) -> None:
        """Called every few seconds while the worker is idle, and while a job runs."""

    # What the loop cannot do without.

    def register_birth(self, *arguments: Any, **options: Any) -> Any:
        """Enter the list of workers."""
        return self._repeated(super().register_birth, *arguments, **options)

    def check_for_suspension(self, *arguments: Any, **options: Any) -> Any:
        """Wait while ``rq suspend`` holds every worker."""
        return self._repeated(super().check_for_suspension, *arguments, **options)

    def dequeue_job_and_maintain_ttl(self, *arguments: Any, **options: Any) -> Any:
        """Wait for the next job."""
        return self._repeated(super().dequeue_job_and_maintain_ttl, *arguments, **options)

    def prepare_execution(self, *arguments: Any, **options: Any) -> Any:
        """Note in Redis that a job begins."""

        def prepare() -> Any:
            # RQ keeps that of a try which failed, and would hand the oldest to the job's process.
            self.execution = None
            return super(PatientWorker, self).prepare_execution(*arguments, **options)

        return self._repeated(prepare)

    def monitor_work_horse(self, *arguments: Any, **options: Any) -> Any:
        """Wait for the end of a job's process. Called again, RQ goes on where it was."""
        return self._repeated(super().monitor_work_horse, *arguments, **options)

    # What it can.

    def set_state(self, *arguments: Any, **options: Any) -> None:
        """Tell whether the worker is busy."""
        self._tried(super().set_state, *arguments, **options)

    def heartbeat(self, *arguments: Any, **options: Any) -> None:
        """Tell that the worker lives."""
        self._tried(super().heartbeat, *arguments, **options)

    def set_shutdown_requested_date(self, *arguments: Any, **options: Any) -> None:
        """Tell that the worker is about to end."""
        self._tried(super().set_shutdown_requested_date, *arguments, **options)

    def register_death(self, *arguments: Any, **options: Any) -> None:
        """Leave the list of workers, from which the entry otherwise goes by itself."""
        self._tried(super().register_death, *arguments, **options)

    def run_maintenance_tasks(self, *arguments: Any, **options: Any) -> None:
        """What an idle worker does now and then."""
        self.glance()
        self._tried(super().run_maintenance_tasks, *arguments, **options)

    def maintain_heartbeats(self, *arguments: Any, **options: Any) -> None:
        """What a worker does now and then while its job runs."""
        self._tried(super().maintain_heartbeats, *arguments, **options)
        self.glance()

    def subscribe(self, *_arguments: Any, **_options: Any) -> None:
        """Listen to no commands.

        Anyone who writes to Redis could stop workers and jobs by them. And RQ listens in a thread,
        so that a job's process could be forked while that thread holds a lock.
        """

    def handle_warm_shutdown_request(self, *arguments: Any, **options: Any) -> Any:
        """The first SIGTERM or SIGINT."""
        self._told_to_stop = True
        shut_down: Callable[..., Any] = super().handle_warm_shutdown_request
        return shut_down(*arguments, **options)

    def _repeated(self, call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        wait_seconds = FIRST_WAIT_SECONDS
        while True:
            try:
                return call(*arguments, **options)
            except RedisError as error:
                self._note_refusal(error)
            self._wait(wait_seconds)
            wait_seconds = min(2 * wait_seconds, LONGEST_WAIT_SECONDS)

    def _tried(self, call: Callable[..., Any], *arguments: Any, **options: Any) -> None:
        try:
            call(*arguments, **options)
        except RedisError as error:
            self._note_refusal(error)
        else:
            # What goes into a pipeline has not been sent yet.
            if not any(isinstance(each, Pipeline) for each in (*arguments, *options.values())):
                self._note_write()

    def _note_refusal(self, error: RedisError) -> None:
        """Log the first one, and the first of another kind."""
        if self._refused_since is None:
            self._refused_since = time.monotonic()
        elif type(error) is self._refusal:
            return
        self._refusal = type(error)
        logger.error(
            "Redis fails this worker (%s). It tries again, every %.0f seconds at the latest; jobs"
            " wait meanwhile, and none is lost. %s",
            type(error).__name__,
            LONGEST_WAIT_SECONDS,
            _cure(error),
        )

    def _note_write(self) -> None:
        """Log the first one after a refusal."""
        if self._refused_since is None:
            return
        seconds = time.monotonic() - self._refused_since
        self._refused_since = None
        logger.warning("Redis takes writes again after %.0f seconds. The worker goes on.", seconds)

    def _wait(self, seconds: float) -> None:
        """Wait before a call is repeated.

        :raises StopRequested: the worker was told to stop, and no job runs.
        """
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self._told_to_stop and not _lives(self.horse_pid):
                raise StopRequested
            time.sleep(_GLANCE_SECONDS)


def _cure(error: RedisError) -> str:
    if isinstance(error, OutOfMemoryError):
        return "It is full: raise its maxmemory, or remove what other programs keep there."
    if isinstance(error, ReadOnlyError):
        return "It takes no writes: let TOKENOFFSET_REDIS_URL name the primary, not a replica."
    return "Look whether it runs at TOKENOFFSET_REDIS_URL, and what its own log says."


def _lives(pid: int) -> bool:
    if not pid:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def stop_signals_held() -> Iterator[None]:
    """Hold SIGTERM and SIGINT back until the block ends; a second one goes through at once.

    RQ raises in whatever an idle worker is doing, and a commit is no place for that. For the main
    thread only.
    """
    handlers = {each: signal.getsignal(each) for each in _STOP_SIGNALS}
    held: list[int] = []

    def let_through() -> None:
        for each, handler in handlers.items():
            signal.signal(each, handler)

    def hold(number: int, _frame: object) -> None:
        if held:
            let_through()
            signal.raise_signal(held.pop())
        else:
            held.append(number)

    for each in handlers:
        signal.signal(each, hold)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGTERM) is hold:
            let_through()
    if held:
        signal.raise_signal(held.pop())
