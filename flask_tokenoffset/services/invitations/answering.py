"""Answering an invitation: what it offers, accepting it, declining it.

Anyone who holds the link has received the mail or was given it, so the name of the organization and
the role, which stand in the mail, are shown to them. Everything else is shown only to a person who
has proved that the invited address is theirs, and only they can answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from flask_tokenoffset.errors import Conflict, NotPermitted
from flask_tokenoffset.models import AuditAction, Invitation, Membership, Organization, Person
from flask_tokenoffset.permissions import Role
from flask_tokenoffset.services.identities.required import check_required
from flask_tokenoffset.services.invitations.invitations import (
    Standing,
    mark_cancelled,
    nothing_here,
    standing_of,
    with_inviter,
)
from flask_tokenoffset.services.member_plans.plans import begin_default_plan
from flask_tokenoffset.services.organizations.members import add_member
from flask_tokenoffset.services.organizations.organizations import lock_organization
from flask_tokenoffset.services.shared.tokens import digest_of

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from flask_tokenoffset.services.shared.attempts import AttemptLimiter
    from flask_tokenoffset.settings import Settings
    from flask_tokenoffset.unit_of_work import UnitOfWork

#: Answers one person may give in an hour.
MOST_ANSWERS_PER_HOUR: Final = 60
#: Pending invitations shown to one person; nobody has more.
MOST_SHOWN: Final = 100

#: Why an invitation cannot be answered, for the person it was sent to.
REASONS: Final = {
    Standing.EXPIRED: "This invitation has expired, so nothing was changed. Ask whoever invited you"
    " to send it again.",
    Standing.ACCEPTED: "This invitation was used already, so nothing was changed.",
    Standing.CANCELLED: "This invitation was cancelled, so nothing was changed. If you did not"
    " decline it yourself, ask whoever invited you.",
    Standing.WITHDRAWN: "This invitation is no longer good, because whoever sent it may not invite"
    " to this role any more. Ask the organization for a new one.",
}


@dataclass(frozen=True, slots=True)
class Offer:
    """What an invitation offers.

    :param invitation: the invitation.
    :param organization: whose it is.
    :param standing: what it is good for now.
    :param invited_by: the name of the person who sent it last, if they have one.
    """

    invitation: Invitation
    organization: Organization
    standing: Standing
    invited_by: str | None

    @property
    def role(self) -> Role:
        """What the person would be."""
        return Role(self.invitation.role)


@dataclass(frozen=True, slots=True)
class Joined:
    """What accepting led to.

    :param organization: where the person belongs now.
    :param membership: theirs.
    :param was_member: whether they belonged to it before; then their role is what it was.
    :param no_plan: why no plan began although the organization's terms name one: a sentence.
    """

    organization: Organization
    membership: Membership
    was_member: bool
    no_plan: str | None = None


def by_link(token: str) -> ColumnElement[bool]:
    """The invitation that a link opens.

    :param token: what stands in the link; any text.
    """
    return Invitation.token_digest == digest_of(token)


def by_id(invitation_id: UUID, email: str | None) -> ColumnElement[bool]:
    """An invitation to a person's own proved address.

    :param email: the address; without one there is none.
    """
    return (Invitation.id == invitation_id) & (Invitation.email == (email or ""))


def find_offer(session: Session, which: ColumnElement[bool], now: datetime) -> Offer:
    """What an invitation offers. Looking changes nothing, however often it is done.

    :param which: :func:`by_link` or :func:`by_id`.
    :param now: the present instant, aware.
    :raises NotFound: there is no such one.
    """
    row = session.execute(
        with_inviter()
        .add_columns(Organization, Person.display_name)
        .join(Organization, Organization.id == Invitation.organization_id)
        .join(Person, Person.id == Invitation.invited_by)
        .where(which)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise nothing_here()
    invitation, inviter, organization, name = row
    return Offer(invitation, organization, standing_of(invitation, inviter, now), name)


def pending_offers(session: Session, email: str, now: datetime) -> list[Offer]:
    """What is offered to an address that a person has proved to be theirs, newest first.

    :param email: the address.
    :param now: the present instant, aware.
    """
    rows = session.execute(
        with_inviter()
        .add_columns(Organization, Person.display_name)
        .join(Organization, Organization.id == Invitation.organization_id)
        .join(Person, Person.id == Invitation.invited_by)
        .where(
            Invitation.email == email,
            Invitation.accepted_at.is_(None),
            Invitation.cancelled_at.is_(None),
            Invitation.expires_at > now,
            Organization.closed_at.is_(None),
        )
        .order_by(Invitation.sent_at.desc(), Invitation.id)
        .limit(MOST_SHOWN)
    )
    offers = [
        Offer(invitation, organization, standing_of(invitation, inviter, now), name)
        for invitation, inviter, organization, name in rows
    ]
    return [offer for offer in offers if offer.standing is Standing.PENDING]


def find_membership(session: Session, organization_id: UUID, person_id: UUID) -> Membership | None:
    """A person's membership of an organization, if they have one."""
    return session.scalar(
        select(Membership).where(
            Membership.organization_id == organization_id, Membership.person_id == person_id
        )
    )


def proved_address(person: Person) -> str | None:
    """The address a person has proved to be theirs, if any."""
    return person.email if person.email_verified_at is not None else None


def accept(
    work: UnitOfWork,
    *,
    which: ColumnElement[bool],
    person: Person,
    attempts: AttemptLimiter,
    settings: Settings,
    expected_amount_cents: int | None,
    now: datetime,
    expected_terms: str | None = None,
) -> Joined:
    """Join the organization in the role that was offered. An invitation is good for one person.

    Where the organization's terms name a plan for new members, it begins. A person who is a member
    already stays what they are, and the invitation is used up.

    :param which: :func:`by_link` or :func:`by_id`.
    :param person: who accepts; their address is in step with what the host says.
    :param expected_amount_cents: what the person was shown that they begin with; 0 for nothing.
    :param now: the present instant, aware.
    :param expected_terms: the digest of the method and the programmes that the person was shown, if
        they were.
    :raises NotFound: there is no such invitation.
    :raises NotPermitted: it is to another address, or the person has not proved theirs, or lacks
        the linked identity that the host requires.
    :raises Conflict: it is no longer good; the sentence says why.
    :raises InvalidInput: the amount, the method or the programmes are no longer the ones shown.
    :raises TooManyAttempts: the person has answered too many within an hour.
    """
    session = work.session
    invitation, organization = _lock(work, which, person, attempts, now)
    membership = find_membership(session, organization.id, person.id)
    invitation.accepted_at, invitation.accepted_by = now, person.id
    session.flush()
    work.record(
        AuditAction.INVITATION_ACCEPTED,
        account_id=organization.account_id,
        subject_type="invitation",
        subject_id=invitation.id,
        role=invitation.role,
        was_member=membership is not None,
    )
    if membership is not None:
        return Joined(organization, membership, was_member=True)
    check_required(session, person, settings)
    membership = add_member(
        work, organization=organization, person=person, role=Role(invitation.role), now=now
    )
    no_plan = begin_default_plan(
        work,
        organization,
        membership,
        person,
        now,
        settings.method,
        settings.programmes,
        expected_amount_cents=expected_amount_cents,
        expected_terms=expected_terms,
    )
    return Joined(organization, membership, was_member=False, no_plan=no_plan)


def decline(
    work: UnitOfWork,
    *,
    which: ColumnElement[bool],
    person: Person,
    attempts: AttemptLimiter,
    now: datetime,
) -> Organization:
    """Say no. The organization sees that the invitation was cancelled, and may send another one.

    :param which: :func:`by_link` or :func:`by_id`.
    :param person: who declines.
    :param now: the present instant, aware.
    :raises NotFound: there is no such invitation.
    :raises NotPermitted: it is to another address, or the person has not proved theirs.
    :raises Conflict: it is no longer good; the sentence says why.
    :raises TooManyAttempts: the person has answered too many within an hour.
    """
    invitation, organization = _lock(work, which, person, attempts, now)
    # The organization knows the address that it invited. Anyone who wants nothing to do with it
    # shows it neither a name nor where they are.
    work.leave_nobody()
    mark_cancelled(work, organization, invitation, now, declined=True)
    return organization


def _lock(
    work: UnitOfWork,
    which: ColumnElement[bool],
    person: Person,
    attempts: AttemptLimiter,
    now: datetime,
) -> tuple[Invitation, Organization]:
    """A pending invitation to the person, which nobody else answers or changes until the commit.

    The organization is locked, as by everyone who changes who belongs to it or who may invite; so
    what is read afterwards is what stands.
    """
    session = work.session
    # By the host's key: a refused first change leaves no row, and with it no id of ours.
    attempts.check("invitation-answers", person.user_key, limit_per_hour=MOST_ANSWERS_PER_HOUR)
    organization_id = session.scalar(select(Invitation.organization_id).where(which))
    if organization_id is None:
        raise nothing_here()
    organization = lock_organization(session, organization_id)
    offer = find_offer(session, which, now)
    # First of all: another person is not even told whether it is still good.
    _refuse_other_address(offer.invitation, person)
    if organization is None:
        raise Conflict(REASONS[Standing.CANCELLED])
    if offer.standing is not Standing.PENDING:
        raise Conflict(REASONS[offer.standing])
    return offer.invitation, organization


def _refuse_other_address(invitation: Invitation, person: Person) -> None:
    if person.email == invitation.email and person.email_verified_at is None:
        raise NotPermitted(
            "This invitation is to your address, but you have not proved yet that the address is"
            " yours, so nothing was changed. Verify it, then answer."
        )
    if person.email != invitation.email:
        raise NotPermitted(
            "This invitation is to another e-mail address than the one you have here, so nothing"
            " was changed. Sign in with the account that has the invited address, or ask for an"
            " invitation to yours."
        )
