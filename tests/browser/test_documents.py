"""Legal texts in a real browser: read, compared and announced, with and without JavaScript."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from example_host_app.people import ALICE
from tests.browser.test_organization_story import fill_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.browser.fernhill import Fernhill
    from tests.browser.watching import Watched

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

POLICY = "/footprint/documents/privacy-policy"


def begins_in_sight(page: Page) -> None:
    """On a phone the page itself begins in the first screen, below the menus and the notice."""
    before = page.viewport_size
    page.set_viewport_size({"width": 360, "height": 740})
    for path in ("/footprint/", "/footprint/bands", "/footprint/sources", "/footprint/plan"):
        page.goto(path)
        expect(page.locator(".to-coming > summary")).to_be_visible()
        box = page.get_by_role("heading", level=1).bounding_box()
        assert box is not None
        assert box["y"] < 400, (path, box)
        for line in (".to-navigation ul", ".to-place-switcher ul", ".to-coming > summary"):
            assert page.locator(line).evaluate("(each) => each.offsetHeight") < 50, (path, line)
        current = page.locator(".to-navigation [aria-current]").bounding_box()
        assert current is not None
        assert 0 <= current["x"] <= current["x"] + current["width"] <= 360, path
    page.goto("/footprint/")
    assert before is not None
    page.set_viewport_size(before)


@pytest.mark.promise("TO-058")
@pytest.mark.parametrize("scripted", [True, False], ids=["script", "without-script"])
def test_a_change_is_announced_read_and_compared(
    fernhill: Fernhill, watched: Callable[..., Watched], scripted: bool
) -> None:
    end = "" if scripted else "-without-script"
    window = watched(fernhill.address, java_script_enabled=scripted)
    page = window.open("/sign-in")
    fill_in(page, ALICE)
    page.get_by_role("link", name="AI footprint").click()
    banner = page.locator(".to-coming > summary")
    expect(banner).to_have_text(re.compile("^Changes from .*: “Privacy policy of Fernhill”$"))
    expect(page.get_by_role("link", name="Read the new version")).to_be_hidden()
    begins_in_sight(page)
    banner.click()
    window.look(f"document-banner{end}")
    page.get_by_role("link", name="Read the new version").click()
    expect(page.get_by_text("This version has not taken effect yet")).to_be_visible()
    window.look(f"document-version{end}")
    page.get_by_role("link", name="Compare with version 2026-09").click()
    expect(page.locator("del", has_text="Ireland")).to_be_visible()
    expect(page.locator("ins", has_text="Sweden")).to_be_visible()
    window.look(f"document-comparison{end}")
    page.get_by_label("From version").select_option("2026-12")
    page.get_by_label("To version").select_option("2026-09")
    page.get_by_role("button", name="Compare").click()
    expect(page.locator("ins", has_text="Ireland")).to_be_visible()


@pytest.mark.promise("TO-058")
def test_a_visitor_reads_every_text_in_either_layout(
    fernhill: Fernhill, watched: Callable[..., Watched]
) -> None:
    for address, end in ((fernhill.address, ""), (fernhill.plain_address, "-plain")):
        window = watched(address)
        page = window.open("/footprint/documents")
        expect(page.get_by_text("2026-12 from", exact=False)).to_be_visible()
        window.look(f"documents{end}")
        window.open(POLICY)
        expect(page.get_by_text("A new version is coming")).to_be_visible()
        window.look(f"document{end}")
