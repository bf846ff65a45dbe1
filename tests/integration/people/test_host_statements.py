"""What the host says of its user is taken over at each change the person makes, and leaks nowhere.

The host keeps its users as it likes: it renames them, gives their address to another person, merges
two of them, and takes them away.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from flask_tokenoffset.errors import Conflict
from flask_tokenoffset.host.users import HostUser
from flask_tokenoffset.models import Membership, Person
from flask_tokenoffset.permissions import Role
from flask_tokenoffset.services.people import profiles as people
from flask_tokenoffset.state import EXTENSION_KEY
from tests.support.organizations import join

if TYPE_CHECKING:
    from tests.support.world import Browser, World


def me(browser: Browser) -> dict[str, Any]:
    answer: dict[str, Any] = browser.api("GET", "/me").get_json()
    return answer


def change_something(browser: Browser) -> None:
    browser.pick_band()


def say(world: World, browser: Browser, **word: Any) -> None:
    """Let the host say something else of its user from now on."""
    former = world.state.user_loader

    def loader() -> HostUser | None:
        user = former()
        return replace(user, **word) if user and user.key == browser.user_key else user

    world.app.extensions[EXTENSION_KEY] = replace(world.state, user_loader=loader)


def follow_a_link(world: World, browser: Browser, email: str) -> None:
    """What following a link that was sent to an address does."""
    with world.app.app_context(), world.state.unit_of_work() as work:
        users = world.state.db.metadatas[None].tables["user"]
        user = work.session.execute(select(users).where(users.c.id == int(browser.user_key))).one()
        said = HostUser(browser.user_key, user.name, user.email or None, user.email_verified)
        person = people.lock_person(work.session, browser.user_key)
        assert person is not None
        people.prove_address(work, person, email, said, world.clock.now())


@pytest.mark.promise("TO-001")
def test_an_account_holds_the_address_and_the_time_it_was_verified(world: World) -> None:
    seen = world.clock.now()
    change_something(world.ada)
    world.clock.move(days=3)
    change_something(world.ada)
    held = me(world.ada)
    assert held["email"] == "ada@example.com"
    assert held["email_verified"] is True
    assert held["email_verified_at"] == seen.isoformat().replace("+00:00", "Z")


@pytest.mark.promise("TO-001")
def test_an_address_that_nobody_proved_has_no_such_time(world: World) -> None:
    ben = world.browser("ben", verified=False)
    change_something(ben)
    held = me(ben)
    assert (held["email"], held["email_verified"]) == ("ben@example.com", False)
    assert held["email_verified_at"] is None


def test_looking_shows_the_hosts_word_and_writes_nothing(world: World) -> None:
    before = world.rows()
    held = me(world.stranger)
    assert (held["id"], held["display_name"], held["email"]) == (
        None,
        "stranger",
        "stranger@example.com",
    )
    assert (held["email_verified"], held["email_verified_at"]) == (True, None)
    assert world.rows() == before


@pytest.mark.promise("TO-001")
def test_a_changed_address_is_unproved_until_a_person_proves_it(world: World) -> None:
    change_something(world.ada)
    world.ada.change_address("lovelace@example.com", verified=False)
    assert me(world.ada)["email_verified"] is False
    change_something(world.ada)
    held = me(world.ada)
    assert (held["email"], held["email_verified_at"]) == ("lovelace@example.com", None)
    world.clock.move(hours=1)
    world.ada.change_address("lovelace@example.com", verified=True)
    change_something(world.ada)
    assert me(world.ada)["email_verified_at"] == "2026-11-20T11:00:00Z"


def test_the_host_withdraws_its_proof(world: World) -> None:
    change_something(world.ada)
    world.ada.change_address("ada@example.com", verified=False)
    change_something(world.ada)
    assert (me(world.ada)["email"], me(world.ada)["email_verified_at"]) == ("ada@example.com", None)


def test_the_host_withdraws_the_address(world: World) -> None:
    change_something(world.ada)
    world.ada.change_address("")
    change_something(world.ada)
    assert (me(world.ada)["email"], me(world.ada)["email_verified"]) == (None, False)


@pytest.mark.parametrize(
    "no_address", ["ada", "ada@localhost\n", "a\x00b@example.com", "\u0430da@example.com", "@", " "]
)
def test_what_mail_cannot_be_sent_to_is_no_address(world: World, no_address: str) -> None:
    say(world, world.ada, email=no_address)
    change_something(world.ada)
    assert (me(world.ada)["email"], me(world.ada)["email_verified"]) == (None, False)


def test_where_the_host_has_no_address_the_one_proved_by_a_link_stays(world: World) -> None:
    world.ada.change_address("")
    change_something(world.ada)
    follow_a_link(world, world.ada, "private@example.org")
    world.clock.move(days=1)
    change_something(world.ada)
    held = me(world.ada)
    assert held["email"] == "private@example.org"
    assert held["email_verified_at"] == "2026-11-20T10:00:00Z"


def test_an_address_that_the_host_has_not_proved_is_proved_by_a_link(world: World) -> None:
    ben = world.browser("ben", verified=False)
    change_something(ben)
    follow_a_link(world, ben, "ben@example.com")
    change_something(ben)
    assert me(ben)["email_verified_at"] == "2026-11-20T10:00:00Z"


def test_the_hosts_word_wins_over_a_link(world: World) -> None:
    world.ada.change_address("")
    change_something(world.ada)
    follow_a_link(world, world.ada, "private@example.org")
    world.ada.change_address("work@example.com", verified=False)
    change_something(world.ada)
    assert (me(world.ada)["email"], me(world.ada)["email_verified"]) == ("work@example.com", False)
    with pytest.raises(Conflict, match="another e-mail address"):
        follow_a_link(world, world.ada, "private@example.org")
    assert me(world.ada)["email"] == "work@example.com"


def test_what_was_proved_by_a_link_is_the_hosts_to_withdraw_once_it_says_the_same(
    world: World,
) -> None:
    ben = world.browser("ben", verified=False)
    change_something(ben)
    follow_a_link(world, ben, "ben@example.com")
    ben.change_address("ben@example.com", verified=True)
    world.clock.move(days=1)
    change_something(ben)
    assert me(ben)["email_verified_at"] == "2026-11-20T10:00:00Z"
    ben.change_address("ben@example.com", verified=False)
    change_something(ben)
    assert me(ben)["email_verified"] is False


def test_the_next_owner_of_an_address_gets_nothing_but_the_address(world: World) -> None:
    world.ada.settle()
    world.ada.api("PATCH", "/me", {"display_name": "Ada Lovelace", "company": "Engines"})
    world.ada.change_address("elsewhere@example.com")
    next_owner = world.browser("next")
    next_owner.change_address("ada@example.com")
    change_something(next_owner)
    shown = [next_owner.api("GET", path).text for path in ("/me", "/sources", "/billing-records")]
    assert next_owner.api("GET", "/plan").status_code == 404
    assert "Lovelace" not in "".join(shown)
    assert "Engines" not in "".join(shown)
    assert me(next_owner)["email"] == "ada@example.com"
    # Ada has changed nothing since, so both rows hold the same text for now; nothing minds.
    emails = [email for _, email in _people(world)]
    assert emails.count("ada@example.com") == 2
    change_something(world.ada)
    assert me(world.ada)["email"] == "elsewhere@example.com"
    assert len(world.ada.api("GET", "/sources").get_json()["items"]) == 1


def test_a_renamed_user_keeps_what_is_theirs(world: World) -> None:
    estimate_id = world.ada.pick_band()
    say(world, world.ada, name="Ada Byron", email="byron@example.com")
    assert me(world.ada)["display_name"] == "Ada Byron"
    assert world.ada.api("GET", f"/estimates/{estimate_id}").status_code == 200
    change_something(world.ada)
    assert len(_people(world)) == 1


def test_a_name_the_person_chose_is_not_the_hosts_to_change(world: World) -> None:
    change_something(world.ada)
    world.ada.api("PATCH", "/me", {"display_name": "The Countess"})
    say(world, world.ada, name="Ada Byron")
    change_something(world.ada)
    assert me(world.ada)["display_name"] == "The Countess"


@pytest.mark.parametrize(
    ("name", "held"), [("x" * 500, "x" * 120), ("\u202eevil", None), ("\u200b", None), ("", None)]
)
def test_a_name_that_cannot_be_shown_is_none(world: World, name: str, held: str | None) -> None:
    say(world, world.ada, name=name)
    change_something(world.ada)
    assert me(world.ada)["display_name"] == held
    world.ada.page("/me")


def test_two_users_whom_the_host_merged_stay_two_people(world: World) -> None:
    world.ada.settle()
    world.ben.pick_band()
    # The host keeps Ben's key and lets Ada sign in with it; her former key is never seen again.
    world.ben.change_address("ada@example.com")
    change_something(world.ben)
    assert world.ben.api("GET", "/plan").status_code == 404
    assert world.ben.api("GET", "/sources").get_json()["items"] == []
    assert len(_people(world)) == 2


def test_a_user_who_is_gone_leaves_others_as_they_are(world: World) -> None:
    world.ada.settle()
    world.ben.settle()
    organization_id = world.ben.create_organization("Fernhill")
    join(world, organization_id, world.ada, Role.MEMBER)
    with world.app.app_context():
        users = world.state.db.metadatas[None].tables["user"]
        world.state.session.execute(users.delete().where(users.c.name == "ada"))
        world.state.session.commit()
    assert world.ada.api("GET", "/me").status_code == 401
    inside = world.ben.within(organization_id)
    assert inside.api("GET", "/members").status_code == 200
    assert world.bill() == 0


def test_memberships_follow_a_new_name_and_address(db_world: World) -> None:
    world = db_world
    organization_id = world.ben.create_organization("Fernhill")
    join(world, organization_id, world.ada, Role.MEMBER)
    world.ada.api("PATCH", "/me", {"display_name": "Zoë ÉMILE"})
    assert _texts_of(world, world.ada) == ("zoë émile", "ada@example.com")
    world.ada.change_address("Other@Example.com")
    change_something(world.ada)
    assert _texts_of(world, world.ada) == ("zoë émile", "other@example.com")
    assert "fern" not in "".join(_texts_of(world, world.ben))


def _texts_of(world: World, browser: Browser) -> tuple[str, str]:
    """How a membership's person is sorted, and the address in what is searched."""
    with world.app.app_context():
        (member,) = world.state.session.scalars(
            select(Membership)
            .join(Person, Person.id == Membership.person_id)
            .where(Person.user_key == browser.user_key)
        )
        assert member.sort_name in member.search_text
        return member.sort_name, member.search_text.removeprefix(member.sort_name).strip()


def _people(world: World) -> list[tuple[str, str | None]]:
    """Everyone's key and address."""
    with world.app.app_context():
        rows = world.state.session.execute(select(Person.user_key, Person.email))
        return [(key, email) for key, email in rows]
