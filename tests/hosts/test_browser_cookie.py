"""The browser's own secret: in a cookie that no script, no other host and no plain line gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from flask_tokenoffset.blueprints.access.browser_cookie import PLAIN_COOKIE, SECURE_COOKIE
from flask_tokenoffset.services.shared.tokens import digest_of
from tests.support.html_page import HtmlPage
from tests.support.world import PREFIX, make_world, world

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.test import TestResponse

    from tests.support.world import Browser, World

__all__ = ["make_world", "world"]


def ours(response: TestResponse) -> list[str]:
    return [
        each for each in response.headers.getlist("Set-Cookie") if "tokenoffset_browser" in each
    ]


def ask(browser: Browser, **options: Any) -> TestResponse:
    base = options.get("base_url", "http://localhost")
    form = browser.client.get(f"{PREFIX}/confirm", base_url=base)
    assert form.status_code == 200
    values = HtmlPage(form.text).hidden_fields()
    return browser.client.post(f"{PREFIX}/confirm/mail", data=values, **options)


@pytest.fixture
def stale(world: World) -> Browser:
    world.mail  # noqa: B018 - links are sent on purpose
    world.ada.grow_stale()
    return world.ada


@pytest.mark.promise("TG-012")
def test_on_https_the_cookie_is_bound_to_the_host_and_closed_to_scripts(
    make_world: Callable[..., World],
) -> None:
    world = make_world(TOKENOFFSET_PUBLIC_URL="https://localhost")
    world.mail  # noqa: B018 - as above
    world.ada.grow_stale()
    answer = ask(world.ada)
    (cookie,) = ours(answer)
    name, *attributes = [part.strip() for part in cookie.split(";")]
    assert name.startswith(f"{SECURE_COOKIE}=")
    assert set(attributes) == {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"}


@pytest.mark.promise("TG-012")
def test_on_plain_http_of_this_machine_it_stays_below_our_prefix(stale: Browser) -> None:
    (cookie,) = ours(ask(stale))
    name, *attributes = [part.strip() for part in cookie.split(";")]
    assert name.startswith(f"{PLAIN_COOKIE}=")
    assert set(attributes) == {"HttpOnly", f"Path={PREFIX}", "SameSite=Lax"}


def test_a_host_that_says_its_cookies_are_secure_is_believed(
    make_world: Callable[..., World],
) -> None:
    """Behind a proxy that ends TLS the application may not know it is reached by https."""
    world = make_world(SESSION_COOKIE_SECURE=True)
    world.mail  # noqa: B018 - as above
    world.ada.grow_stale()
    (cookie,) = ours(ask(world.ada, base_url="http://localhost"))
    assert cookie.startswith(f"{SECURE_COOKIE}=")


def test_no_page_and_no_route_of_the_host_sets_it(world: World) -> None:
    browser = world.browser("ada")
    browser.grow_stale()
    for path in ("/", "/confirm", "/me", "/me/address", f"/links/{'x' * 43}", "/links/sent"):
        assert ours(browser.get(path)) == []
    assert ours(browser.client.get("/sign-in")) == []
    assert ours(browser.client.post("/sign-in", data={"name": "ada", "verified": "yes"})) == []
    assert ours(browser.post("/welcome", display_name="Ada")) == []


def test_it_is_made_once_and_stays(stale: Browser) -> None:
    assert len(ours(ask(stale))) == 1
    assert ours(ask(stale)) == []


def test_two_browsers_have_two(world: World) -> None:
    world.mail  # noqa: B018 - as above
    cookies = []
    for _ in range(2):
        browser = world.browser("ada")
        browser.grow_stale()
        cookies += [each.partition(";")[0] for each in ours(ask(browser))]
    assert len(set(cookies)) == 2
    assert all(len(each.partition("=")[2]) == 43 for each in cookies)


@pytest.mark.parametrize("planted", ["", "short", "x" * 42, "x" * 44, "x" * 42 + "!"])
def test_what_is_no_secret_of_ours_is_replaced(stale: Browser, planted: str) -> None:
    stale.client.set_cookie(PLAIN_COOKIE, planted, path=PREFIX)
    assert len(ours(ask(stale))) == 1


def test_the_database_knows_its_digest_alone(world: World, stale: Browser) -> None:
    (cookie,) = ours(ask(stale))
    secret = cookie.partition("=")[2].partition(";")[0]
    rows = repr(world.rows())
    assert secret not in rows
    assert digest_of(secret) in rows
