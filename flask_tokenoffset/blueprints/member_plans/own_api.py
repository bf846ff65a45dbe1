"""Operations on the caller's own plan in an organization."""

from __future__ import annotations

from typing import Final

from flask_tokenoffset.blueprints.access.changing import changing_organization
from flask_tokenoffset.blueprints.access.context import current_membership, require_acceptance
from flask_tokenoffset.blueprints.json_api.operations import OperationAnswer, operation
from flask_tokenoffset.blueprints.member_plans import flow
from flask_tokenoffset.blueprints.member_plans.schemas import (
    MemberPlanAnswer,
    MemberPlanBody,
    PayerBody,
    SharingAnswer,
    SharingBody,
)
from flask_tokenoffset.errors import Conflict, InvalidInput
from flask_tokenoffset.models import PlanStatus
from flask_tokenoffset.permissions import Permission
from flask_tokenoffset.services.member_plans import member_choices


@operation(
    "GET",
    "/membership/plan",
    permission=Permission.READ_MEMBERSHIP,
    before_acceptance=True,
    summary="Read your own plan in the organization",
    answers={200: MemberPlanAnswer},
)
def read_own_plan() -> OperationAnswer:
    """The caller's plan in the organization, and which part of it is set by whom."""
    return _answer()


@operation(
    "PUT",
    "/membership/plan",
    permission=Permission.CHANGE_MEMBERSHIP,
    summary="Adopt a band for your own plan in the organization",
    body=MemberPlanBody,
    answers={200: MemberPlanAnswer},
    problems=[InvalidInput, Conflict],
)
def adopt_own_plan(body: MemberPlanBody) -> OperationAnswer:
    """Say what the caller's own plan contributes, where the caller pays it."""
    flow.adopt(body.band, body.coverage_percent, body.amount_cents)
    return _answer()


@operation(
    "PUT",
    "/membership/plan/payer",
    permission=Permission.CHANGE_MEMBERSHIP,
    summary="Choose who pays your own plan in the organization",
    body=PayerBody,
    answers={200: MemberPlanAnswer},
    problems=[InvalidInput, Conflict],
)
def choose_own_payer(body: PayerBody) -> OperationAnswer:
    """Choose who pays, where the terms leave it to members. It counts from the next record on."""
    flow.choose_payer(body.payer, body.amount_cents)
    return _answer()


@operation(
    "POST",
    "/membership/plan/pause",
    permission=Permission.CHANGE_MEMBERSHIP,
    before_acceptance=True,
    summary="Pause your own plan in the organization",
    answers={200: MemberPlanAnswer},
    problems=[Conflict],
)
def pause_own_plan() -> OperationAnswer:
    """Months that begin while the plan is paused are not recorded."""
    return _change(PlanStatus.PAUSED)


@operation(
    "POST",
    "/membership/plan/resume",
    permission=Permission.CHANGE_MEMBERSHIP,
    summary="Resume your own plan in the organization",
    answers={200: MemberPlanAnswer},
    problems=[Conflict],
)
def resume_own_plan() -> OperationAnswer:
    """Go on with the amount that was adopted last."""
    return _change(PlanStatus.ACTIVE)


@operation(
    "POST",
    "/membership/plan/end",
    permission=Permission.CHANGE_MEMBERSHIP,
    before_acceptance=True,
    summary="End your own plan in the organization",
    answers={200: MemberPlanAnswer},
    problems=[Conflict],
)
def end_own_plan() -> OperationAnswer:
    """Stop contributing. Adopting a band begins anew."""
    return _change(PlanStatus.ENDED)


@operation(
    "PUT",
    "/membership/usage-sharing",
    permission=Permission.CHANGE_MEMBERSHIP,
    before_acceptance=True,
    summary="Share your own use with the organization, or stop",
    body=SharingBody,
    answers={200: SharingAnswer},
)
def set_usage_sharing(body: SharingBody) -> OperationAnswer:
    """Let the organization see the tokens a month of the caller's own plan by name, or no more."""
    if body.shared:
        require_acceptance()
    with changing_organization() as (work, who):
        member_choices.share_usage(work, **who, shared=body.shared)
    return SharingAnswer(shared_at=current_membership().membership.usage_shared_at)


def _change(status: PlanStatus) -> OperationAnswer:
    flow.change_status(status)
    return _answer()


def _answer() -> MemberPlanAnswer:
    return MemberPlanAnswer.of(flow.read_plan())


#: In order.
OPERATIONS: Final = (
    read_own_plan,
    adopt_own_plan,
    choose_own_payer,
    pause_own_plan,
    resume_own_plan,
    end_own_plan,
    set_usage_sharing,
)
