"""Whatever people do to their organizations, in whatever order, against a model written by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID, uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from flask_tokenoffset.errors import Conflict, LastOwner, NotFound, NotPermitted, Refusal
from flask_tokenoffset.host.users import HostUser
from flask_tokenoffset.models import Membership, Organization, Person
from flask_tokenoffset.permissions import Role
from flask_tokenoffset.services.organizations import closing, members, organizations
from flask_tokenoffset.services.people.profiles import ensure_person
from tests.support.campaigns import campaign

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask_tokenoffset.unit_of_work import UnitOfWork
    from tests.support.world import World

STEPS_PER_RUN = 50
#: Some runs end early, and yet this many steps are taken in each on average.
STEPS_AT_LEAST = 34
PEOPLE = 5
CHANGES = {
    "create",
    "add",
    "change role",
    "remove",
    "leave",
    "leave everything",
    "suspend",
    "restore",
    "transfer",
    "close",
}

#: Which roles a role may give and take. Written here once more, by hand.
MANAGED = {
    Role.OWNER: {Role.OWNER, Role.ADMIN, Role.AUDITOR, Role.MEMBER},
    Role.ADMIN: {Role.ADMIN, Role.AUDITOR, Role.MEMBER},
    Role.AUDITOR: set(),
    Role.MEMBER: set(),
}


@dataclass
class Seat:
    """A person's place, as the model knows it."""

    membership_id: UUID
    role: Role
    active: bool = True


@dataclass
class Club:
    """An organization, as the model knows it: its people by number."""

    id: UUID
    seats: dict[int, Seat] = field(default_factory=dict)
    closed: bool = False

    def somebody(self, draw: int) -> int:
        """A member, or one time in five a person who may be none."""
        seated = sorted(self.seats)
        return seated[draw % len(seated)] if draw < 8 and seated else draw % PEOPLE

    def refusal_of(self, actor: int) -> type[Refusal] | None:
        """Why a person may not even try to change a member."""
        seat = self.seats.get(actor)
        if self.closed or seat is None:
            return NotFound
        return None if seat.active and MANAGED[seat.role] else NotPermitted

    def refusal_to_touch(self, actor: int, other: int) -> type[Refusal] | None:
        """Why a person may not change this member."""
        if (refusal := self.refusal_of(actor)) is not None:
            return refusal
        if other not in self.seats:
            return NotFound
        managed = MANAGED[self.seats[actor].role]
        return None if self.seats[other].role in managed else NotPermitted

    def is_last_owner(self, number: int) -> bool:
        owners = [n for n, s in self.seats.items() if s.role is Role.OWNER and s.active]
        return owners == [number]


numbers = st.integers(0, PEOPLE - 1)
#: A person as seen from an organization: mostly one of its members (see :meth:`Club.a person`).
somebody = st.integers(0, 9)
#: What empties organizations is done one time in six.
rarely = st.integers(0, 5)
picks = st.integers(0, 2)
roles = st.sampled_from(Role)


class Membering(RuleBasedStateMachine):
    world: ClassVar[World]
    steps: ClassVar[int] = 0
    #: What happened how often, so that a machine that only ever bounces off shows.
    outcomes: ClassVar[dict[tuple[str, str], int]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.clubs: list[Club] = []
        with self.world.app.app_context(), self.world.state.unit_of_work() as work:
            now = self.world.clock.now()
            self.people = [
                ensure_person(work.session, HostUser(uuid4().hex), now).id for _ in range(PEOPLE)
            ]
        self._create(0)
        for number, role in enumerate((Role.ADMIN, Role.MEMBER), start=1):
            self.add(0, number, role)

    def _does(
        self, name: str, actor: int, expected: type[Refusal] | None, call: Callable[..., Any]
    ) -> Any:
        """Have a person do something, and compare what comes of it."""
        type(self).steps += 1
        refused: type[Refusal] | None = None
        result = None
        with self.world.app.app_context():
            try:
                with self.world.state.unit_of_work() as work:
                    person = work.session.get_one(Person, self.people[actor])
                    result = call(work, person)
                    result = getattr(result, "id", None)
            except Refusal as error:
                refused = type(error)
        assert refused is expected, f"{name}: {refused}, not {expected}"
        key = (name, "done" if expected is None else expected.__name__)
        self.outcomes[key] = self.outcomes.get(key, 0) + 1
        return result

    def _create(self, actor: int) -> None:
        def create(work: UnitOfWork, person: Person) -> Organization:
            return organizations.create_organization(
                work,
                person=person,
                name="A club",
                settings=self.world.state.settings,
                now=self.world.clock.now(),
            )

        club_id = self._does("create", actor, None, create)
        with self.world.app.app_context():
            membership_id = self.world.state.session.scalars(
                select(Membership.id).where(Membership.organization_id == club_id)
            ).one()
        self.clubs.append(Club(club_id, {actor: Seat(membership_id, Role.OWNER)}))

    def _club(self, pick: int) -> Club:
        return self.clubs[pick % len(self.clubs)]

    def _membership_id(self, club: Club, number: int) -> UUID:
        """The member's; for a person who is none, one of another organization, or of nobody."""
        for each in (club, *self.clubs):
            if number in each.seats:
                return each.seats[number].membership_id
        return uuid4()

    @precondition(lambda self: len(self.clubs) < 3)
    @rule(actor=numbers)
    def create(self, actor: int) -> None:
        self._create(actor)

    @rule(pick=picks, newcomers=st.lists(numbers, min_size=1, max_size=3), role=roles)
    def add_some(self, pick: int, newcomers: list[int], role: Role) -> None:
        for newcomer in newcomers:
            self.add(pick, newcomer, role)

    def add(self, pick: int, newcomer: int, role: Role) -> None:
        club = self._club(pick)

        def add(work: UnitOfWork, person: Person) -> Membership:
            return members.add_member(
                work,
                organization=work.session.get_one(Organization, club.id),
                person=person,
                role=role,
                now=self.world.clock.now(),
            )

        taken = club.closed or newcomer in club.seats
        membership_id = self._does("add", newcomer, Conflict if taken else None, add)
        if not taken:
            club.seats[newcomer] = Seat(membership_id, role)

    @rule(pick=picks, actor=somebody, other=somebody, role=roles)
    def change_role(self, pick: int, actor: int, other: int, role: Role) -> None:
        club = self._club(pick)
        actor = club.somebody(actor)
        other = club.somebody(other)
        expected = club.refusal_to_touch(actor, other)
        if expected is None and role not in MANAGED[club.seats[actor].role]:
            expected = NotPermitted
        if expected is None and role is not Role.OWNER and club.is_last_owner(other):
            expected = LastOwner
        membership_id = self._membership_id(club, other)
        self._does(
            "change role",
            actor,
            expected,
            lambda work, person: members.change_role(
                work,
                organization_id=club.id,
                membership_id=membership_id,
                person=person,
                role=role,
                now=self.world.clock.now(),
            ),
        )
        if expected is None:
            club.seats[other].role = role

    @rule(pick=picks, actor=somebody, other=somebody)
    def remove(self, pick: int, actor: int, other: int) -> None:
        club = self._club(pick)
        actor = club.somebody(actor)
        other = club.somebody(other)
        expected = club.refusal_to_touch(actor, other)
        if expected is None and club.is_last_owner(other):
            expected = LastOwner
        membership_id = self._membership_id(club, other)
        self._does(
            "remove",
            actor,
            expected,
            lambda work, person: members.remove(
                work,
                organization_id=club.id,
                membership_id=membership_id,
                person=person,
                now=self.world.clock.now(),
            ),
        )
        if expected is None:
            del club.seats[other]

    @rule(pick=picks, actor=somebody, sure=rarely)
    def leave(self, pick: int, actor: int, sure: int) -> None:
        if sure:
            return
        club = self._club(pick)
        actor = club.somebody(actor)
        expected: type[Refusal] | None = None
        if club.closed or actor not in club.seats:
            expected = NotFound
        elif not club.seats[actor].active:
            expected = NotPermitted
        elif club.is_last_owner(actor):
            expected = LastOwner
        self._does(
            "leave",
            actor,
            expected,
            lambda work, person: members.leave(
                work, organization_id=club.id, person=person, now=self.world.clock.now()
            ),
        )
        if expected is None:
            del club.seats[actor]

    @rule(pick=picks, actor=somebody, other=somebody, suspends=st.booleans())
    def suspend_or_restore(self, pick: int, actor: int, other: int, suspends: bool) -> None:
        club = self._club(pick)
        actor = club.somebody(actor)
        other = club.somebody(other)
        idle = [number for number, seat in club.seats.items() if not seat.active]
        if idle and not suspends:
            other = idle[0]  # Else hardly anyone would ever be restored.
        expected = club.refusal_to_touch(actor, other)
        if expected is None and (
            (suspends and other == actor) or club.seats[other].active is not suspends
        ):
            expected = Conflict
        membership_id = self._membership_id(club, other)
        change: Callable[..., object] = members.restore
        if suspends:
            change = partial(members.suspend, now=self.world.clock.now())
        self._does(
            "suspend" if suspends else "restore",
            actor,
            expected,
            lambda work, person: change(
                work, organization_id=club.id, membership_id=membership_id, person=person
            ),
        )
        if expected is None:
            club.seats[other].active = not suspends

    @rule(pick=picks, actor=somebody, other=somebody)
    def transfer(self, pick: int, actor: int, other: int) -> None:
        club = self._club(pick)
        actor = club.somebody(actor)
        other = club.somebody(other)
        expected = club.refusal_of(actor)
        if expected is None:
            if club.seats[actor].role is not Role.OWNER:
                expected = NotPermitted
            elif other not in club.seats:
                expected = NotFound
            elif club.seats[other].role is Role.OWNER or not club.seats[other].active:
                expected = Conflict
        membership_id = self._membership_id(club, other)
        self._does(
            "transfer",
            actor,
            expected,
            lambda work, person: members.transfer_ownership(
                work,
                organization_id=club.id,
                membership_id=membership_id,
                person=person,
                now=self.world.clock.now(),
            ),
        )
        if expected is None:
            club.seats[other].role = Role.OWNER
            club.seats[actor].role = Role.ADMIN

    @rule(actor=numbers, sure=rarely)
    def leave_everything(self, actor: int, sure: int) -> None:
        """What forgetting a person does to their memberships."""
        if sure:
            return  # Else everyone would be gone from everywhere before long.
        theirs = [club for club in self.clubs if actor in club.seats]
        stays = any(club.is_last_owner(actor) and not club.closed for club in theirs)
        self._does(
            "leave everything",
            actor,
            LastOwner if stays else None,
            lambda work, person: members.leave_everything(
                work, person=person, now=self.world.clock.now()
            ),
        )
        if not stays:
            for club in theirs:
                del club.seats[actor]

    @rule(pick=picks, actor=somebody, sure=rarely)
    def close(self, pick: int, actor: int, sure: int) -> None:
        club = self._club(pick)
        actor = club.somebody(actor)
        expected = club.refusal_of(actor)
        if expected is None and club.seats[actor].role is not Role.OWNER:
            expected = NotPermitted
        if expected is None and sure:
            return  # A machine that closes everything sees little else.
        self._does(
            "close",
            actor,
            expected,
            lambda work, person: closing.close_organization(
                work, organization_id=club.id, person=person, clock=self.world.clock
            ),
        )
        if expected is None:
            club.closed = True

    @invariant()
    def the_rows_are_the_model(self) -> None:
        with self.world.app.app_context():
            session = self.world.state.session
            for club in self.clubs:
                rows = session.execute(
                    select(
                        Membership.person_id, Membership.id, Membership.role, Membership.status
                    ).where(Membership.organization_id == club.id)
                ).all()
                # As a list: nobody may stand there twice.
                assert sorted(map(tuple, rows)) == sorted(
                    (
                        self.people[number],
                        seat.membership_id,
                        str(seat.role),
                        "active" if seat.active else "suspended",
                    )
                    for number, seat in club.seats.items()
                )
                owners = [r for r in rows if (r.role, r.status) == ("owner", "active")]
                assert owners or club.closed


@pytest.mark.promise("TO-009")
@campaign("runs", short=75, full=300)
def test_an_organization_always_has_an_owner_whatever_ten_thousand_steps_do(
    world: World, runs: int
) -> None:
    Membering.world, Membering.steps, Membering.outcomes = world, 0, {}
    run_state_machine_as_test(
        Membering,
        settings=settings(
            max_examples=runs,
            stateful_step_count=STEPS_PER_RUN,
            deadline=None,
            derandomize=True,
        ),
    )
    assert Membering.steps >= runs * STEPS_AT_LEAST
    # A machine that only ever bounces off would prove little.
    done = {name for name, outcome in Membering.outcomes if outcome == "done"}
    assert done == CHANGES
    last = {name for name, outcome in Membering.outcomes if outcome == "LastOwner"}
    assert last == {"change role", "remove", "leave", "leave everything"}
    refused = {name for name, outcome in Membering.outcomes if outcome == "NotPermitted"}
    assert refused >= CHANGES - {"create", "add", "leave", "leave everything"}
