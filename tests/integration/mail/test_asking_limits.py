"""Asking for links and trying them is limited, and nobody learns from it who is known."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from flask_tokenoffset.models import MagicLink, OutboundMessage
from flask_tokenoffset.services.links import magic_links
from tests.support.linking import OWN_LOGIN
from tests.support.world import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.test import TestResponse

    from tests.support.world import Browser, World

KNOWN, UNKNOWN = "known@example.com", "other@example.com"


@pytest.fixture
def own(make_world: Callable[..., World]) -> World:
    """A host without a login, where a person has signed in by mail once."""
    world = make_world(**OWN_LOGIN)
    sign_in(world, world.browser(None), KNOWN)
    return world


def ask(browser: Browser, address: str, **fields: str) -> TestResponse:
    return browser.submit("/sign-in", "/sign-in/mail", email=address, **fields)


def sign_in(world: World, browser: Browser, address: str) -> TestResponse:
    assert ask(browser, address).status_code == 303
    world.work()
    link = world.mail.link_to(address)
    return browser.submit(link, link)


@pytest.mark.promise("TO-037")
def test_a_mailed_link_signs_in_and_the_second_time_the_same_person(own: World) -> None:
    first, second = own.browser(None), own.browser(None)
    assert sign_in(own, first, "new@example.com").status_code == 303
    ask(second, "New@Example.com")
    own.work()
    link = own.mail.link_to("new@example.com")
    assert second.submit(link, link).status_code == 303
    assert "new@example.com" in first.page("/me").text
    names = [browser.api("GET", "/me").get_json()["id"] for browser in (first, second)]
    assert names[0] == names[1]


@pytest.mark.promise("TO-037")
def test_a_known_and_an_unknown_address_are_answered_alike(own: World) -> None:
    """The same answer, the same statements, the same number of rows and messages."""
    seen = []
    for address in (KNOWN, UNKNOWN):
        browser = own.browser(None)
        browser.page("/sign-in")
        counts = {name: len(rows) for name, rows in own.rows(MagicLink, OutboundMessage).items()}
        with own.statements() as sent:
            answer = ask(browser, address)
        after = own.rows(MagicLink, OutboundMessage)
        page = re.sub(r"[0-9a-f]{32}|value=\"[^\"]*\"", "", browser.get("/links/sent").text)
        headers = {
            name: value
            for name, value in answer.headers
            if name not in {"Set-Cookie", "X-Request-Id"}
        }
        seen.append(
            (
                answer.status_code,
                answer.text,
                headers,
                page,
                list(sent),
                {name: len(rows) - counts[name] for name, rows in after.items()},
            )
        )
    assert seen[0] == seen[1]
    own.work()
    assert len(own.mail.to(UNKNOWN)) == 1


@pytest.mark.promise("TO-037", "TG-013")
def test_links_to_one_address_are_limited_no_matter_who_asks_and_known_or_not(own: World) -> None:
    for address, before in ((KNOWN, 1), (UNKNOWN, 0)):
        for _ in range(magic_links.PER_ADDRESS - before):
            assert ask(own.browser(None), address).status_code == 303
        refused = ask(own.browser(None), f" {address.upper()} ")
        assert refused.status_code == 429
        assert 3500 < int(refused.headers["Retry-After"]) <= 3601
        assert "too many attempts" in refused.text
    assert ask(own.browser(None), "third@example.com").status_code == 303, "others go on"


@pytest.mark.promise("TO-037", "TG-013")
def test_a_sign_in_that_works_clears_no_count(own: World) -> None:
    for _ in range(magic_links.PER_ADDRESS - 1):
        assert sign_in(own, own.browser(None), KNOWN).status_code == 303
    assert ask(own.browser(None), KNOWN).status_code == 429


@pytest.mark.promise("TO-037", "TG-013")
def test_links_from_one_browser_are_limited(own: World) -> None:
    browser = own.browser(None)
    for number in range(magic_links.PER_BROWSER):
        assert ask(browser, f"a{number}@example.com").status_code == 303
    assert ask(browser, "one-more@example.com").status_code == 429
    assert ask(own.browser(None), "one-more@example.com").status_code == 303


@pytest.mark.promise("TO-037", "TG-013")
def test_links_from_one_network_address_are_limited_and_no_header_opens_a_new_count(
    own: World,
) -> None:
    for number in range(magic_links.PER_CLIENT - 1):  # One was asked for to begin with.
        assert ask(own.browser(None), f"a{number}@example.com").status_code == 303
    browser = own.browser(None)
    token = browser.page("/sign-in").form("/sign-in/mail").values
    answer = browser.client.post(
        f"{PREFIX}/sign-in/mail",
        data={**token, "email": "one-more@example.com"},
        headers={"X-Forwarded-For": "203.0.113.9"},
    )
    assert answer.status_code == 429
    elsewhere = browser.client.post(
        f"{PREFIX}/sign-in/mail",
        data={**token, "email": "one-more@example.com"},
        environ_overrides={"REMOTE_ADDR": "203.0.113.9"},
    )
    assert elsewhere.status_code == 303


def test_links_of_one_person_are_limited_over_all_browsers(world: World) -> None:
    statuses = []
    for number in range(magic_links.PER_PERSON + 1):
        browser = world.browser("cleo", verified=False)
        browser.change_address(f"cleo{number}@example.com", verified=False)
        browser.post("/welcome", display_name="Cleo")  # so that there is a person to count for
        statuses.append(browser.submit("/me/address", "/me/address").status_code)
    assert statuses == [303] * magic_links.PER_PERSON + [429]


@pytest.mark.promise("TG-013")
def test_trying_links_is_limited(own: World) -> None:
    browser = own.browser(None)
    token = browser.page("/sign-in").form("/sign-in/mail").values
    statuses = {
        browser.client.post(f"{PREFIX}/links/{number:043}", data=token).status_code
        for number in range(magic_links.TRIES_PER_CLIENT - 1)
    }
    assert statuses == {410}
    refused = browser.client.post(f"{PREFIX}/links/{'x' * 43}", data=token)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 3500


@pytest.mark.promise("TO-037")
def test_nobody_spoils_a_link_that_another_person_waits_for(own: World) -> None:
    browser = own.browser(None)
    ask(browser, KNOWN)
    own.work()
    link = own.mail.link_to(KNOWN)
    ask(own.browser(None), KNOWN)
    assert browser.submit(link, link).status_code == 303


@pytest.mark.promise("TO-037")
def test_a_link_that_an_attacker_asked_for_signs_the_owner_in_nowhere(own: World) -> None:
    """Anyone who is tricked into opening a link neither signs in nor lets the attacker in."""
    attacker, owner = own.browser(None), own.browser(None)
    ask(attacker, KNOWN)
    own.work()
    link = own.mail.link_to(KNOWN)
    assert owner.submit(link, link).status_code == 410
    for browser in (owner, attacker):
        assert browser.api("GET", "/me").status_code == 401
