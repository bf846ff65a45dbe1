"""Owners who undo each other at the same moment, on a database where it really is the same."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from flask_tokenoffset.errors import Conflict, LastOwner, NotFound, NotPermitted, Refusal
from flask_tokenoffset.models import Membership, MembershipStatus, Organization, Person
from flask_tokenoffset.permissions import Role
from flask_tokenoffset.services.organizations import closing, members, organizations
from tests.support.campaigns import campaign
from tests.support.organizations import join

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from flask_tokenoffset.unit_of_work import UnitOfWork
    from tests.support.world import World

#: As many at most until each of the two was the first.
MOST_ROUNDS = 200


@dataclass
class Pair:
    """An organization with two owners, who are made owners again before each round."""

    world: World
    id: UUID
    people: list[UUID]
    memberships: list[UUID]

    def restart(self) -> None:
        """Make both active owners, as they were."""
        with self.world.app.app_context(), self.world.state.unit_of_work() as work:
            organization = work.session.get_one(Organization, self.id)
            for number, person_id in enumerate(self.people):
                if (
                    organizations.find_organization_membership(work.session, self.id, person_id)
                    is None
                ):
                    self.memberships[number] = members.add_member(
                        work,
                        organization=organization,
                        person=work.session.get_one(Person, person_id),
                        role=Role.OWNER,
                        now=self.world.clock.now(),
                    ).id
            work.session.execute(
                update(Membership)
                .where(Membership.organization_id == self.id)
                .values(role=Role.OWNER, status=MembershipStatus.ACTIVE)
            )

    def active_owners(self) -> int:
        with self.world.app.app_context():
            return len(
                self.world.state.session.scalars(
                    select(Membership.id).where(
                        Membership.organization_id == self.id,
                        Membership.role == Role.OWNER,
                        Membership.status == MembershipStatus.ACTIVE,
                    )
                ).all()
            )

    def at_once(self, change: Callable[[UnitOfWork, Person, UUID], Any]) -> list[object]:
        """Have each owner do the same to the other; gives what each got, ``None`` for done."""
        gate = threading.Barrier(2, timeout=20)
        results: list[object] = ["not ended", "not ended"]

        def act(number: int) -> None:
            with self.world.app.app_context():
                try:
                    with self.world.state.unit_of_work() as work:
                        # As a view does: who acts, and where, is looked up before anything locks.
                        person = work.session.get_one(Person, self.people[number])
                        found = organizations.find_organization_membership(
                            work.session, self.id, person.id
                        )
                        assert found is not None
                        assert found.role is Role.OWNER
                        gate.wait()
                        change(work, person, self.memberships[1 - number])
                    results[number] = None
                except Refusal as refusal:
                    results[number] = type(refusal)
                except Exception as error:  # noqa: BLE001 - the test looks at whatever it was
                    results[number] = error

        threads = [threading.Thread(target=act, args=(number,)) for number in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        return results


@pytest.fixture
def pair(pg_world: World) -> Pair:
    world = pg_world
    organization_id = world.ada.create_organization()
    join(world, organization_id, world.ben, Role.OWNER)
    with world.app.app_context():
        rows = world.state.session.execute(
            select(Membership.person_id, Membership.id).where(
                Membership.organization_id == organization_id
            )
        ).all()
    return Pair(world, organization_id, [row[0] for row in rows], [row[1] for row in rows])


def in_words(result: object) -> str:
    return getattr(result, "__name__", repr(result))


@pytest.mark.promise("TO-009")
@campaign("rounds", short=20, full=200)
def test_of_two_owners_who_demote_each_other_one_wins_each_time(pair: Pair, rounds: int) -> None:
    now = pair.world.clock.now()
    winners: set[int] = set()
    for number in range(MOST_ROUNDS):
        if number >= rounds and winners == {0, 1}:
            break
        pair.restart()
        results = pair.at_once(
            lambda work, person, other: members.change_role(
                work,
                organization_id=pair.id,
                membership_id=other,
                person=person,
                role=Role.MEMBER,
                now=now,
            )
        )
        assert sorted(map(in_words, results)) == ["None", "NotPermitted"], results
        assert pair.active_owners() == 1
        winners.add(results.index(None))
    # Both came first at some time, or the two were never at once.
    assert winners == {0, 1}


@campaign("rounds", short=8, full=40)
@pytest.mark.parametrize("change", ["remove", "suspend", "transfer"])
def test_of_two_owners_who_do_otherwise_to_each_other_one_wins_each_time(
    pair: Pair, change: str, rounds: int
) -> None:
    now = pair.world.clock.now()

    def remove(work: UnitOfWork, person: Person, other: UUID) -> None:
        members.remove(work, organization_id=pair.id, membership_id=other, person=person, now=now)

    def suspend(work: UnitOfWork, person: Person, other: UUID) -> None:
        members.suspend(
            work,
            organization_id=pair.id,
            membership_id=other,
            person=person,
            now=pair.world.clock.now(),
        )

    def transfer(work: UnitOfWork, person: Person, other: UUID) -> None:
        """Step down; the other one is an owner already, so there must be two refusals."""
        members.transfer_ownership(
            work, organization_id=pair.id, membership_id=other, person=person, now=now
        )

    expected = {
        "remove": {None: 1, NotFound: 1},
        "suspend": {None: 1, NotPermitted: 1},
        "transfer": {Conflict: 2},
    }[change]
    for _ in range(rounds):
        pair.restart()
        results = pair.at_once({"remove": remove, "suspend": suspend, "transfer": transfer}[change])
        assert {each: results.count(each) for each in results} == expected
        assert pair.active_owners() == (2 if change == "transfer" else 1)


@campaign("rounds", short=8, full=40)
def test_of_two_owners_who_leave_at_once_one_stays_each_time(pair: Pair, rounds: int) -> None:
    now = pair.world.clock.now()
    for _ in range(rounds):
        pair.restart()
        results = pair.at_once(
            lambda work, person, _other: members.leave(
                work, organization_id=pair.id, person=person, now=now
            )
        )
        assert sorted(map(in_words, results)) == ["LastOwner", "None"], results
        assert pair.active_owners() == 1


@campaign("rounds", short=8, full=40)
def test_of_two_owners_who_step_down_or_are_forgotten_at_once_one_stays_each_time(
    pair: Pair, rounds: int
) -> None:
    now = pair.world.clock.now()

    def step_down_or_go(work: UnitOfWork, person: Person, other: UUID) -> None:
        if person.id == pair.people[0]:
            members.leave_everything(work, person=person, now=now)
        else:
            own = next(each for each in pair.memberships if each != other)
            members.change_role(
                work,
                organization_id=pair.id,
                membership_id=own,
                person=person,
                role=Role.ADMIN,
                now=now,
            )

    for _ in range(rounds):
        pair.restart()
        results = pair.at_once(step_down_or_go)
        assert {*results} == {None, LastOwner}, results
        assert pair.active_owners() == 1


@pytest.mark.timeout(300)
def test_nobody_joins_an_organization_that_closes_at_the_same_moment(pair: Pair) -> None:
    world = pair.world
    world.stranger.pick_band()  # so that there is a person
    with world.app.app_context():
        stranger = world.state.session.scalars(
            select(Person.id).where(Person.user_key == world.stranger.user_key)
        ).one()
    gate = threading.Barrier(2, timeout=20)

    def act(close: bool, results: dict[str, object]) -> None:
        with world.app.app_context():
            try:
                with world.state.unit_of_work() as work:
                    organization = work.session.get_one(Organization, pair.id)
                    actor = work.session.get_one(Person, pair.people[0] if close else stranger)
                    gate.wait()
                    if close:
                        closing.close_organization(
                            work, organization_id=pair.id, person=actor, clock=world.clock
                        )
                    else:
                        members.add_member(
                            work,
                            organization=organization,
                            person=actor,
                            role=Role.MEMBER,
                            now=world.clock.now(),
                        )
                results["close" if close else "join"] = None
            except Refusal as refusal:
                results["close" if close else "join"] = type(refusal)

    results: dict[str, object] = {}
    threads = [threading.Thread(target=act, args=(close, results)) for close in (True, False)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert results["close"] is None
    assert results["join"] in {None, Conflict}
    with world.app.app_context():
        found = organizations.find_organization_membership(world.state.session, pair.id, stranger)
    assert found is None
