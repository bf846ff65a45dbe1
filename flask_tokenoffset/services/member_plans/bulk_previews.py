"""What a change to many members' plans would do, counted exactly before anything is done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import JSON, Text, and_, case, cast, func, literal, or_, select

from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.host.programmes import to_json
from flask_tokenoffset.methodology import band
from flask_tokenoffset.models import (
    Adoption,
    Estimate,
    Membership,
    MembershipStatus,
    Organization,
    Plan,
    PlanStatus,
    SourceKind,
)
from flask_tokenoffset.services.member_plans.offers import Offer, offer_of
from flask_tokenoffset.services.organizations.member_lists import MemberFilter
from flask_tokenoffset.services.plans.payers import cents_per_month, organization_pays, over_cap

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import InstrumentedAttribute, Session

    from flask_tokenoffset.host.programmes import Programmes

#: A filter's word for members who have no plan that runs.
NO_PLAN: Final = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFilter:
    """Which members' plans to change.

    :param members: as the list of members is filtered.
    :param current_band: only those whose plan is of this band, or :data:`NO_PLAN`.
    """

    members: MemberFilter = field(default_factory=MemberFilter)
    current_band: str | None = None

    def check(self) -> None:
        """Refuse a band that there is not.

        :raises InvalidInput: the field is ``current_band``.
        """
        if self.current_band not in {None, NO_PLAN}:
            try:
                band(str(self.current_band))
            except InvalidInput as error:
                raise InvalidInput({"current_band": error.message}) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a change to many plans would do, counted exactly.

    :param offer: what each plan contributes afterwards.
    :param members: how many the filter finds.
    :param members_paying: of these, those who pay themselves and are left out.
    :param members_suspended: of these, those who are suspended and left out.
    :param plans_to_change: those that change, plans that begin included.
    :param plans_paused: of these, those that stay paused and contribute nothing until resumed.
    :param difference_cents: by how much the organization's monthly total changes.
    :param cents_per_month: what it pays a month now.
    """

    offer: Offer
    members: int
    members_paying: int
    members_suspended: int
    plans_to_change: int
    plans_paused: int
    difference_cents: int
    cents_per_month: int
    cap_cents_per_month: int | None

    @property
    def cents_per_month_afterwards(self) -> int:
        """What the organization pays a month if the change is applied."""
        return self.cents_per_month + self.difference_cents

    @property
    def plans_unchanged(self) -> int:
        """Plans that contribute for exactly this already."""
        left_out = self.members_paying + self.members_suspended
        return self.members - left_out - self.plans_to_change

    @property
    def over_cap(self) -> str | None:
        """Why the cap forbids it, if it does."""
        cap = self.cap_cents_per_month
        if cap is None or self.cents_per_month_afterwards <= max(cap, self.cents_per_month):
            return None
        return over_cap(self.cents_per_month_afterwards, cap)


def preview_change(
    session: Session,
    organization: Organization,
    wanted: PlanFilter,
    *,
    key: str,
    coverage_percent: int,
    method_version: str,
    programmes: Programmes,
) -> Preview:
    """Count what a change would do, without doing it.

    :param key: the band's.
    :param method_version: the method that prices plans (``TOKENOFFSET_METHOD``).
    :param programmes: what contributions are directed to (``TOKENOFFSET_PROGRAMMES``).
    :raises InvalidInput: the filter, the band or the coverage cannot be.
    """
    wanted.check()
    offer = offer_of(key, coverage_percent, method_version, programmes)
    active = Membership.status == MembershipStatus.ACTIVE
    changes = changes_of(offer)
    paid_now = case((Plan.status == PlanStatus.ACTIVE, Plan.amount_cents), else_=0)
    is_paused = func.coalesce(Plan.status, PlanStatus.ACTIVE) == PlanStatus.PAUSED
    row = session.execute(
        plans_of_members(
            wanted,
            organization.id,
            func.count(),
            _sum(and_(active, ~organization_pays()), 1),
            _sum(~active, 1),
            _sum(changes, 1),
            _sum(and_(changes, is_paused), 1),
            _sum(and_(changes, ~is_paused), offer.amount_cents - paid_now),
        )
    ).one()
    members, paying, suspended, to_change, paused, difference = (int(each) for each in row)
    return Preview(
        offer=offer,
        members=members,
        members_paying=paying,
        members_suspended=suspended,
        plans_to_change=to_change,
        plans_paused=paused,
        difference_cents=difference,
        cents_per_month=cents_per_month(session, organization, without=None),
        cap_cents_per_month=organization.cap_cents_per_month,
    )


def plans_of_members(
    wanted: PlanFilter,
    organization_id: UUID,
    *columns: ColumnElement[Any] | InstrumentedAttribute[Any],
) -> Select[Any]:
    """The members that a filter finds, each with their plan and what it contributes for.

    :param columns: what to select of them.
    """
    newest = (
        select(func.max(Adoption.sequence))
        .where(Adoption.plan_id == Plan.id)
        .correlate(Plan)
        .scalar_subquery()
    )
    query = (
        select(*columns)
        .select_from(Membership)
        .join(Organization, Organization.id == Membership.organization_id)
        .outerjoin(Plan, Plan.account_id == Membership.account_id)
        .outerjoin(Adoption, and_(Adoption.plan_id == Plan.id, Adoption.sequence == newest))
        .outerjoin(Estimate, Estimate.id == Adoption.estimate_id)
        .where(*wanted.members.conditions(organization_id))
    )
    if wanted.current_band == NO_PLAN:
        return query.where(or_(Plan.id.is_(None), Plan.status == PlanStatus.ENDED))
    if wanted.current_band is not None:
        return query.where(Plan.status != PlanStatus.ENDED, Estimate.band == wanted.current_band)
    return query


def changes_of(offer: Offer) -> ColumnElement[bool]:
    """Whether a member's plan changes: the organization pays, and it is not this already.

    :param offer: what it is to contribute, and to what.
    """
    # PostgreSQL compares JSON as text only, which it keeps letter by letter.
    programmes = cast(literal(to_json(offer.programmes), JSON), Text)
    says_the_same = and_(
        Plan.status != PlanStatus.ENDED,
        Estimate.source_kind == SourceKind.BAND,
        Estimate.band == offer.band,
        Adoption.coverage_percent == offer.coverage_percent,
        Adoption.method_version == offer.method_version,
        cast(Adoption.programmes, Text) == programmes,
        Adoption.amount_cents == offer.amount_cents,
    )
    return and_(
        Membership.status == MembershipStatus.ACTIVE,
        organization_pays(),
        # Where there is no plan, the comparison is neither true nor false.
        case((says_the_same, 0), else_=1) == 1,
    )


def _sum(condition: ColumnElement[bool], value: Any) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, value), else_=0)), 0)
