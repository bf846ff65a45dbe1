"""Under the minimum age there is no account: it is refused, and what there is is erased."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import pytest

from flask_tokenoffset import signals
from flask_tokenoffset.models import Organization, Person
from flask_tokenoffset.permissions import Role
from flask_tokenoffset.state import EXTENSION_KEY
from tests.support.organizations import join
from tests.support.raw_dumps import raw_dump

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask_tokenoffset.host.users import HostUser
    from tests.support.world import Browser, World

#: Twelve years old today, and thirteen tomorrow.
CHILD = date(2013, 11, 21)
GROWN = date(2013, 11, 20)
#: How the day may stand anywhere.
SPELLINGS = ("2013-11-21", "20131121", "21.11.2013", "21 November 2013", "2013, 11, 21")


def state_ages(world: World, **stated: dict[str, Any]) -> None:
    """Let the host state of its users, by name, what it knows of their age."""
    ask = world.state.user_loader

    def load() -> HostUser | None:
        user = ask()
        return user and replace(user, **stated.get(user.name, {}))

    world.app.extensions[EXTENSION_KEY] = replace(world.state, user_loader=load)


def people_in(world: World) -> set[str]:
    """The host's keys of everyone who has an account."""
    return {row[2] for row in world.rows(Person)["tokenoffset_person"]}


@pytest.mark.promise("TO-053")
def test_a_child_gets_no_account_on_any_way_and_a_teenager_does(db_world: World) -> None:
    state_ages(db_world, ada={"birth_date": CHILD}, ben={"birth_date": GROWN})
    before = raw_dump(db_world)
    for path in ("/", "/me", "/privacy", "/organizations", "/privacy/requests"):
        refused = db_world.ada.get(path)
        assert refused.status_code == 403, path
        assert "for people of 13 and older" in refused.text
    for path, fields in (("/welcome", {"display_name": "Ada"}), ("/estimates", {"band": "worker"})):
        assert db_world.ada.post(path, **fields).status_code == 403, path
    answer = db_world.ada.api("PATCH", "/me", {"display_name": "Ada"})
    assert answer.status_code == 403
    assert answer.get_json()["code"] == "too-young"
    assert raw_dump(db_world) == before
    assert db_world.ben.api("PATCH", "/me", {"display_name": "Ben"}).status_code == 200
    assert people_in(db_world) == {db_world.ben.user_key}


@pytest.mark.promise("TO-053")
def test_on_the_birthday_there_may_be_an_account(world: World) -> None:
    state_ages(world, ada={"birth_date": CHILD})
    assert world.ada.get("/me").status_code == 403
    world.clock.move(hours=13, minutes=59)
    assert world.ada.get("/me").status_code == 403
    world.clock.move(minutes=1)
    assert world.ada.get("/me").status_code == 200


@pytest.mark.promise("TO-053")
def test_what_a_child_has_is_erased_with_the_first_request(db_world: World) -> None:
    ada, ben = db_world.ada, db_world.ben
    ada.api("PATCH", "/me", {"display_name": "Little Ada", "company": "Playground"})
    ada.settle()
    ben.settle()
    erased: list[Any] = []
    with signals.person_forgotten.connected_to(lambda _, **values: erased.append(values)):
        state_ages(db_world, ada={"age": 12})
        assert ada.get("/plan").status_code == 403
        assert ada.get("/plan").status_code == 403
    assert len(erased) == 1
    db_world.work()
    left = raw_dump(db_world)
    for text in ("Little Ada", "Playground", ada.address):
        assert text not in left, text
    assert db_world.mail.kinds_to(ada.address)[-1] == "account-forgotten"
    assert people_in(db_world) > {ben.user_key}
    assert ada.user_key not in people_in(db_world)
    assert ben.api("GET", "/plan").status_code == 200


IDS_AND_DIGESTS: Final = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{16,}")


@pytest.mark.promise("TO-053")
def test_how_old_a_person_is_stands_nowhere(
    db_world: World, caplog: pytest.LogCaptureFixture
) -> None:
    ada = db_world.ada
    told: list[Any] = []
    ours = [each for each in vars(signals).values() if hasattr(each, "receivers")]

    def hear(_sender: object, **values: Any) -> None:
        told.append(values)

    for each in ours:
        each.connect(hear)
    with caplog.at_level(logging.DEBUG):
        state_ages(db_world, ada={"birth_date": date(1987, 11, 21), "age": 39})
        ada.settle()
        kept = raw_dump(db_world)
        state_ages(db_world, ada={"birth_date": CHILD, "age": 12})
        pages = [ada.get("/me").text, ada.api("GET", "/me").text, ada.get("/methodology").text]
        db_world.work()
        kept += raw_dump(db_world)
    for each in ours:
        each.disconnect(hear)
    for spelling in (*SPELLINGS, "1987"):
        for where in (kept, caplog.text, repr(told), *pages, repr(db_world.mail.messages)):
            # Random ids and digests hold every four digits now and then.
            assert spelling not in IDS_AND_DIGESTS.sub("", where)


def test_what_is_published_stays_open_as_for_anyone(world: World) -> None:
    state_ages(world, ada={"age": 5})
    page = world.ada.page("/methodology")
    assert page.heading
    assert not [link for link in page.links() if link.endswith("/me")]
    assert world.ada.api("GET", "/methodology").status_code == 200


def test_the_setting_says_from_which_age_on(make_world: Callable[..., World]) -> None:
    strict = make_world(TOKENOFFSET_MINIMUM_AGE=16)
    state_ages(strict, ada={"age": 15}, ben={"age": 16})
    assert "for people of 16 and older" in strict.ada.get("/me").text
    assert strict.ben.get("/me").status_code == 200
    anybody = make_world(TOKENOFFSET_MINIMUM_AGE=0)
    state_ages(anybody, ada={"age": 5})
    assert anybody.ada.get("/me").status_code == 200


@pytest.mark.promise("TO-053")
def test_an_organization_of_a_child_alone_is_handed_on_or_closed(world: World) -> None:
    """Nobody keeps an account for the sake of others."""
    handed_on = world.ada.create_organization("Handed on")
    closed = world.ada.create_organization("Closed")
    join(world, handed_on, world.ben, Role.ADMIN)
    join(world, closed, world.stranger, Role.MEMBER)
    state_ages(world, ada={"age": 12})
    inside = world.ada.within(handed_on)
    assert inside.get("/members").status_code == 403
    names = organizations(world)
    assert names == {"Handed on": False, "Closed": True}
    assert roles_in(world.ben.within(handed_on)) == ["owner"]
    assert inside.api("GET", "/members").status_code == 403


def organizations(world: World) -> dict[str, bool]:
    """The organizations by name, and whether they are closed."""
    with world.app.app_context():
        found = world.state.session.query(Organization).all()
        return {each.name: each.closed_at is not None for each in found}


def roles_in(inside: Browser) -> list[str]:
    items = inside.api("GET", "/members").get_json()["items"]
    return [each["role"] for each in items]


def test_a_birth_date_in_the_future_erases_nobody(world: World) -> None:
    world.ada.settle()
    before = world.rows()
    state_ages(world, ada={"birth_date": date(2030, 1, 1)})
    world.app.testing = False
    assert world.ada.get("/me").status_code == 500
    assert world.rows() == before
