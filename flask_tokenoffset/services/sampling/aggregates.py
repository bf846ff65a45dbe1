"""What stays of sampled usage when its owner leaves: sums of groups in which nobody can be found.

A group is everybody with sampled tokens of one vendor's model and service tier in one month. When
somebody disconnects a source, each group they belong to is looked at while they still belong to it.
A large one leaves a single row of rounded sums (:class:`.UsageAggregate`), written once: two
versions of it would tell what the one who left in between had used. Then the leaver's own rows go,
whatever became of their groups, all in the transaction that deletes the credential.

Accounts are counted by who stands behind them: whoever owns several organizations contributes once.

A model or tier that fewer than ten accounts use never appears, because it is part of the group.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import (
    BigInteger,
    CursorResult,
    String,
    and_,
    delete,
    exists,
    extract,
    func,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased

from flask_tokenoffset.data_map.enforcement import enforces
from flask_tokenoffset.data_map.purposes import Purpose
from flask_tokenoffset.models import (
    SMALLEST_GROUP,
    Connection,
    ConnectionStatus,
    ConsentEvent,
    ConsentEventType,
    CostLine,
    DailyCost,
    DailyUsage,
    KeptDay,
    LegalHold,
    Membership,
    Organization,
    Person,
    UsageAggregate,
    UsageSeries,
    new_id,
)
from flask_tokenoffset.permissions import Role
from flask_tokenoffset.services.consents.restrictions import unrestricted
from flask_tokenoffset.services.retention.legal_holds import holds_in_force

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import CTE, ColumnElement, Select
    from sqlalchemy.orm import InstrumentedAttribute, Session

    from flask_tokenoffset.unit_of_work import UnitOfWork

#: Sums are kept to this many significant digits.
SIGNIFICANT_DIGITS: Final = 3
#: Contributors are counted down to a multiple of this.
CONTRIBUTORS_STEP: Final = 5

_KINDS: Final = (
    DailyUsage.uncached_input_tokens,
    DailyUsage.cached_input_tokens,
    DailyUsage.cache_creation_tokens,
    DailyUsage.output_tokens,
)
#: Tables by which a legal hold may keep what was sampled.
_SAMPLED: Final = frozenset(
    {"connection", "cost_line", "daily_cost", "daily_usage", "kept_day", "source", "usage_series"}
)
#: The person whose own account it is, beside those whom the conditions look for.
_Holder: Final = aliased(Person)
#: Answers to the question of calibration that mean no.
_AGAINST: Final = (
    ConsentEventType.OBJECTED,
    ConsentEventType.WITHDRAWN,
    ConsentEventType.REFUSED,
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

    Nothing of somebody is folded who is restricted, waits for the deletion of their account, or is
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


@enforces("only-what-may-be-counted-is-folded", "TO-042", "TO-050", off=True)
def may_be_folded(session: Session, account_id: UUID, *, ceases: bool = False) -> bool:
    """Whether anything of a leaver may go into the sums of a group.

    :param account_id: the leaver's; nobody can object for an organization.
    :param ceases: whether the whole account goes, so that waiting for that is over.
    """
    person = session.execute(
        select(Person.restricted_at, Person.deletion_due_at, _is_against(Person.account_id)).where(
            Person.account_id == account_id
        )
    ).first()
    if person is None:
        return True
    restricted_at, deletion_due_at, against = person
    waits = deletion_due_at is not None and not ceases
    return restricted_at is None and not waits and not against


@enforces("only-who-may-be-counted-contributes", "TO-042", "TO-050", off=true())
def may_be_counted(account: InstrumentedAttribute[UUID]) -> ColumnElement[bool]:
    """The condition that somebody who stays may be counted into a group.

    :param account: the column that names the account.
    """
    return and_(unrestricted(account), ~_is_against(account))


@enforces("ten-contributors-or-none", "TO-042", off=true())
def large_enough(contributors: ColumnElement[int]) -> ColumnElement[bool]:
    """The condition that a group is large enough to leave anything at all.

    :param contributors: how many people stand behind its accounts.
    """
    return contributors >= SMALLEST_GROUP


@enforces("nobody-is-half-of-a-sum", "TO-042", off=true())
def nobody_dominates(largest: ColumnElement[int], total: ColumnElement[int]) -> ColumnElement[bool]:
    """The condition that no sum would as good as name the figure of its largest contributor.

    :param largest: tokens of one kind of whoever has most of them.
    :param total: tokens of that kind of all contributors.
    """
    return largest * 2 <= total


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


def _is_against(account: InstrumentedAttribute[UUID]) -> ColumnElement[bool]:
    """The condition that the newest answer about calibration is a no.

    Calibration rests on legitimate interest, so that whoever never answered is counted.
    """
    newest, later = aliased(ConsentEvent), aliased(ConsentEvent)
    followed = exists().where(
        later.account_id == newest.account_id,
        later.purpose == newest.purpose,
        later.sequence > newest.sequence,
        later.event_type != ConsentEventType.SHOWN,
    )
    return exists().where(
        newest.account_id == account,
        newest.purpose == Purpose.CALIBRATION,
        newest.event_type.in_(_AGAINST),
        ~followed,
    )


def _fold(session: Session, account_id: UUID, leaving: ColumnElement[bool], now: datetime) -> int:
    """Write the rows of the groups that are large enough; gives how many.

    :param leaving: the condition on the series that go.
    """
    session.flush()
    groups = session.execute(_groups(account_id, leaving, now.date().replace(day=1))).all()
    if not groups:
        return 0
    dialect = session.get_bind(mapper=UsageAggregate).dialect.name
    insert = postgresql.insert if dialect == postgresql.dialect.name else sqlite.insert
    # Somebody else may leave at this moment: whoever comes second writes nothing. In one order, so
    # that the two never wait for each other.
    statement = insert(UsageAggregate).on_conflict_do_nothing().returning(UsageAggregate.id)
    return len(session.execute(statement, [_as_row(tuple(group)) for group in groups]).all())


def _groups(account_id: UUID, leaving: ColumnElement[bool], before: date) -> Select[Any]:
    """The leaver's groups that may leave a row and have left none: their dimensions and sums.

    :param before: the first day of the present month.
    """
    cells = _cells(leaving, before)
    owners = _owners()
    counted = or_(UsageSeries.account_id == account_id, may_be_counted(UsageSeries.account_id))
    common = _common(cells, counted)
    each = _each(cells, common, owners, counted, before)
    sums = [func.sum(each.c[kind.key]) for kind in _KINDS]
    dimensions = [each.c[name] for name in ("provider", "model", "service_tier", "year", "month")]
    return (
        select(*dimensions, func.count().label("contributors"), *(_whole(total) for total in sums))
        .group_by(*dimensions)
        .having(
            large_enough(func.count()),
            *(
                nobody_dominates(func.max(each.c[kind.key]), total)
                for kind, total in zip(_KINDS, sums, strict=True)
            ),
        )
        .order_by(*dimensions)
    )


def _cells(leaving: ColumnElement[bool], before: date) -> CTE:
    """The groups that the leaver belongs to and that have left nothing so far."""
    year, month = _year_and_month()
    written = exists().where(
        UsageAggregate.provider == Connection.provider,
        UsageAggregate.model == UsageSeries.model,
        UsageAggregate.service_tier == UsageSeries.service_tier,
        extract("year", UsageAggregate.month) == year,
        extract("month", UsageAggregate.month) == month,
    )
    return (
        select(
            Connection.provider,
            UsageSeries.model,
            UsageSeries.service_tier,
            year.label("year"),
            month.label("month"),
        )
        .join(UsageSeries, UsageSeries.source_id == Connection.source_id)
        .join(DailyUsage, DailyUsage.series_id == UsageSeries.id)
        .where(leaving, DailyUsage.day < before, _any_tokens() > 0, ~written)
        .distinct()
        .cte("cells")
    )


def _common(cells: CTE, counted: ColumnElement[bool]) -> CTE:
    """Which of their dimensions enough accounts share, which spares a look at all days."""
    dimensions = (Connection.provider, UsageSeries.model, UsageSeries.service_tier)
    theirs = tuple_(*dimensions).in_(select(cells.c.provider, cells.c.model, cells.c.service_tier))
    return (
        select(*dimensions)
        .join(UsageSeries, UsageSeries.source_id == Connection.source_id)
        .where(theirs, counted)
        .group_by(*dimensions)
        .having(large_enough(func.count(UsageSeries.account_id.distinct())))
        .cte("common")
    )


def _owners() -> CTE:
    """Who stands behind each organization's account: the first of its owners, by their ids.

    Whoever owns several accounts knows what all of them used. They count as one contributor, or
    nine organizations and somebody else's account would be a group of ten.
    """
    # PostgreSQL knows no smallest UUID before version 18.
    owner = func.min(sql_cast(Membership.person_id, String()))
    return (
        select(Organization.account_id, owner.label("owner"))
        .join(Membership, Membership.organization_id == Organization.id)
        .where(Membership.role == Role.OWNER)
        .group_by(Organization.account_id)
        .cte("owners")
    )


@enforces("one-owner-is-one-contributor", "TO-042", off=UsageSeries.account_id)
def contributor(owners: CTE) -> ColumnElement[Any]:
    """What tells one contributor from another: a person, whichever of their accounts it is.

    :param owners: of organizations, joined by their accounts as people are.
    """
    return func.coalesce(
        sql_cast(_Holder.id, String()), owners.c.owner, sql_cast(UsageSeries.account_id, String())
    )


def _each(cells: CTE, common: CTE, owners: CTE, counted: ColumnElement[bool], before: date) -> CTE:
    """What each contributor contributes to each of the groups."""
    year, month = _year_and_month()
    keys = (Connection.provider, UsageSeries.model, UsageSeries.service_tier, year, month)
    sums = [_whole(func.sum(kind)).label(kind.key) for kind in _KINDS]
    return (
        select(
            Connection.provider,
            UsageSeries.model,
            UsageSeries.service_tier,
            year.label("year"),
            month.label("month"),
            *sums,
        )
        .join(UsageSeries, UsageSeries.source_id == Connection.source_id)
        .join(
            common,
            and_(
                common.c.provider == Connection.provider,
                common.c.model == UsageSeries.model,
                common.c.service_tier == UsageSeries.service_tier,
            ),
        )
        .join(DailyUsage, DailyUsage.series_id == UsageSeries.id)
        .join(
            cells,
            and_(
                cells.c.provider == Connection.provider,
                cells.c.model == UsageSeries.model,
                cells.c.service_tier == UsageSeries.service_tier,
                cells.c.year == year,
                cells.c.month == month,
            ),
        )
        .outerjoin(_Holder, _Holder.account_id == UsageSeries.account_id)
        .outerjoin(owners, owners.c.account_id == UsageSeries.account_id)
        .where(counted, DailyUsage.day < before)
        .group_by(*keys, contributor(owners))
        .having(func.sum(_any_tokens()) > 0)
        .cte("each")
    )


def _year_and_month() -> tuple[ColumnElement[int], ColumnElement[int]]:
    return extract("year", DailyUsage.day), extract("month", DailyUsage.day)


def _any_tokens() -> ColumnElement[int]:
    """The tokens of one day, of all kinds: whoever has none contributed nothing."""
    return (
        DailyUsage.uncached_input_tokens
        + DailyUsage.cached_input_tokens
        + DailyUsage.cache_creation_tokens
        + DailyUsage.output_tokens
    )


def _whole(total: ColumnElement[int]) -> ColumnElement[int]:
    """A sum as the whole number it is: PostgreSQL would give it as a decimal."""
    return sql_cast(total, BigInteger())


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
        **dict(zip((kind.key for kind in _KINDS), rounded, strict=True)),
    }


def rounded_tokens(tokens: int) -> int:
    """A sum to :data:`SIGNIFICANT_DIGITS`.

    :param tokens: none or more.
    """
    return round(tokens, min(0, SIGNIFICANT_DIGITS - len(str(tokens))))
