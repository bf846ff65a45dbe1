"""The part of one's own membership that is about the plan in it, and about sharing one's use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import request, url_for

from flask_tokenoffset.blueprints.access.changing import changing_organization
from flask_tokenoffset.blueprints.access.context import current_place, require_acceptance
from flask_tokenoffset.blueprints.access.urls import see_other
from flask_tokenoffset.blueprints.estimates.pages import UPDATE
from flask_tokenoffset.blueprints.estimates.presentation import price_sentence
from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.blueprints.member_plans import presentation
from flask_tokenoffset.blueprints.member_plans.forms import PlanForm, read_cents
from flask_tokenoffset.errors import Conflict, InvalidInput, Refusal
from flask_tokenoffset.models import Payer, PayerRule, PlanStatus
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.services.member_plans import member_choices
from flask_tokenoffset.services.member_plans import plans as member_plans
from flask_tokenoffset.services.member_plans.offers import Offer
from flask_tokenoffset.services.plans.billing import list_records
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Blueprint
    from flask.typing import ResponseReturnValue

    from flask_tokenoffset.services.member_plans.plans import MemberPlan
    from flask_tokenoffset.services.organizations.organizations import Place

SEE_OTHER: Final = 303
#: Billing records shown beside a plan.
RECORDS_SHOWN: Final = 12
STATUS_AFTER: Final[Mapping[str, PlanStatus]] = {
    "pause": PlanStatus.PAUSED,
    "resume": PlanStatus.ACTIVE,
    "end": PlanStatus.ENDED,
}


def own_plan_of(place: Place) -> dict[str, Any]:
    """What ``member_plans/own_plan.html`` shows of somebody's plan in an organization.

    :param place: theirs in it.
    """
    plan = member_plans.read_own_plan(current_state().session, place)
    return {
        "plan": plan,
        "payer_words": presentation.payer_words(plan, own=True),
        "setter_words": presentation.setter_words(plan, own=True),
        "pays": plan.payer is Payer.MEMBER,
        "chooses": plan.rule is PayerRule.MEMBER_CHOOSES,
        "shared": place.membership.usage_shared_at,
        "band_title": presentation.band_title,
    }


def current_offer(plan: MemberPlan) -> Offer | None:
    """What a plan contributes for now, to begin a form with."""
    if plan.charged is None:
        return None
    adoption = plan.charged.adoption
    return Offer(
        band=plan.charged.estimate.band,
        coverage_percent=adoption.coverage_percent,
        tokens_per_month=adoption.tokens_per_month,
        amount_cents=adoption.amount_cents,
    )


@requires(Permission.READ_MEMBERSHIP, before_acceptance=True)
def own_plan() -> ResponseReturnValue:
    """One's own plan in the organization, its records, and what one may change about it."""
    return _own_page(sent=request.args, done=request.args.get("done", ""))


@requires(Permission.CHANGE_MEMBERSHIP)
def adopt_own_plan() -> ResponseReturnValue:
    """Adopt a band for one's own plan, where one pays it."""
    form = PlanForm.read(request.form)
    if UPDATE in request.form:
        return see_other(".own_plan", band=form.band, coverage=form.coverage)
    state = current_state()
    try:
        offer = form.offer(state.settings.method)
        expected = read_cents(request.form, "amount_cents")
        with changing_organization() as (work, who):
            member_plans.adopt_own(
                work,
                **who,
                key=offer.band,
                coverage_percent=offer.coverage_percent,
                expected_amount_cents=expected,
                method_version=state.settings.method,
            )
    except (InvalidInput, Conflict) as refused:
        return _own_page(sent=request.form, refused=refused)
    return see_other(".own_plan", done="adopted")


@requires(Permission.CHANGE_MEMBERSHIP)
def choose_payer() -> ResponseReturnValue:
    """Choose who pays one's own plan, where the terms leave that to members."""
    state = current_state()
    try:
        payer = request.form.get("payer", "")
        if payer not in set(Payer):
            raise InvalidInput({"payer": "Choose the organization or yourself."})
        shown = read_cents(request.form, "amount_cents") if "amount_cents" in request.form else None
        with changing_organization() as (work, who):
            member_choices.choose_payer(
                work,
                **who,
                payer=Payer(payer),
                expected_amount_cents=shown,
                method_version=state.settings.method,
            )
    except (InvalidInput, Conflict) as refused:
        return _own_page(sent={}, refused=refused)
    return see_other(".own_plan", done="chosen")


@requires(Permission.CHANGE_MEMBERSHIP, before_acceptance=True)
def change_own_plan(change: str) -> ResponseReturnValue:
    """Pause, resume or end one's own plan, where one pays it."""
    if STATUS_AFTER[change] is PlanStatus.ACTIVE:
        require_acceptance()
    try:
        with changing_organization() as (work, who):
            member_plans.change_own_status(work, **who, status=STATUS_AFTER[change])
    except Conflict as refused:
        return _own_page(sent={}, refused=refused)
    return see_other(".own_plan", done=change)


@requires(Permission.CHANGE_MEMBERSHIP, before_acceptance=True)
def confirm_end_own_plan() -> ResponseReturnValue:
    """Ask once more, where no script can."""
    place = current_place()
    plan = member_plans.read_own_plan(current_state().session, place)
    if not plan.runs:
        return see_other(".own_plan")
    return render(
        "member_plans/confirm_end.html",
        plan=plan,
        title="End your plan in " + place.organization.name + "?",
        back_url=url_for(".own_plan"),
        action=url_for(".change_own_plan", change="end"),
    )


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


def _own_page(
    *, sent: Mapping[str, str], done: str = "", refused: Refusal | None = None
) -> ResponseReturnValue:
    place = current_place()
    state = current_state()
    shown = own_plan_of(place)
    plan: MemberPlan = shown["plan"]
    form = PlanForm.read(sent, current_offer(plan))
    errors = dict(refused.errors) if isinstance(refused, InvalidInput) else {}
    offer = None
    try:
        offer = form.offer(state.settings.method)
    except InvalidInput as error:
        errors |= error.errors
    page = render(
        "member_plans/own_page.html",
        organization=place.organization,
        own_plan=shown,
        form=form,
        offer=offer,
        errors=errors,
        takes_over=_taken_over(plan),
        band_choices=presentation.band_choices(),
        price_sentence=price_sentence(state.settings.method),
        records=list_records(state.session, place.membership.account_id, limit=RECORDS_SHOWN),
        notice=_notice(plan, done),
        refused=refused if isinstance(refused, Conflict) else None,
    )
    return page, refused.status if refused else 422 if errors else 200


def _taken_over(plan: MemberPlan) -> dict[str, Any]:
    """What happens to the amount if the organization comes to pay: an offer, or why it cannot."""
    if plan.payer is not Payer.MEMBER or plan.rule is not PayerRule.MEMBER_CHOOSES:
        return {}
    try:
        offer = member_choices.amount_when_organization_pays(plan, current_state().settings.method)
    except Conflict as error:
        return {"refusal": error.message}
    return {"offer": offer}


def _notice(plan: MemberPlan, done: str) -> presentation.Notice | None:
    if done == "chosen":
        text = f"From the next record on: {presentation.payer_words(plan, own=True)}."
        return presentation.Notice("Chosen", text)
    if done == "shared":
        return presentation.Notice("Saved", "It holds from now on, and you can change it any time.")
    if plan.charged is None:
        return None
    return presentation.PLAN_NOTICES.get((done, plan.charged.plan.status))


def register(pages: Blueprint) -> None:
    """Add the pages."""
    pages.add_url_rule("/membership/plan", view_func=own_plan)
    pages.add_url_rule("/membership/plan", view_func=adopt_own_plan, methods=["POST"])
    pages.add_url_rule("/membership/plan/payer", view_func=choose_payer, methods=["POST"])
    pages.add_url_rule("/membership/plan/end", view_func=confirm_end_own_plan)
    pages.add_url_rule(
        "/membership/plan/<any(pause, resume, end):change>",
        view_func=change_own_plan,
        methods=["POST"],
    )
    pages.add_url_rule("/membership/usage-sharing", view_func=share_usage, methods=["POST"])
