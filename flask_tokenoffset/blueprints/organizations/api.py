"""Operations on organizations."""

from __future__ import annotations

from flask_tokenoffset.blueprints.access.changing import changing
from flask_tokenoffset.blueprints.access.context import current_membership, current_user
from flask_tokenoffset.blueprints.json_api.operations import OperationAnswer, operation, operations
from flask_tokenoffset.blueprints.organizations.schemas import (
    OrganizationAnswer,
    OrganizationBody,
    OrganizationList,
)
from flask_tokenoffset.blueprints.schemas.base import ListQuery
from flask_tokenoffset.blueprints.schemas.paging import page_of, read_name_cursor
from flask_tokenoffset.errors import Conflict, InvalidInput, NotFound
from flask_tokenoffset.permissions import Permission
from flask_tokenoffset.services.organizations import closing, organizations
from flask_tokenoffset.state import current_state


@operation(
    "GET",
    "/organizations",
    permission=Permission.READ_SELF,
    summary="List your organizations",
    query=ListQuery,
    answers={200: OrganizationList},
    problems=[InvalidInput],
)
def list_organizations(query: ListQuery) -> OperationAnswer:
    """The organizations the caller belongs to, by name, with the caller's role in each."""
    after = read_name_cursor(query.cursor)
    person = current_user().person
    if person is None:
        return OrganizationList(items=[], next_cursor=None)
    found = page_of(
        organizations.list_memberships(
            current_state().session, person.id, after=after, limit=query.limit + 1
        ),
        query.limit,
        lambda each: (each.organization.name, each.organization.id),
    )
    return OrganizationList(
        items=[OrganizationAnswer.of(each) for each in found.shown],
        next_cursor=found.next_cursor,
    )


@operation(
    "POST",
    "/organizations",
    permission=Permission.CREATE_ORGANIZATION,
    summary="Create an organization",
    body=OrganizationBody,
    answers={201: OrganizationAnswer},
    problems=[InvalidInput, Conflict],
)
def create_organization(body: OrganizationBody) -> OperationAnswer:
    """Make an organization. The caller is its owner."""
    state = current_state()
    with changing() as (work, person, now):
        organization = organizations.create_organization(
            work, person=person, name=body.name, settings=state.settings, now=now
        )
        current = organizations.find_organization_membership(
            work.session, organization.id, person.id
        )
    if current is None:
        raise NotFound("There is no such thing here.")
    return OrganizationAnswer.of(current), 201


@operation(
    "GET",
    "",
    permission=Permission.READ_MEMBERSHIP,
    summary="Read an organization",
    answers={200: OrganizationAnswer},
    problems=[NotFound],
)
def read_organization() -> OperationAnswer:
    """One organization the caller belongs to."""
    return OrganizationAnswer.of(current_membership())


@operation(
    "PATCH",
    "",
    permission=Permission.CHANGE_ORGANIZATION,
    summary="Rename an organization",
    body=OrganizationBody,
    answers={200: OrganizationAnswer},
    problems=[NotFound, InvalidInput],
)
def rename_organization(body: OrganizationBody) -> OperationAnswer:
    """Call an organization something else."""
    organization_id = current_membership().organization.id
    with changing() as (work, person, _):
        organizations.rename(work, organization_id=organization_id, person=person, name=body.name)
    return OrganizationAnswer.of(current_membership())


@operation(
    "DELETE",
    "",
    permission=Permission.OWN_ORGANIZATION,
    before_acceptance=True,
    summary="Close an organization",
    answers={204: None},
    problems=[NotFound],
)
def close_organization() -> OperationAnswer:
    """Close an organization for good. All its plans end and its vendors are disconnected.

    Nobody can see or do anything in it afterwards.
    """
    organization_id = current_membership().organization.id
    state = current_state()
    with changing() as (work, person, _):
        closing.close_organization(
            work, organization_id=organization_id, person=person, clock=state.clock
        )
    return None, 204


register = operations(list_organizations, create_organization)


register_in_organization = operations(read_organization, rename_organization, close_organization)
