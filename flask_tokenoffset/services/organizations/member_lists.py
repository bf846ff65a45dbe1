"""Looking at members: one page of them, how many there are, one of them.

A page is read from where the one before it ended, along the index over (organization, sort name,
id), so that the last page of ten thousand members costs what the first one does. A search looks for
a part of the name or address, which no index finds: it reads along the same index until the page is
full, at worst over all members of that one organization.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import ColumnElement, func, literal, select, tuple_

from flask_tokenoffset.errors import NotFound
from flask_tokenoffset.models import Membership, MembershipStatus, Organization, Person
from flask_tokenoffset.permissions import Role

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.orm import Session

#: Members are counted up to here, because counting more takes longer than showing a page of them.
COUNTED_UP_TO: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberFilter:
    """Which members to look at.

    :param search: a part of the name or address, in any case; empty finds everyone.
    :param role: only those in this role.
    :param status: only those of this status.
    """

    search: str = ""
    role: Role | None = None
    status: MembershipStatus | None = None

    def conditions(self, organization_id: UUID) -> list[ColumnElement[bool]]:
        """The same as conditions of a query.

        :param organization_id: whose members.
        """
        conditions: list[ColumnElement[bool]] = [Membership.organization_id == organization_id]
        if search := " ".join(self.search.split()).lower():
            conditions.append(Membership.search_text.contains(search, autoescape=True))
        if self.role is not None:
            conditions.append(Membership.role == self.role)
        if self.status is not None:
            conditions.append(Membership.status == self.status)
        return conditions

    def __bool__(self) -> bool:
        return bool(self.search.strip() or self.role or self.status)


@dataclass(frozen=True, slots=True)
class Member:
    """A person in an organization.

    :param membership: theirs in it.
    :param person: who they are.
    """

    membership: Membership
    person: Person

    @property
    def name(self) -> str:
        """What to call them."""
        return self.person.display_name or self.person.email or "Somebody without a name yet"

    @property
    def email(self) -> str | None:
        """Their address, if one is known."""
        return self.person.email

    @property
    def role(self) -> Role:
        """What they are in the organization."""
        return Role(self.membership.role)

    @property
    def status(self) -> MembershipStatus:
        """Whether they may act."""
        return MembershipStatus(self.membership.status)


def list_members(
    session: Session,
    organization_id: UUID,
    wanted: MemberFilter,
    *,
    after: tuple[str, UUID] | None = None,
    limit: int,
) -> list[Member]:
    """Members by name, in one query.

    :param organization_id: whose.
    :param wanted: which of them.
    :param after: sort name and id of the last one shown, for the next page.
    :param limit: how many at most.
    """
    query = (
        select(Membership, Person)
        .join(Person, Person.id == Membership.person_id)
        .where(*wanted.conditions(organization_id))
        .order_by(Membership.sort_name, Membership.id)
        .limit(limit)
    )
    if after is not None:
        name, membership_id = after
        query = query.where(
            tuple_(Membership.sort_name, Membership.id)
            > tuple_(literal(name), literal(membership_id, Membership.id.type))
        )
    return [Member(membership, person) for membership, person in session.execute(query)]


def count_members(session: Session, organization_id: UUID, wanted: MemberFilter) -> int:
    """How many members there are, counted up to one more than :data:`COUNTED_UP_TO`.

    :param organization_id: whose.
    :param wanted: which of them.
    """
    some = (
        select(Membership.id)
        .where(*wanted.conditions(organization_id))
        .limit(COUNTED_UP_TO + 1)
        .subquery()
    )
    return session.scalar(select(func.count()).select_from(some)) or 0


def active_seats(session: Session, account_id: UUID) -> int | None:
    """How many active members the organization of an account has; None for a person's account.

    :param account_id: whose use is looked at.
    """
    organization_id = session.scalar(
        select(Organization.id).where(Organization.account_id == account_id)
    )
    if organization_id is None:
        return None
    return count_members(session, organization_id, MemberFilter(status=MembershipStatus.ACTIVE))


def read_member(session: Session, organization_id: UUID, membership_id: UUID) -> Member:
    """One member.

    :param organization_id: the organization that is looked at.
    :param membership_id: any id.
    :raises NotFound: that organization has no such member.
    """
    row = session.execute(
        select(Membership, Person)
        .join(Person, Person.id == Membership.person_id)
        .where(Membership.organization_id == organization_id, Membership.id == membership_id)
    ).one_or_none()
    if row is None:
        raise NotFound("There is no such thing here.")
    return Member(row[0], row[1])
