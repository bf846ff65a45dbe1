"""The current user as our tables know them, read in one query."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import BindParameter, Select, and_, bindparam, select

from flask_tokenoffset.models import Membership, Organization, Person
from flask_tokenoffset.models.records import fetch_rows, record_columns, records
from flask_tokenoffset.services.documents.acceptances import may_be_missing
from flask_tokenoffset.services.documents.documents import changes_are_coming
from flask_tokenoffset.services.organizations.organizations import OrganizationMembership

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """A person, and their memberships of open organizations, by name.

    :param person: their row, as a record, which nobody changes.
    :param memberships: suspended ones included.
    :param may_miss_documents: whether there may be something in force that they have not accepted.
    :param changes_are_coming: whether a document is about to change.
    """

    person: Person
    memberships: tuple[OrganizationMembership, ...]
    may_miss_documents: bool
    changes_are_coming: bool

    def membership_in(self, organization_id: UUID) -> OrganizationMembership | None:
        """Their membership of an organization, if they have one.

        :param organization_id: any id, whether there is such an organization or not.
        """
        return next(
            (each for each in self.memberships if each.organization.id == organization_id), None
        )


def find_known_person(session: Session, user_key: str, now: datetime) -> KnownPerson | None:
    """A person who has changed something here before, with their memberships.

    :param user_key: the host's own key for the user.
    :param now: the present instant, aware.
    """
    rows = fetch_rows(session, _known_person(), {"user_key": user_key, "now": now})
    if not rows:
        return None
    may_miss_documents, changes = rows[0][:2]
    joined = [records(row[2:], Person, Membership, Organization) for row in rows]
    person = joined[0][0]
    memberships = [
        OrganizationMembership(organization, member)
        for _, member, organization in joined
        if organization is not None
    ]
    return KnownPerson(person, tuple(memberships), bool(may_miss_documents), bool(changes))


@cache
def _known_person() -> Select[*tuple[Any, ...]]:
    """The query, which takes ``user_key`` and ``now``. Every request of ours sends it."""
    now: BindParameter[datetime] = bindparam("now")
    return (
        select(
            may_be_missing(Person.account_id, now),
            changes_are_coming(now),
            *record_columns(Person, Membership, Organization),
        )
        .outerjoin(Membership, Membership.person_id == Person.id)
        .outerjoin(
            Organization,
            and_(Organization.id == Membership.organization_id, Organization.closed_at.is_(None)),
        )
        .where(Person.user_key == bindparam("user_key"))
        .order_by(Organization.name, Organization.id)
    )
