"""Pages of the plan: what is contributed, how it came about, and how to change it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import request

from flask_tokenoffset.blueprints.access.changing import changing_account
from flask_tokenoffset.blueprints.access.context import account_if_any, require_acceptance
from flask_tokenoffset.blueprints.access.urls import see_other
from flask_tokenoffset.blueprints.estimates.pages import UPDATE
from flask_tokenoffset.blueprints.estimates.presentation import EstimateView
from flask_tokenoffset.blueprints.estimates.review import label_of, render_review
from flask_tokenoffset.blueprints.html.outcomes import Notice
from flask_tokenoffset.blueprints.html.page_routes import page_routes
from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.blueprints.plans.forms import AdoptForm
from flask_tokenoffset.blueprints.plans.history import events_of
from flask_tokenoffset.errors import Conflict, InvalidInput
from flask_tokenoffset.models import PlanStatus
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.services.plans import ledger as plans
from flask_tokenoffset.services.plans.charged import read_charged
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask.typing import ResponseReturnValue


#: By what was done and where the plan stands then: an address alone can claim anything.
_NOTICES: Final[Mapping[tuple[str, str], Notice]] = {
    ("adopted", PlanStatus.ACTIVE): Notice(
        "Adopted",
        "This is your contribution from now on. It changes only when you adopt another estimate.",
    ),
    ("adopted", PlanStatus.PAUSED): Notice(
        "Adopted",
        "This is your contribution once you resume the plan, which is still paused.",
    ),
    ("pause", PlanStatus.PAUSED): Notice(
        "Paused",
        "Months that begin while the plan is paused are not recorded. You can resume at any time.",
    ),
    ("resume", PlanStatus.ACTIVE): Notice(
        "Resumed", "The plan goes on with the amount you adopted last."
    ),
    ("end", PlanStatus.ENDED): Notice(
        "Ended", "No further months are recorded. Adopting an estimate begins anew."
    ),
}
#: What each button leads to.
STATUS_AFTER: Final[Mapping[str, PlanStatus]] = {
    "pause": PlanStatus.PAUSED,
    "resume": PlanStatus.ACTIVE,
    "end": PlanStatus.ENDED,
}


@requires(Permission.READ_PLAN, before_acceptance=True)
def plan() -> ResponseReturnValue:
    """The plan and everything that ever happened to it."""
    return _plan_page(done=request.args.get("done"))


@requires(Permission.CHANGE_PLAN)
def adopt() -> ResponseReturnValue:
    """Make an estimate what the plan contributes for, at the amount that was shown."""
    form = AdoptForm.read(request.form)
    if UPDATE in request.form:
        return see_other(".estimate", estimate_id=form.estimate_id, coverage=form.coverage)
    state = current_state()
    try:
        with changing_account() as (work, who):
            plans.adopt(
                work,
                **who,
                estimate_id=form.estimate_id,
                coverage_percent=form.coverage_percent(),
                expected_amount_cents=form.expected_amount_cents(),
                expected_terms=form.shown_terms,
                method_version=state.settings.method,
                programmes=state.settings.programmes,
            )
    except InvalidInput as error:
        return render_review(form.estimate_id, form.coverage, error.errors)
    return see_other(".plan", done="adopted")


@requires(Permission.CHANGE_PLAN, before_acceptance=True)
def change_plan(change: str) -> ResponseReturnValue:
    """Pause, resume or end."""
    if STATUS_AFTER[change] is PlanStatus.ACTIVE:
        require_acceptance()
    try:
        with changing_account() as (work, who):
            plans.change_status(work, **who, status=STATUS_AFTER[change])
    except Conflict as error:
        return _plan_page(refused=error)
    return see_other(".plan", done=change)


@requires(Permission.CHANGE_PLAN, before_acceptance=True)
def confirm_end() -> ResponseReturnValue:
    """Ask once more, where no script can."""
    account_id = account_if_any()
    charged = account_id and read_charged(current_state().session, account_id)
    if not charged or charged.plan.status == PlanStatus.ENDED:
        return see_other(".plan")
    return render("plans/confirm_end.html", charged=charged)


def _plan_page(*, done: str | None = None, refused: Conflict | None = None) -> tuple[str, int]:
    session = current_state().session
    account_id = account_if_any()
    charged = read_charged(session, account_id) if account_id else None
    status = refused.status if refused else 200
    if account_id is None or charged is None:
        return render("plans/plan.html", charged=None, refused=refused), status
    page = render(
        "plans/plan.html",
        charged=charged,
        view=EstimateView.of(
            charged.estimate,
            label_of(session, account_id, charged.estimate),
            charged.adoption.method_version,
        ),
        events=events_of(plans.read_history(session, account_id)),
        notice=_NOTICES.get((done or "", charged.plan.status)),
        refused=refused,
    )
    return page, status


register = register_in_organization = page_routes(
    ("/plan", plan),
    ("/plan/adoptions", adopt, "POST"),
    ("/plan/end", confirm_end),
    ("/plan/<any(pause, resume, end):change>", change_plan, "POST"),
)
