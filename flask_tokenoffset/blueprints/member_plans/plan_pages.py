"""The page of one plan in an organization: one's own, or a member's for those who manage plans.

Both do the same, each under its own permission: look, adopt, pause, resume and end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import request, url_for

from flask_tokenoffset.blueprints.access.changing import changing_organization
from flask_tokenoffset.blueprints.access.context import current_membership, require_acceptance
from flask_tokenoffset.blueprints.access.urls import see_other
from flask_tokenoffset.blueprints.estimates.pages import UPDATE
from flask_tokenoffset.blueprints.estimates.side_by_side import BothMethods
from flask_tokenoffset.blueprints.html.outcomes import Notice, errors_of
from flask_tokenoffset.blueprints.html.page_routes import page_routes
from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.blueprints.html.shown_terms import shown_terms_of
from flask_tokenoffset.blueprints.member_plans import flow, presentation
from flask_tokenoffset.blueprints.member_plans.forms import PlanForm, read_cents
from flask_tokenoffset.blueprints.plans.pages import STATUS_AFTER
from flask_tokenoffset.errors import Conflict, InvalidInput, Refusal
from flask_tokenoffset.host.programmes import from_json
from flask_tokenoffset.models import MembershipStatus, Payer, PayerRule, PlanStatus
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.services.member_plans import member_choices
from flask_tokenoffset.services.member_plans.offers import Offer
from flask_tokenoffset.services.organizations.member_lists import read_member
from flask_tokenoffset.services.plans.billing import list_records
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from flask.typing import ResponseReturnValue

    from flask_tokenoffset.services.member_plans.plans import MemberPlan

#: Billing records shown beside a plan.
_RECORDS_SHOWN: Final = 12


def shown_own_plan() -> dict[str, Any]:
    """What ``member_plans/own_plan.html`` shows of the current user's plan in the organization."""
    return _own_plan_labels(flow.read_plan())


@requires(Permission.READ_MEMBERSHIP, before_acceptance=True)
def own_plan() -> ResponseReturnValue:
    """One's own plan in the organization, its records, and what one may change about it."""
    return _page(sent=request.args, done=request.args.get("done", ""))


@requires(Permission.READ_MEMBER_PLANS)
def member_plan(membership_id: UUID) -> ResponseReturnValue:
    """One member's plan, and which part of it is set by whom."""
    return _page(membership_id, sent=request.args, done=request.args.get("done", ""))


@requires(Permission.CHANGE_MEMBERSHIP)
def adopt_own_plan() -> ResponseReturnValue:
    """Adopt a band for one's own plan, where one pays it."""
    return _adopt()


@requires(Permission.CHANGE_MEMBER_PLANS)
def set_member_plan(membership_id: UUID) -> ResponseReturnValue:
    """Adopt a band for one member, where the organization pays."""
    return _adopt(membership_id)


@requires(Permission.CHANGE_MEMBERSHIP, before_acceptance=True)
def change_own_plan(change: str) -> ResponseReturnValue:
    """Pause, resume or end one's own plan, where one pays it."""
    if STATUS_AFTER[change] is PlanStatus.ACTIVE:
        require_acceptance()
    return _change(change)


@requires(Permission.CHANGE_MEMBER_PLANS)
def change_member_plan(membership_id: UUID, change: str) -> ResponseReturnValue:
    """Pause, resume or end a member's plan, where the organization pays."""
    return _change(change, membership_id)


@requires(Permission.CHANGE_MEMBERSHIP, before_acceptance=True)
def confirm_end_own_plan() -> ResponseReturnValue:
    """Ask once more, where no script can."""
    return _confirm_end(f"End your plan in {current_membership().organization.name}?")


@requires(Permission.CHANGE_MEMBER_PLANS)
def confirm_end_member_plan(membership_id: UUID) -> ResponseReturnValue:
    """Ask once more, where no script can."""
    organization_id = current_membership().organization.id
    member = read_member(current_state().session, organization_id, membership_id)
    return _confirm_end(f"End the plan of {member.name}?", membership_id)


@requires(Permission.CHANGE_MEMBERSHIP)
def choose_payer() -> ResponseReturnValue:
    """Choose who pays one's own plan, where the terms leave that to members."""
    try:
        payer = request.form.get("payer", "")
        if payer not in set(Payer):
            raise InvalidInput({"payer": "Choose the organization or yourself."})
        shown = read_cents(request.form, "amount_cents") if "amount_cents" in request.form else None
        flow.choose_payer(Payer(payer), shown, expected_terms=shown_terms_of(request.form))
    except (InvalidInput, Conflict) as refused:
        return _page(refused=refused)
    return see_other(".own_plan", done="chosen")


@requires(Permission.CHANGE_MEMBERSHIP, before_acceptance=True)
def share_usage() -> ResponseReturnValue:
    """Let the organization see the use of one's own account by name, or no longer."""
    shared = request.form.get("shared")
    if shared not in {"yes", "no"}:
        raise InvalidInput({"shared": "Say yes or no; nothing was changed."})
    if shared == "yes":
        require_acceptance()
    with changing_organization() as (work, who):
        member_choices.share_usage(work, **who, shared=shared == "yes")
    return see_other(".own_plan", done="shared")


_ONE: Final = "/members/<uuid:membership_id>/plan"
_OWN: Final = "/membership/plan"
register = page_routes(
    (_ONE, member_plan),
    (_ONE, set_member_plan, "POST"),
    (f"{_ONE}/end", confirm_end_member_plan),
    (f"{_ONE}/<any(pause, resume, end):change>", change_member_plan, "POST"),
    (_OWN, own_plan),
    (_OWN, adopt_own_plan, "POST"),
    (f"{_OWN}/payer", choose_payer, "POST"),
    (f"{_OWN}/end", confirm_end_own_plan),
    (f"{_OWN}/<any(pause, resume, end):change>", change_own_plan, "POST"),
    ("/membership/usage-sharing", share_usage, "POST"),
)


def _adopt(membership_id: UUID | None = None) -> ResponseReturnValue:
    form = PlanForm.read(request.form)
    endpoint, path = _page_of(membership_id)
    if UPDATE in request.form:
        return see_other(endpoint, **path, band=form.band, coverage=form.coverage)
    try:
        offer = form.offer(current_state().settings)
        expected = read_cents(request.form, "amount_cents")
        flow.adopt(
            offer.band,
            offer.coverage_percent,
            expected,
            membership_id,
            expected_terms=shown_terms_of(request.form),
        )
    except (InvalidInput, Conflict) as refused:
        return _page(membership_id, sent=request.form, refused=refused)
    return see_other(endpoint, **path, done="adopted")


def _change(change: str, membership_id: UUID | None = None) -> ResponseReturnValue:
    try:
        flow.change_status(STATUS_AFTER[change], membership_id)
    except Conflict as refused:
        return _page(membership_id, refused=refused)
    endpoint, path = _page_of(membership_id)
    return see_other(endpoint, **path, done=change)


def _confirm_end(title: str, membership_id: UUID | None = None) -> ResponseReturnValue:
    plan = flow.read_plan(membership_id)
    endpoint, path = _page_of(membership_id)
    if not plan.runs:
        return see_other(endpoint, **path)
    change = ".change_own_plan" if membership_id is None else ".change_member_plan"
    return render(
        "member_plans/confirm_end.html",
        plan=plan,
        title=title,
        back_url=url_for(endpoint, **path),
        action=url_for(change, **path, change="end"),
    )


def _page_of(membership_id: UUID | None) -> tuple[str, dict[str, Any]]:
    """The endpoint of a plan's page, and what stands in its path."""
    if membership_id is None:
        return ".own_plan", {}
    return ".member_plan", {"membership_id": membership_id}


def _page(
    membership_id: UUID | None = None,
    *,
    sent: Mapping[str, str] | None = None,
    done: str = "",
    refused: Refusal | None = None,
) -> ResponseReturnValue:
    state = current_state()
    plan = flow.read_plan(membership_id)
    form = PlanForm.read(sent or {}, _current_offer(plan))
    errors = dict(errors_of(refused))
    offer = None
    try:
        offer = form.offer(state.settings)
    except InvalidInput as error:
        errors |= error.errors
    own = membership_id is None
    page = render(
        f"member_plans/{'own_page' if own else 'member'}.html",
        form=form,
        offer=offer,
        errors=errors,
        band_choices=presentation.band_choices(),
        both=offer
        and BothMethods.of_band(offer.band, offer.coverage_percent, offer.method_version),
        records=list_records(state.session, plan.membership.account_id, limit=_RECORDS_SHOWN),
        notice=_notice(plan, done, own=own),
        refused=refused if isinstance(refused, Conflict) else None,
        **(_of_own(plan) if own else _of_member(plan)),
    )
    return page, refused.status if refused else 422 if errors else 200


def _of_own(plan: MemberPlan) -> dict[str, Any]:
    return {
        "organization": plan.organization,
        "own_plan": _own_plan_labels(plan),
        "takes_over": _taken_over(plan),
    }


def _of_member(plan: MemberPlan) -> dict[str, Any]:
    may_change = (
        Permission.CHANGE_MEMBER_PLANS in current_membership().permissions
        and plan.payer is Payer.ORGANIZATION
        and plan.membership.status == MembershipStatus.ACTIVE
    )
    member = read_member(current_state().session, plan.organization.id, plan.membership.id)
    return {**_plan_labels(plan, own=False), "member": member, "may_change": may_change}


def _own_plan_labels(plan: MemberPlan) -> dict[str, Any]:
    return {
        **_plan_labels(plan, own=True),
        "pays": plan.payer is Payer.MEMBER,
        "chooses": plan.rule is PayerRule.MEMBER_CHOOSES,
        "shared": plan.membership.usage_shared_at,
    }


def _plan_labels(plan: MemberPlan, *, own: bool) -> dict[str, Any]:
    return {
        "plan": plan,
        "payer_label": presentation.payer_label(plan, own=own),
        "setter_label": presentation.setter_label(plan, own=own),
        "band_title": presentation.band_title,
    }


def _current_offer(plan: MemberPlan) -> Offer | None:
    """What a plan contributes for now, to begin a form with."""
    if plan.charged is None:
        return None
    adoption = plan.charged.adoption
    return Offer(
        band=plan.charged.estimate.band,
        coverage_percent=adoption.coverage_percent,
        tokens_per_month=adoption.tokens_per_month,
        amount_cents=adoption.amount_cents,
        method_version=adoption.method_version,
        programmes=from_json(adoption.programmes),
    )


def _taken_over(plan: MemberPlan) -> dict[str, Any]:
    """What happens to the amount if the organization comes to pay: an offer, or why it cannot."""
    if plan.payer is not Payer.MEMBER or plan.rule is not PayerRule.MEMBER_CHOOSES:
        return {}
    settings = current_state().settings
    try:
        offer = member_choices.amount_when_organization_pays(
            plan, settings.method, settings.programmes
        )
    except Conflict as error:
        return {"refusal": error.message}
    return {"offer": offer}


def _notice(plan: MemberPlan, done: str, *, own: bool) -> Notice | None:
    if own and done == "chosen":
        text = f"From the next record on: {presentation.payer_label(plan, own=True)}."
        return Notice("Chosen", text)
    if own and done == "shared":
        return Notice("Saved", "It holds from now on, and you can change it any time.")
    if plan.charged is None:
        return None
    return presentation.PLAN_NOTICES.get((done, plan.charged.plan.status))
