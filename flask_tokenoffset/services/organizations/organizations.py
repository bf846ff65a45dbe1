"""Organizations: a partner's clients, and a person's membership of them.

A change of who belongs to an organization, or of their role, locks the organization's row first
(:func:`lock_membership`, :func:`lock_organization`) and only then looks who is what. So two changes
at once are made one after the other, and the second one sees what the first one did.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from sqlalchemy import Select, bindparam, func, literal, select, tuple_

from flask_tokenoffset.errors import Conflict, InvalidInput, NotFound, NotPermitted
from flask_tokenoffset.models import (
    LONGEST_EMAIL,
    LONGEST_NAME,
    Account,
    AccountKind,
    AuditAction,
    Membership,
    MembershipStatus,
    Organization,
    PayerRule,
    Person,
    new_id,
)
from flask_tokenoffset.permissions import ROLES, Permission, Role
from flask_tokenoffset.services.identities.required import check_required
from flask_tokenoffset.services.shared.names import check_name

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from flask_tokenoffset.settings import Settings
    from flask_tokenoffset.unit_of_work import UnitOfWork

#: Open organizations that one person may have created.
MOST_CREATED: Final = 20


@dataclass(frozen=True, slots=True)
class OrganizationMembership:
    """A person's membership, together with its organization.

    :param organization: the organization.
    :param membership: theirs in it.
    """

    organization: Organization
    membership: Membership

    @property
    def account_id(self) -> UUID:
        """The organization's account."""
        return self.organization.account_id

    @property
    def role(self) -> Role:
        """What they are in it."""
        return Role(self.membership.role)

    @property
    def suspended(self) -> bool:
        """Whether they may not act at present."""
        return self.membership.status == MembershipStatus.SUSPENDED

    @property
    def permissions(self) -> frozenset[Permission]:
        """What they may do in it."""
        return frozenset() if self.suspended else ROLES[self.role]


def find_organization_membership(
    session: Session, organization_id: UUID, person_id: UUID
) -> OrganizationMembership | None:
    """A person's membership of an organization, in one query; none if it is closed.

    :param organization_id: any id, whether there is such an organization or not.
    :param person_id: the person.
    """
    of = {"organization_id": organization_id, "person_id": person_id}
    row = session.execute(_organization_membership(), of).one_or_none()
    return None if row is None else OrganizationMembership(row[0], row[1])


@cache
def _organization_membership() -> Select[Organization, Membership]:
    return (
        select(Organization, Membership)
        .join(Membership, Membership.organization_id == Organization.id)
        .where(
            Organization.id == bindparam("organization_id"),
            Organization.closed_at.is_(None),
            Membership.person_id == bindparam("person_id"),
        )
        # What the session has seen before may be out of date, which matters under a lock.
        .execution_options(populate_existing=True)
    )


def lock_organization(session: Session, organization_id: UUID) -> Organization | None:
    """Let nobody else change who belongs to an organization until this transaction ends.

    Rows that only name the organization may be added meanwhile.

    :return: the organization as it stands now; none if there is no such one, or it is closed.
    """
    return session.scalar(_open_organization_locked(), {"organization_id": organization_id})


@cache
def _open_organization_locked() -> Select[Organization]:
    return (
        select(Organization)
        .where(Organization.id == bindparam("organization_id"), Organization.closed_at.is_(None))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )


def read_membership(session: Session, organization_id: UUID, membership_id: UUID) -> Membership:
    """A membership of an organization, as it is in the database now.

    :raises NotFound: the organization has no such member.
    """
    membership = session.scalar(
        select(Membership)
        .where(Membership.organization_id == organization_id, Membership.id == membership_id)
        .execution_options(populate_existing=True)
    )
    if membership is None:
        raise NotFound("There is no such thing here.")
    return membership


def lock_membership(
    session: Session, organization_id: UUID, person: Person, needed: Permission
) -> OrganizationMembership:
    """The membership of a person about to change something, as it is under the lock.

    A role that was lost a moment ago counts no more, however the page looked.

    :param person: who acts.
    :param needed: what they must be allowed to.
    :raises NotFound: they do not belong to it (any more), or it is closed.
    :raises NotPermitted: they may not do this (any more).
    """
    locked = lock_organization(session, organization_id)
    current = find_organization_membership(session, organization_id, person.id) if locked else None
    if current is None:
        raise NotFound("There is no such thing here.")
    if needed not in current.permissions:
        raise NotPermitted("You may not do this, so nothing was changed.")
    return current


def create_organization(
    work: UnitOfWork, *, person: Person, name: str, settings: Settings, now: datetime
) -> Organization:
    """Make an organization with an account of its own; its creator is its owner.

    :param person: who makes it.
    :param name: what it is called; another one may be called the same.
    :param settings: say which linked identity is required to belong to an organization, if any.
    :raises InvalidInput: the name cannot be used; the field is ``name``.
    :raises NotPermitted: the person lacks the identity that is required.
    :raises Conflict: the person has created as many as anyone may.
    """
    session = work.session
    name = _check_name(name)
    check_required(session, person, settings)
    # Two that are made at once are counted one after the other.
    session.execute(select(Person.id).where(Person.id == person.id).with_for_update(key_share=True))
    created = session.scalar(
        select(func.count(Organization.id)).where(
            Organization.created_by == person.id, Organization.closed_at.is_(None)
        )
    )
    if (created or 0) >= MOST_CREATED:
        raise Conflict(
            f"You have created {MOST_CREATED} organizations, which is the most anybody may have."
            " Close one first."
        )
    organization = Organization(
        id=new_id(),
        account_id=_new_account(session, AccountKind.ORGANIZATION, now),
        name=name,
        payer_rule=PayerRule.ORGANIZATION,
        default_coverage_percent=100,
        created_by=person.id,
        created_at=now,
    )
    session.add(organization)
    session.flush()
    work.record(
        AuditAction.ORGANIZATION_CREATED,
        account_id=organization.account_id,
        subject_type="organization",
        subject_id=organization.id,
    )
    make_membership(work, organization=organization, person=person, role=Role.OWNER, now=now)
    return organization


def make_membership(
    work: UnitOfWork, *, organization: Organization, person: Person, role: Role, now: datetime
) -> Membership:
    """Write the rows of a new membership. Joining is :func:`.members.add_member`, which checks.

    :param organization: locked, or just made.
    :param person: not a member of it yet.
    """
    session = work.session
    membership = Membership(
        id=new_id(),
        organization_id=organization.id,
        person_id=person.id,
        account_id=_new_account(session, AccountKind.MEMBERSHIP, now),
        role=role,
        status=MembershipStatus.ACTIVE,
        sort_name=sort_name_of(person),
        search_text=search_text_of(person),
        joined_at=now,
    )
    session.add(membership)
    session.flush()
    work.record(
        AuditAction.MEMBER_JOINED,
        account_id=organization.account_id,
        subject_type="membership",
        subject_id=membership.id,
        person_id=str(person.id),
        role=role,
    )
    return membership


def sort_name_of(person: Person) -> str:
    """By what a member is sorted: their name, or their address before they have told one."""
    # A letter may become two in lower case.
    return (person.display_name or person.email or "").lower()[:LONGEST_NAME]


def search_text_of(person: Person) -> str:
    """In what a member is searched: name and address."""
    text = f"{person.display_name or ''} {person.email or ''}".strip().lower()
    return text[: LONGEST_NAME + 1 + LONGEST_EMAIL]


def rename(work: UnitOfWork, *, organization_id: UUID, person: Person, name: str) -> Organization:
    """Call an organization something else.

    :param person: who does.
    :raises NotFound: the person does not belong to it, or it is closed.
    :raises NotPermitted: the person may not.
    :raises InvalidInput: the name cannot be used; the field is ``name``.
    """
    name = _check_name(name)
    current = lock_membership(work.session, organization_id, person, Permission.CHANGE_ORGANIZATION)
    organization = current.organization
    if organization.name != name:
        organization.name = name
        work.session.flush()
        work.record(
            AuditAction.ORGANIZATION_CHANGED,
            account_id=organization.account_id,
            subject_type="organization",
            subject_id=organization.id,
            changed="name",
        )
    return organization


def list_memberships(
    session: Session,
    person_id: UUID,
    *,
    after: tuple[str, UUID] | None = None,
    limit: int,
) -> list[OrganizationMembership]:
    """The organizations a person belongs to, by name; closed ones are left out.

    :param after: name and id of the last one shown, for the next page.
    :param limit: how many at most.
    """
    query = (
        select(Organization, Membership)
        .join(Membership, Membership.organization_id == Organization.id)
        .where(Membership.person_id == person_id, Organization.closed_at.is_(None))
        .order_by(Organization.name, Organization.id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(
            tuple_(Organization.name, Organization.id)
            > tuple_(literal(after[0]), literal(after[1], Organization.id.type))
        )
    return [
        OrganizationMembership(organization, membership)
        for organization, membership in session.execute(query)
    ]


def _check_name(text: str) -> str:
    name = check_name(text)
    if not name:
        raise InvalidInput({"name": "An organization needs a name that can be seen. Type one."})
    return name


def _new_account(session: Session, kind: AccountKind, now: datetime) -> UUID:
    account = Account(id=new_id(), kind=kind, created_at=now)
    session.add(account)
    session.flush()
    account_id: UUID = account.id
    return account_id
