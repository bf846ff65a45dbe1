"""Two organizations of the same shape, for every test that asks who may do what."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import pytest
from sqlalchemy import insert, text

from flask_tokenoffset.host.users import HostUser
from flask_tokenoffset.models import (
    Account,
    AccountKind,
    Membership,
    MembershipStatus,
    Organization,
    Person,
    new_id,
)
from flask_tokenoffset.permissions import Role
from flask_tokenoffset.services.organizations import members, organizations
from flask_tokenoffset.services.organizations.organizations import search_text_of, sort_name_of
from flask_tokenoffset.services.people.profiles import ensure_person, find_person

if TYPE_CHECKING:
    from tests.support.world import Browser, World

#: Who belongs to each organization: one in every role, and one who is suspended.
SUSPENDED: Final = "suspended"
PARTS: Final[dict[str, Role]] = {
    **{str(role): role for role in Role},
    SUSPENDED: Role.ADMIN,  # A role that would allow almost everything.
}


@dataclass(frozen=True)
class Shape:
    """An organization with a person in each part.

    :param name: what it is called, and how the names of its people begin.
    """

    world: World
    name: str
    id: UUID
    account_id: UUID
    #: Part to membership.
    memberships: dict[str, UUID]

    @cached_property
    def browsers(self) -> dict[str, Browser]:
        """Part to a browser in which that person is signed in."""
        return {part: self.world.browser(f"{self.name}-{part}") for part in PARTS}

    def __getitem__(self, part: str) -> Browser:
        return self.browsers[part]

    @property
    def path(self) -> str:
        """Where its pages and operations stand, below either prefix."""
        return f"/organizations/{self.id}"

    def role_of(self, part: str) -> str | None:
        """What a person is now; ``None`` once they are no member."""
        with self.world.app.app_context():
            membership = self.world.state.session.get(Membership, self.memberships[part])
            return membership.role if membership else None

    def status_of(self, part: str) -> str | None:
        """Whether a person may act now; ``None`` once they are no member."""
        with self.world.app.app_context():
            membership = self.world.state.session.get(Membership, self.memberships[part])
            return membership.status if membership else None


def join(world: World, organization_id: UUID, browser: Browser, role: Role) -> UUID:
    """Make a person a member, as an accepted invitation does; gives the membership's id."""
    with world.app.app_context(), world.state.unit_of_work() as work:
        now = world.clock.now()
        person = find_person(work.session, browser.user_key) or ensure_person(
            work.session,
            HostUser(browser.user_key, browser.name or "", browser.address, email_verified=True),
            now,
        )
        organization = work.session.get_one(Organization, organization_id)
        membership = members.add_member(
            work, organization=organization, person=person, role=role, now=now
        )
        return UUID(str(membership.id))


def change_many(inside: Browser) -> str:
    """Change the plans of everyone in an organization at once; gives the change's id.

    :param inside: a browser in that place, whose person may.
    """
    preview = inside.api("GET", "/member-plans/preview?band=casual").get_json()
    counted = {name: preview[name] for name in ("plans_to_change", "difference_cents")}
    body = {"band": "casual", "coverage_percent": 100, **counted}
    answered = inside.api("POST", "/member-plans/changes", body)
    assert answered.status_code == 202, answered.text
    return str(answered.get_json()["id"])


def make_shape(world: World, name: str) -> Shape:
    """An organization with one person in each part.

    :param name: how it is called; names of people begin with it.
    """
    owner = world.browser(f"{name}-{Role.OWNER}")
    organization_id = owner.create_organization(name)
    memberships = {}
    for part, role in PARTS.items():
        if part != Role.OWNER:
            browser = world.browser(f"{name}-{part}")
            memberships[part] = join(world, organization_id, browser, role)
    with world.app.app_context(), world.state.unit_of_work() as work:
        person = find_person(work.session, owner.user_key)
        assert person is not None
        found = organizations.find_organization_membership(work.session, organization_id, person.id)
        assert found is not None
        memberships[str(Role.OWNER)] = found.membership.id
        account_id = found.account_id
        members.suspend(
            work,
            organization_id=organization_id,
            membership_id=memberships[SUSPENDED],
            person=person,
            now=world.clock.now(),
        )
    return Shape(world, name, organization_id, account_id, memberships)


def fill(world: World, organization_id: UUID, people: list[dict[str, Any]]) -> None:
    """Add members without the way in, in a few statements.

    :param people: each with a ``name``, and an ``email``, a ``role`` and a ``status`` if wanted.
    """
    now = world.clock.now()
    with world.app.app_context(), world.state.unit_of_work() as work:
        rows = []
        for number, row in enumerate(people):
            person = Person(
                id=new_id(),
                account_id=new_id(),
                user_key=f"{organization_id}-{number}",
                display_name=row.get("name"),
                email=row.get("email"),
                created_at=now,
            )
            rows.append((person, new_id(), row))
        for kind, ids in (
            (AccountKind.PERSON, [person.account_id for person, _, _ in rows]),
            (AccountKind.MEMBERSHIP, [account_id for _, account_id, _ in rows]),
        ):
            accounts = [{"id": each, "kind": kind, "created_at": now} for each in ids]
            work.session.execute(insert(Account), accounts)
        work.session.add_all(person for person, _, _ in rows)
        work.session.flush()
        memberships = [
            {
                "id": new_id(),
                "organization_id": organization_id,
                "person_id": person.id,
                "account_id": account_id,
                "role": row.get("role", Role.MEMBER),
                "status": row.get("status", MembershipStatus.ACTIVE),
                "sort_name": sort_name_of(person),
                "search_text": search_text_of(person),
                "joined_at": now,
            }
            for person, account_id, row in rows
        ]
        work.session.execute(insert(Membership), memberships)


def fill_many(world: World, organization_id: UUID, size: int) -> None:
    """Members with names that search and order have work with."""
    people = [
        {"name": f"Member {number * 7919 % size:05}", "email": f"m{number}@example.com"}
        for number in range(size)
    ]
    fill(world, organization_id, people)
    with world.app.app_context():
        world.state.session.execute(text("ANALYZE"))
        world.state.session.commit()


@pytest.fixture
def two_organizations(world: World) -> tuple[Shape, Shape]:
    """Two organizations of the same shape. ``world.stranger`` belongs to neither."""
    return make_shape(world, "acme"), make_shape(world, "bolt")
