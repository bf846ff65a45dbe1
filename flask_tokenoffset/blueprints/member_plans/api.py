"""Operations on members' plans, and on the terms they stand on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_tokenoffset.blueprints.access.changing import changing_organization
from flask_tokenoffset.blueprints.access.context import current_membership
from flask_tokenoffset.blueprints.json_api.operations import OperationAnswer, operation, operations
from flask_tokenoffset.blueprints.member_plans import flow, own_api
from flask_tokenoffset.blueprints.member_plans.schemas import (
    BulkChangeAnswer,
    ManyBody,
    ManyQuery,
    MemberPlanAnswer,
    MemberPlanBody,
    PreviewAnswer,
    SharedUsageAnswer,
    SharedUsageList,
    TermsAnswer,
    TermsBody,
    TotalsAnswer,
)
from flask_tokenoffset.blueprints.schemas.base import ListQuery
from flask_tokenoffset.blueprints.schemas.paging import page_of, read_name_cursor
from flask_tokenoffset.errors import Conflict, InvalidInput, NotFound
from flask_tokenoffset.models import PlanStatus
from flask_tokenoffset.permissions import Permission
from flask_tokenoffset.services.member_plans import bulk_changes
from flask_tokenoffset.services.member_plans import terms as member_terms
from flask_tokenoffset.services.member_plans import totals as member_totals
from flask_tokenoffset.services.member_plans.bulk_previews import preview_change
from flask_tokenoffset.services.member_plans.terms import Terms
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from uuid import UUID


@operation(
    "GET",
    "/terms",
    permission=Permission.READ_MEMBER_PLANS,
    summary="Read the terms of members' plans",
    answers={200: TermsAnswer},
)
def read_terms() -> OperationAnswer:
    """Who pays for members, what a new member begins with, and the organization's cap."""
    return TermsAnswer.of(Terms.of(current_membership().organization))


@operation(
    "PUT",
    "/terms",
    permission=Permission.CHANGE_ORGANIZATION,
    summary="Change the terms of members' plans",
    body=TermsBody,
    answers={200: TermsAnswer},
    problems=[InvalidInput],
)
def change_terms(body: TermsBody) -> OperationAnswer:
    """Say the terms anew. It changes no amount; who pays changes from the next record on."""
    with changing_organization() as (work, who):
        member_terms.change_terms(work, **who, terms=body.terms())
    return TermsAnswer.of(Terms.of(current_membership().organization))


@operation(
    "GET",
    "/member-plans",
    permission=Permission.READ_MEMBER_PLANS,
    summary="Count the members' plans",
    answers={200: TotalsAnswer},
)
def count_member_plans() -> OperationAnswer:
    """The plans of all members by payer and band, and the use of those who share none, added up."""
    session = current_state().session
    organization = current_membership().organization
    return TotalsAnswer.of(
        member_totals.read_totals(session, organization),
        member_totals.read_hidden_usage(session, organization.id),
    )


@operation(
    "GET",
    "/member-usage",
    permission=Permission.READ_MEMBER_PLANS,
    summary="List the use that members share",
    query=ListQuery,
    answers={200: SharedUsageList},
    problems=[InvalidInput],
)
def list_shared_usage(query: ListQuery) -> OperationAnswer:
    """Members who let the organization see their own use, by name."""
    found = page_of(
        member_totals.list_shared_usage(
            current_state().session,
            current_membership().organization.id,
            after=read_name_cursor(query.cursor),
            limit=query.limit + 1,
        ),
        query.limit,
        lambda each: (each.membership.sort_name, each.membership.id),
    )
    return SharedUsageList(
        items=[SharedUsageAnswer.of(each) for each in found.shown], next_cursor=found.next_cursor
    )


@operation(
    "GET",
    "/members/<uuid:membership_id>/plan",
    permission=Permission.READ_MEMBER_PLANS,
    summary="Read a member's plan",
    answers={200: MemberPlanAnswer},
    problems=[NotFound],
)
def read_member_plan(membership_id: UUID) -> OperationAnswer:
    """The plan a member has in the organization; never the one of their own account."""
    return _answer(membership_id)


@operation(
    "PUT",
    "/members/<uuid:membership_id>/plan",
    permission=Permission.CHANGE_MEMBER_PLANS,
    summary="Adopt a band for a member",
    body=MemberPlanBody,
    answers={200: MemberPlanAnswer},
    problems=[NotFound, InvalidInput, Conflict],
)
def set_member_plan(membership_id: UUID, body: MemberPlanBody) -> OperationAnswer:
    """Say what a member's plan contributes, where the organization pays. The member is told."""
    flow.adopt(body.band, body.coverage_percent, body.amount_cents, membership_id)
    return _answer(membership_id)


@operation(
    "POST",
    "/members/<uuid:membership_id>/plan/pause",
    permission=Permission.CHANGE_MEMBER_PLANS,
    summary="Pause a member's plan",
    answers={200: MemberPlanAnswer},
    problems=[NotFound, Conflict],
)
def pause_member_plan(membership_id: UUID) -> OperationAnswer:
    """Months that begin while the plan is paused are not recorded."""
    return _change(membership_id, PlanStatus.PAUSED)


@operation(
    "POST",
    "/members/<uuid:membership_id>/plan/resume",
    permission=Permission.CHANGE_MEMBER_PLANS,
    summary="Resume a member's plan",
    answers={200: MemberPlanAnswer},
    problems=[NotFound, Conflict],
)
def resume_member_plan(membership_id: UUID) -> OperationAnswer:
    """Go on with the amount that was adopted last."""
    return _change(membership_id, PlanStatus.ACTIVE)


@operation(
    "POST",
    "/members/<uuid:membership_id>/plan/end",
    permission=Permission.CHANGE_MEMBER_PLANS,
    summary="End a member's plan",
    answers={200: MemberPlanAnswer},
    problems=[NotFound, Conflict],
)
def end_member_plan(membership_id: UUID) -> OperationAnswer:
    """Stop contributing for a member. Adopting a band begins anew."""
    return _change(membership_id, PlanStatus.ENDED)


@operation(
    "GET",
    "/member-plans/preview",
    permission=Permission.CHANGE_MEMBER_PLANS,
    summary="Preview a change to many plans",
    query=ManyQuery,
    answers={200: PreviewAnswer},
    problems=[InvalidInput],
)
def preview_bulk_change(query: ManyQuery) -> OperationAnswer:
    """What a change to the plans of many members would do, counted exactly. Nothing is done."""
    state = current_state()
    return PreviewAnswer.of(
        preview_change(
            state.session,
            current_membership().organization,
            query.wanted(),
            key=query.band,
            coverage_percent=query.coverage_percent,
            method_version=state.settings.method,
            programmes=state.settings.programmes,
        )
    )


@operation(
    "POST",
    "/member-plans/changes",
    permission=Permission.CHANGE_MEMBER_PLANS,
    summary="Change many plans",
    body=ManyBody,
    answers={202: BulkChangeAnswer},
    problems=[InvalidInput, Conflict],
)
def request_bulk_change(body: ManyBody) -> OperationAnswer:
    """Apply a band and a coverage as a preview showed it. More than a hundred take a while."""
    state = current_state()
    with changing_organization() as (work, who):
        change_id = bulk_changes.request_change(
            work,
            **who,
            wanted=body.wanted(),
            key=body.band,
            coverage_percent=body.coverage_percent,
            expected_plans=body.plans_to_change,
            expected_difference_cents=body.difference_cents,
            method_version=state.settings.method,
            programmes=state.settings.programmes,
        ).id
    return read_change(change_id), 202


@operation(
    "GET",
    "/member-plans/changes/<uuid:change_id>",
    permission=Permission.READ_MEMBER_PLANS,
    summary="Read a change to many plans",
    answers={200: BulkChangeAnswer},
    problems=[NotFound],
)
def read_bulk_change(change_id: UUID) -> OperationAnswer:
    """How far a change to many plans has come."""
    return read_change(change_id)


def read_change(change_id: UUID) -> BulkChangeAnswer:
    """A change as the API shows it."""
    return BulkChangeAnswer.of(
        bulk_changes.read_change(
            current_state().session, current_membership().organization, change_id
        )
    )


def _change(membership_id: UUID, status: PlanStatus) -> OperationAnswer:
    flow.change_status(status, membership_id)
    return _answer(membership_id)


def _answer(membership_id: UUID) -> MemberPlanAnswer:
    return MemberPlanAnswer.of(flow.read_plan(membership_id))


register_in_organization = operations(
    read_terms,
    change_terms,
    count_member_plans,
    list_shared_usage,
    read_member_plan,
    set_member_plan,
    pause_member_plan,
    resume_member_plan,
    end_member_plan,
    preview_bulk_change,
    request_bulk_change,
    read_bulk_change,
    *own_api.OPERATIONS,
)
