"""What holds for every page that can be opened, those of later features included."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from flask_tokenoffset.blueprints.navigation import NAVIGATION
from tests.support.asking import ask
from tests.support.consenting import decide
from tests.support.erasing import receipt_token
from tests.support.inviting import invitation_token
from tests.support.linking import linked_identity

if TYPE_CHECKING:
    from tests.support.html_page import HtmlPage
    from tests.support.world import Browser, World

#: Elements that make a browser fetch something, and the attribute that says what.
LOADING = {
    "script": "src",
    "link": "href",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "embed": "src",
    "object": "data",
    "use": "href",
    "image": "href",
}


def every_page(world: World, browser: Browser) -> dict[str, HtmlPage]:
    """Every page of ours as a person who has one of everything sees it, by path."""
    source_id = browser.settle()
    plan = browser.api("GET", "/plan").get_json()
    paths = world.page_paths(
        source_id=source_id,
        estimate_id=plan["adoption"]["estimate_id"],
        provider="anthropic",
        invitation_token=invitation_token(world, browser),
        identity_id=linked_identity(world, browser),
        request_id=ask(browser),
        event_id=decide(browser),
        receipt_token=receipt_token(world),
    )
    return {path: browser.page(path) for path in paths}


@pytest.fixture
def pages(world: World) -> dict[str, HtmlPage]:
    return every_page(world, world.ada)


@pytest.mark.parametrize(
    ("path", "tab", "current"),
    [
        ("/", "Dashboard", "page"),
        ("/sources", "Estimate sources", "page"),
        ("/sources/connect/openai", "Estimate sources", "true"),
        ("/bands", "Estimate sources", "true"),
        ("/plan", "Plan", "page"),
        ("/plan/end", "Plan", "true"),
        ("/billing-records", "Billing records", "page"),
        ("/me", "Your account", "page"),
        ("/identities", "Your account", "true"),
        ("/privacy", "Privacy", "page"),
        ("/privacy/requests", "Privacy", "true"),
        ("/privacy/exports", "Privacy", "true"),
        ("/methodology", "Methodology", "page"),
        ("/connections", "Connections", "page"),
        ("/documents", "Documents", "page"),
    ],
)
def test_the_tab_of_a_page_is_marked(world: World, path: str, tab: str, current: str) -> None:
    world.ada.settle()
    marked = {
        each.text: each.attributes["aria-current"]
        for each in world.ada.page(path).elements
        # Links within a page, such as those to another range of a chart, lead to no tab.
        if "aria-current" in each.attributes and not each.attributes["href"].startswith("?")
    }
    assert marked == {tab: current}


def test_every_page_belongs_to_exactly_one_tab(world: World) -> None:
    prefix = "tokenoffset.pages."
    pages = {
        rule.endpoint.removeprefix(prefix)
        for rule in world.app.url_map.iter_rules()
        if rule.endpoint.startswith(prefix)
    }
    tabs = [name for item in NAVIGATION for name in (item.endpoint, *item.within)]
    assert sorted(tabs) == sorted(pages)


def test_the_sweep_finds_the_pages(pages: dict[str, HtmlPage]) -> None:
    assert {"/", "/bands", "/plan", "/plan/end", "/billing-records"} <= set(pages)
    assert any(path.startswith("/estimates/") for path in pages)


@pytest.mark.promise("TO-036")
def test_no_page_loads_anything_from_elsewhere(pages: dict[str, HtmlPage]) -> None:
    for path, page in pages.items():
        for element in page.elements:
            loaded = element.attributes.get(LOADING.get(element.tag, ""), "")
            assert not urlsplit(loaded).netloc, f"{path} loads {loaded}"
            assert urlsplit(loaded).scheme == "", f"{path} loads {loaded}"
            assert "srcset" not in element.attributes
            assert not urlsplit(element.attributes.get("action", "")).netloc
        assert "@import" not in page.source


def test_no_page_has_style_or_script_in_it(pages: dict[str, HtmlPage]) -> None:
    for path, page in pages.items():
        for element in page.elements:
            where = f"<{element.tag}> on {path}"
            assert "style" not in element.attributes, where
            assert element.tag != "style", where
            assert not [name for name in element.attributes if name.startswith("on")], where
            for name in ("href", "action", "src"):
                assert not element.attributes.get(name, "").lower().startswith("javascript:")
            if element.tag == "script":
                assert element.attributes.get("src"), where
                assert element.text == "", where


def test_links_to_other_sites_tell_them_nothing(pages: dict[str, HtmlPage]) -> None:
    for path, page in pages.items():
        for element in page.elements:
            if element.tag == "a" and urlsplit(element.attributes["href"]).netloc:
                assert urlsplit(element.attributes["href"]).scheme == "https", path
                assert "noopener" in element.attributes.get("rel", "") or (
                    "target" not in element.attributes
                ), path


def test_every_page_is_well_made(pages: dict[str, HtmlPage]) -> None:
    for path, page in pages.items():
        assert page.heading, path
        assert page.title, path
        ids = [each.attributes["id"] for each in page.elements if "id" in each.attributes]
        assert len(ids) == len(set(ids)), f"{path} uses an id twice"
        for element in page.elements:
            for name in ("aria-describedby", "aria-labelledby", "for"):
                for target in element.attributes.get(name, "").split():
                    assert target in ids, f"{path}: {name} names {target}, which is not there"


def test_every_unsafe_form_carries_its_token(pages: dict[str, HtmlPage]) -> None:
    found = 0
    for path, page in pages.items():
        for form in page.forms:
            if form.method == "post":
                found += 1
                assert form.values["tokenoffset_csrf"], f"{form.action} on {path}"
            else:
                assert "tokenoffset_csrf" not in form.values, f"{form.action} on {path}"
    assert found


def test_every_link_of_ours_leads_somewhere(world: World, pages: dict[str, HtmlPage]) -> None:
    links = {
        link for page in pages.values() for link in page.links() if link.startswith("/tokenoffset")
    }
    for link in sorted(links):
        assert world.ada.client.get(link).status_code == 200, link


def test_opening_pages_writes_nothing(world: World, pages: dict[str, HtmlPage]) -> None:
    before = world.rows()
    for path in pages:
        with world.statements() as sent:
            world.ada.page(path)
        assert {each.split()[0].upper() for each in sent} <= {"SELECT", "WITH"}
    assert world.rows() == before


def test_a_visitor_without_an_account_can_open_whatever_is_not_anothers(world: World) -> None:
    hers = every_page(world, world.ada)
    rows = world.rows()
    for path in hers:
        status = world.stranger.get(path).status_code
        owned = re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-", path)
        assert status == 404 if owned else status in {200, 303}, path
    assert world.rows() == rows


def test_what_the_words_must_not_say(pages: dict[str, HtmlPage]) -> None:
    for path, page in pages.items():
        text = page.text.lower()
        assert "neutral" not in text, path
        # The extension's own name may stand in the host's part of a page; the word may not.
        assert not re.search(r"\boffset", text.replace("token offset", "")), path
