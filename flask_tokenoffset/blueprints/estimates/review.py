"""The page on which a person looks at an estimate and adopts it; also shown when that failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_tokenoffset.blueprints.access.context import own_account
from flask_tokenoffset.blueprints.estimates import presentation
from flask_tokenoffset.blueprints.estimates.forms import WHOLE_COVERAGE, read_coverage
from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.models import PlanStatus, SourceKind
from flask_tokenoffset.services.estimates.reading import read_estimate
from flask_tokenoffset.services.organizations.member_lists import active_seats
from flask_tokenoffset.services.plans.ledger import read_plan
from flask_tokenoffset.services.sources.listing import sampled_source
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from sqlalchemy.orm import Session

    from flask_tokenoffset.models import Estimate


def render_review(
    estimate_id: UUID, coverage: str | None, errors: Mapping[str, str] | None = None
) -> tuple[str, int]:
    """The page and its status.

    :param coverage: percent as it was sent; without one, the plan's, or all of the estimate.
    :param errors: what was wrong with what was sent, field by field.
    :raises NotFound: the account has no such estimate.
    """
    state = current_state()
    account_id = own_account()
    estimate = read_estimate(state.session, account_id, estimate_id)
    plan = read_plan(state.session, account_id)
    if coverage is None:
        coverage = str(plan.adoption.coverage_percent) if plan else WHOLE_COVERAGE
    found = dict(errors or {})
    view = presentation.EstimateView.of(
        estimate,
        label_of(state.session, account_id, estimate),
        state.settings.method,
        active_seats(state.session, account_id),
    )
    both = None
    try:
        both = view.both_methods(read_coverage(coverage))
    except InvalidInput as error:
        found.update(error.errors)
    page = render(
        "estimates/estimate.html",
        view=view,
        coverage=coverage,
        both=both,
        errors=found,
        plan=plan if plan and plan.plan.status != PlanStatus.ENDED else None,
    )
    return page, 422 if found else 200


def label_of(session: Session, account_id: UUID, estimate: Estimate) -> str | None:
    """What the person calls the connection behind an estimate, if there is one behind it."""
    if estimate.source_kind != SourceKind.SAMPLED:
        return None
    source, _ = sampled_source(session, account_id, estimate.source_id)
    return source.label
