"""The groups of which sums may stay: who is counted into them, and when one is large enough.

A group is everyone with sampled tokens of one vendor's model and service tier in one month.
Accounts are counted by who stands behind them: anyone who owns several organizations contributes
once.

A model or tier that fewer than ten accounts use never appears, because it is part of the group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import BigInteger, String, and_, exists, extract, func, or_, select, true, tuple_
from sqlalchemy import cast as sql_cast
from sqlalchemy.orm import aliased

from flask_tokenoffset.data_map.enforcement import enforces
from flask_tokenoffset.data_map.purposes import Purpose
from flask_tokenoffset.models import (
    SMALLEST_GROUP,
    Connection,
    ConsentEvent,
    ConsentEventType,
    DailyUsage,
    Membership,
    Organization,
    Person,
    UsageAggregate,
    UsageSeries,
)
from flask_tokenoffset.permissions import Role
from flask_tokenoffset.services.consents.restrictions import unrestricted

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from sqlalchemy import CTE, ColumnElement, Select
    from sqlalchemy.orm import InstrumentedAttribute, Session

#: The kinds of tokens that are summed.
KINDS: Final = (
    DailyUsage.uncached_input_tokens,
    DailyUsage.cached_input_tokens,
    DailyUsage.cache_creation_tokens,
    DailyUsage.output_tokens,
)
#: The person whose own account it is, beside those whom the conditions look for.
_Holder: Final = aliased(Person)
#: Answers to the question of calibration that mean no.
_AGAINST: Final = (
    ConsentEventType.OBJECTED,
    ConsentEventType.WITHDRAWN,
    ConsentEventType.REFUSED,
)


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
    """The condition that a person who stays may be counted into a group.

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
    """The condition that no sum would come close to the figure of its largest contributor.

    :param largest: tokens of one kind of the contributor with the most.
    :param total: tokens of that kind of all contributors.
    """
    return largest * 2 <= total


def _is_against(account: InstrumentedAttribute[UUID]) -> ColumnElement[bool]:
    """The condition that the newest answer about calibration is a no.

    Calibration rests on legitimate interest, so that anyone who never answered is counted.
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


def groups_of(account_id: UUID, leaving: ColumnElement[bool], before: date) -> Select[Any]:
    """The leaver's groups that may leave a row and have left none: their dimensions and sums.

    :param before: the first day of the present month.
    """
    cells = _cells(leaving, before)
    owners = _owners()
    counted = or_(UsageSeries.account_id == account_id, may_be_counted(UsageSeries.account_id))
    common = _common(cells, counted)
    each = _each(cells, common, owners, counted, before)
    sums = [func.sum(each.c[kind.key]) for kind in KINDS]
    dimensions = [each.c[name] for name in ("provider", "model", "service_tier", "year", "month")]
    return (
        select(*dimensions, func.count().label("contributors"), *(_whole(total) for total in sums))
        .group_by(*dimensions)
        .having(
            large_enough(func.count()),
            *(
                nobody_dominates(func.max(each.c[kind.key]), total)
                for kind, total in zip(KINDS, sums, strict=True)
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

    Anyone who owns several accounts knows what all of them used. They count as one contributor, or
    nine organizations and another person's account would be a group of ten.
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
    sums = [_whole(func.sum(kind)).label(kind.key) for kind in KINDS]
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
    """The tokens of one day, of all kinds: anyone who has none contributed nothing."""
    return (
        DailyUsage.uncached_input_tokens
        + DailyUsage.cached_input_tokens
        + DailyUsage.cache_creation_tokens
        + DailyUsage.output_tokens
    )


def _whole(total: ColumnElement[int]) -> ColumnElement[int]:
    """A sum as the whole number it is: PostgreSQL would give it as a decimal."""
    return sql_cast(total, BigInteger())
