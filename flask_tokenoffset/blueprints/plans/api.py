"""Operations on the plan."""

from __future__ import annotations

from flask_tokenoffset.blueprints.access.changing import changing_account
from flask_tokenoffset.blueprints.access.context import own_account
from flask_tokenoffset.blueprints.json_api.operations import OperationAnswer, operation, operations
from flask_tokenoffset.blueprints.plans.schemas import AdoptBody, PlanAnswer
from flask_tokenoffset.errors import Conflict, InvalidInput, NotFound
from flask_tokenoffset.models import PlanStatus
from flask_tokenoffset.permissions import Permission
from flask_tokenoffset.services.plans import ledger as plans
from flask_tokenoffset.state import current_state


@operation(
    "GET",
    "/plan",
    permission=Permission.READ_PLAN,
    before_acceptance=True,
    summary="Read the plan",
    answers={200: PlanAnswer},
    problems=[NotFound],
)
def read_plan() -> OperationAnswer:
    """The account's plan and the adoption that is charged."""
    return _own_plan()


@operation(
    "POST",
    "/plan/adoptions",
    permission=Permission.CHANGE_PLAN,
    summary="Adopt an estimate",
    body=AdoptBody,
    answers={201: PlanAnswer},
    problems=[NotFound, InvalidInput, Conflict],
)
def adopt_estimate(body: AdoptBody) -> OperationAnswer:
    """Make an estimate what the plan contributes for. Nothing else ever changes the amount."""
    state = current_state()
    with changing_account() as (work, who):
        plans.adopt(
            work,
            **who,
            estimate_id=body.estimate_id,
            coverage_percent=body.coverage_percent,
            expected_amount_cents=body.amount_cents,
            expected_terms=body.shown_terms,
            method_version=state.settings.method,
            programmes=state.settings.programmes,
        )
    return _own_plan(), 201


@operation(
    "POST",
    "/plan/pause",
    permission=Permission.CHANGE_PLAN,
    before_acceptance=True,
    summary="Pause the plan",
    answers={200: PlanAnswer},
    problems=[Conflict],
)
def pause_plan() -> OperationAnswer:
    """Months that begin while the plan is paused are not recorded."""
    return _change(PlanStatus.PAUSED)


@operation(
    "POST",
    "/plan/resume",
    permission=Permission.CHANGE_PLAN,
    summary="Resume the plan",
    answers={200: PlanAnswer},
    problems=[Conflict],
)
def resume_plan() -> OperationAnswer:
    """Go on with the amount that was adopted last."""
    return _change(PlanStatus.ACTIVE)


@operation(
    "POST",
    "/plan/end",
    permission=Permission.CHANGE_PLAN,
    before_acceptance=True,
    summary="End the plan",
    answers={200: PlanAnswer},
    problems=[Conflict],
)
def end_plan() -> OperationAnswer:
    """Stop contributing. Adopting an estimate begins anew."""
    return _change(PlanStatus.ENDED)


def _change(status: PlanStatus) -> OperationAnswer:
    with changing_account() as (work, who):
        plans.change_status(work, **who, status=status)
    return _own_plan()


def _own_plan() -> PlanAnswer:
    view = plans.read_plan(current_state().session, own_account())
    if view is None:
        raise NotFound("There is no plan yet. Adopt an estimate to begin one.")
    return PlanAnswer.of(view)


register = register_in_organization = operations(
    read_plan, adopt_estimate, pause_plan, resume_plan, end_plan
)
