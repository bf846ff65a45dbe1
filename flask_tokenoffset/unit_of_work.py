"""One transaction, and what may happen only after it.

A door (view, task, command) opens a unit of work, calls one service with it and leaves the block,
which commits once. What must not happen before the commit (enqueueing a job, telling the host by
signal) is handed to :meth:`UnitOfWork.after_commit` or :meth:`UnitOfWork.tell` and is dropped on a
rollback.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from blinker import NamedSignal
    from sqlalchemy.orm import Session

logger = logging.getLogger(__name__)


class UnitOfWork:
    """A transaction over one session, with callbacks that wait for the commit.

    Leaving the block without an exception commits; an exception rolls back and goes on.

    :param session: the session to use; the unit of work commits it but does not close it.
    :param sender: what signals are sent with: the Flask application.
    """

    def __init__(self, session: Session, *, sender: object = None) -> None:
        self.session = session
        self._sender = sender
        self._callbacks: list[Callable[[], object]] = []

    def after_commit(self, callback: Callable[[], object]) -> None:
        """Run a callback once the transaction is committed, in the order given.

        :param callback: takes nothing. Its failure is logged and does not undo the commit: what
            matters is in the database. The schedule makes up for a job that was not handed over;
            a signal is not repeated.
        """
        self._callbacks.append(callback)

    def tell(self, signal: NamedSignal, **values: Any) -> None:
        """Send a signal once the transaction is committed.

        :param signal: one of :mod:`flask_tokenoffset.signals`.
        :param values: the keywords documented with it: ids and plain values.
        """
        self.after_commit(partial(signal.send, self._sender, **values))

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
                logger.exception(
                    "What was to follow a commit failed: a job was not handed over, or a receiver"
                    " of a signal raised. The commit stands. The schedule hands a job over again;"
                    " a signal is not repeated."
                )
