"""What the purge does with the records of each rule, a batch at a time.

A step walks through what may be over in the order of an index and remembers the last row it looked
at, so that no batch looks at anything twice and one that was broken off goes on where it was.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol, cast
from uuid import UUID

from sqlalchemy import CursorResult, Uuid, and_, delete, exists, func, or_, select
from sqlalchemy.orm import aliased

from flask_tokenoffset.clock import utc_midnight
from flask_tokenoffset.models import (
    Account,
    CostLine,
    DailyCost,
    DailyUsage,
    KeptDay,
    Membership,
    Organization,
    RetentionChoice,
    UsageSeries,
)
from flask_tokenoffset.services.retention.choices import days_by_account
from flask_tokenoffset.services.retention.legal_holds import not_held
from flask_tokenoffset.services.shared.periods import day_cutoff, period_end

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from flask_tokenoffset.models import Base
    from flask_tokenoffset.services.retention.rule_types import RetentionRule
    from flask_tokenoffset.settings import Settings
    from flask_tokenoffset.unit_of_work import UnitOfWork

#: Rows looked at in one batch.
ROWS_PER_BATCH: Final = 5_000
#: Series looked at in one batch. Each has a row a day, so that a year of them is deleted at most.
SERIES_PER_BATCH: Final = 100
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What a step is given.

    :param days: the operator's period of the rule.
    :param after: where the step goes on; ``None`` at its beginning.
    """

    work: UnitOfWork
    rule: RetentionRule
    days: int
    settings: Settings
    now: datetime
    after: str | None

    @property
    def session(self) -> Session:
        """The session of the batch's transaction."""
        return self.work.session


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a batch did.

    :param rows: how many rows went.
    :param position: where the next batch goes on; ``None`` where the step is through.
    :param lag: how much longer than its period the oldest of them was kept.
    """

    rows: int
    position: str | None
    lag: timedelta = timedelta(0)


class Step(Protocol):
    """One thing the purge does for a rule."""

    def __call__(self, batch: Batch) -> Done:
        """Take one batch, in the caller's transaction."""
        ...


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Deletes the rows of a table whose clock says so.

    :param model: the table.
    :param clock: its clock.
    :param conditions: what must hold besides.
    :param first: tables whose rows belong to these and go before, with their column.
    """

    model: type[Base]
    clock: Any
    conditions: tuple[ColumnElement[bool], ...] = ()
    first: tuple[tuple[type[Base], Any], ...] = ()

    def __call__(self, batch: Batch) -> Done:
        """Delete what is over among the next rows by the clock."""
        session, key = batch.session, self._key
        over = self.clock <= period_end(batch.now, batch.days)
        rows = session.execute(
            select(self.clock.label("clock"), key.label("key"))
            .where(over, *self._after(batch.after))
            .order_by(self.clock, key)
            .limit(ROWS_PER_BATCH)
        ).all()
        if not rows:
            return Done(rows=0, position=None)
        deleted = self.delete(
            session, batch.now, key.in_([row.key for row in rows]), over, *self.conditions
        )
        lag = period_end(batch.now, batch.days) - rows[0].clock
        last = rows[-1]
        return Done(
            rows=deleted,
            position=None if len(rows) < ROWS_PER_BATCH else _write(last.clock, last.key),
            lag=lag if deleted else timedelta(0),
        )

    def delete(self, session: Session, now: datetime, *conditions: ColumnElement[bool]) -> int:
        """Delete some rows, unless they are held, with what belongs to them.

        :return: how many rows of the table itself.
        """
        conditions = (*conditions, *not_held(self.model, now))
        if self.first:
            ids = session.scalars(select(self._key).where(*conditions).with_for_update()).all()
            for model, column in self.first:
                delete_rows(session, model, column.in_(ids))
            conditions = (self._key.in_(ids),)
        return delete_rows(session, self.model, *conditions)

    @property
    def _key(self) -> Any:
        # SQLAlchemy types ``__table__`` as a FromClause; every mapped class of ours has a Table.
        (column,) = self.model.__table__.primary_key.columns  # type: ignore[attr-defined]
        return getattr(self.model, column.name)

    def _after(self, position: str | None) -> tuple[ColumnElement[bool], ...]:
        if position is None:
            return ()
        microseconds, _, key = position.partition(":")
        clock = _EPOCH + int(microseconds) * _MICROSECOND
        last: object = UUID(key) if isinstance(self._key.type, Uuid) else key
        # The first condition is the index's; the second is exact.
        return (
            self.clock >= clock,
            or_(self.clock > clock, and_(self.clock == clock, self._key > last)),
        )


def _write(clock: datetime, key: object) -> str:
    shown = key.hex if isinstance(key, UUID) else str(key)
    return f"{(clock - _EPOCH) // _MICROSECOND}:{shown}"


@dataclass(frozen=True, kw_only=True)
class ShorterChoices:
    """Deletes rows of the accounts that chose a shorter period, one choice after the other.

    :param sweep: what is deleted of everyone after the operator's period.
    """

    sweep: Sweep

    def __call__(self, batch: Batch) -> Done:
        """Delete what is over of one account and, of an organization, of its members."""
        session = batch.session
        conditions = [RetentionChoice.rule == batch.rule.name]
        if batch.after is not None:
            conditions.append(RetentionChoice.account_id > UUID(batch.after))
        choice = session.scalar(
            select(RetentionChoice).where(*conditions).order_by(RetentionChoice.account_id).limit(1)
        )
        if choice is None:
            return Done(rows=0, position=None)
        end = period_end(batch.now, min(choice.days, batch.days))
        members = (
            select(Membership.account_id)
            .join(Organization, Organization.id == Membership.organization_id)
            .where(Organization.account_id == choice.account_id)
        )
        columns: Any = self.sweep.model
        theirs = or_(
            columns.account_id == choice.account_id,
            columns.account_id.in_(members.scalar_subquery()),
        )
        over = (theirs, self.sweep.clock <= end, *self.sweep.conditions)
        rows = session.execute(
            select(columns.id, self.sweep.clock.label("clock"))
            .where(*over, *not_held(self.sweep.model, batch.now))
            .order_by(self.sweep.clock)
            .limit(ROWS_PER_BATCH)
        ).all()
        deleted = self.sweep.delete(
            session, batch.now, columns.id.in_([row.id for row in rows]), *over
        )
        is_through = len(rows) < ROWS_PER_BATCH
        return Done(
            rows=deleted,
            # The same choice again where there is more of it.
            position=choice.account_id.hex if is_through else batch.after or UUID(int=0).hex,
            lag=end - rows[0].clock if rows else timedelta(0),
        )


@dataclass(frozen=True, kw_only=True)
class Days:
    """Deletes days of usage or cost, series by series, and series of which no day is left.

    The daily tables are reached through their series alone, and an index of their own by day would
    make every sample slower.

    :param parent: the series or lines.
    :param daily: their days.
    :param column: what names the parent in ``daily``.
    """

    parent: type[UsageSeries | CostLine]
    daily: type[DailyUsage | DailyCost]
    column: Any

    def __call__(self, batch: Batch) -> Done:
        """Look at the next series."""
        session, parent = batch.session, self.parent
        after = -1 if batch.after is None else int(batch.after)
        series = session.execute(
            select(parent.id, parent.account_id)
            .where(parent.id > after)
            .order_by(parent.id)
            .limit(SERIES_PER_BATCH)
        ).all()
        if not series:
            return Done(rows=0, position=None)
        free = set(
            session.scalars(
                select(parent.id).where(
                    parent.id.in_([each.id for each in series]), *not_held(parent, batch.now)
                )
            )
        )
        days = days_by_account(
            session, batch.rule.name, {each.account_id for each in series}, batch.settings
        )
        by_cutoff: dict[date, list[int]] = defaultdict(list)
        for each in series:
            if each.id in free:
                by_cutoff[day_cutoff(batch.now, days[each.account_id])].append(each.id)
        rows, lag = 0, timedelta(0)
        for cutoff, ids in by_cutoff.items():
            over = (self.column.in_(ids), self.daily.day <= cutoff)
            oldest = session.scalar(select(func.min(self.daily.day)).where(*over))
            if oldest is not None:
                # Of the whole period: how long ago it should have gone.
                lag = max(lag, utc_midnight(cutoff) - utc_midnight(oldest))
                rows += delete_rows(session, self.daily, *over)
        rows += self._delete_empty(session, [each for each in series if each.id in free])
        return Done(
            rows=rows,
            position=None if len(series) < SERIES_PER_BATCH else str(series[-1].id),
            lag=lag,
        )

    def _delete_empty(self, session: Session, series: Sequence[Any]) -> int:
        """Delete series that have no day left.

        Their accounts are locked first, as a sample does before it adds days, so that no day is
        added meanwhile to a series that goes.
        """
        is_empty = ~exists().where(self.column == self.parent.id)
        empty = session.scalars(
            select(self.parent.account_id)
            .where(self.parent.id.in_([each.id for each in series]), is_empty)
            .distinct()
        ).all()
        if not empty:
            return 0
        locked = session.scalars(
            select(Account.id)
            .where(Account.id.in_(empty))
            .order_by(Account.id)
            .with_for_update(key_share=True, skip_locked=True)
        ).all()
        ids = [each.id for each in series if each.account_id in set(locked)]
        return delete_rows(session, self.parent, self.parent.id.in_(ids), is_empty)


def delete_kept_days(batch: Batch) -> Done:
    """Delete the marks of days that are over, source by source."""
    session = batch.session
    sources = session.execute(
        select(KeptDay.source_id, KeptDay.account_id)
        .where(*([] if batch.after is None else [KeptDay.source_id > UUID(batch.after)]))
        .distinct()
        .order_by(KeptDay.source_id)
        .limit(SERIES_PER_BATCH)
    ).all()
    days = days_by_account(
        session, batch.rule.name, {each.account_id for each in sources}, batch.settings
    )
    by_cutoff: dict[date, list[UUID]] = defaultdict(list)
    for each in sources:
        by_cutoff[day_cutoff(batch.now, days[each.account_id])].append(each.source_id)
    rows = sum(
        delete_rows(
            session,
            KeptDay,
            KeptDay.source_id.in_(ids),
            KeptDay.day <= cutoff,
            *not_held(KeptDay, batch.now),
        )
        for cutoff, ids in by_cutoff.items()
    )
    is_through = len(sources) < SERIES_PER_BATCH
    return Done(rows=rows, position=None if is_through else sources[-1].source_id.hex)


def newer_of(model: Any) -> ColumnElement[bool]:
    """Whether a source has a newer row of a table than this one."""
    newer = aliased(model)
    return exists().where(
        newer.account_id == model.account_id,
        newer.source_id == model.source_id,
        newer.created_at > model.created_at,
    )


def delete_rows(session: Session, model: type[Base], *conditions: ColumnElement[bool]) -> int:
    """Delete rows by conditions; gives how many.

    :param model: whose rows.
    """
    result = session.execute(
        delete(model).where(*conditions).execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", result).rowcount
