"""What happens to an invitation at the same moment, on a database where it really does."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from flask_tokenoffset.models import Invitation, Membership, Person
from tests.support.campaigns import campaign
from tests.support.inviting import answer, invitations, invite, outcomes, report, role_in, standing

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.organizations import Shape
    from tests.support.world import World

EACH = campaign("rounds", short=5, full=20)


def at_once(*actions: Callable[[], Any]) -> list[Any]:
    """What each action gave, all begun together."""
    gate = threading.Barrier(len(actions), timeout=20)
    results: list[Any] = [None] * len(actions)

    def run(number: int, action: Callable[[], Any]) -> None:
        gate.wait()
        results[number] = action()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(actions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def memberships_of(world: World, user_key: str) -> int:
    with world.app.app_context():
        return (
            world.state.session.scalar(
                select(func.count(Membership.id))
                .join(Person, Person.id == Membership.person_id)
                .where(Person.user_key == user_key)
            )
            or 0
        )


@EACH
def test_of_two_acceptances_at_once_one_wins(pg_acme: Shape, rounds: int) -> None:
    world = pg_acme.world
    for number in range(rounds):
        person = world.browser(f"guest-{number}")
        again = world.browser(f"guest-{number}")
        link = invite(pg_acme, person)
        for browser in (person, again):
            assert browser.token_field  # Asked for before, so that both begin together.
        answers = at_once(partial(answer, person, link), partial(answer, again, link))
        assert sorted(each.status_code for each in answers) == [303, 409]
        assert memberships_of(world, person.user_key) == 1


@EACH
def test_two_people_with_the_same_address_cannot_both_join(pg_acme: Shape, rounds: int) -> None:
    world = pg_acme.world
    for number in range(rounds):
        one, other = world.browser(f"one-{number}"), world.browser(f"other-{number}")
        other.change_address(one.address)
        link = invite(pg_acme, one)
        assert one.token_field
        assert other.token_field
        answers = at_once(partial(answer, one, link), partial(answer, other, link))
        assert sorted(each.status_code for each in answers) == [303, 409]
        joined = memberships_of(world, one.user_key) + memberships_of(world, other.user_key)
        assert joined == 1


@EACH
def test_accepting_and_cancelling_at_once_never_both_count(pg_acme: Shape, rounds: int) -> None:
    world = pg_acme.world
    for number in range(rounds):
        person = world.browser(f"guest-{number}")
        link = invite(pg_acme, person)
        one = f"{pg_acme.path}/invitations/{invitations(world)[-1].id}"
        assert person.token_field
        owner = pg_acme["owner"]
        accepted, cancelled = at_once(
            partial(answer, person, link),
            partial(owner.api, "DELETE", one),
        )
        outcome = (accepted.status_code, cancelled.status_code)
        assert outcome in {(303, 409), (409, 204)}
        joined = role_in(pg_acme, person) is not None
        assert joined == (outcome == (303, 409))
        assert standing(pg_acme) == ("accepted" if joined else "cancelled")
        world.clock.move(minutes=1)


@EACH
def test_accepting_while_the_sender_is_demoted_counts_before_or_not_at_all(
    pg_acme: Shape, rounds: int
) -> None:
    world = pg_acme.world
    path = f"{pg_acme.path}/members/{pg_acme.memberships['admin']}"
    for number in range(rounds):
        person = world.browser(f"guest-{number}")
        link = invite(pg_acme, person, by="admin")
        assert person.token_field
        owner = pg_acme["owner"]
        accepted, demoted = at_once(
            partial(answer, person, link),
            partial(owner.api, "PATCH", path, {"role": "member"}),
        )
        assert demoted.status_code == 200
        assert accepted.status_code in {303, 409}
        assert (role_in(pg_acme, person) == "member") == (accepted.status_code == 303)
        assert owner.api("PATCH", path, {"role": "admin"}).status_code == 200


@EACH
def test_inviting_the_same_address_at_once_makes_one_invitation(
    pg_acme: Shape, rounds: int
) -> None:
    world = pg_acme.world
    for number in range(rounds):
        row = (f"guest-{number}@example.com", "member")
        assert pg_acme["owner"].name != pg_acme["admin"].name  # Signed in before both begin.
        items = at_once(
            partial(report, pg_acme, row, by="owner"),
            partial(report, pg_acme, row, by="admin"),
        )
        assert sorted(outcomes([*items[0], *items[1]])) == ["renewed", "sent"]
        with world.app.app_context():
            count = world.state.session.scalar(
                select(func.count(Invitation.id)).where(Invitation.email == row[0])
            )
        assert count == 1
    assert world.mail.messages == []
