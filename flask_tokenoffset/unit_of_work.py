"""One transaction, and what may happen only after it.

A door (view, task, command) opens a unit of work, calls one service with ``work.session`` and
commits once. What must not happen before the commit (enqueueing a job, telling the host by signal)
is handed to :meth:`UnitOfWork.after_commit` and is dropped on a rollback.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from sqlalchemy.orm import Session

logger = logging.getLogger(__name__)


class UnitOfWork:
    """A transaction over one session, with callbacks that wait for the commit.

    Leaving the block without an exception commits; an exception rolls back and goes on.

    :param session: the session to use; the unit of work commits it but does not close it.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self._callbacks: list[Callable[[], None]] = []

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Run a callback once the transaction is committed, in the order given.

        :param callback: takes nothing. Its failure is logged and does not undo the commit: what
            matters is in the database, and a sweep makes up for it.
        """
        self._callbacks.append(callback)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exception_type is not None:
            self.session.rollback()
            self._callbacks.clear()
            return
        try:
            self.session.commit()
        except BaseException:
            self.session.rollback()
            self._callbacks.clear()
            raise
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            try:
                callback()
            except Exception:
                logger.exception("A callback after commit failed; the sweep will make up for it.")
