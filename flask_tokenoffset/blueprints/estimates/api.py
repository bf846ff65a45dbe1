"""Operations on estimates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask_tokenoffset.blueprints.access.changing import changing_account
from flask_tokenoffset.blueprints.access.context import own_account
from flask_tokenoffset.blueprints.estimates.schemas import (
    CoverageQuery,
    EstimateAnswer,
    EstimateBody,
)
from flask_tokenoffset.blueprints.json_api.operations import OperationAnswer, operation, operations
from flask_tokenoffset.errors import Conflict, InvalidInput, NotFound
from flask_tokenoffset.permissions import Permission
from flask_tokenoffset.services.estimates import estimates, reading
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from uuid import UUID

    from flask_tokenoffset.models import Estimate

#: The kinds that need a field, and the one they need.
_NEEDED: Final = {"band": "band", "custom": "tokens_per_month", "sampled": "source_id"}


@operation(
    "POST",
    "/estimates",
    permission=Permission.MAKE_ESTIMATES,
    summary="Make an estimate",
    body=EstimateBody,
    answers={201: EstimateAnswer, 200: EstimateAnswer},
    problems=[InvalidInput, NotFound, Conflict],
)
def make_estimate(body: EstimateBody) -> OperationAnswer:
    """Estimate from a band or a typed amount, or get the newest of a source or of all together.

    Making an estimate changes nothing that is charged; adopting one does.
    """
    _refuse_other_fields(body)
    state = current_state()
    if body.source_id is not None:
        return _shown(reading.newest_of_sample(state.session, own_account(), body.source_id)), 200
    if body.kind == "combined":
        return _shown(reading.newest_combined(state.session, own_account())), 200
    with changing_account() as (work, who):
        if body.band is not None:
            estimate = estimates.estimate_from_band(work.session, **who, key=body.band)
        else:
            estimate = estimates.estimate_from_amount(
                work.session, **who, tokens_per_month=body.tokens_per_month or 0
            )
        estimate_id = estimate.id
    return _shown(reading.read_estimate(state.session, own_account(), estimate_id)), 201


@operation(
    "GET",
    "/estimates/<uuid:estimate_id>",
    permission=Permission.READ_ESTIMATES,
    summary="Read an estimate",
    query=CoverageQuery,
    answers={200: EstimateAnswer},
    problems=[NotFound],
)
def read_estimate(estimate_id: UUID, query: CoverageQuery) -> OperationAnswer:
    """One estimate, as it was made, and what it would contribute at a coverage."""
    return _shown(
        reading.read_estimate(current_state().session, own_account(), estimate_id),
        query.coverage_percent,
    )


def _shown(estimate: Estimate, coverage_percent: int = 100) -> EstimateAnswer:
    return EstimateAnswer.of(estimate, current_state().settings, coverage_percent)


def _refuse_other_fields(body: EstimateBody) -> None:
    needed = _NEEDED.get(body.kind)
    errors = {}
    for field in _NEEDED.values():
        given = getattr(body, field) is not None
        if field == needed and not given:
            errors[field] = f"An estimate of the kind {body.kind} needs it."
        elif field != needed and given:
            errors[field] = f"An estimate of the kind {body.kind} has no use for it. Leave it out."
    if errors:
        raise InvalidInput(errors)


register = register_in_organization = operations(make_estimate, read_estimate)
