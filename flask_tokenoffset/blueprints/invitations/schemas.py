"""What invitations look like in the API."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal, Self
from uuid import UUID

from pydantic import Field

from flask_tokenoffset.blueprints.invitations.labels import sentence_of
from flask_tokenoffset.blueprints.schemas.base import Answer, Body, ItemList
from flask_tokenoffset.blueprints.schemas.programmes import ProgrammeList
from flask_tokenoffset.models import LONGEST_EMAIL, Payer
from flask_tokenoffset.permissions import Role
from flask_tokenoffset.services.invitations.csv_parsing import MOST_ROWS, Row
from flask_tokenoffset.services.invitations.csv_rows import Outcome
from flask_tokenoffset.services.invitations.invitations import Standing

if TYPE_CHECKING:
    from flask_tokenoffset.services.invitations.answering import Joined, Offer
    from flask_tokenoffset.services.invitations.csv_rows import Result
    from flask_tokenoffset.services.invitations.invitations import Listed
    from flask_tokenoffset.services.member_plans.offers import JoiningPlan


class Invitee(Body):
    """One address and the role it is invited to."""

    email: Annotated[str, Field(max_length=LONGEST_EMAIL)] = Field(
        description="What is no address is told in the report; the others are invited."
    )
    role: Annotated[Role, Field(strict=False)] = Role.MEMBER


class InviteBody(Body):
    """Whom to invite, one or many."""

    invitations: Annotated[list[Invitee], Field(min_length=1, max_length=MOST_ROWS)]

    def rows(self) -> list[Row]:
        """The list as it is read from a file, too."""
        return [
            Row(each.email, each.role, line) for line, each in enumerate(self.invitations, start=1)
        ]


class AcceptBody(Body):
    """Accepting an invitation."""

    amount_cents: Annotated[int, Field(ge=0)] | None = Field(
        None,
        description="The amount of the plan the person was shown that they begin with, 0 for none."
        " If it is not the amount by now, nothing is changed.",
    )


class InvitationAnswer(Answer):
    """An invitation as the organization sees it."""

    id: UUID
    email: str
    role: Role
    standing: Standing = Field(
        description="`withdrawn`: whoever sent it may no longer give that role."
    )
    invited_by: str | None = Field(description="The name of whoever sent it last.")
    created_at: datetime
    sent_at: datetime
    expires_at: datetime
    accepted_at: datetime | None
    cancelled_at: datetime | None

    @classmethod
    def of(cls, listed: Listed) -> Self:
        """Show an invitation."""
        return super().of(listed, listed.invitation)


class InvitationList(ItemList[InvitationAnswer]):
    """One page of invitations, newest first."""


class ReportItem(Answer):
    """What became of one of those who were to be invited."""

    email: str = Field(description="In the form in which it is kept, if it is an address.")
    role: Role | None
    outcome: Outcome = Field(description="Only `sent` and `renewed` send a mail.")
    detail: str = Field(description="A sentence: what it means and how to mend it.")
    invitation_id: UUID | None

    @classmethod
    def of(cls, result: Result) -> Self:
        """Show a row's result."""
        return super().of(result, email=result.address, detail=sentence_of(result))


class ReportAnswer(Answer):
    """What became of each, in the order in which they were sent."""

    items: list[ReportItem]


class JoiningPlanAnswer(Answer):
    """The plan a new member begins with."""

    band: str
    coverage_percent: int
    tokens_per_month: int
    amount_cents: int
    currency: Literal["USD"] = "USD"
    programmes: ProgrammeList
    payer: Payer
    skipped: str | None = Field(description="Why it does not begin at present, if it does not.")

    @classmethod
    def of(cls, plan: JoiningPlan) -> Self:
        """Show a plan."""
        return super().of(plan, plan.offer)


class OfferAnswer(Answer):
    """An invitation as the invited person sees it."""

    id: UUID
    organization_id: UUID
    organization_name: str
    role: Role
    invited_by: str | None
    sent_at: datetime
    expires_at: datetime
    plan: JoiningPlanAnswer | None = Field(description="What one begins with; null for no plan.")

    @classmethod
    def of(cls, offer: Offer, plan: JoiningPlan | None) -> Self:
        """Show an offer."""
        return super().of(
            offer,
            offer.invitation,
            organization_name=offer.organization.name,
            plan=plan and JoiningPlanAnswer.of(plan),
        )


class OfferList(Answer):
    """The invitations to the caller's own address that can be accepted now."""

    items: list[OfferAnswer]


class JoinedAnswer(Answer):
    """Where accepting led to."""

    organization_id: UUID
    membership_id: UUID
    role: Role
    was_member: bool = Field(
        description="Whether the caller was a member before; then the role is what it was."
    )
    no_plan: str | None = Field(description="Why the plan of the terms did not begin, if so.")

    @classmethod
    def of(cls, joined: Joined) -> Self:
        """Show a membership."""
        return super().of(joined, joined.membership, membership_id=joined.membership.id)
