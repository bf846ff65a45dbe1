"""The rule that an open organization has an owner who can act, when a person goes for good.

the person who asks for the deletion of their account counts as gone already: as long as an
organization has no other owner, they are refused. Should they own one alone all the same when the
day has come, it passes to another owner, because nobody is kept against their will.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import exists, select, union
from sqlalchemy.orm import aliased

from flask_tokenoffset.errors import LastOwner
from flask_tokenoffset.models import Invitation, Membership, MembershipStatus, Organization, Person
from flask_tokenoffset.permissions import Role
from flask_tokenoffset.services.data_map.personal_rows import addresses_of
from flask_tokenoffset.services.erasures.invitations import theirs
from flask_tokenoffset.services.organizations.closing import close_organization
from flask_tokenoffset.services.organizations.members import make_owner
from flask_tokenoffset.services.organizations.organizations import lock_organization

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from flask_tokenoffset.clock import Clock
    from flask_tokenoffset.unit_of_work import UnitOfWork


def owned_alone(session: Session, person_id: UUID) -> Sequence[Organization]:
    """The open organizations that nobody but this person owns and can act in, by name.

    Another owner who waits for the deletion of their own account does not count.

    :param person_id: the person.
    """
    other, owner = aliased(Membership), aliased(Person)
    return session.scalars(
        select(Organization)
        .join(Membership, Membership.organization_id == Organization.id)
        .where(
            Organization.closed_at.is_(None),
            Membership.person_id == person_id,
            Membership.role == Role.OWNER,
            Membership.status == MembershipStatus.ACTIVE,
            ~exists().where(
                other.organization_id == Organization.id,
                other.person_id != person_id,
                other.role == Role.OWNER,
                other.status == MembershipStatus.ACTIVE,
                owner.id == other.person_id,
                owner.deletion_due_at.is_(None),
            ),
        )
        .order_by(Organization.name, Organization.id)
    ).all()


def refuse_leaving_alone(session: Session, person: Person) -> None:
    """Refuse to let a person go while an organization needs them.

    :param person: who wants to go.
    :raises LastOwner: names all such organizations at once.
    """
    alone = owned_alone(session, person.id)
    if alone:
        names = ", ".join(f"«{each.name}»" for each in alone)
        raise LastOwner(
            f"Nobody else owns {names}, so nothing was deleted. Make another member an owner"
            " first, or close the organization."
        )


def hand_on_everything(work: UnitOfWork, person: Person, *, clock: Clock, now: datetime) -> None:
    """Leave no organization without an owner, whatever happened since a person asked to go.

    The member who can change the most and has belonged to it the longest becomes the owner. Where
    nobody is left who could manage it, it is closed.

    :param person: who goes now.
    """
    for organization in owned_alone(work.session, person.id):
        locked = lock_organization(work.session, organization.id)
        if locked is None:
            continue
        successor = _successor(work.session, locked.id, person.id)
        if successor is None:
            close_organization(work, organization_id=locked.id, person=person, clock=clock)
        else:
            make_owner(work, organization=locked, membership=successor, now=now)


def _successor(session: Session, organization_id: UUID, person_id: UUID) -> Membership | None:
    return session.scalar(
        select(Membership)
        .join(Person, Person.id == Membership.person_id)
        .where(
            Membership.organization_id == organization_id,
            Membership.person_id != person_id,
            Membership.role == Role.ADMIN,
            Membership.status == MembershipStatus.ACTIVE,
            Person.deletion_due_at.is_(None),
        )
        .order_by(Membership.joined_at, Membership.id)
        .limit(1)
    )


def lock_organizations_of(session: Session, person: Person) -> None:
    """Lock every organization that a person belongs to or is invited to, always in one order.

    So that nobody takes the last other owner away at this moment, and two who go at once never wait
    for each other.

    :param person: who is about to go.
    """
    belongs_to = select(Membership.organization_id).where(Membership.person_id == person.id)
    invited_to = select(Invitation.organization_id).where(
        theirs(person, addresses_of(session, person))
    )
    for organization_id in sorted(session.scalars(union(belongs_to, invited_to))):
        lock_organization(session, organization_id)
