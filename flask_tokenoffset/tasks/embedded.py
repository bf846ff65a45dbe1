"""A queue for development: a few threads of the web process."""

from __future__ import annotations

import logging
import os
import queue
import threading
from typing import TYPE_CHECKING, Final

from flask_tokenoffset.state import state_of
from flask_tokenoffset.tasks.jobs import JobFailed, run_task
from flask_tokenoffset.tasks.schedule import SCHEDULER_SECONDS, run_scheduler

if TYPE_CHECKING:
    from uuid import UUID

    from flask import Flask

    from flask_tokenoffset.unit_of_work import Task

logger = logging.getLogger(__name__)

#: How long :meth:`EmbeddedQueue.close` waits for a thread that is in the middle of something.
CLOSE_SECONDS: Final = 5


class EmbeddedQueue:
    """Runs jobs and the schedule in threads of this process. For development and demos only.

    Nothing starts before the first job or the first request of ours, so that importing and
    configuring an application starts no thread, and of the reloader's two processes only the one
    that serves does. A forked process starts its own.

    What is queued dies with the process; the rows in the database do not, and the schedule takes
    them up again.

    :param app: the application whose context jobs run in.
    :param worker_count: jobs that run at once.
    :param scheduler_seconds: how often the schedule is looked at.
    """

    def __init__(
        self, app: Flask, *, worker_count: int = 2, scheduler_seconds: float = SCHEDULER_SECONDS
    ) -> None:
        self._app = app
        self._worker_count = worker_count
        self._scheduler_seconds = scheduler_seconds
        self._lock = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self._started_in: int | None = None
        self._closing = threading.Event()
        self._jobs: queue.SimpleQueue[tuple[Task, UUID] | None] = queue.SimpleQueue()
        self._waiting: set[tuple[Task, UUID]] = set()
        self._threads: list[threading.Thread] = []

    def enqueue(self, task: Task, row_id: UUID, *, attempt: int = 0) -> None:  # noqa: ARG002 - the protocol's
        """Have a row worked on soon, unless it waits for that already."""
        self.start()
        job = (task, row_id)
        with self._lock:
            if job in self._waiting:
                return
            self._waiting.add(job)
        self._jobs.put(job)

    def check(self) -> None:
        """Nothing can be wrong with it."""

    def start(self) -> None:
        """Start the threads, unless this process has them already. Costs next to nothing then."""
        if self._started_in == os.getpid():
            return
        with self._lock:
            if self._started_in == os.getpid():
                return
            self._forget()  # A parent's threads do not exist in a forked process.
            self._started_in = os.getpid()
            self._threads = [
                threading.Thread(
                    target=self._work, name=f"tokenoffset-worker-{number}", daemon=True
                )
                for number in range(self._worker_count)
            ]
            self._threads.append(
                threading.Thread(target=self._keep_running, name="tokenoffset-tick", daemon=True)
            )
            for thread in self._threads:
                thread.start()
        logger.warning(
            "Jobs run in threads of this process (TOKENOFFSET_EMBEDDED_QUEUE). That is meant for"
            " development; in production set TOKENOFFSET_REDIS_URL and start «flask tokenoffset"
            " worker --with-schedule»."
        )

    def close(self) -> None:
        """Stop the threads after what they are doing now. A later job starts new ones."""
        with self._lock:
            threads, self._threads = self._threads, []
            self._closing.set()
            for _ in threads:
                self._jobs.put(None)
            self._started_in = None
        for thread in threads:
            thread.join(CLOSE_SECONDS)

    def _work(self) -> None:
        jobs, waiting, closing = self._jobs, self._waiting, self._closing
        while (job := jobs.get()) is not None and not closing.is_set():
            task, row_id = job
            with self._lock:
                waiting.discard(job)
            try:
                with self._app.app_context():
                    run_task(task, str(row_id))
            except JobFailed as failure:
                # The task has logged where; the lease brings the run back.
                logger.info("%s", failure)

    def _keep_running(self) -> None:
        closing = self._closing
        while not closing.wait(self._scheduler_seconds):
            with self._app.app_context():
                run_scheduler(state_of(self._app))
