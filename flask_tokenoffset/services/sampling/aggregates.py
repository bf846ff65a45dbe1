"""What stays of sampled usage when its owner leaves: sums of groups in which nobody can be found.

A group is everyone with sampled tokens of one vendor's model and service tier in one month. When
a person disconnects a source, each group they belong to is looked at while they still belong to it.
A large one leaves a single row of rounded sums (:class:`.UsageAggregate`), written once: two
versions of it would tell what the one who left in between had used. Then the leaver's own rows go,
whatever became of their groups, all in the transaction that deletes the credential.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import (
    CursorResult,
    and_,
    delete,
    exists,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

from flask_tokenoffset.data_map.enforcement import enforces
from flask_tokenoffset.models import (
    Connection,
    ConnectionStatus,
    CostLine,
    DailyCost,
    DailyUsage,
    KeptDay,
    LegalHold,
    UsageAggregate,
    UsageSeries,
    new_id,
)
from flask_tokenoffset.services.retention.legal_holds import holds_in_force
from flask_tokenoffset.services.sampling.contributor_groups import KINDS, groups_of, may_be_folded

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from flask_tokenoffset.unit_of_work import UnitOfWork

#: Sums are kept to this many significant digits.
SIGNIFICANT_DIGITS: Final = 3
#: Contributors are counted down to a multiple of this.
CONTRIBUTORS_STEP: Final = 5

#: Tables by which a legal hold may keep what was sampled.
_SAMPLED: Final = frozenset(
    {"connection", "cost_line", "daily_cost", "daily_usage", "kept_day", "source", "usage_series"}
)


@dataclass(frozen=True, slots=True)
class Folded:
    """What leaving did.

    :param aggregates_written: groups that left a row. Those that had left one before are not
        counted.
    :param rows_deleted: the leaver's own rows, in all tables.
    """

    aggregates_written: int
    rows_deleted: int


def fold_source(work: UnitOfWork, *, account_id: UUID, source_id: UUID, now: datetime) -> Folded:
    """Fold what was sampled of one source, and delete it.

    Nothing of a person is folded who is restricted, waits for the deletion of their account, or is
    against calibration: then everything is deleted. While a legal hold keeps any of it, all of it
    stays; :func:`held_leavers` finds it again.

    :param account_id: whose source it is.
    :param source_id: the source, of which no sample is under way.
    :param now: the present instant, aware; the month it is in is not over and never folded.
    """
    if is_held(work.session, account_id, now):
        return Folded(0, 0)
    written = 0
    if may_be_folded(work.session, account_id):
        of_source = and_(UsageSeries.account_id == account_id, UsageSeries.source_id == source_id)
        written = _fold(work.session, account_id, of_source, now)
    return Folded(written, delete_sampled(work.session, account_id, source_id) or 0)


@enforces("a-hold-outlives-a-disconnection", "TO-043", off=False)
def is_held(session: Session, account_id: UUID, now: datetime) -> bool:
    """Whether a legal hold keeps anything of what was sampled for an account.

    :param account_id: whose.
    :param now: the present instant, aware.
    """
    return any(
        hold.table_name in _SAMPLED for hold in holds_in_force(session, now, account_id=account_id)
    )


def held_leavers(session: Session, now: datetime, limit: int) -> list[tuple[UUID, UUID]]:
    """Disconnected sources whose days a legal hold kept, and keeps no more: account and source.

    :param now: the present instant, aware.
    :param limit: how many at most.
    """
    left = session.execute(
        select(Connection.account_id, Connection.source_id)
        .where(
            Connection.status == ConnectionStatus.DISCONNECTED,
            or_(
                exists().where(UsageSeries.source_id == Connection.source_id),
                exists().where(CostLine.source_id == Connection.source_id),
            ),
            ~exists().where(
                LegalHold.account_id == Connection.account_id,
                LegalHold.table_name.in_(_SAMPLED),
                LegalHold.lifted_at.is_(None),
                LegalHold.held_until > now,
            ),
        )
        .order_by(Connection.source_id)
        .limit(limit)
    )
    return [(account_id, source_id) for account_id, source_id in left]


def fold_account(work: UnitOfWork, account_id: UUID, now: datetime) -> Folded:
    """Fold what was sampled of all sources of an account that ceases, and delete it.

    That its person waited for just this keeps nothing from being folded; that they are restricted
    or against calibration does.

    :param account_id: a person's or an organization's account.
    :param now: the present instant, aware.
    """
    written = 0
    if may_be_folded(work.session, account_id, ceases=True):
        written = _fold(work.session, account_id, UsageSeries.account_id == account_id, now)
    return Folded(written, delete_sampled(work.session, account_id) or 0)


@enforces("a-leaver-leaves-no-sampled-row", "TO-042", off=None)
def delete_sampled(session: Session, account_id: UUID, source_id: UUID | None = None) -> int | None:
    """Delete what was sampled, day by day; gives how many rows that were.

    :param account_id: whose it is.
    :param source_id: of which source; of all without one.
    """
    deleted = 0
    for daily, parent_column, parent in (
        (DailyUsage, DailyUsage.series_id, UsageSeries),
        (DailyCost, DailyCost.line_id, CostLine),
    ):
        own = select(parent.id).where(*_owned(parent, account_id, source_id))
        deleted += _delete(session, daily, parent_column.in_(own.scalar_subquery()))
    for model in (UsageSeries, CostLine, KeptDay):
        deleted += _delete(session, model, *_owned(model, account_id, source_id))
    return deleted


def _owned(
    model: type[UsageSeries | CostLine | KeptDay], account_id: UUID, source_id: UUID | None
) -> list[ColumnElement[bool]]:
    own = [model.account_id == account_id]
    return own if source_id is None else [*own, model.source_id == source_id]


def _delete(session: Session, model: Any, *conditions: ColumnElement[bool]) -> int:
    statement = delete(model).where(*conditions).execution_options(synchronize_session=False)
    return cast("CursorResult[None]", session.execute(statement)).rowcount


def _fold(session: Session, account_id: UUID, leaving: ColumnElement[bool], now: datetime) -> int:
    """Write the rows of the groups that are large enough; gives how many.

    :param leaving: the condition on the series that go.
    """
    session.flush()
    groups = session.execute(groups_of(account_id, leaving, now.date().replace(day=1))).all()
    if not groups:
        return 0
    dialect = session.get_bind(mapper=UsageAggregate).dialect.name
    insert = postgresql.insert if dialect == postgresql.dialect.name else sqlite.insert
    # Another person may leave at this moment: the second one writes nothing. In one order, so
    # that the two never wait for each other.
    statement = insert(UsageAggregate).on_conflict_do_nothing().returning(UsageAggregate.id)
    return len(session.execute(statement, [_as_row(tuple(group)) for group in groups]).all())


def _as_row(group: Sequence[Any]) -> dict[str, Any]:
    provider, model, service_tier, year, month, contributors, *sums = group
    rounded = map(rounded_tokens, sums)
    return {
        "id": new_id(),
        "provider": provider,
        "model": model,
        "service_tier": service_tier,
        "month": date(int(year), int(month), 1),
        "contributors": contributors - contributors % CONTRIBUTORS_STEP,
        **dict(zip((kind.key for kind in KINDS), rounded, strict=True)),
    }


def rounded_tokens(tokens: int) -> int:
    """A sum to :data:`SIGNIFICANT_DIGITS`.

    :param tokens: none or more.
    """
    return round(tokens, min(0, SIGNIFICANT_DIGITS - len(str(tokens))))
