"""Operations on how long records are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_tokenoffset.blueprints.access.changing import changing, changing_organization
from flask_tokenoffset.blueprints.access.context import current_membership, current_user
from flask_tokenoffset.blueprints.json_api.operations import OperationAnswer, operation, operations
from flask_tokenoffset.blueprints.retention.schemas import ChoiceBody, ChoiceList, PeriodList
from flask_tokenoffset.errors import InvalidInput, NotFound, RetentionNotConfirmed
from flask_tokenoffset.permissions import Permission
from flask_tokenoffset.services.organizations.retention import choose_for_organization
from flask_tokenoffset.services.retention import choices as retention_choices
from flask_tokenoffset.services.retention import table as retention_table
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from uuid import UUID


@operation(
    "GET",
    "/privacy/retention",
    permission=Permission.READ_PUBLISHED,
    summary="Read how long everything is kept",
    answers={200: PeriodList},
)
def read_retention() -> OperationAnswer:
    """Every rule with the period that counts on this site, and the retention plans."""
    settings = current_state().settings
    return PeriodList.of(retention_table.periods(settings), retention_table.plans(settings))


@operation(
    "GET",
    "/privacy/retention/choices",
    permission=Permission.READ_SELF,
    summary="Read how long your own records are kept",
    answers={200: ChoiceList},
)
def read_retention_choices() -> OperationAnswer:
    """The periods that the caller may shorten for their own account."""
    person = current_user().person
    return _kept(person.account_id if person else None)


@operation(
    "PUT",
    "/privacy/retention/choices",
    permission=Permission.CHANGE_SELF,
    summary="Keep your own records for a shorter time",
    body=ChoiceBody,
    answers={200: ChoiceList},
    problems=[NotFound, InvalidInput, RetentionNotConfirmed],
)
def put_retention_choice(body: ChoiceBody) -> OperationAnswer:
    """Choose a period. What is older goes with the next purge, for good."""
    state = current_state()
    with changing() as (work, person, now):
        retention_choices.choose(
            work,
            account_id=person.account_id,
            rule_name=body.rule,
            days=body.days,
            confirmed=body.confirmed,
            person_id=person.id,
            settings=state.settings,
            now=now,
        )
        account_id = person.account_id
    return _kept(account_id)


@operation(
    "GET",
    "/retention",
    permission=Permission.CHANGE_ORGANIZATION,
    summary="Read how long an organization's records are kept",
    answers={200: ChoiceList},
    problems=[NotFound],
)
def read_organization_retention() -> OperationAnswer:
    """The periods that may be shortened for the organization and its members' plans in it."""
    return _kept(current_membership().organization.account_id)


@operation(
    "PUT",
    "/retention",
    permission=Permission.CHANGE_ORGANIZATION,
    summary="Keep an organization's records for a shorter time",
    body=ChoiceBody,
    answers={200: ChoiceList},
    problems=[NotFound, InvalidInput, RetentionNotConfirmed],
)
def put_organization_retention(body: ChoiceBody) -> OperationAnswer:
    """Choose a period. What is older goes with the next purge, for good."""
    state = current_state()
    with changing_organization() as (work, who):
        choose_for_organization(
            work,
            **who,
            rule_name=body.rule,
            days=body.days,
            confirmed=body.confirmed,
            settings=state.settings,
        )
    return _kept(current_membership().organization.account_id)


register = operations(read_retention, read_retention_choices, put_retention_choice)


register_in_organization = operations(read_organization_retention, put_organization_retention)


def _kept(account_id: UUID | None) -> ChoiceList:
    state = current_state()
    return ChoiceList.of(retention_choices.kept_by(state.session, account_id, state.settings))
