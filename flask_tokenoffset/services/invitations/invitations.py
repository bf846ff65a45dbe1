"""Invitations: one role in one organization, offered to one address for a few days.

An invitation is worth only as much as the right of the person who sent it. That right is looked up
again each time the invitation is, so one from a person who was demoted, suspended or removed
meanwhile is no longer good, and nobody has to remember to take it back.

Sending stands in :mod:`flask_tokenoffset.services.invitations.sending`, answering in
:mod:`flask_tokenoffset.services.invitations.answering`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, or_, select

from flask_tokenoffset.errors import NotFound
from flask_tokenoffset.models import AuditAction, Invitation, Membership, MembershipStatus, Person
from flask_tokenoffset.permissions import Role, may_grant

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from flask_tokenoffset.models import Organization
    from flask_tokenoffset.unit_of_work import UnitOfWork


class Standing(StrEnum):
    """What an invitation is good for at a moment."""

    PENDING = "pending"
    #: Its days are over.
    EXPIRED = "expired"
    ACCEPTED = "accepted"
    #: Taken back by an administrator, or declined.
    CANCELLED = "cancelled"
    #: The person who sent it may no longer give that role.
    WITHDRAWN = "withdrawn"


#: Neither accepted nor cancelled, so that it can be sent again.
OPEN: Final = frozenset({Standing.PENDING, Standing.EXPIRED, Standing.WITHDRAWN})


@dataclass(frozen=True, slots=True)
class Listed:
    """An invitation as the organization sees it.

    :param invited_by: the name of the person who sent it last, if they have one.
    """

    invitation: Invitation
    standing: Standing
    invited_by: str | None


def standing_of(invitation: Invitation, inviter: Membership | None, now: datetime) -> Standing:
    """What an invitation is good for.

    :param inviter: the place that the person who sent it last has in the organization now, if any.
    :param now: the present instant, aware.
    """
    if invitation.accepted_at is not None:
        return Standing.ACCEPTED
    if invitation.cancelled_at is not None:
        return Standing.CANCELLED
    if (
        inviter is None
        or inviter.status != MembershipStatus.ACTIVE
        or not may_grant(Role(inviter.role), Role(invitation.role))
    ):
        return Standing.WITHDRAWN
    return Standing.EXPIRED if invitation.expires_at <= now else Standing.PENDING


def with_inviter() -> Select[Invitation, Membership]:
    """Invitations, each with its sender's present membership of the organization, or none."""
    return select(Invitation, Membership).outerjoin(
        Membership,
        and_(
            Membership.organization_id == Invitation.organization_id,
            Membership.person_id == Invitation.invited_by,
        ),
    )


def list_invitations(
    session: Session,
    organization_id: UUID,
    *,
    now: datetime,
    before: tuple[datetime, UUID] | None = None,
    limit: int,
) -> list[Listed]:
    """An organization's invitations, newest first.

    :param now: the present instant, aware.
    :param before: time and id of the last one shown, for the next page.
    :param limit: how many at most.
    """
    query = (
        with_inviter()
        .add_columns(Person.display_name)
        .join(Person, Person.id == Invitation.invited_by)
        .where(Invitation.organization_id == organization_id)
        .order_by(Invitation.created_at.desc(), Invitation.id.desc())
        .limit(limit)
    )
    if before is not None:
        created_at, invitation_id = before
        query = query.where(
            Invitation.created_at <= created_at,
            or_(Invitation.created_at < created_at, Invitation.id < invitation_id),
        )
    return [
        Listed(invitation, standing_of(invitation, inviter, now), name)
        for invitation, inviter, name in session.execute(query)
    ]


def read_invitation(
    session: Session, organization_id: UUID, invitation_id: UUID, now: datetime
) -> Listed:
    """One of an organization's invitations.

    :param now: the present instant, aware.
    :raises NotFound: the organization has no such one.
    """
    found = session.execute(
        with_inviter()
        .add_columns(Person.display_name)
        .join(Person, Person.id == Invitation.invited_by)
        .where(Invitation.organization_id == organization_id, Invitation.id == invitation_id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise nothing_here()
    invitation, inviter, name = found
    return Listed(invitation, standing_of(invitation, inviter, now), name)


def mark_cancelled(
    work: UnitOfWork,
    organization: Organization,
    invitation: Invitation,
    now: datetime,
    *,
    declined: bool = False,
) -> None:
    """Note that an invitation is good for nothing any more.

    :param organization: its organization, locked.
    :param declined: whether it was the person invited who did not want it.
    """
    invitation.cancelled_at = now
    work.session.flush()
    work.record(
        AuditAction.INVITATION_CANCELLED,
        account_id=organization.account_id,
        subject_type="invitation",
        subject_id=invitation.id,
        role=invitation.role,
        declined=declined,
    )


def nothing_here() -> NotFound:
    """What answers for a missing invitation, and for another person's."""
    return NotFound("There is no such thing here.")
