"""A mailed link works once, soon, in the browser that asked, for the person who asked."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from flask_tokenoffset.models import (
    AuditAction,
    AuditEvent,
    MagicLink,
    Person,
    ReauthenticationProof,
)
from flask_tokenoffset.services.links.magic_links import LIFETIME
from flask_tokenoffset.tasks.schedule import run_scheduler
from tests.support.world import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.test import TestResponse

    from tests.support.databases import MakeDatabase
    from tests.support.world import Browser, World

#: The one sentence of every refusal.
REFUSED = "This link does not work, so nothing was changed."
NOBODY = "ada@nobody.example"


@pytest.fixture
def cleo(world: World) -> Browser:
    """A person whose address the host does not know to be theirs."""
    return world.browser("cleo", verified=False)


def ask(browser: Browser, world: World) -> str:
    """Have a link sent that proves the address; gives its path."""
    assert browser.submit("/me/address", "/me/address").status_code == 303
    world.work()
    return world.mail.link_to(browser.address)


def follow(browser: Browser, link: str) -> TestResponse:
    return browser.submit(link, link)


def person_of(world: World, browser: Browser) -> Person:
    with world.app.app_context():
        session = world.state.session
        person = session.scalars(select(Person).where(Person.user_key == browser.user_key)).one()
        session.expunge(person)
        return person


def assert_refused(response: TestResponse) -> None:
    assert response.status_code == 410
    assert REFUSED in response.text


# --- what it does ---------------------------------------------------------------------------------


@pytest.mark.promise("TO-001", "TO-037")
def test_following_a_link_notes_the_address_and_when_it_was_proved(
    world: World, cleo: Browser
) -> None:
    link = ask(cleo, world)
    assert person_of(world, cleo).email_verified_at is None
    world.clock.move(minutes=9)
    answer = follow(cleo, link)
    assert (answer.status_code, answer.location) == (303, f"{PREFIX}/me")
    person = person_of(world, cleo)
    assert (person.email, person.email_verified_at) == ("cleo@example.com", world.clock.now())
    with world.app.app_context():
        (event,) = world.state.session.scalars(
            select(AuditEvent).where(AuditEvent.action == AuditAction.ADDRESS_VERIFIED)
        )
        assert event.actor_id == person.id


@pytest.mark.promise("TO-037")
def test_opening_a_link_a_hundred_times_changes_nothing(world: World, cleo: Browser) -> None:
    """Mail scanners open links, with the browser's cookies and without."""
    link = ask(cleo, world)
    before = world.rows()
    for _ in range(50):
        for browser in (cleo, world.nobody):
            response = browser.get(link)
            assert response.status_code == 200
            assert response.headers["Referrer-Policy"] == "no-referrer"
            assert "tokenoffset_browser" not in str(response.headers.getlist("Set-Cookie"))
    assert world.rows() == before
    assert follow(cleo, link).status_code == 303


def test_the_page_of_a_link_is_the_same_whether_it_works_or_not(
    world: World, cleo: Browser
) -> None:
    link = ask(cleo, world)
    token = link.rpartition("/")[2]
    working, unknown = cleo.page(link), cleo.page("/links/" + "x" * 43)
    assert working.text == unknown.text
    assert token not in working.text


def test_anyone_who_has_no_address_with_the_host_may_type_one(world: World) -> None:
    world.ada.change_address("", verified=False)
    answer = world.ada.submit("/me/address", "/me/address", email=" Ada@Own.Example ")
    assert answer.status_code == 303
    world.work()
    assert follow(world.ada, world.mail.link_to("ada@own.example")).status_code == 303
    assert person_of(world, world.ada).email == "ada@own.example"


def test_the_former_address_is_told_of_the_new_one(world: World) -> None:
    world.ada.change_address("", verified=False)
    for address in ("first@own.example", "second@own.example"):
        world.ada.submit("/me/address", "/me/address", email=address)
        world.work()
        follow(world.ada, world.mail.link_to(address))
        world.work()
    assert world.mail.kinds_to("first@own.example") == ["magic-link", "address-changed"]
    assert world.mail.kinds_to("second@own.example") == ["magic-link"]
    assert "second@own.example" not in world.mail.to("first@own.example")[-1].text


@pytest.mark.parametrize(
    "typed",
    [
        *("", "nobody", "a@b", "a@@example.com", "a b@example.com", "a" * 65 + "@example.com"),
        "a@example.com, b@example.com",
        "ada@example.com\r\nBcc: eve@example.com",
        "ada@example.com\u2028x",
        # A letter that looks like another one, and letters that Unicode folds into another one.
        *("\u0430da@example.com", "ada@ex\u0430mple.com", "ad\u0131@example.com"),
        *("ada@example\u3002com", "\u212baa@example.com", "ada@\u212aelvin.example"),
    ],
    ids=ascii,
)
@pytest.mark.promise("TO-037")
def test_what_is_no_address_or_only_looks_like_one_is_refused_beside_the_field(
    world: World, typed: str
) -> None:
    world.ada.change_address("", verified=False)
    answer = world.ada.submit("/me/address", "/me/address", email=typed)
    assert answer.status_code == 422
    world.work()
    assert world.mail.messages == []


# --- what it does not do --------------------------------------------------------------------------


@pytest.mark.promise("TO-037")
def test_a_link_works_once(world: World, cleo: Browser) -> None:
    link = ask(cleo, world)
    assert follow(cleo, link).status_code == 303
    assert_refused(follow(cleo, link))


@pytest.mark.promise("TO-037")
def test_a_link_works_for_ten_minutes(world: World, cleo: Browser) -> None:
    assert LIFETIME.total_seconds() == 600
    link = ask(cleo, world)
    world.clock.move(minutes=10)
    assert_refused(follow(cleo, link))
    assert person_of(world, cleo).email_verified_at is None


@pytest.mark.promise("TO-037")
def test_a_link_works_in_the_browser_that_asked_and_the_attempt_spoils_nothing(
    world: World, cleo: Browser
) -> None:
    link = ask(cleo, world)
    other = world.browser("cleo")
    assert_refused(follow(other, link))
    other.post("/me/address")  # so that it has a secret of its own
    assert_refused(follow(other, link))


def test_a_refused_attempt_uses_nothing_up(world: World, cleo: Browser) -> None:
    link = ask(cleo, world)
    assert_refused(follow(world.ben, link))
    assert_refused(follow(world.nobody, link))
    assert follow(cleo, link).status_code == 303


@pytest.mark.promise("TO-037")
def test_another_person_who_signs_in_to_that_browser_cannot_use_it(
    world: World, cleo: Browser
) -> None:
    link = ask(cleo, world)
    cleo.client.post("/sign-in", data={"name": "eve", "verified": ""})
    assert_refused(follow(cleo, link))
    assert "eve" not in repr(world.rows(Person))


@pytest.mark.promise("TO-037")
def test_a_newer_link_makes_the_older_one_worthless(world: World, cleo: Browser) -> None:
    older = ask(cleo, world)
    newer = ask(cleo, world)
    assert_refused(follow(cleo, older))
    assert follow(cleo, newer).status_code == 303


@pytest.mark.promise("TO-037")
def test_a_link_to_an_address_that_changed_meanwhile_is_refused(
    world: World, cleo: Browser
) -> None:
    link = ask(cleo, world)
    cleo.change_address("cleo@moved.example", verified=False)
    assert_refused(follow(cleo, link))
    assert person_of(world, cleo).email_verified_at is None


def test_a_link_that_nobody_made_is_refused(world: World, cleo: Browser) -> None:
    ask(cleo, world)
    for token in ("x" * 43, "x", "x" * 5000):
        assert_refused(follow(cleo, f"/links/{token}"))


def test_a_link_is_not_followed_without_the_token_of_a_form(world: World, cleo: Browser) -> None:
    link = ask(cleo, world)
    assert cleo.client.post(PREFIX + link).status_code == 400
    assert follow(cleo, link).status_code == 303


def test_afterwards_nobody_is_sent_elsewhere(world: World, cleo: Browser) -> None:
    cleo.submit("/me/address", "/me/address", next="https://evil.example/")
    world.work()
    assert follow(cleo, world.mail.link_to(cleo.address)).location == f"{PREFIX}/me"


def test_two_who_follow_a_link_at_once_use_it_once(
    make_world: Callable[..., World], postgres_database: MakeDatabase
) -> None:
    world = make_world(postgres_database())
    cleo = world.browser("cleo", verified=False)
    link = ask(cleo, world)
    form = cleo.page(link).form(link)
    jar = cleo.client._cookies or {}
    cookies = "; ".join(f"{each.key}={each.value}" for each in jar.values())

    def once(_number: int) -> int:
        client = world.app.test_client(use_cookies=False)
        data = form.values
        return client.post(PREFIX + link, data=data, headers={"Cookie": cookies}).status_code

    with ThreadPoolExecutor(6) as browsers:
        statuses = sorted(browsers.map(once, range(6)))
    assert statuses == [303, 410, 410, 410, 410, 410]


# --- housekeeping and no mailer -------------------------------------------------------------------


def test_old_links_are_deleted(world: World, cleo: Browser) -> None:
    ask(cleo, world)
    world.clock.move(hours=24, minutes=9)
    with world.app.app_context():
        assert run_scheduler(world.state).links_forgotten == 0
    world.clock.move(minutes=2)
    with world.app.app_context():
        assert run_scheduler(world.state).links_forgotten == 1
    assert world.rows(MagicLink) == {"tokenoffset_magic_link": []}


def test_without_a_mailer_nothing_is_asked_for_and_the_page_says_so(
    make_world: Callable[..., World],
) -> None:
    world = make_world(TOKENOFFSET_MAILER=None)
    cleo = world.browser("cleo", verified=False)
    assert "No mail is sent here" in cleo.page("/me/address").text
    answer = cleo.post("/me/address")
    assert answer.status_code == 503
    assert "TOKENOFFSET_MAILER" in answer.text
    assert world.rows(MagicLink, ReauthenticationProof, Person) == {
        "tokenoffset_magic_link": [],
        "tokenoffset_fresh_proof": [],
        "tokenoffset_person": [],
    }
