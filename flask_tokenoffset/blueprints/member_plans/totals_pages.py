"""Pages for whoever manages members' plans: the totals, and one member's plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request, url_for

from flask_tokenoffset.blueprints.access.changing import changing_organization
from flask_tokenoffset.blueprints.access.context import current_place
from flask_tokenoffset.blueprints.access.urls import see_other, see_other_at
from flask_tokenoffset.blueprints.estimates.pages import UPDATE
from flask_tokenoffset.blueprints.estimates.presentation import price_sentence
from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.blueprints.member_plans import presentation
from flask_tokenoffset.blueprints.member_plans.forms import PlanForm, read_cents
from flask_tokenoffset.blueprints.member_plans.own_pages import (
    RECORDS_SHOWN,
    STATUS_AFTER,
    current_offer,
)
from flask_tokenoffset.blueprints.schemas.paging import page_of, read_name_cursor
from flask_tokenoffset.errors import Conflict, InvalidInput, Refusal
from flask_tokenoffset.models import MembershipStatus, Payer
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.services.member_plans import bulk_changes
from flask_tokenoffset.services.member_plans import plans as member_plans
from flask_tokenoffset.services.member_plans import totals as member_totals
from flask_tokenoffset.services.member_plans.terms import Terms
from flask_tokenoffset.services.organizations.member_lists import read_member
from flask_tokenoffset.services.plans.billing import list_records
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from flask import Blueprint
    from flask.typing import ResponseReturnValue

MEMBERS_SHOWN = 50
CHANGES_SHOWN = 10


@requires(Permission.READ_MEMBER_PLANS)
def member_plans_page() -> str:
    """How many plans members have here, what they contribute, and the use they let be seen."""
    place = current_place()
    session = current_state().session
    organization = place.organization
    after = read_name_cursor(request.args.get("cursor"))
    shared = page_of(
        member_totals.list_shared_usage(
            session, organization.id, after=after, limit=MEMBERS_SHOWN + 1
        ),
        MEMBERS_SHOWN,
        lambda each: (each.membership.sort_name, each.membership.id),
    )
    return render(
        "member_plans/totals.html",
        organization=organization,
        terms=Terms.of(organization),
        rule_titles=presentation.RULE_TITLES,
        totals=member_totals.read_totals(session, organization),
        band_title=presentation.band_title,
        shared=shared.shown,
        more_url=shared.next_cursor
        and url_for(".member_plans", cursor=shared.next_cursor, _anchor="to-usage"),
        hidden=member_totals.read_hidden_usage(session, organization.id),
        fewest_added_up=member_totals.FEWEST_ADDED_UP,
        changes=bulk_changes.newest_changes(session, organization, limit=CHANGES_SHOWN),
        may_change=Permission.CHANGE_MEMBER_PLANS in place.permissions,
        may_set_terms=Permission.CHANGE_ORGANIZATION in place.permissions,
    )


@requires(Permission.READ_MEMBER_PLANS)
def member_plan(membership_id: UUID) -> ResponseReturnValue:
    """One member's plan, and which part of it is set by whom."""
    return _member_page(membership_id, sent=request.args, done=request.args.get("done", ""))


@requires(Permission.CHANGE_MEMBER_PLANS)
def set_member_plan(membership_id: UUID) -> ResponseReturnValue:
    """Adopt a band for one member, where the organization pays."""
    form = PlanForm.read(request.form)
    if UPDATE in request.form:
        return see_other(
            ".member_plan", membership_id=membership_id, band=form.band, coverage=form.coverage
        )
    state = current_state()
    try:
        offer = form.offer(state.settings.method)
        expected = read_cents(request.form, "amount_cents")
        with changing_organization() as (work, who):
            member_plans.set_for_member(
                work,
                **who,
                membership_id=membership_id,
                key=offer.band,
                coverage_percent=offer.coverage_percent,
                expected_amount_cents=expected,
                method_version=state.settings.method,
            )
    except (InvalidInput, Conflict) as refused:
        return _member_page(membership_id, sent=request.form, refused=refused)
    return see_other(".member_plan", membership_id=membership_id, done="adopted")


@requires(Permission.CHANGE_MEMBER_PLANS)
def change_member_plan(membership_id: UUID, change: str) -> ResponseReturnValue:
    """Pause, resume or end a member's plan, where the organization pays."""
    try:
        with changing_organization() as (work, who):
            member_plans.change_status_for_member(
                work, **who, membership_id=membership_id, status=STATUS_AFTER[change]
            )
    except Conflict as refused:
        return _member_page(membership_id, sent={}, refused=refused)
    return see_other(".member_plan", membership_id=membership_id, done=change)


@requires(Permission.CHANGE_MEMBER_PLANS)
def confirm_end_member_plan(membership_id: UUID) -> ResponseReturnValue:
    """Ask once more, where no script can."""
    organization = current_place().organization
    session = current_state().session
    member = read_member(session, organization.id, membership_id)
    plan = member_plans.read_member_plan(session, organization, membership_id)
    back_url = url_for(".member_plan", membership_id=membership_id)
    if not plan.runs:
        return see_other_at(back_url)
    return render(
        "member_plans/confirm_end.html",
        plan=plan,
        title=f"End the plan of {member.name}?",
        back_url=back_url,
        action=url_for(".change_member_plan", membership_id=membership_id, change="end"),
    )


def _member_page(
    membership_id: UUID,
    *,
    sent: Mapping[str, str],
    done: str = "",
    refused: Refusal | None = None,
) -> ResponseReturnValue:
    place = current_place()
    state = current_state()
    member = read_member(state.session, place.organization.id, membership_id)
    plan = member_plans.read_member_plan(state.session, place.organization, membership_id)
    may_change = (
        Permission.CHANGE_MEMBER_PLANS in place.permissions
        and plan.payer is Payer.ORGANIZATION
        and plan.membership.status == MembershipStatus.ACTIVE
    )
    form = PlanForm.read(sent, current_offer(plan))
    errors = dict(refused.errors) if isinstance(refused, InvalidInput) else {}
    offer = None
    try:
        offer = form.offer(state.settings.method)
    except InvalidInput as error:
        errors |= error.errors
    page = render(
        "member_plans/member.html",
        member=member,
        plan=plan,
        payer_words=presentation.payer_words(plan, own=False),
        setter_words=presentation.setter_words(plan, own=False),
        band_title=presentation.band_title,
        may_change=may_change,
        form=form,
        offer=offer,
        errors=errors,
        band_choices=presentation.band_choices(),
        price_sentence=price_sentence(state.settings.method),
        records=list_records(state.session, plan.membership.account_id, limit=RECORDS_SHOWN),
        notice=plan.charged and presentation.PLAN_NOTICES.get((done, plan.charged.plan.status)),
        refused=refused if isinstance(refused, Conflict) else None,
    )
    return page, refused.status if refused else 422 if errors else 200


def register(pages: Blueprint) -> None:
    """Add the pages."""
    one = "/members/<uuid:membership_id>/plan"
    pages.add_url_rule("/member-plans", "member_plans", member_plans_page)
    pages.add_url_rule(one, view_func=member_plan)
    pages.add_url_rule(one, view_func=set_member_plan, methods=["POST"])
    pages.add_url_rule(f"{one}/end", view_func=confirm_end_member_plan)
    pages.add_url_rule(
        f"{one}/<any(pause, resume, end):change>", view_func=change_member_plan, methods=["POST"]
    )
