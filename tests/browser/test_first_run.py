"""The whole first run in a real browser: with a mouse, by keyboard, and without a script."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from flask_tokenoffset.testing import (
    ANTHROPIC_DEMO_KEY,
    ANTHROPIC_ORDINARY_KEY,
    ANTHROPIC_REVOKED_KEY,
    OPENAI_DEMO_KEY,
)
from flask_tokenoffset.testing.simulators import faults

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from example_host_app.people import Someone
    from tests.browser.fernhill import Fernhill
    from tests.browser.watching import Watched

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

#: How long a sample may take on a busy machine, in milliseconds.
SAMPLE_MS = 60_000
MONEY = re.compile(r"\$[\d,]+\.\d\d")


def sign_in(window: Watched, someone: Someone) -> Page:
    """Sign in at the host, and follow its link to us."""
    page = window.open("/")
    page.get_by_label("E-mail").fill(someone.email)
    page.get_by_label("Password").fill(someone.password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="AI footprint").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your AI contribution")
    return page


def paste(page: Page, vendor: str, key: str, label: str = "") -> None:
    """Fill in the form of a vendor and send it."""
    page.get_by_label("Admin API key").fill(key)
    if label:
        page.get_by_label("Label").fill(label)
    page.get_by_role("button", name=f"Connect {vendor}").click()


def connect(window: Watched, vendor: str, key: str, label: str) -> Page:
    """Connect a vendor from the list of sources, and wait for its first estimate."""
    page = window.open("/footprint/sources")
    page.get_by_role("link", name=f"Connect {vendor}").click()
    paste(page, vendor, key, label)
    expect(page.get_by_role("heading", level=1)).to_have_text(label)
    expect(page.get_by_role("link", name="See the estimate")).to_be_visible(timeout=SAMPLE_MS)
    return page


def amount_on(button_text: str | None) -> str:
    """The amount that a button names."""
    found = MONEY.search(button_text or "")
    assert found is not None, button_text
    return found[0]


def doubled_month(fernhill: Fernhill) -> None:
    """Let the vendor say that the last month was twice what it said before."""
    for days_ago in range(1, 40):
        fernhill.anthropic.revise(fernhill.anthropic.today - timedelta(days=days_ago), percent=200)


@pytest.mark.promise("TO-036")
def test_a_first_run_from_an_empty_dashboard_to_an_ended_plan(
    fernhill: Fernhill, watched: Callable[..., Watched]
) -> None:
    window = watched(fernhill.address)
    page = sign_in(window, fernhill.newcomer("nell"))
    expect(page.get_by_role("heading", name="How much AI do you use?")).to_be_visible()
    window.look("dashboard-empty")
    for path, name in (("plan", "plan"), ("billing-records", "billing"), ("sources", "sources")):
        window.open(f"/footprint/{path}")
        window.look(f"{name}-empty")
    refuse_keys(window)
    source_path = watch_progress(fernhill, window)
    connect(window, "OpenAI", OPENAI_DEMO_KEY, "Almanac bench")
    window.look("source-openai")
    amount = adopt_beyond_all(window)
    window.open("/footprint/")
    expect(page.get_by_text(amount).first).to_be_visible()
    window.look("dashboard-plan")
    old_and_new(fernhill, window, source_path, amount)
    change_the_plan(window)
    disconnect(window, source_path)
    assert len(window.requests) > 50
    assert window.requests_elsewhere == []


def refuse_keys(window: Watched) -> None:
    """A key of the wrong kind and a revoked one, each with its reason beside the field."""
    page = window.page
    page.get_by_role("link", name="Connect Anthropic").click()
    window.look("connect")
    paste(page, "Anthropic", ANTHROPIC_ORDINARY_KEY, "Almanac press")
    field = page.get_by_label("Admin API key")
    expect(field).to_have_accessible_description(re.compile("begins with sk-ant-admin"))
    window.look("connect-wrong-kind")
    paste(page, "Anthropic", ANTHROPIC_REVOKED_KEY)
    expect(field).to_have_accessible_description(re.compile("Anthropic said: “"))
    expect(field).to_have_value("")
    expect(page.get_by_label("Label")).to_have_value("Almanac press")
    window.look("connect-revoked")


def watch_progress(fernhill: Fernhill, window: Watched) -> str:
    """The right key; the progress moves by itself until the estimate is there.

    :return: the path of the source.
    """
    page = window.page
    # The check of the key asks for one page of each report; after it every page takes its time.
    fernhill.anthropic.faults.add(faults.slow(1.5), path="*report*", times=6, after=2)
    paste(page, "Anthropic", ANTHROPIC_DEMO_KEY)
    expect(page.get_by_role("progressbar")).to_be_visible()
    path = urlsplit(page.url).path
    words = page.locator("[data-to-poll-words]")
    expect(words).to_have_text(re.compile(r"[1-9] of about \d+ pages read"), timeout=SAMPLE_MS)
    window.look("source-running")
    expect(page.get_by_role("link", name="See the estimate")).to_be_visible(timeout=SAMPLE_MS)
    window.look("source-anthropic")
    return str(path)


def adopt_beyond_all(window: Watched) -> str:
    """Review the combined estimate, move the slider beyond it and adopt what it then says."""
    page = window.open("/footprint/")
    window.look("dashboard-ready")
    page.get_by_role("link", name="Review and adopt").click()
    expect(page.get_by_text("All connections together")).to_be_visible()
    window.look("estimate")
    button = page.get_by_role("button", name=re.compile("^Adopt"))
    whole = amount_on(button.text_content())
    page.get_by_role("spinbutton", name="Contribution level").fill("150")
    amount = amount_on(button.text_content())
    assert amount != whole
    expect(page.locator("output")).to_contain_text(f"{amount} a month")
    hidden = page.locator("input[name=amount_cents]").input_value()
    assert amount == f"${int(hidden) // 100:,}.{int(hidden) % 100:02}"
    expect(page.get_by_role("button", name="Update amount")).to_be_hidden()
    button.click()
    expect(page.get_by_role("status")).to_contain_text("Adopted")
    expect(page.locator(".to-figures")).to_contain_text(amount)
    window.look("plan-adopted")
    return amount


def old_and_new(fernhill: Fernhill, window: Watched, source_path: str, amount: str) -> None:
    """Sample again; the newer estimate stands beside the plan, which stays as it is."""
    doubled_month(fernhill)
    page = window.open(source_path)
    page.get_by_role("button", name="Sample again").click()
    expect(page.get_by_role("progressbar")).to_have_count(0, timeout=SAMPLE_MS)
    window.open("/footprint/")
    table = page.get_by_role("table", name=re.compile("beside the newer estimate"))
    expect(table.get_by_role("row", name="Contribution a month")).to_contain_text(amount)
    window.look("dashboard-newer")
    expect(page.get_by_role("button", name=re.compile("^Adopt"))).not_to_contain_text(amount)


def change_the_plan(window: Watched) -> None:
    """Pause, resume, and think twice about ending."""
    page = window.open("/footprint/plan")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("status")).to_contain_text("Paused")
    window.look("plan-paused")
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("status")).to_contain_text("Resumed")
    page.get_by_role("link", name="End the plan").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    window.look("plan-end-dialog")
    dialog.get_by_role("button", name="Keep it as it is").click()
    expect(dialog).to_have_count(0)


def disconnect(window: Watched, source_path: str) -> None:
    """Ask once more, then forget the key."""
    page = window.open(source_path)
    page.get_by_role("link", name="Disconnect").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Disconnect and delete").click()
    expect(page.get_by_text("This source is disconnected")).to_be_visible()
    window.look("source-disconnected")


def test_every_other_page_stands_in_either_layout(
    fernhill: Fernhill, watched: Callable[..., Watched]
) -> None:
    window = watched(fernhill.address)
    page = sign_in(window, fernhill.newcomer("wide"))
    connect(window, "Anthropic", ANTHROPIC_DEMO_KEY, "Press")
    source_path = urlsplit(page.url).path
    page.get_by_role("link", name="See the estimate").click()
    estimate_path = urlsplit(page.url).path
    page.get_by_role("button", name=re.compile("^Adopt")).click()
    with fernhill.app.app_context():
        bill()
    pages = {
        "dashboard": "/footprint/",
        "sources": "/footprint/sources",
        "connect": "/footprint/sources/connect/openai",
        "source": source_path,
        "key": f"{source_path}/key",
        "disconnect": f"{source_path}/disconnect",
        "bands": "/footprint/bands",
        "bands-error": "/footprint/bands?band=own&tokens=lots&coverage=2000",
        "estimate": estimate_path,
        "plan": "/footprint/plan",
        "plan-end": "/footprint/plan/end",
        "billing": "/footprint/billing-records",
        "methodology": "/footprint/methodology",
        "connections": "/footprint/connections",
        "missing": "/footprint/estimates/00000000-0000-4000-8000-000000000000",
    }
    shown_in_the_story = {"dashboard", "connect", "source", "estimate", "plan"}
    for name, path in pages.items():
        if name not in shown_in_the_story:
            window.open(path)
            window.look(name)
    # The session is the same: a cookie knows hosts, but no ports.
    plain = watched(fernhill.plain_address, storage_state=page.context.storage_state())
    for name, path in pages.items():
        plain.open(path)
        expect(plain.page.locator("body.to-page")).to_have_count(1)
        plain.look(f"own-base-{name}")


def test_bands_lead_to_a_plan_too(fernhill: Fernhill, watched: Callable[..., Watched]) -> None:
    window = watched(fernhill.address)
    page = sign_in(window, fernhill.newcomer("banda"))
    page.get_by_role("link", name="Pick a band").click()
    page.get_by_role("spinbutton", name="Contribution level").fill("250")
    preview = page.get_by_role("region", name="The Worker band")
    expect(preview).to_contain_text("$3.13")
    expect(preview).to_contain_text("at 250\N{NO-BREAK SPACE}% of the 1x rate")
    # The amount in the form is of the band that is shown, so another choice hides it.
    page.get_by_role("radio", name=re.compile("Agentic")).check(force=True)
    expect(page.locator("output strong")).to_be_hidden()
    page.get_by_role("button", name="Show what this means").click()
    expect(page.get_by_role("region", name="The Agentic band")).to_contain_text("$87.50")
    page.get_by_role("button", name="Continue with this estimate").click()
    page.get_by_role("button", name="Adopt $87.50 a month").click()
    expect(page.get_by_role("status")).to_contain_text("Adopted")


def test_everything_works_without_a_script(
    fernhill: Fernhill, watched: Callable[..., Watched]
) -> None:
    window = watched(fernhill.address, java_script_enabled=False)
    page = sign_in(window, fernhill.newcomer("plain"))
    window.open("/footprint/sources/connect/anthropic")
    paste(page, "Anthropic", ANTHROPIC_ORDINARY_KEY, "Press")
    expect(page.get_by_role("alert")).to_contain_text("Nothing was connected")
    paste(page, "Anthropic", ANTHROPIC_DEMO_KEY)
    source_path = urlsplit(page.url).path
    # The page loads itself anew every ten seconds; a person may press the link sooner.
    for _ in range(60):
        if page.get_by_role("link", name="See the estimate").count():
            break
        page.wait_for_timeout(500)
        page.goto(source_path)
    page.get_by_role("link", name="See the estimate").click()
    page.get_by_role("spinbutton", name="Contribution level").fill("200")
    shown = amount_on(page.get_by_role("button", name=re.compile("^Adopt")).text_content())
    page.get_by_role("button", name="Update amount").click()
    button = page.get_by_role("button", name=re.compile("^Adopt"))
    amount = amount_on(button.text_content())
    assert amount != shown
    window.look("without-script-estimate")
    button.click()
    expect(page.locator(".to-figures")).to_contain_text(amount)
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Resume").click()
    window.open(source_path)
    page.get_by_role("button", name="Sample again").click()
    page.goto(source_path)
    page.get_by_role("link", name="Disconnect").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Disconnect Press?")
    page.get_by_role("button", name="Disconnect and delete").click()
    expect(page.get_by_text("This source is disconnected")).to_be_visible()
    window.open("/footprint/plan")
    page.get_by_role("link", name="End the plan").click()
    page.get_by_role("button", name="End the plan").click()
    expect(page.get_by_role("status")).to_contain_text("Ended")
    for path in ("", "bands", "billing-records", "methodology", "connections", "sources"):
        window.open(f"/footprint/{path}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_connecting_and_adopting_need_no_mouse(
    fernhill: Fernhill, watched: Callable[..., Watched]
) -> None:
    window = watched(fernhill.address)
    page = sign_in(window, fernhill.newcomer("keys"))
    tab_to(page, "Connect Anthropic")
    page.keyboard.press("Enter")
    page.wait_for_url("**/connect/anthropic")
    tab_to(page, "Admin API key")
    page.keyboard.type(ANTHROPIC_DEMO_KEY)
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="See the estimate")).to_be_visible(timeout=SAMPLE_MS)
    tab_to(page, "See the estimate")
    page.keyboard.press("Enter")
    page.wait_for_url("**/estimates/**")
    tab_to(page, "Contribution level, as a slider")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("spinbutton")).to_have_value("110")
    amount = amount_on(page.get_by_role("button", name=re.compile("^Adopt")).text_content())
    tab_to(page, f"Adopt {amount} a month")
    page.keyboard.press("Enter")
    expect(page.locator(".to-figures")).to_contain_text(amount)


def tab_to(page: Page, name: str) -> None:
    """Press Tab until what has this name has the focus, as a person without a mouse does."""
    focus = """() => {
        const each = document.activeElement;
        const name = each.ariaLabel ?? (each.labels?.[0] ?? each).textContent;
        return name.trim().replace(/\\s+/g, " ");
    }"""
    seen: list[str] = []
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.append(page.evaluate(focus))
        if seen[-1] == name:
            ring = "getComputedStyle(document.activeElement).outlineStyle"
            assert page.evaluate(ring) != "none", f"{name} does not show that it has the focus"
            return
    raise AssertionError(f"«{name}» is out of reach of Tab; there is {seen}")


def bill() -> None:
    """Make the month's record, as the schedule would."""
    from flask_tokenoffset.services.plans import billing
    from flask_tokenoffset.state import current_state

    state = current_state()
    with state.unit_of_work() as work:
        billing.create_due_records(work, state.clock.now())
