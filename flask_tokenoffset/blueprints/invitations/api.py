"""Operations on invitations: an organization's, and those to oneself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_tokenoffset.blueprints.access.context import current_membership
from flask_tokenoffset.blueprints.invitations import steps
from flask_tokenoffset.blueprints.invitations.schemas import (
    AcceptBody,
    InvitationAnswer,
    InvitationList,
    InviteBody,
    JoinedAnswer,
    OfferAnswer,
    OfferList,
    ReportAnswer,
    ReportItem,
)
from flask_tokenoffset.blueprints.json_api.operations import OperationAnswer, operation, operations
from flask_tokenoffset.blueprints.schemas.base import ListQuery
from flask_tokenoffset.blueprints.schemas.body_limits import LONGEST_LIST, reads_up_to
from flask_tokenoffset.blueprints.schemas.paging import page_of, read_time_cursor
from flask_tokenoffset.errors import Conflict, InvalidInput, NoMailer, NotFound, TooManyAttempts
from flask_tokenoffset.permissions import Permission
from flask_tokenoffset.services.invitations import answering
from flask_tokenoffset.services.invitations.invitations import list_invitations as find_invitations
from flask_tokenoffset.services.invitations.invitations import read_invitation
from flask_tokenoffset.services.invitations.sending import check_length
from flask_tokenoffset.services.member_plans.offers import plan_on_joining
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from uuid import UUID


_ONE = "/invitations/<uuid:invitation_id>"


@operation(
    "GET",
    "/invitations",
    permission=Permission.READ_MEMBERS,
    summary="List an organization's invitations",
    query=ListQuery,
    answers={200: InvitationList},
    problems=[InvalidInput],
)
def list_invitations(query: ListQuery) -> OperationAnswer:
    """Every invitation of the organization, newest first, with what it is good for now."""
    state = current_state()
    found = page_of(
        find_invitations(
            state.session,
            current_membership().organization.id,
            now=state.clock.now(),
            before=read_time_cursor(query.cursor),
            limit=query.limit + 1,
        ),
        query.limit,
        lambda listed: (listed.invitation.created_at, listed.invitation.id),
    )
    return InvitationList(
        items=[InvitationAnswer.of(listed) for listed in found.shown],
        next_cursor=found.next_cursor,
    )


@reads_up_to(LONGEST_LIST)
@operation(
    "POST",
    "/invitations",
    permission=Permission.CHANGE_MEMBERS,
    summary="Invite people",
    body=InviteBody,
    answers={200: ReportAnswer},
    problems=[InvalidInput, TooManyAttempts, NoMailer],
)
def invite(body: InviteBody) -> OperationAnswer:
    """Invite one person or up to a thousand, and learn what became of each.

    Those that are fine are sent in one transaction; the others are named in the report. An open
    invitation to the same address is sent again with the role named now.
    """
    rows = body.rows()
    check_length(rows, current_state().settings, field="invitations")
    return ReportAnswer(items=[ReportItem.of(result) for result in steps.send(rows)])


@operation(
    "POST",
    f"{_ONE}/resend",
    permission=Permission.CHANGE_MEMBERS,
    summary="Send an invitation again",
    answers={200: InvitationAnswer},
    problems=[NotFound, Conflict, TooManyAttempts, NoMailer],
)
def resend_invitation(invitation_id: UUID) -> OperationAnswer:
    """Send an open invitation again in the caller's name. Its former link no longer works."""
    organization_id = current_membership().organization.id
    steps.resend(invitation_id)
    state = current_state()
    return InvitationAnswer.of(
        read_invitation(state.session, organization_id, invitation_id, state.clock.now())
    )


@operation(
    "DELETE",
    _ONE,
    permission=Permission.CHANGE_MEMBERS,
    summary="Cancel an invitation",
    answers={204: None},
    problems=[NotFound, Conflict],
)
def cancel_invitation(invitation_id: UUID) -> OperationAnswer:
    """Take an invitation back. It stays in the list as cancelled."""
    steps.cancel(invitation_id)
    return None, 204


@operation(
    "GET",
    "/invitations",
    permission=Permission.READ_SELF,
    summary="List your invitations",
    answers={200: OfferList},
)
def list_own_invitations() -> OperationAnswer:
    """Invitations to the address the caller has proved to be theirs, that can be accepted now."""
    address = steps.proved_address()
    if address is None:
        return OfferList(items=[])
    state = current_state()
    session = state.session
    return OfferList(
        items=[
            OfferAnswer.of(
                offer,
                plan_on_joining(
                    session, offer.organization, state.settings.method, state.settings.programmes
                ),
            )
            for offer in answering.pending_offers(session, address, state.clock.now())
        ]
    )


@operation(
    "POST",
    f"{_ONE}/accept",
    permission=Permission.CHANGE_SELF,
    before_acceptance=False,
    summary="Accept an invitation",
    body=AcceptBody,
    answers={200: JoinedAnswer},
    problems=[NotFound, Conflict, InvalidInput, TooManyAttempts],
)
def accept_invitation(invitation_id: UUID, body: AcceptBody) -> OperationAnswer:
    """Join the organization in the role that was offered, with the plan its terms name."""
    joined = steps.accept(steps.own_invitation(invitation_id), body.amount_cents)
    return JoinedAnswer.of(joined)


@operation(
    "POST",
    f"{_ONE}/decline",
    permission=Permission.CHANGE_SELF,
    summary="Decline an invitation",
    answers={204: None},
    problems=[NotFound, Conflict, TooManyAttempts],
)
def decline_invitation(invitation_id: UUID) -> OperationAnswer:
    """Say no. The organization sees that the invitation was cancelled."""
    steps.decline(steps.own_invitation(invitation_id))
    return None, 204


register = operations(list_own_invitations, accept_invitation, decline_invitation)


register_in_organization = operations(
    list_invitations, invite, resend_invitation, cancel_invitation
)
