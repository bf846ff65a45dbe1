"""The seam between what is due and how it gets to a worker.

The database says what is due; a queue only carries it. :mod:`flask_tokenoffset.tasks` has the two
queues: one over Redis, and one in the web process for development.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from uuid import UUID

    from flask_tokenoffset.unit_of_work import Task

__all__ = ["JobQueue"]


class JobQueue(Protocol):
    """Carries ids to workers."""

    def enqueue(self, task: Task, row_id: UUID, *, attempt: int = 0) -> None:
        """Have a row worked on. Call it after the commit.

        Never raises: where the queue is down, the schedule hands the row over again.

        :param task: what is to be done with it.
        :param row_id: the row to work on.
        :param attempt: how often that was begun before.
        """
        ...

    def start(self) -> None:
        """Begin to work, where work is done in this process. Called with each request of ours."""
        ...

    def check(self) -> None:
        """Look at start-up whether the queue is fit for its work.

        :raises ConfigurationError: it would lose jobs.
        """
        ...
