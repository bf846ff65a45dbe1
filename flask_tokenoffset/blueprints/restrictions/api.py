"""Operations on the restriction of one's data."""

from __future__ import annotations

from flask_tokenoffset.blueprints.access.changing import changing
from flask_tokenoffset.blueprints.access.context import current_user
from flask_tokenoffset.blueprints.json_api.operations import OperationAnswer, operation, operations
from flask_tokenoffset.blueprints.restrictions.schemas import RestrictionAnswer
from flask_tokenoffset.permissions import Permission
from flask_tokenoffset.services.consents import restrictions


@operation(
    "GET",
    "/privacy/restriction",
    permission=Permission.READ_SELF,
    summary="Read whether the processing of your data is restricted",
    answers={200: RestrictionAnswer},
)
def read_restriction() -> OperationAnswer:
    """Whether the processing of the caller's data is restricted."""
    return _answer()


@operation(
    "PUT",
    "/privacy/restriction",
    permission=Permission.CHANGE_SELF,
    summary="Restrict the processing of your data",
    answers={200: RestrictionAnswer},
)
def put_restriction() -> OperationAnswer:
    """Do nothing but store from now on. A second call changes nothing."""
    with changing() as (work, person, now):
        restrictions.restrict(work, person, now)
    return _answer()


@operation(
    "DELETE",
    "/privacy/restriction",
    permission=Permission.CHANGE_SELF,
    summary="Lift the restriction of your data",
    answers={200: RestrictionAnswer},
)
def delete_restriction() -> OperationAnswer:
    """Go on as before. A second call changes nothing."""
    with changing() as (work, person, _):
        restrictions.lift(work, person)
    return _answer()


register = operations(read_restriction, put_restriction, delete_restriction)


def _answer() -> RestrictionAnswer:
    person = current_user().person
    restricted = person is not None and restrictions.is_restricted(person)
    return RestrictionAnswer.of(person, restricted=restricted)
