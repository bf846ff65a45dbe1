"""What members' plans look like in the API."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal, Self
from uuid import UUID

from pydantic import Field

from flask_tokenoffset.blueprints.members.schemas import LONGEST_SEARCH
from flask_tokenoffset.blueprints.plans.schemas import PlanAnswer
from flask_tokenoffset.blueprints.schemas.base import Answer, Body, ItemList, Query
from flask_tokenoffset.blueprints.schemas.programmes import ProgrammeList
from flask_tokenoffset.methodology import MAX_COVERAGE_PERCENT
from flask_tokenoffset.models import BulkStatus, MembershipStatus, Payer, PayerRule
from flask_tokenoffset.permissions import Role
from flask_tokenoffset.services.member_plans.bulk_previews import PlanFilter
from flask_tokenoffset.services.member_plans.terms import MOST_CAP_CENTS, Terms
from flask_tokenoffset.services.organizations.member_lists import MemberFilter
from flask_tokenoffset.services.plans.ledger import PlanView

if TYPE_CHECKING:
    from flask_tokenoffset.services.member_plans.bulk_previews import Preview
    from flask_tokenoffset.services.member_plans.plans import MemberPlan
    from flask_tokenoffset.services.member_plans.totals import HiddenUsage, SharedUsage, Totals

#: Characters of the longest key of a band that anyone need send.
LONGEST_BAND = 40
Band = Annotated[str, Field(max_length=LONGEST_BAND, description="The key of a published band.")]
Coverage = Annotated[int, Field(ge=0, le=MAX_COVERAGE_PERCENT)]


class TermsBody(Body):
    """The terms of members' plans."""

    payer_rule: PayerRule
    default_band: Band | None = Field(
        description="What a new member begins with; null for no plan."
    )
    default_coverage_percent: Coverage
    cap_cents_per_month: Annotated[int, Field(ge=0, le=MOST_CAP_CENTS)] | None = Field(
        description="The most the organization pays a month, its own plan included; null for none."
    )

    def terms(self) -> Terms:
        """The same for the service."""
        return Terms(**dict(self))


class TermsAnswer(Answer):
    """The terms of members' plans."""

    payer_rule: PayerRule
    default_band: str | None
    default_coverage_percent: int
    cap_cents_per_month: int | None


class MemberPlanBody(Body):
    """A band to adopt for a member's plan."""

    band: Band
    coverage_percent: Coverage = 100
    amount_cents: Annotated[int, Field(ge=0)] | None = Field(
        None,
        description="The amount that was shown. If it is not the amount that would be adopted,"
        " nothing is.",
    )


class PayerBody(Body):
    """Who is to pay one's own plan."""

    payer: Literal[Payer.ORGANIZATION, Payer.MEMBER]
    amount_cents: Annotated[int, Field(ge=0)] | None = Field(
        None, description="What the plan is to contribute afterwards, if it was shown."
    )


class SharingBody(Body):
    """Whether the organization may see one's own use by name."""

    shared: bool


class SharingAnswer(Answer):
    """Whether the organization may see one's own use by name."""

    shared_at: datetime | None


class MemberPlanAnswer(Answer):
    """The plan a member has in an organization, and which part of it is set by whom."""

    payer: Payer
    payer_set_by: Literal["terms", "member"] = Field(
        description="`member` where the terms leave it to members and this one has chosen."
    )
    amount_set_by: Literal["member", "administrator"] | None = Field(
        description="Null before a plan began."
    )
    band: str | None
    plan: PlanAnswer | None

    @classmethod
    def of(cls, found: MemberPlan) -> MemberPlanAnswer:
        """Show a member's plan."""
        charged = found.charged
        return cls(
            payer=found.payer,
            payer_set_by="member" if found.payer_is_chosen else "terms",
            amount_set_by=None
            if charged is None
            else "member"
            if found.adopted_by_member
            else "administrator",
            band=None if charged is None else charged.estimate.band,
            plan=None
            if charged is None
            else PlanAnswer.of(PlanView(charged.plan, charged.adoption)),
        )


class ShareAnswer(Answer):
    """Some of the members' active plans."""

    plans: int
    cents_per_month: int


class TotalsAnswer(Answer):
    """The plans of all members, counted."""

    members: int
    active: ShareAnswer
    paid_by_organization: ShareAnswer
    paid_by_members: ShareAnswer
    by_band: dict[str, ShareAnswer]
    paused: int
    without_plan: int
    organization_cents_per_month: int = Field(description="Its own plan included.")
    unshared_people: int | None = Field(
        description="Members who share nothing and have a plan of their own; null where they are"
        " fewer than five."
    )
    unshared_tokens_per_month: int | None = Field(
        description="Of these together, each as the middle of its band, rounded to two digits; null"
        " likewise."
    )

    @classmethod
    def of(cls, totals: Totals, hidden: HiddenUsage) -> Self:
        """Show the totals."""
        return super().of(
            totals,
            paid_by_organization=totals.by_payer[Payer.ORGANIZATION],
            paid_by_members=totals.by_payer[Payer.MEMBER],
            organization_cents_per_month=totals.cents_per_month,
            unshared_people=hidden.people,
            unshared_tokens_per_month=hidden.tokens_per_month,
        )


class SharedUsageAnswer(Answer):
    """What a member lets the organization see of their own use."""

    membership_id: UUID
    tokens_per_month: int | None = Field(description="Null without a plan of their own.")

    @classmethod
    def of(cls, shared: SharedUsage) -> Self:
        """Show what is shared."""
        return super().of(shared, membership_id=shared.membership.id)


class SharedUsageList(ItemList[SharedUsageAnswer]):
    """One page of members who share their own use, by name."""


class ManyQuery(Query):
    """Which members' plans, and what they are to be."""

    search: Annotated[str, Field(max_length=LONGEST_SEARCH)] = Field(
        "", description="A part of the name or the address, in any case."
    )
    role: Role | None = Field(None, description="Only members in this role.")
    status: MembershipStatus | None = Field(None, description="Only members of this status.")
    current_band: Annotated[str, Field(max_length=LONGEST_BAND)] | None = Field(
        None, description="Only plans of this band, or `none` for members without one."
    )
    band: Band
    coverage_percent: Coverage = 100

    def wanted(self) -> PlanFilter:
        """The filter for the service."""
        return _filter(self)


class ManyBody(Body):
    """A change to many plans, as a preview showed it."""

    search: Annotated[str, Field(max_length=LONGEST_SEARCH)] = ""
    role: Annotated[Role, Field(strict=False)] | None = None
    status: Annotated[MembershipStatus, Field(strict=False)] | None = None
    current_band: Annotated[str, Field(max_length=LONGEST_BAND)] | None = None
    band: Band
    coverage_percent: Coverage = 100
    plans_to_change: Annotated[int, Field(ge=0)] = Field(
        description="As the preview said. If it does not hold any more, nothing is done."
    )
    difference_cents: int = Field(description="Likewise.")

    def wanted(self) -> PlanFilter:
        """The filter for the service."""
        return _filter(self)


def _filter(given: ManyQuery | ManyBody) -> PlanFilter:
    return PlanFilter(
        members=MemberFilter(search=given.search, role=given.role, status=given.status),
        current_band=given.current_band,
    )


class PreviewAnswer(Answer):
    """What a change to many plans would do, counted exactly."""

    amount_cents: int = Field(description="What each plan contributes afterwards, a month.")
    programmes: ProgrammeList
    members: int
    members_paying: int = Field(description="They pay themselves and are left out.")
    members_suspended: int = Field(description="They are left out, too.")
    plans_to_change: int
    plans_unchanged: int
    plans_paused: int = Field(description="Of those that change; they stay paused.")
    difference_cents: int = Field(description="Of the organization's monthly total.")
    organization_cents_per_month: int
    organization_cents_per_month_afterwards: int
    cap_cents_per_month: int | None
    within_cap: bool

    @classmethod
    def of(cls, preview: Preview) -> Self:
        """Show a preview."""
        return super().of(
            preview,
            preview.offer,
            organization_cents_per_month=preview.cents_per_month,
            organization_cents_per_month_afterwards=preview.cents_per_month_afterwards,
            within_cap=preview.over_cap is None,
        )


class BulkChangeAnswer(Answer):
    """A change to many plans, and how far it has come."""

    id: UUID
    status: BulkStatus
    band: str
    coverage_percent: int
    amount_cents: int
    programmes: ProgrammeList
    difference_cents: int
    plans_to_change: int
    plans_changed: int
    stopped_code: str | None
    created_at: datetime
    finished_at: datetime | None
