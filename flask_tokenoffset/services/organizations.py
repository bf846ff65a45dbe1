"""Organizations: a partner's clients, and a person's place in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from flask_tokenoffset.models import Membership, MembershipStatus, Organization
from flask_tokenoffset.permissions import ROLES, Permission, Role

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Place:
    """A person's place in an organization.

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


def find_place(session: Session, organization_id: UUID, person_id: UUID) -> Place | None:
    """Somebody's place in an organization, in one query; none in one that is closed.

    :param organization_id: any id, whether there is such an organization or not.
    :param person_id: the person.
    """
    row = session.execute(
        select(Organization, Membership)
        .join(Membership, Membership.organization_id == Organization.id)
        .where(
            Organization.id == organization_id,
            Organization.closed_at.is_(None),
            Membership.person_id == person_id,
        )
    ).one_or_none()
    return None if row is None else Place(row[0], row[1])
