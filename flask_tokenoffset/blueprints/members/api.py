"""Operations on the members of an organization."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_tokenoffset.blueprints.access.changing import changing_organization
from flask_tokenoffset.blueprints.access.context import current_membership
from flask_tokenoffset.blueprints.json_api.operations import OperationAnswer, operation, operations
from flask_tokenoffset.blueprints.members.schemas import (
    MemberAnswer,
    MemberBody,
    MemberList,
    MemberQuery,
    TransferBody,
)
from flask_tokenoffset.blueprints.schemas.paging import page_of, read_name_cursor
from flask_tokenoffset.errors import Conflict, InvalidInput, LastOwner, NotFound, NotPermitted
from flask_tokenoffset.models import MembershipStatus
from flask_tokenoffset.permissions import Permission
from flask_tokenoffset.services.organizations import members
from flask_tokenoffset.services.organizations.member_lists import (
    MemberFilter,
    list_members,
    read_member,
)
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from uuid import UUID


@operation(
    "GET",
    "/members",
    permission=Permission.READ_MEMBERS,
    summary="List the members",
    query=MemberQuery,
    answers={200: MemberList},
    problems=[InvalidInput],
)
def list_organization_members(query: MemberQuery) -> OperationAnswer:
    """The organization's members, by name."""
    found = page_of(
        list_members(
            current_state().session,
            current_membership().organization.id,
            MemberFilter(search=query.search, role=query.role, status=query.status),
            after=read_name_cursor(query.cursor),
            limit=query.limit + 1,
        ),
        query.limit,
        lambda member: (member.membership.sort_name, member.membership.id),
    )
    return MemberList(
        items=[MemberAnswer.of(member) for member in found.shown], next_cursor=found.next_cursor
    )


@operation(
    "GET",
    "/members/<uuid:membership_id>",
    permission=Permission.READ_MEMBERS,
    summary="Read a member",
    answers={200: MemberAnswer},
    problems=[NotFound],
)
def read_organization_member(membership_id: UUID) -> OperationAnswer:
    """One member."""
    return _answer(membership_id)


@operation(
    "PATCH",
    "/members/<uuid:membership_id>",
    permission=Permission.CHANGE_MEMBERS,
    summary="Change a member's role, suspend or restore",
    body=MemberBody,
    answers={200: MemberAnswer},
    problems=[NotFound, NotPermitted, InvalidInput, Conflict, LastOwner],
)
def change_member(membership_id: UUID, body: MemberBody) -> OperationAnswer:
    """Give a member another role, suspend or restore them; both at once or neither."""
    if body.role is None and body.status is None:
        raise InvalidInput({"": "Name a role or a status; there is nothing to change without."})
    with changing_organization() as (work, who):
        if body.status is MembershipStatus.SUSPENDED:
            members.suspend(work, **who, membership_id=membership_id)
        elif body.status is not None:
            members.restore(
                work,
                organization_id=who["organization_id"],
                membership_id=membership_id,
                person=who["person"],
            )
        if body.role is not None:
            members.change_role(work, **who, membership_id=membership_id, role=body.role)
    return _answer(membership_id)


@operation(
    "DELETE",
    "/members/<uuid:membership_id>",
    permission=Permission.CHANGE_MEMBERS,
    summary="Remove a member",
    answers={204: None},
    problems=[NotFound, NotPermitted, LastOwner],
)
def remove_member(membership_id: UUID) -> OperationAnswer:
    """End a membership. The plan the member has in the organization ends with it."""
    with changing_organization() as (work, who):
        members.remove(work, **who, membership_id=membership_id)
    return None, 204


@operation(
    "POST",
    "/transfer",
    permission=Permission.OWN_ORGANIZATION,
    before_acceptance=True,
    summary="Hand ownership over",
    body=TransferBody,
    answers={200: MemberAnswer},
    problems=[NotFound, NotPermitted, Conflict],
)
def transfer_ownership(body: TransferBody) -> OperationAnswer:
    """Make a member an owner in the caller's place; the caller is an admin afterwards."""
    with changing_organization() as (work, who):
        members.transfer_ownership(work, **who, membership_id=body.membership_id)
    return _answer(body.membership_id)


@operation(
    "GET",
    "/membership",
    permission=Permission.READ_MEMBERSHIP,
    before_acceptance=True,
    summary="Read your own membership",
    answers={200: MemberAnswer},
    problems=[NotFound],
)
def read_membership() -> OperationAnswer:
    """The caller's own place in the organization."""
    return _answer(current_membership().membership.id)


@operation(
    "DELETE",
    "/membership",
    permission=Permission.CHANGE_MEMBERSHIP,
    before_acceptance=True,
    summary="Leave the organization",
    answers={204: None},
    problems=[NotFound, LastOwner],
)
def leave_organization() -> OperationAnswer:
    """End the caller's own membership."""
    with changing_organization() as (work, who):
        members.leave(work, **who)
    return None, 204


def _answer(membership_id: UUID) -> MemberAnswer:
    return MemberAnswer.of(
        read_member(current_state().session, current_membership().organization.id, membership_id)
    )


register_in_organization = operations(
    list_organization_members,
    read_organization_member,
    change_member,
    remove_member,
    transfer_ownership,
    read_membership,
    leave_organization,
)
