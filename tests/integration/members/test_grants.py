"""Who may give which role to whom: the full table, through the services and through the API."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest

from flask_tokenoffset.models import Membership
from flask_tokenoffset.permissions import Role
from tests.support.organizations import join
from tests.support.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from tests.support.world import Browser

#: Acting role to the roles of others it may change, each to the roles it may give them. By hand.
ALLOWED: dict[Role, dict[Role, set[Role]]] = {
    Role.OWNER: {
        Role.OWNER: {Role.OWNER, Role.ADMIN, Role.MEMBER, Role.AUDITOR},
        Role.ADMIN: {Role.OWNER, Role.ADMIN, Role.MEMBER, Role.AUDITOR},
        Role.MEMBER: {Role.OWNER, Role.ADMIN, Role.MEMBER, Role.AUDITOR},
        Role.AUDITOR: {Role.OWNER, Role.ADMIN, Role.MEMBER, Role.AUDITOR},
    },
    Role.ADMIN: {
        Role.OWNER: set(),
        Role.ADMIN: {Role.ADMIN, Role.MEMBER, Role.AUDITOR},
        Role.MEMBER: {Role.ADMIN, Role.MEMBER, Role.AUDITOR},
        Role.AUDITOR: {Role.ADMIN, Role.MEMBER, Role.AUDITOR},
    },
    Role.MEMBER: {role: set() for role in Role},
    Role.AUDITOR: {role: set() for role in Role},
}

PAIRS = list(product(Role, Role))


class Case:
    """An organization with an owner who stays, a person who acts, and a person it is done to."""

    def __init__(self, world: World, acting: Role, other: Role) -> None:
        self.world = world
        self.owner = world.ada
        self.id = self.owner.create_organization(f"{acting} and {other}")
        self.actor = world.browser(f"actor {self.id}")
        self.actor_id = join(world, self.id, self.actor, acting)
        self.other_id = join(world, self.id, world.browser(f"other {self.id}"), other)

    @property
    def inside(self) -> Browser:
        return self.actor.within(self.id)

    def role_of(self, membership_id: UUID) -> str | None:
        with self.world.app.app_context():
            membership = self.world.state.session.get(Membership, membership_id)
            return membership.role if membership else None


@pytest.fixture
def cases(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    # One person makes them all.
    monkeypatch.setattr(
        "flask_tokenoffset.services.organizations.organizations.MOST_CREATED", 1_000
    )
    world = World()
    yield world
    world.close()


@pytest.mark.parametrize(("acting", "other"), PAIRS)
def test_nobody_gives_or_takes_more_than_they_hold(cases: World, acting: Role, other: Role) -> None:
    for new in Role:
        case = Case(cases, acting, other)
        answer = case.inside.api("PATCH", f"/members/{case.other_id}", {"role": new})
        allowed = new in ALLOWED[acting][other]
        assert answer.status_code == (200 if allowed else 403), (acting, other, new)
        assert case.role_of(case.other_id) == (new if allowed else other)
        assert case.role_of(case.actor_id) == acting


@pytest.mark.parametrize("acting", Role)
def test_nobody_raises_themselves(cases: World, acting: Role) -> None:
    for new in Role:
        case = Case(cases, acting, Role.MEMBER)
        answer = case.inside.api("PATCH", f"/members/{case.actor_id}", {"role": new})
        allowed = new in ALLOWED[acting][acting]
        assert answer.status_code == (200 if allowed else 403), (acting, new)
        assert case.role_of(case.actor_id) == (new if allowed else acting)


@pytest.mark.parametrize(("acting", "other"), PAIRS)
def test_nobody_suspends_restores_or_removes_whom_they_could_not_appoint(
    cases: World, acting: Role, other: Role
) -> None:
    case = Case(cases, acting, other)
    allowed = bool(ALLOWED[acting][other])
    member = f"/members/{case.other_id}"
    for change in ("suspended", "active"):
        answer = case.inside.api("PATCH", member, {"status": change})
        assert answer.status_code == (200 if allowed else 403), change
    assert case.inside.api("DELETE", member).status_code == (204 if allowed else 403)
    assert (case.role_of(case.other_id) is None) == allowed


@pytest.mark.parametrize(("acting", "other"), PAIRS)
def test_only_an_owner_hands_ownership_over_and_is_an_admin_afterwards(
    cases: World, acting: Role, other: Role
) -> None:
    case = Case(cases, acting, other)
    answer = case.inside.api("POST", "/transfer", {"membership_id": str(case.other_id)})
    if acting is not Role.OWNER:
        assert answer.status_code == 403
    elif other is Role.OWNER:
        assert answer.status_code == 409
        assert "owner already" in answer.get_json()["detail"]
    else:
        assert answer.status_code == 200
        assert answer.get_json()["role"] == "owner"
        assert case.role_of(case.actor_id) == "admin"
        return
    assert (case.role_of(case.actor_id), case.role_of(case.other_id)) == (acting, other)


def test_a_role_lost_while_the_page_was_open_counts_no_more(cases: World) -> None:
    case = Case(cases, Role.ADMIN, Role.MEMBER)
    form = case.inside.page(f"/members/{case.other_id}").form("/role")
    boss = case.owner.within(case.id)
    boss.api("PATCH", f"/members/{case.actor_id}", {"role": "auditor"})
    answer = case.actor.client.post(form.action, data={**form.values, "role": "admin"})
    assert answer.status_code == 403
    assert case.role_of(case.other_id) == "member"


def test_the_table_by_hand_covers_every_role() -> None:
    assert set(ALLOWED) == set(Role)
    assert all(set(row) == set(Role) for row in ALLOWED.values())
