"""Rows that workers take: claimed under a fence, held for the length of a lease, handed back.

A claim is one compare-and-set, which raises the row's fence. Whatever the worker writes about the
row later names the fence, so one that was taken for dead writes nothing any more. A failure hands
the row back at once; a worker that dies says nothing, and the end of its lease frees the row.

Work that goes on in chunks needs no lease: the lock of the row is the claim, and a worker that
dies loses it (:func:`work_in_chunks`).
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, NamedTuple, Protocol, TypeVar, cast

from sqlalchemy import and_, bindparam, or_, select, update
from sqlalchemy.exc import SQLAlchemyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from uuid import UUID

    from sqlalchemy import ColumnElement, FromClause, Table, Update
    from sqlalchemy.orm import InstrumentedAttribute, Session
    from sqlalchemy.sql.base import ReadOnlyColumnCollection

    from flask_tokenoffset.clock import Clock
    from flask_tokenoffset.unit_of_work import UnitOfWork, Units

logger = logging.getLogger(__name__)

#: Rows that are named as due at once, at most; and of those that are worked on in chunks.
MOST_DUE: Final = 500
MOST_DUE_IN_CHUNKS: Final = 40
#: The wait after a first failure; each further one doubles it, up to the longest.
FIRST_WAIT: Final = timedelta(minutes=1)
LONGEST_WAIT: Final = timedelta(hours=1)


class LeaseLost(Exception):
    """The row is no longer ours: another worker has claimed it, or nobody is to work on it."""


class Due(NamedTuple):
    """A row that a worker should take now."""

    row_id: UUID
    #: How often that was tried before.
    attempt: int


class Leased(Protocol):
    """The columns of a table whose rows workers claim."""

    __table__: ClassVar[FromClause]
    id: UUID
    status: str
    #: How often a worker has claimed it.
    attempt: int
    #: Raised by each claim; a worker with an older one writes nothing.
    fence: int


Row = TypeVar("Row", bound=Leased)
Found = TypeVar("Found")


class Held(NamedTuple):
    """A row that this worker holds, until another claim raises its fence."""

    row_id: UUID
    fence: int
    attempt: int

    @classmethod
    def of(cls, row: Leased) -> Held:
        """The hold on a row that was just claimed."""
        return cls(row.id, row.fence, row.attempt)


def waiting_time(
    attempt: int, first: timedelta = FIRST_WAIT, longest: timedelta = LONGEST_WAIT
) -> timedelta:
    """How long to wait after a failure, the number of whose attempt counts from 1 on."""
    # Beyond a few doublings the longest wait is reached; more would overflow.
    doubled: timedelta = first * 2 ** min(attempt - 1, 10)
    return min(doubled, longest)


@dataclass(frozen=True, kw_only=True)
class Leases(Generic[Row]):
    """How workers take the rows of one table.

    :param waiting: the status of a row that no worker has claimed yet.
    :param running: the status of one that a worker holds.
    :param handed_back: the status after a failure; ``waiting`` if it is left out.
    :param due_at: the column that says since when a waiting row may be claimed.
    :param lease_end: the column that says until when it is held; may be the same.
    :param lease: how long a worker may be silent before its row is given to another one.
    :param most_attempts: a claim with this number is not handed back after a failure, so that the
        end of the lease ends the row; ``None`` tries without end, but less and less often.
    """

    model: type[Row]
    waiting: str
    running: str
    handed_back: str | None = None
    due_at: str = "next_attempt_at"
    lease_end: str = "next_attempt_at"
    lease: timedelta
    first_wait: timedelta = FIRST_WAIT
    most_attempts: int | None = None

    def wait(self, attempt: int) -> timedelta:
        """How long to wait after a failure; see :func:`waiting_time`."""
        return waiting_time(attempt, self.first_wait)

    @property
    def is_unfinished(self) -> ColumnElement[bool]:
        """The condition that something is left to do."""
        unfinished: ColumnElement[bool] = self._columns.status.in_((self.waiting, self.running))
        return unfinished

    def is_due(self, now: datetime) -> ColumnElement[bool]:
        """The condition that a row may be claimed: its time has come, or its lease has run out."""
        columns = self._columns
        if self.lease_end == self.due_at:
            return and_(self.is_unfinished, columns[self.due_at] <= now)
        return or_(
            and_(columns.status == self.waiting, columns[self.due_at] <= now),
            and_(columns.status == self.running, columns[self.lease_end] < now),
        )

    def due(self, session: Session, now: datetime) -> list[Due]:
        """The rows that may be claimed, those due longest first; only some where there are many."""
        columns = self._columns
        due = select(columns.id, columns.attempt).where(self.is_due(now))
        rows = session.execute(
            due.order_by(columns[self.due_at]).limit(MOST_DUE),
            # Without it the host's default database would be asked, where there is a bind of ours.
            bind_arguments={"mapper": self.model},
        )
        return [Due(*row) for row in rows]

    def claim(self, session: Session, row_id: UUID, now: datetime, **values: object) -> Row | None:
        """Take a row that is due, and set some columns; ``None`` if it is not to be had."""
        row = session.scalars(
            update(self.model)
            .where(self._columns.id == row_id, self.is_due(now))
            .values(
                {
                    "status": self.running,
                    "fence": self._columns.fence + 1,
                    "attempt": self._columns.attempt + 1,
                    self.lease_end: now + self.lease,
                }
                | values
            )
            .returning(self.model)
            .execution_options(synchronize_session=False, populate_existing=True)
        ).one_or_none()
        if row is not None and self.most_attempts is None:
            # One that kills its worker each time is tried less and less often as well.
            setattr(row, self.lease_end, now + max(self.lease, self.wait(row.attempt)))
        return row

    def change(self, session: Session, held: Held, **values: object) -> None:
        """Set some columns of a row.

        :raises LeaseLost: it is no longer this worker's.
        """
        # Below the mapper: this is asked before every page, and no object is at stake.
        connection = session.connection(bind_arguments={"mapper": self.model})
        own = {"held_id": held.row_id, "held_fence": held.fence}
        if connection.execute(self._change_if_held, own | values).rowcount != 1:
            raise LeaseLost

    def renew(self, session: Session, held: Held, now: datetime, **values: object) -> None:
        """Say that the worker lives, and set some columns.

        :raises LeaseLost: the row is no longer this worker's.
        """
        self.change(session, held, **{self.lease_end: now + self.lease}, **values)

    def lock(self, session: Session, held: Held) -> Row | None:
        """The row itself, locked until the commit; ``None`` if it is no longer this worker's."""
        return session.scalar(
            select(self.model)
            .where(
                self._columns.id == held.row_id,
                self._columns.fence == held.fence,
                self._columns.status == self.running,
            )
            .with_for_update()
            .execution_options(populate_existing=True)
        )

    def hand_back(self, session: Session, held: Held, due_at: datetime, **values: object) -> None:
        """Let go of a row, to be claimed again from an instant on, and set some columns.

        :raises LeaseLost: it is no longer this worker's.
        """
        status = self.handed_back or self.waiting
        times = {self.lease_end: None, self.due_at: due_at}
        self.change(session, held, status=status, **times, **values)

    @contextmanager
    def working(self, units: Units, held: Held, clock: Clock, **values: object) -> Iterator[None]:
        """Work on a row. Whatever that raises goes on, after the row was handed back.

        :param values: what handing it back sets, by column.
        """
        try:
            yield
        except LeaseLost:
            raise
        except Exception:
            if self.most_attempts is None or held.attempt < self.most_attempts:
                self._try_to_hand_back(units, held, clock, values)
            raise

    def _try_to_hand_back(
        self, units: Units, held: Held, clock: Clock, values: dict[str, object]
    ) -> None:
        try:
            with units() as work:
                due_at = clock.now() + self.wait(held.attempt)
                self.hand_back(work.session, held, due_at, **values)
        except LeaseLost:
            return
        except SQLAlchemyError as error:
            logger.warning(
                "A row of %s could not be handed back (%s); the end of its lease frees it.",
                self.model.__table__,
                type(error).__name__,
            )

    @property
    def _columns(self) -> ReadOnlyColumnCollection[str, Any]:
        return self.model.__table__.c

    @cached_property
    def _change_if_held(self) -> Update:
        """Made once; the columns to change come with the values."""
        table = cast("Table", self.model.__table__)
        return update(table).where(
            table.c.id == bindparam("held_id"),
            table.c.fence == bindparam("held_fence"),
            table.c.status == self.running,
        )


def lock_if_free(
    session: Session, model: type[Found], *conditions: ColumnElement[bool]
) -> Found | None:
    """Lock the one row that conditions name; ``None`` if there is none, or a worker is at it."""
    return session.scalar(
        select(model)
        .where(*conditions)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )


def work_in_chunks(
    units: Units,
    model: type[Found],
    conditions: Sequence[ColumnElement[bool]],
    take: Callable[[UnitOfWork, Found], bool],
) -> None:
    """Work on a row, a chunk in each transaction, until it is done or another worker is at it.

    :param conditions: what the row fulfils while something is left to do.
    :param take: does the next chunk and says whether something may be left.
    """
    while True:
        with units() as work:
            row = lock_if_free(work.session, model, *conditions)
            if row is None or not take(work, row):
                return


def due_in_chunks(
    session: Session,
    row_id: InstrumentedAttribute[UUID],
    since: InstrumentedAttribute[datetime],
    is_unfinished: ColumnElement[bool],
    now: datetime,
) -> list[Due]:
    """The rows that are worked on in chunks and have something left; the oldest, if there are many.

    Each counts as tried once for every minute since it was begun, so that another job is made each
    minute: one whose worker was killed may be taken for a running one, and a job too many finds the
    row locked, or done.
    """
    rows: Any = session.execute(
        select(row_id, since).where(is_unfinished).order_by(since).limit(MOST_DUE_IN_CHUNKS)
    )
    return [Due(each, int((now - begun).total_seconds() // 60)) for each, begun in rows]
