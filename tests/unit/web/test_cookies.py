"""Pages set essential cookies only, and hold nothing that would measure anyone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import pytest
from flask import request_finished, session

from flask_tokenoffset.blueprints.access.browser_cookie import browser_digest
from flask_tokenoffset.data_map import load
from tests.support.canaries import PREFIXES, Canary
from tests.support.every_route import answers_of, routes_of, walk_api, walk_pages
from tests.support.html_page import HtmlPage
from tests.support.matrix_calls import meet_the_rest
from tests.support.world import KEYS, make_world, world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from flask import Flask, Response

    from tests.support.world import World

__all__ = ["make_world", "world"]

#: Words by which scripts of analytics, tags and advertising are known.
MEASURING: Final = re.compile(
    rb"google-?analytics|googletagmanager|gtag\(|doubleclick|facebook\.net|fbq\(|hotjar|segment\.|"
    rb"mixpanel|matomo|piwik|plausible|amplitude|posthog|clarity\.ms|fullstory|heap\.io|newrelic|"
    rb"navigator\.sendBeacon|document\.cookie|localStorage|sessionStorage|indexedDB",
    re.IGNORECASE,
)


@pytest.fixture
def seen(world: World) -> Iterator[dict[str, set[str]]]:
    """The names of all cookies and session entries that a walk through every route leaves."""
    found: dict[str, set[str]] = {"cookies": set(), "session": set()}

    def note(_sender: Flask, response: Response, **_more: Any) -> None:
        found["session"] |= set(session)
        for header in response.headers.getlist("Set-Cookie"):
            name, _, rest = header.partition("=")
            found["cookies"].add(name)
            if "tokenoffset" in name:
                assert "HttpOnly" in rest
                assert "SameSite=Lax" in rest
                assert "Domain" not in rest
                assert "Expires" not in rest
                assert "Max-Age" not in rest

    with request_finished.connected_to(note, sender=world.app):
        yield found


@pytest.mark.timeout(240)
@pytest.mark.promise("TS-012", "TO-036")
def test_no_route_sets_a_cookie_that_is_not_essential_or_answers_with_anything_that_measures(
    world: World, seen: dict[str, set[str]]
) -> None:
    second = {
        provider: Canary.key(f"{provider} key", prefix, provider).text
        for provider, prefix in PREFIXES.items()
    }
    for provider, simulator in world.vendors.items():
        simulator.set_key(second[provider], "active")
    with answers_of(world.app) as answers:
        for walk, provider in ((walk_pages, "anthropic"), (walk_api, "openai")):
            keys = (KEYS[provider], second[provider])
            walk(world, world.browser(f"{provider} walker"), provider, keys)
        meet_the_rest(world, answers.routes)
    # A walk that went past a route would find nothing there.
    assert answers.routes >= routes_of(world.app)
    essential = {entry.name for entry in load().of_kind("cookie")}
    assert seen["cookies"] <= essential
    assert "tokenoffset_browser" in seen["cookies"]
    # The host's own entries are Flask-Login's, which the map names as well.
    assert seen["session"] <= {entry.name for entry in load().of_kind("session")}
    assert "tokenoffset_csrf" in seen["session"]
    assert len(answers.texts) > 100
    assert [text[:200] for text in answers.texts if MEASURING.search(text)] == []


@pytest.mark.promise("TS-012")
def test_the_scripts_that_pages_load_measure_nothing(world: World) -> None:
    page = HtmlPage(world.nobody.get("/methodology").text)
    addresses = {each.attributes["src"] for each in page.elements if each.attributes.get("src")} | {
        each.attributes["href"] for each in page.elements if each.tag == "link"
    }
    assert addresses
    for address in addresses:
        with world.nobody.client.get(address) as found:
            assert found.status_code == 200, address
            assert not MEASURING.search(found.data), address


def test_no_file_that_is_shipped_for_browsers_measures_anything(package: Path) -> None:
    files = [each for each in (package / "static").rglob("*") if each.suffix in {".js", ".css"}]
    files += list((package / "templates").rglob("*.html"))
    assert len(files) > 50
    assert [each for each in files if MEASURING.search(each.read_bytes())] == []


@pytest.fixture
def package(request: pytest.FixtureRequest) -> Path:
    return request.config.rootpath / "flask_tokenoffset"


@pytest.mark.promise("TS-012")
def test_anyone_who_only_looks_gets_no_cookie_of_ours(world: World) -> None:
    for path in ("/methodology", "/connections", "/privacy/what-we-hold"):
        answer = world.nobody.get(path)
        assert answer.status_code == 200
        assert not [each for each in answer.headers.getlist("Set-Cookie") if "tokenoffset" in each]
    looking: AbstractContextManager[Any] = world.app.test_request_context(method="GET")
    with looking, pytest.raises(RuntimeError, match="a request that changes something"):
        browser_digest()


@pytest.mark.promise("TS-012")
@pytest.mark.parametrize(
    "planted", [b"<script>gtag('js')</script>", b"document.cookie = 'id=1'", b"matomo.js"]
)
def test_the_search_finds_what_measures(planted: bytes) -> None:
    assert MEASURING.search(planted)
