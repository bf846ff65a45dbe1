"""The elements in a real browser: accessible, within the strictest policy, on any width."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from flask_tokenoffset.formatting import money_cents
from flask_tokenoffset.methodology import published, published_amount_cents
from tests.browser.gallery import NAVIGATION, TOKENS_PER_MONTH, gallery_pages, served, with_policy
from tests.hosts.host_apps import PREFIX, dispose, make_host

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page, Request

pytestmark = pytest.mark.browser

AXE = Axe()
SLIDER = "#to-coverage_percent"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    app = with_policy(make_host(pages=(gallery_pages,), navigation=NAVIGATION))
    with served(app) as origin:
        yield f"{origin}{PREFIX}/"
    dispose(app)


@pytest.fixture
def open_page(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Call it for the gallery in a fresh window; what the browser complained about fails the test.

    Options are those of a window: ``viewport``, ``color_scheme``, ``java_script_enabled`` ...
    """
    complaints: list[str] = []
    contexts = []

    def open_(path: str = "", **options: Any) -> Page:
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda message: (
                complaints.append(message.text)
                if message.type in {"error", "warning"} and "favicon" not in message.location["url"]
                else None
            ),
        )
        page.goto(address + path)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_no_element_hinders_anyone(open_page: Callable[..., Page], width: int, scheme: str) -> None:
    page = open_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    found = AXE.run(page)
    assert found.violations_count == 0, found.generate_report()


def test_the_open_dialog_hinders_nobody(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.get_by_role("link", name="Disconnect").click()
    found = AXE.run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("width", [320, 360, 768, 1280])
def test_nothing_is_wider_than_the_screen(open_page: Callable[..., Page], width: int) -> None:
    page = open_page(viewport={"width": width, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [320, 360, 1280])
def test_a_number_and_its_unit_stand_on_one_line(
    open_page: Callable[..., Page], width: int
) -> None:
    page = open_page(viewport={"width": width, "height": 700})
    units = page.locator(".to-unit")
    assert units.count() >= 2
    for unit in units.all():
        field = unit.locator("xpath=preceding-sibling::input").bounding_box()
        beside = unit.bounding_box()
        assert field is not None
        assert beside is not None
        assert beside["x"] >= field["x"] + field["width"]
        assert field["y"] <= beside["y"]
        assert beside["y"] + beside["height"] <= field["y"] + field["height"]
        assert beside["x"] + beside["width"] <= width


def test_the_dark_is_dark_and_a_host_may_decide(open_page: Callable[..., Page]) -> None:
    text_colour = "getComputedStyle(document.querySelector('.to-root')).color"
    decide = "(theme) => { document.documentElement.dataset.toTheme = theme; }"
    page = open_page(color_scheme="dark")
    dark = page.evaluate(text_colour)
    page.evaluate(decide, "light")
    light = page.evaluate(text_colour)
    assert dark != light
    assert open_page(color_scheme="light").evaluate(text_colour) == light
    page.evaluate(decide, "dark")
    assert page.evaluate(text_colour) == dark


def test_a_host_sets_a_property_on_its_root(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.evaluate(
        "document.documentElement.style.setProperty('--to-color-accent', 'rgb(90, 20, 160)')"
    )
    button = page.get_by_role("button", name="Save the plan")
    # The colour changes over a moment, so it is waited for.
    expect(button).to_have_css("background-color", "rgb(90, 20, 160)")


@pytest.mark.promise("TO-036")
def test_everything_is_loaded_from_the_hosts_own_address(browser: Browser, address: str) -> None:
    asked: list[str] = []
    page = browser.new_page()

    def note(request: Request) -> None:
        asked.append(request.url)

    page.on("request", note)
    page.goto(address, wait_until="networkidle")
    page.close()
    origin = address.removesuffix(f"{PREFIX}/")
    assert len(asked) >= 3
    assert [url for url in asked if not url.startswith(f"{origin}/")] == []


def test_the_amount_follows_the_slider_to_the_servers_cent(
    open_page: Callable[..., Page],
) -> None:
    page = open_page()
    slider = page.locator(SLIDER)
    thumb = page.locator(f"{SLIDER}-range")
    line = page.locator(".to-slider").first
    rate = published("2026-05")
    for percent in (0, 5, 100, 735, 1000):
        slider.fill(str(percent))
        expected = money_cents(published_amount_cents(TOKENS_PER_MONTH, percent, rate))
        assert line.locator("[data-to-amount-of]").inner_text() == expected
        assert expected in (thumb.get_attribute("aria-valuetext") or "")
    # Large numbers must not lose a cent to floating point, and a part of a cent is a cent.
    for tokens in (1, 39_999, 40_001, 987_654_321_987_654_321):
        line.evaluate("(each, tokens) => { each.dataset.toTokens = tokens; }", str(tokens))
        for percent in (55, 60):
            slider.fill(str(percent))
            expected = money_cents(published_amount_cents(tokens, percent, rate))
            assert line.locator("[data-to-amount-of]").inner_text() == expected


def test_the_slider_moves_by_keyboard(open_page: Callable[..., Page]) -> None:
    page = open_page()
    number, slider = page.locator(SLIDER), page.locator(f"{SLIDER}-range")
    slider.focus()
    slider.press("ArrowRight")
    assert number.input_value() == "175"
    assert page.locator("[data-to-percent-of]").first.inner_text() == "175\N{NO-BREAK SPACE}%"
    # Half of its length is the first hundred percent.
    slider.press("Home")
    for _ in range(20):
        slider.press("ArrowRight")
    assert number.input_value() == "100"
    number.fill("333")
    assert slider.input_value() == "30"
    assert number.input_value() == "333"
    page.get_by_role("button", name="2x").first.click()
    assert (number.input_value(), slider.input_value()) == ("200", "27")


def test_without_the_script_the_form_asks_the_server(open_page: Callable[..., Page]) -> None:
    page = open_page(java_script_enabled=False)
    assert page.get_by_role("button", name="Update amount").is_visible()
    assert page.get_by_role("link", name="Check again").first.is_visible()
    assert page.locator(SLIDER).input_value() == "150"
    # A value between two steps stays where the person left it.
    assert page.locator("#to-other_percent").input_value() == "133"
    page.get_by_role("link", name="Disconnect").click()
    assert page.get_by_role("heading", name="Are you sure?").is_visible()


def test_with_the_script_what_it_replaces_is_hidden(open_page: Callable[..., Page]) -> None:
    page = open_page()
    assert page.get_by_role("button", name="Update amount").count() == 0


def test_an_amount_only_the_server_knows_is_not_shown_stale(
    open_page: Callable[..., Page],
) -> None:
    page = open_page()
    amount = page.locator("[data-to-stated]").last
    assert amount.is_visible()
    page.locator("#to-other_percent").fill("200")
    assert not amount.is_visible()


def test_the_dialog_keeps_or_acts(open_page: Callable[..., Page]) -> None:
    page = open_page()
    dialog = page.get_by_role("dialog")
    page.get_by_role("link", name="Disconnect").click()
    assert dialog.get_by_role("heading", name="Disconnect Work account?").is_visible()
    dialog.get_by_role("button", name="Keep it as it is").click()
    assert dialog.count() == 0
    form = page.locator("#disconnect-one form[method=post]")
    assert form.get_attribute("action") == "second"
    assert form.locator("input[type=hidden]").input_value()


def test_progress_shows_by_itself_and_the_page_comes_anew_at_the_end(
    open_page: Callable[..., Page],
) -> None:
    page = open_page()
    words = page.locator("[data-to-poll-words]").first
    assert words.inner_text() == "3 of about 7 pages read"
    expect(words).to_have_text("5 of about 7 pages read", timeout=10_000)
    page.evaluate("window.beforeTheReload = true")
    with page.expect_navigation(timeout=10_000):
        page.evaluate("document.querySelector('[data-to-poll]').dataset.toPoll += '?done=yes'")
    assert page.evaluate("window.beforeTheReload === undefined")


def test_tables_scroll_by_keyboard_on_a_phone(open_page: Callable[..., Page]) -> None:
    page = open_page(viewport={"width": 320, "height": 700})
    region = page.get_by_role("region", name="Billing records")
    before = region.get_by_role("columnheader", name="Status").bounding_box()
    region.focus()
    page.keyboard.press("ArrowRight", delay=300)
    page.wait_for_timeout(500)
    after = region.get_by_role("columnheader", name="Status").bounding_box()
    assert before is not None
    assert after is not None
    assert after["x"] < before["x"]


@pytest.mark.parametrize("width", [320, 1280])
def test_stacked_rows_need_no_scrolling_and_stay_a_table(
    open_page: Callable[..., Page], width: int
) -> None:
    page = open_page(viewport={"width": width, "height": 700})
    region = page.get_by_role("region", name="Members, by name")
    if width == 320:
        assert region.evaluate("(each) => each.scrollWidth <= each.clientWidth")
    table = region.get_by_role("table", name="Members, by name")
    titles = table.get_by_role("columnheader")
    expect(titles).to_have_text(["Name", "Address", "Role", "Joined", "What to do"])
    expect(table.get_by_role("row")).to_have_count(3)
    expect(table.get_by_role("rowheader", name="Ada Aldous", exact=True)).to_be_visible()
    # Each row has all its cells, the empty ones too, or a value would fall under another title.
    expect(table.get_by_role("cell")).to_have_count(8)
    role = table.get_by_role("cell", name="Owner", exact=True).bounding_box()
    name = table.get_by_role("rowheader", name="Ada Aldous", exact=True).bounding_box()
    assert role is not None
    assert name is not None
    assert (role["y"] > name["y"]) is (width == 320)


def test_the_system_without_motion_gets_none(open_page: Callable[..., Page]) -> None:
    page = open_page(reduced_motion="reduce")
    button = page.get_by_role("button", name="Save the plan")
    assert button.evaluate("(each) => getComputedStyle(each).transitionDuration") == "0s"


def test_what_a_host_says_about_bare_elements_does_not_bend_ours(
    open_page: Callable[..., Page],
) -> None:
    rules = (
        "svg { max-width: 20px; height: auto } section, dl, header { padding: 50px; float: left }"
        " table { width: 90px } button { text-transform: uppercase; font-size: 8px }"
    )
    page = open_page(viewport={"width": 800, "height": 700}, bypass_csp=True)
    places = [".to-chart", ".to-figures", ".to-page-header", ".to-table", ".to-button", ".to-card"]
    before = [page.locator(place).first.bounding_box() for place in places]
    page.add_style_tag(content=rules)
    assert [page.locator(place).first.bounding_box() for place in places] == before


def test_a_day_of_a_chart_says_what_it_is_by_mouse_and_by_keyboard(
    open_page: Callable[..., Page],
) -> None:
    page = open_page()
    figure = page.locator("figure.to-chart-figure").first
    days, tip = figure.locator(".to-chart-day"), figure.locator(".to-chart-tip")
    expect(tip).to_be_hidden()
    days.nth(3).hover()
    expect(tip).to_have_text(days.nth(3).get_attribute("aria-label") or "nothing")
    page.mouse.move(0, 0)
    expect(tip).to_be_hidden()
    # One stop for the whole chart; the arrow keys go on from there.
    assert figure.locator('.to-chart-day[tabindex="0"]').count() == 1
    days.last.focus()
    page.keyboard.press("ArrowLeft")
    before = days.nth(days.count() - 2)
    expect(before).to_be_focused()
    expect(tip).to_have_text(before.get_attribute("aria-label") or "nothing")
    page.keyboard.press("Home")
    expect(days.first).to_be_focused()
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()


def test_without_the_script_every_day_can_be_reached(open_page: Callable[..., Page]) -> None:
    page = open_page(java_script_enabled=False)
    days = page.locator("figure.to-chart-figure").first.locator(".to-chart-day")
    assert days.first.get_attribute("tabindex") == "0"
    assert days.first.locator("title").count() == 1
