"""Members of an organization: joining, roles, suspension, leaving, and handing ownership over.

Two rules hold whatever happens at the same moment. An organization that is open has an active
owner; and nobody gives or takes a role that holds more than their own. Both are looked at under the
organization's lock, with the acting person's role read again there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from flask_tokenoffset.errors import Conflict, LastOwner, NotPermitted
from flask_tokenoffset.models import (
    AuditAction,
    Membership,
    MembershipStatus,
    MessageKind,
    Organization,
    Payer,
    Person,
    PlanStatus,
)
from flask_tokenoffset.permissions import Permission, Role, may_grant
from flask_tokenoffset.services.mail.outbox import notify
from flask_tokenoffset.services.organizations.organizations import (
    OrganizationMembership,
    lock_membership,
    lock_organization,
    make_membership,
    read_membership,
)
from flask_tokenoffset.services.plans import ledger as plans
from flask_tokenoffset.services.plans.payers import payer_of

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from flask_tokenoffset.unit_of_work import UnitOfWork


def add_member(
    work: UnitOfWork, *, organization: Organization, person: Person, role: Role, now: datetime
) -> Membership:
    """Make a person a member, with an account for the plan they have there.

    Who may bring them in is for the caller to say: an invitation was accepted.

    :param organization: where to.
    :param person: who joins.
    :param role: what they are there.
    :raises Conflict: the organization was closed, or they are a member already.
    """
    session = work.session
    if lock_organization(session, organization.id) is None:
        raise Conflict("This organization was closed, so nobody can join it any more.")
    if _find_membership(session, organization.id, person.id) is not None:
        raise Conflict("You are a member of this organization already, so nothing was changed.")
    return make_membership(work, organization=organization, person=person, role=role, now=now)


def change_role(
    work: UnitOfWork,
    *,
    organization_id: UUID,
    membership_id: UUID,
    person: Person,
    role: Role,
    now: datetime,
) -> Membership:
    """Give a member another role. Giving the one they have changes nothing.

    :param person: who does; it may be the member, to step down.
    :param role: the new one.
    :raises NotFound: the organization has no such member, or the person is none.
    :raises NotPermitted: the person may not change members, or the old or the new role holds more
        than their own.
    :raises LastOwner: nobody would be left as an active owner.
    """
    current = lock_membership(work.session, organization_id, person, Permission.CHANGE_MEMBERS)
    membership = _touchable(work.session, current, membership_id)
    _refuse_more_than_held(current, role)
    if membership.role != role:
        if role is not Role.OWNER:
            _refuse_losing(work.session, current.organization, membership)
        _give_role(work, current.organization, membership, role, now)
    return membership


def remove(
    work: UnitOfWork, *, organization_id: UUID, membership_id: UUID, person: Person, now: datetime
) -> None:
    """End a person's membership. The plan they have there ends, and its history stays.

    :param person: who does; removing oneself is leaving.
    :raises NotFound: the organization has no such member, or the person is none.
    :raises NotPermitted: the person may not change members, or not one of this role.
    :raises LastOwner: nobody would be left as an active owner.
    """
    current = lock_membership(work.session, organization_id, person, Permission.CHANGE_MEMBERS)
    membership = _touchable(work.session, current, membership_id)
    _refuse_losing(work.session, current.organization, membership)
    _end(work, current.organization, membership, person, now)


def leave(work: UnitOfWork, *, organization_id: UUID, person: Person, now: datetime) -> None:
    """End one's own membership.

    :param person: who leaves.
    :raises NotFound: they are no member.
    :raises NotPermitted: they are suspended.
    :raises LastOwner: nobody would be left as an active owner.
    """
    current = lock_membership(work.session, organization_id, person, Permission.CHANGE_MEMBERSHIP)
    _refuse_losing(work.session, current.organization, current.membership)
    _end(work, current.organization, current.membership, person, now)


def leave_everything(work: UnitOfWork, *, person: Person, now: datetime) -> None:
    """End all memberships of a person who is about to be forgotten.

    :param person: who leaves, suspended or not.
    :raises LastOwner: an open organization would be left without an active owner.
    """
    session = work.session
    memberships = session.execute(
        # Always in the same order, so that two such people do not wait for each other.
        select(Membership.id, Membership.organization_id)
        .where(Membership.person_id == person.id)
        .order_by(Membership.organization_id)
    ).all()
    for membership_id, organization_id in memberships:
        organization = lock_organization(session, organization_id)
        membership = session.get(Membership, membership_id, populate_existing=True)
        if membership is None:
            continue  # A person removed them a moment ago.
        if organization is None:  # Closed: its plans have ended, and nobody owns it.
            session.delete(membership)
            session.flush()
            continue
        _refuse_losing(session, organization, membership)
        _end(work, organization, membership, person, now)


def suspend(
    work: UnitOfWork, *, organization_id: UUID, membership_id: UUID, person: Person, now: datetime
) -> Membership:
    """Let a member see and do nothing in the organization until they are restored.

    A plan that they pay is paused, because they could not stop it. Restoring them does not resume
    it; that is for them to do.

    :param person: who does.
    :raises NotFound: the organization has no such member, or the person is none.
    :raises NotPermitted: the person may not change members, or not one of this role.
    :raises Conflict: the member is suspended already, or is the person.
    :raises LastOwner: nobody would be left as an owner who can act and stays.
    """
    current = lock_membership(work.session, organization_id, person, Permission.CHANGE_MEMBERS)
    membership = _touchable(work.session, current, membership_id)
    if membership.person_id == person.id:
        raise Conflict(
            "You cannot suspend yourself, because you could not restore yourself. Leave the"
            " organization instead, or ask another administrator."
        )
    if membership.status == MembershipStatus.SUSPENDED:
        raise Conflict("This member is suspended already.")
    _refuse_losing(work.session, current.organization, membership)
    _pause_what_they_pay(work, current.organization, membership, person, now)
    membership.status = MembershipStatus.SUSPENDED
    work.session.flush()
    _record(work, current.organization, AuditAction.MEMBER_SUSPENDED, membership)
    return membership


def restore(
    work: UnitOfWork, *, organization_id: UUID, membership_id: UUID, person: Person
) -> Membership:
    """Let a suspended member act again, in the role they have.

    :param person: who does.
    :raises NotFound: the organization has no such member, or the person is none.
    :raises NotPermitted: the person may not change members, or not one of this role.
    :raises Conflict: the member is not suspended.
    """
    current = lock_membership(work.session, organization_id, person, Permission.CHANGE_MEMBERS)
    membership = _touchable(work.session, current, membership_id)
    if membership.status != MembershipStatus.SUSPENDED:
        raise Conflict("This member is not suspended.")
    membership.status = MembershipStatus.ACTIVE
    work.session.flush()
    _record(work, current.organization, AuditAction.MEMBER_RESTORED, membership)
    return membership


def transfer_ownership(
    work: UnitOfWork, *, organization_id: UUID, membership_id: UUID, person: Person, now: datetime
) -> Membership:
    """Make a member an owner instead of oneself, in one step. The giver is an admin afterwards.

    :param membership_id: who gets it.
    :param person: who gives it.
    :return: the new owner's membership.
    :raises NotFound: the organization has no such member, or the person is none.
    :raises NotPermitted: the person is no owner.
    :raises Conflict: the member is suspended, or is an owner already.
    """
    session = work.session
    current = lock_membership(session, organization_id, person, Permission.OWN_ORGANIZATION)
    membership = read_membership(session, organization_id, membership_id)
    if membership.role == Role.OWNER:
        raise Conflict(
            "This member is an owner already, so there is nothing to hand over. To step down,"
            " change your own role."
        )
    if membership.status == MembershipStatus.SUSPENDED:
        raise Conflict("A suspended member cannot become the owner. Restore them first.")
    if _person_of(session, membership).deletion_due_at is not None:
        # They are about to be gone; that they asked for it is not told.
        raise Conflict("This member cannot become the owner at present. Choose somebody else.")
    _record(work, current.organization, AuditAction.OWNERSHIP_TRANSFERRED, membership)
    _give_role(work, current.organization, membership, Role.OWNER, now)
    _give_role(work, current.organization, current.membership, Role.ADMIN, now)
    return membership


def make_owner(
    work: UnitOfWork, *, organization: Organization, membership: Membership, now: datetime
) -> None:
    """Make a member an owner because the last one goes for good. Nobody else may call it.

    :param organization: locked.
    :param membership: an active one of it.
    """
    _record(work, organization, AuditAction.OWNERSHIP_TRANSFERRED, membership)
    _give_role(work, organization, membership, Role.OWNER, now)


def _find_membership(session: Session, organization_id: UUID, person_id: UUID) -> Membership | None:
    return session.scalar(
        select(Membership).where(
            Membership.organization_id == organization_id, Membership.person_id == person_id
        )
    )


def _touchable(
    session: Session, current: OrganizationMembership, membership_id: UUID
) -> Membership:
    """A member whose role the acting person could also give."""
    membership = read_membership(session, current.organization.id, membership_id)
    if not may_grant(current.role, Role(membership.role)):
        raise NotPermitted(
            "This member may do more than you, so nothing was changed. Ask somebody with the same"
            " role as theirs."
        )
    return membership


def _refuse_more_than_held(current: OrganizationMembership, role: Role) -> None:
    if not may_grant(current.role, role):
        raise NotPermitted(
            f"The role {role} holds more than yours, so you cannot give it and nothing was changed."
        )


def _refuse_losing(session: Session, organization: Organization, membership: Membership) -> None:
    """Refuse to lose an owner who is the last one that can act."""
    if membership.role != Role.OWNER or membership.status != MembershipStatus.ACTIVE:
        return
    another = session.scalar(
        select(Membership.id)
        .join(Person, Person.id == Membership.person_id)
        .where(
            Membership.organization_id == organization.id,
            Membership.role == Role.OWNER,
            Membership.status == MembershipStatus.ACTIVE,
            Membership.id != membership.id,
            # A person who waits for the deletion of their account counts as gone.
            Person.deletion_due_at.is_(None),
        )
        .limit(1)
    )
    if another is None:
        raise LastOwner(
            f"«{organization.name}» would be left without an owner who can act, so nothing was"
            " changed. Make another member an owner first, or close the organization."
        )


def _give_role(
    work: UnitOfWork, organization: Organization, membership: Membership, role: Role, now: datetime
) -> None:
    former, membership.role = membership.role, role
    work.session.flush()
    _record(work, organization, AuditAction.MEMBER_ROLE_CHANGED, membership, former_role=former)
    notify(
        work,
        _person_of(work.session, membership),
        MessageKind.ROLE_CHANGED,
        now,
        organization=organization.name,
        role=role,
    )


def _end(
    work: UnitOfWork,
    organization: Organization,
    membership: Membership,
    person: Person,
    now: datetime,
) -> None:
    session = work.session
    plan = plans.find_plan(session, membership.account_id)
    if plan is not None and plan.status != PlanStatus.ENDED:
        plans.change_status(
            work,
            account_id=membership.account_id,
            person=person,
            status=PlanStatus.ENDED,
            now=now,
        )
    left = membership.person_id == person.id
    member = _person_of(session, membership)
    _record(
        work,
        organization,
        AuditAction.MEMBER_LEFT if left else AuditAction.MEMBER_REMOVED,
        membership,
    )
    session.delete(membership)
    session.flush()
    notify(work, member, MessageKind.MEMBERSHIP_ENDED, now, organization=organization.name)


def _pause_what_they_pay(
    work: UnitOfWork,
    organization: Organization,
    membership: Membership,
    person: Person,
    now: datetime,
) -> None:
    plan = plans.find_plan(work.session, membership.account_id)
    pays = payer_of(organization.payer_rule, membership.chosen_payer) is Payer.MEMBER
    if pays and plan is not None and plan.status == PlanStatus.ACTIVE:
        plans.change_status(
            work,
            account_id=membership.account_id,
            person=person,
            status=PlanStatus.PAUSED,
            now=now,
        )


def _person_of(session: Session, membership: Membership) -> Person:
    return session.get_one(Person, membership.person_id)


def _record(
    work: UnitOfWork,
    organization: Organization,
    action: AuditAction,
    membership: Membership,
    *,
    former_role: str | None = None,
) -> None:
    former = {} if former_role is None else {"former_role": former_role}
    work.record(
        action,
        account_id=organization.account_id,
        subject_type="membership",
        subject_id=membership.id,
        actor_id=None,
        person_id=str(membership.person_id),
        role=membership.role,
        **former,
    )
