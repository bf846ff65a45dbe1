"""One transaction, and what may happen only after it.

An entry point (view, task or command) opens a unit of work, calls one service with it and leaves
the block, which commits once. What must not happen before the commit (enqueueing a job, telling
the host by signal) is handed to :meth:`UnitOfWork.after_commit` or :meth:`UnitOfWork.tell` and is
dropped on a rollback.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType
    from uuid import UUID

    from blinker import NamedSignal
    from sqlalchemy.orm import Session

logger = logging.getLogger(__name__)

#: Opens units of work. What works for longer takes several, and commits each on its way.
Units = Callable[[], AbstractContextManager["UnitOfWork"]]


class Task(StrEnum):
    """Every job there is. The names stand in Redis, so that old jobs outlive a move of the code.

    Each is done to one row, any number of times with the effect of once.
    """

    #: Read a vendor's usage for a sample run.
    SAMPLE = "sample"
    #: Send an outbound message.
    MAIL = "mail"
    #: Go on with a change to the plans of many members.
    BULK_CHANGE = "bulk-change"
    #: Tell everyone of a material change to a document.
    DOCUMENT_NOTICE = "document-notice"
    #: Make the archive of everything held about a person.
    EXPORT = "export"
    #: Erase an account, or ask the host's hook again.
    ERASE = "erase"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a change comes from, as far as the request tells.

    :param address: the client's network address.
    :param user_agent: what the client calls itself.
    """

    address: str | None = None
    user_agent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A change of consequence, for the audit log.

    :param account_id: whose log it belongs to.
    :param action: what was done, for example ``plan.adopted``.
    :param subject_type: the kind of thing it was done to.
    :param subject_id: which one.
    :param actor_id: the person who did it; nobody where a job or the operator did.
    :param details: words and figures of the change; never a name, an address or a secret.
    """

    account_id: UUID
    action: str
    subject_type: str
    subject_id: UUID | None
    actor_id: UUID | None
    details: Mapping[str, Any] = field(default_factory=dict)


class Recorder(Protocol):
    """Writes entries into the audit log, as the last thing before the commit."""

    def __call__(self, session: Session, entries: Sequence[Entry], origin: Origin) -> None:
        """Append the entries, in order."""
        ...


class Enqueue(Protocol):
    """Hands a row to a worker; never raises."""

    def __call__(self, task: Task, row_id: UUID, *, attempt: int = 0) -> None:
        """Have the row worked on."""
        ...


class UnitOfWork:
    """A transaction over one session, with an audit log and callbacks that wait for the commit.

    Leaving the block without an exception commits; an exception rolls back and goes on.

    :param session: the session to use; the unit of work commits it but does not close it.
    :param sender: what signals are sent with: the Flask application.
    :param recorder: writes the audit log; without one nothing is written.
    :param origin: where the changes come from.
    :param enqueue: hands rows to workers; without one the schedule does so later.
    """

    def __init__(
        self,
        session: Session,
        *,
        sender: object = None,
        recorder: Recorder | None = None,
        origin: Origin | None = None,
        enqueue: Enqueue | None = None,
    ) -> None:
        self.session = session
        #: The person who acts, once the entry point knows them.
        self.actor_id: UUID | None = None
        self._sender = sender
        self._recorder = recorder
        self._origin = origin or Origin()
        self._enqueue = enqueue
        self._entries: list[Entry] = []
        self._callbacks: list[Callable[[], object]] = []

    def record(
        self,
        action: str,
        *,
        account_id: UUID,
        subject_type: str,
        subject_id: UUID | None,
        actor_id: UUID | None = None,
        **details: str | int | bool | None,
    ) -> None:
        """Note a change of consequence. It is written just before the commit, or not at all.

        The log of an account is locked while it is written, so it is written last.

        :param action: an :class:`~flask_tokenoffset.models.AuditAction`.
        :param account_id: whose log it belongs to: the account that is changed.
        :param subject_type: the kind of thing that is changed, for example ``plan``.
        :param subject_id: which one.
        :param actor_id: who did it, where it is not the person who acts in this unit of work.
        :param details: words and figures of the change; never a name, an address or a secret,
            because nothing can ever be taken out of the log again.
        """
        self._entries.append(
            Entry(
                account_id=account_id,
                action=action,
                subject_type=subject_type,
                subject_id=subject_id,
                actor_id=actor_id or self.actor_id,
                details=details,
            )
        )

    def leave_no_origin(self) -> None:
        """Note nothing of where the changes come from: their author is being forgotten."""
        self._origin = Origin()

    def leave_nobody(self) -> None:
        """Note neither who makes the changes nor from where: they do not belong there."""
        self.actor_id = None
        self.leave_no_origin()

    def after_commit(self, callback: Callable[[], object]) -> None:
        """Run a callback once the transaction is committed, in the order given.

        :param callback: takes nothing. Its failure is logged and does not undo the commit: what
            matters is in the database. The schedule makes up for a job that was not enqueued;
            a signal is not repeated.
        """
        self._callbacks.append(callback)

    def enqueue(self, task: Task, row_id: UUID, *, attempt: int = 0) -> None:
        """Have a row worked on once the transaction is committed.

        :param task: what is to be done with it.
        :param row_id: the row.
        :param attempt: how often that was begun before.
        """
        if self._enqueue is not None:
            self.after_commit(partial(self._enqueue, task, row_id, attempt=attempt))

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
        entries, self._entries = self._entries, []
        if exception_type is not None:
            self.session.rollback()
            self._callbacks.clear()
            return
        try:
            if entries and self._recorder is not None:
                self._recorder(self.session, entries, self._origin)
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
