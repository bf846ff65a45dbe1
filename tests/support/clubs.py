"""An organization of a world with as many members as a test of their plans needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from flask_tokenoffset.models import (
    Account,
    AccountKind,
    Membership,
    MembershipStatus,
    Organization,
    Person,
    Plan,
    new_id,
)
from flask_tokenoffset.permissions import Role
from flask_tokenoffset.services.organizations.organizations import (
    create_organization,
    make_membership,
)
from flask_tokenoffset.services.people.profiles import find_person

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.orm import Session
    from werkzeug.test import TestResponse

    from tests.support.html_page import HtmlPage
    from tests.support.world import Browser, World


@dataclass
class Club:
    """An organization and the memberships of those who belong to it, by name.

    :param owner: who made it.
    """

    world: World
    id: UUID
    owner: Browser
    members: dict[str, UUID] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Where its pages and operations stand, below either prefix."""
        return f"/organizations/{self.id}"

    def join(self, person: Browser, role: Role = Role.MEMBER) -> UUID:
        """Make a person a member without any terms; returns the membership's id."""
        _make_account(person)
        with self.world.app.app_context(), self.world.state.unit_of_work() as work:
            membership = make_membership(
                work,
                organization=work.session.get_one(Organization, self.id),
                person=_person_of(work.session, person),
                role=role,
                now=self.world.clock.now(),
            )
            self.members[person.name or ""] = membership.id
        return self.members[person.name or ""]

    def change(self, **values: Any) -> None:
        """Change columns of the organization's row, past every rule."""
        with self.world.app.app_context(), self.world.state.unit_of_work() as work:
            work.session.execute(
                update(Organization).where(Organization.id == self.id).values(**values)
            )

    def change_member(self, membership_id: UUID, **values: Any) -> None:
        """Change columns of a membership's row, past every rule."""
        with self.world.app.app_context(), self.world.state.unit_of_work() as work:
            work.session.execute(
                update(Membership).where(Membership.id == membership_id).values(**values)
            )

    def fill(self, count: int, **values: Any) -> list[UUID]:
        """Add many members, each a person with a proved address; returns their memberships.

        :param values: more columns of the memberships.
        """
        now = self.world.clock.now()
        with self.world.app.app_context(), self.world.state.unit_of_work() as work:
            return fill(work.session, self.id, count, now, **values)

    def plan_of(self, membership_id: UUID) -> Plan | None:
        """A member's plan as it stands in the database."""
        with self.world.app.app_context():
            return self.world.state.session.scalar(
                select(Plan)
                .join(Membership, Membership.account_id == Plan.account_id)
                .where(Membership.id == membership_id)
            )

    def api(self, browser: Browser, method: str, path: str, json: Any = None) -> TestResponse:
        """Call an operation on it."""
        return browser.api(method, f"{self.path}{path}", json)

    def page(self, browser: Browser, path: str, *, status: int = 200) -> HtmlPage:
        """Open one of its pages."""
        return browser.page(f"{self.path}{path}", status=status)


def found(world: World, owner: Browser, name: str = "Fernhill", **values: Any) -> Club:
    """An organization that a person owns.

    :param values: columns of its row.
    """
    _make_account(owner)
    with world.app.app_context(), world.state.unit_of_work() as work:
        organization = create_organization(
            work,
            person=_person_of(work.session, owner),
            name=name,
            settings=world.state.settings,
            now=world.clock.now(),
        )
        club = Club(world, organization.id, owner)
        club.members[owner.name or ""] = work.session.scalars(
            select(Membership.id).where(Membership.organization_id == organization.id)
        ).one()
    if values:
        club.change(**values)
    return club


def fill(
    session: Session, organization_id: UUID, count: int, now: Any, **values: Any
) -> list[UUID]:
    """Add many members to an organization, in three statements; returns their memberships."""
    people = [(new_id(), new_id(), new_id(), new_id()) for _ in range(count)]
    session.execute(
        insert(Account),
        [
            {"id": each[column], "kind": kind, "created_at": now}
            for each in people
            for column, kind in ((1, AccountKind.PERSON), (3, AccountKind.MEMBERSHIP))
        ],
    )
    session.execute(
        insert(Person),
        [
            {
                "id": person,
                "account_id": account,
                "user_key": f"filled-{person}",
                "display_name": f"Member {number:05d}",
                "email": f"member-{number:05d}@example.com",
                "email_verified_at": now,
                "created_at": now,
            }
            for number, (person, account, _, _) in enumerate(people)
        ],
    )
    session.execute(
        insert(Membership),
        [
            {
                "id": membership,
                "organization_id": organization_id,
                "person_id": person,
                "account_id": account,
                "role": Role.MEMBER,
                "status": MembershipStatus.ACTIVE,
                "sort_name": f"member {number:05d}",
                "search_text": f"member {number:05d}\nmember-{number:05d}@example.com",
                "joined_at": now,
            }
            | values
            for number, (person, _, membership, account) in enumerate(people)
        ],
    )
    return [membership for _, _, membership, _ in people]


def _make_account(browser: Browser) -> None:
    """Have a person change something for the first time."""
    if not browser.has_account:
        browser.pick_band()


def _person_of(session: Session, browser: Browser) -> Person:
    person = find_person(session, browser.user_key)
    assert person is not None
    return person
