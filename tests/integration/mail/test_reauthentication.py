"""Changing a key asks the very person to reauthenticate, and tells them by mail."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from flask_tokenoffset.errors import ReauthenticationRequired
from flask_tokenoffset.host.users import HostUser
from flask_tokenoffset.models import AuditEvent, ReauthenticationProof, Source
from flask_tokenoffset.state import EXTENSION_KEY
from tests.support.world import KEYS, PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from tests.support.world import Browser, World

CONNECT = "/sources/connect/anthropic"


@pytest.fixture
def source_id(world: World) -> UUID:
    """A connection Ada made when she had just signed in; now she has not."""
    made = world.ada.sample()
    world.ada.grow_stale()
    return made


def changes(source_id: UUID) -> list[tuple[str, str, dict[str, str] | None]]:
    """Every operation that changes a key."""
    key = {"key": KEYS["anthropic"]}
    return [
        ("POST", "/sources", {"provider": "openai", "key": KEYS["openai"]}),
        ("PUT", f"/sources/{source_id}/key", key),
        ("DELETE", f"/sources/{source_id}", None),
    ]


def confirm_by_mail(world: World, browser: Browser, next_path: str = "/tokenoffset/plan") -> str:
    """Confirm, and come back to where they wanted to go."""
    page = f"/confirm?next={next_path}"
    assert browser.submit(page, "/confirm/mail").status_code == 303
    world.work()
    link = world.mail.link_to(browser.address)
    answer = browser.submit(link, link)
    assert answer.status_code == 303
    return str(answer.location)


def test_a_stale_sign_in_changes_no_key(world: World, source_id: UUID) -> None:
    before = world.rows()
    for method, path, body in changes(source_id):
        answer = world.ada.api(method, path, body)
        assert answer.status_code == 403
        assert answer.get_json()["code"] == ReauthenticationRequired.code
    assert world.rows() == before


def test_a_recent_sign_in_does(world: World) -> None:
    for method, path, body in changes(world.ada.sample()):
        assert world.ada.api(method, path, body).status_code < 300


def test_a_page_sends_them_to_confirm_before_anything_is_typed_and_back(
    world: World, source_id: UUID
) -> None:
    paths = [CONNECT, f"/sources/{source_id}/key", f"/sources/{source_id}/disconnect"]
    for path in paths:
        for answer in (world.ada.get(path), world.ada.post(path, key=KEYS["anthropic"])):
            assert answer.status_code == 303
            target = urlsplit(answer.location)
            assert target.path == f"{PREFIX}/confirm"
            assert parse_qs(target.query) == {"next": [PREFIX + path]}
    assert confirm_by_mail(world, world.ada, PREFIX + CONNECT) == PREFIX + CONNECT
    for path in paths:
        world.ada.page(path)
    assert "nothing more is needed" in world.ada.page("/confirm").text


def test_a_proof_by_mail_is_noted_and_counts_for_its_minutes(
    make_world: Callable[..., World],
) -> None:
    world = make_world(TOKENOFFSET_FRESH_SIGN_IN_MINUTES=5)
    world.ada.grow_stale()
    confirm_by_mail(world, world.ada)
    assert "person.confirmed" in repr(world.rows(AuditEvent))
    world.clock.move(minutes=4, seconds=59)
    world.ada.page(CONNECT)
    world.clock.move(seconds=1)
    assert world.ada.get(CONNECT).status_code == 303


def test_a_proof_counts_in_its_browser_alone(world: World) -> None:
    world.ada.grow_stale()
    confirm_by_mail(world, world.ada)
    other = world.browser("ada")
    other.grow_stale()
    assert other.get(CONNECT).status_code == 303


def test_evil_second_user_a_proof_is_worth_nothing_to_the_next_person_in_the_browser(
    world: World,
) -> None:
    """Flask-Security's GHSA-97r5-pg8x-p63p."""
    world.ada.grow_stale()
    confirm_by_mail(world, world.ada)
    world.ada.client.post("/sign-in", data={"name": "eve", "verified": "yes"})
    world.ada.grow_stale()
    assert world.ada.client.get(PREFIX + CONNECT).status_code == 303
    assert world.ada.api("POST", "/sources", changes_body()).status_code == 403


def test_evil_second_user_the_link_of_one_confirms_nobody_else(world: World) -> None:
    browser = world.browser("ada")
    browser.grow_stale()
    browser.submit("/confirm", "/confirm/mail")
    world.work()
    link = world.mail.link_to("ada@example.com")
    browser.client.post("/sign-in", data={"name": "eve", "verified": "yes"})
    browser.grow_stale()
    assert browser.submit(link, link).status_code == 410
    assert world.rows(ReauthenticationProof) == {"tokenoffset_fresh_proof": []}
    assert browser.get(CONNECT).status_code == 303


def changes_body() -> dict[str, str]:
    return {"provider": "openai", "key": KEYS["openai"]}


def test_a_link_to_the_address_before_confirms_nothing_any_more(world: World) -> None:
    world.ada.grow_stale()
    world.ada.submit("/confirm", "/confirm/mail")
    world.work()
    link = world.mail.link_to("ada@example.com")
    world.ada.change_address("ada@moved.example")
    assert world.ada.submit(link, link).status_code == 410
    assert world.ada.get(CONNECT).status_code == 303


def test_nothing_is_sent_to_an_address_that_nobody_proved(world: World) -> None:
    cleo = world.browser("cleo", verified=False)
    cleo.grow_stale()
    page = cleo.page("/confirm")
    assert "cleo@example.com" not in page.text
    assert "Sign in again" in page.text
    answer = cleo.post("/confirm/mail")
    assert answer.status_code == 409
    world.work()
    assert world.mail.messages == []


def test_a_link_to_prove_an_address_is_no_reauthentication(world: World) -> None:
    """It proves that a person reads the new address, which may be the attacker."""
    cleo = world.browser("cleo", verified=False)
    cleo.grow_stale()
    cleo.submit("/me/address", "/me/address")
    world.work()
    link = world.mail.link_to("cleo@example.com")
    assert cleo.submit(link, link).status_code == 303
    assert cleo.get(CONNECT).status_code == 303


@pytest.mark.parametrize("fresh", [True, None])
def test_a_host_that_says_fresh_or_cannot_tell_is_believed(
    world: World, fresh: bool | None
) -> None:
    say(world, HostUser("17", fresh=fresh))
    assert world.nobody.get(CONNECT).status_code == 200


def test_a_login_that_stands_in_no_session_is_one_that_the_host_cannot_tell(world: World) -> None:
    """Flask-Login calls each of them stale, and asking again would change nothing."""
    with world.ada.client.session_transaction() as session:
        del session["_fresh"]
    assert world.ada.get(CONNECT).status_code == 200


def test_a_host_that_says_stale_and_has_no_page_of_its_own_still_leads_on(
    make_world: Callable[..., World],
) -> None:
    world = make_world(TOKENOFFSET_MAILER=None)
    say(world, HostUser("17", fresh=False))
    world.app.login_manager.login_view = None  # type: ignore[attr-defined]  # Flask-Login's
    assert world.nobody.get(CONNECT).status_code == 303
    assert "There is no way yet" in world.nobody.page("/confirm").text


def say(world: World, host_user: HostUser) -> None:
    state = replace(world.state, user_loader=lambda: host_user)
    world.app.extensions[EXTENSION_KEY] = state


def test_the_way_to_the_hosts_sign_in_page_leads_back_here_only(world: World) -> None:
    world.ada.grow_stale()
    page = world.ada.page("/confirm?next=https://evil.example/")
    link = urlsplit(page.link("Sign in again"))
    assert (link.netloc, link.path) == ("", "/sign-in")
    assert parse_qs(link.query) == {"next": [f"{PREFIX}/"]}


@pytest.mark.parametrize("kind", ["key-connected", "key-replaced", "key-disconnected"])
def test_each_change_of_a_key_is_told_by_mail(world: World, kind: str) -> None:
    source_id = world.ada.sample(label="The lab")
    for method, path, body in changes(source_id)[1:]:
        assert world.ada.api(method, path, body).status_code < 300
        world.work()
    (message,) = [each for each in world.mail.to("ada@example.com") if each.kind == kind]
    assert "The lab" in message.text
    assert "Anthropic" in message.text
    assert KEYS["anthropic"][:6] not in message.text


def test_no_mail_goes_to_an_address_that_nobody_proved(world: World) -> None:
    cleo = world.browser("cleo", verified=False)
    cleo.sample()
    assert world.rows(Source)["tokenoffset_source"]
    assert world.mail.messages == []


def test_in_an_organization_the_same_is_asked(world: World) -> None:
    inside = world.ada.within(world.ada.create_organization("The club"))
    inside.page(CONNECT)
    inside.grow_stale()
    answer = inside.get(CONNECT)
    assert urlsplit(answer.location).path == f"{PREFIX}/confirm"
    back = parse_qs(urlsplit(answer.location).query)["next"][0]
    assert back.startswith(f"{PREFIX}/organizations/")
    assert inside.api("POST", "/sources", changes_body()).status_code == 403
    assert confirm_by_mail(world, world.ada, back) == back
    assert inside.get(CONNECT).status_code == 200
