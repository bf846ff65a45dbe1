"""Everyone's rights in a real browser: each used without a script, each page looked at.

The page that asks for acceptance and the one that ends news are looked at in
``test_acceptance_story.py``; documents, their comparison and the banner in ``test_documents.py``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from zipfile import ZipFile

import pytest
from playwright.sync_api import expect

from example_host_app.people import ALICE, VERA, find_or_add
from flask_tokenoffset import forget_person
from tests.browser.test_acceptance_story import publish_rules
from tests.browser.test_organization_story import JOB_MS, fill_in, sign_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator, Page

    from example_host_app.people import Someone
    from tests.browser.fernhill import Fernhill
    from tests.browser.watching import Watched

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

PRIVACY = "/footprint/privacy"
QUESTION = "Which of my notes do your suppliers read?"
ANSWER = "None of them. They are told what a key may be asked, and nothing else."


def press(page: Page | Locator, name: str) -> None:
    """Press the button of that name."""
    page.get_by_role("button", name=name).click()


def heading(page: Page, text: str) -> None:
    """See that the page is the one of that heading."""
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


def purpose(page: Page, title: str) -> Locator:
    """The card of one purpose."""
    return page.locator(".to-card").filter(has=page.get_by_role("heading", name=title))


def until(page: Page, found: Locator) -> None:
    """Open the page anew, as its reader would, until a job has done its part."""
    for _ in range(JOB_MS // 500):
        if found.count():
            return
        page.wait_for_timeout(500)
        page.reload()
    expect(found).to_be_visible()


def open_newest_mail(page: Page, someone: Someone, path: str) -> None:
    """Follow the link to a path in the newest mail to a person."""
    link = page.locator(f"a[href*='{path}']").first
    page.goto(f"/mailbox?to={someone.email}")
    until(page, link)
    link.click()


def ask_a_question(page: Page) -> None:
    """Ask the operator of the site."""
    page.goto(f"{PRIVACY}/requests")
    page.get_by_role("radio", name=re.compile("A question")).check(force=True)
    page.get_by_label("In your own words").fill(QUESTION)
    press(page, "Send the request")
    expect(page.get_by_text("Your request is on record")).to_be_visible()


def accept_the_rules(page: Page) -> None:
    """Be asked for them, and tick the box."""
    page.goto("/footprint/bands")
    heading(page, "Read and decide")
    page.get_by_role("checkbox").check()
    press(page, "Accept what is ticked")
    page.goto(PRIVACY)
    expect(page.get_by_role("row", name=re.compile("House rules"))).to_contain_text("Accepted")


def decide_about_uses(page: Page) -> None:
    """Agree and take it back, object to another use, and read the receipt."""
    page.get_by_role("link", name="Give, take back or object").click()
    news = purpose(page, "News about the product")
    press(news, "Agree")
    expect(page.get_by_role("status")).to_contain_text("Agreed")
    press(news, "Withdraw")
    expect(page.get_by_role("status")).to_contain_text("Withdrawn")
    press(purpose(page, "Insights for research"), "Object")
    expect(page.get_by_role("status")).to_contain_text("Objected")
    page.get_by_role("link", name="See the receipt").click()
    expect(page.get_by_text("This record cannot be changed")).to_be_visible()


def restrict_and_lift(page: Page) -> None:
    """Stop everything, and have it go on."""
    page.goto(PRIVACY)
    page.get_by_role("link", name="Restrict your data").click()
    press(page, "Restrict my data")
    expect(page.get_by_text("Restricted since")).to_be_visible()
    press(page, "Lift the restriction")
    expect(page.get_by_role("status")).to_contain_text("The restriction is lifted")


def take_a_copy(page: Page, someone: Someone) -> None:
    """Ask for a copy of everything, wait for it, and fetch it."""
    page.goto(PRIVACY)
    page.get_by_role("link", name="Get a copy").click()
    press(page, "Make a copy")
    until(page, page.get_by_role("link", name="Fetch it"))
    page.get_by_role("link", name="Fetch it").click()
    with page.expect_download() as download:
        press(page, "Fetch it now")
    with ZipFile(download.value.path()) as archive:
        assert any(someone.email.encode() in archive.read(each) for each in archive.namelist())
    page.goto(f"{PRIVACY}/exports")
    expect(page.get_by_role("cell", name="Fetched", exact=True)).to_be_visible()


def ask_for_deletion_and_undo_it(page: Page) -> None:
    """Leave, and think better of it."""
    page.goto(PRIVACY)
    page.get_by_role("link", name="Delete your account").click()
    press(page, "Delete my account")
    heading(page, "Your account will be deleted")
    press(page, "Keep my account")
    heading(page, "Your account")


def answer_it(page: Page) -> None:
    """Answer the question, as a person at Fernhill: what was asked is shown on demand alone."""
    page.goto("/footprint/requests")
    page.get_by_role("link", name="Question").first.click()
    expect(page.get_by_text(QUESTION)).to_have_count(0)
    press(page, "Show who asked")
    expect(page.get_by_text(QUESTION)).to_be_visible()
    page.get_by_role("radio", name=re.compile("Done")).check(force=True)
    page.get_by_label("Your answer").fill(ANSWER)
    press(page, "Close the request")
    expect(page.get_by_role("status")).to_contain_text("Answered")


def receipt_of_a_deletion(fernhill: Fernhill, page: Page) -> None:
    """Have a person deleted by the host, and open the receipt that they are mailed."""
    leaver = fernhill.newcomer("leonora")
    page.context.clear_cookies()
    page.goto("/sign-in")
    fill_in(page, leaver)
    page.goto("/footprint/me")
    page.get_by_role("button", name="Save").first.click()
    with fernhill.app.app_context():
        forget_person(str(find_or_add(leaver).id))
    open_newest_mail(page, leaver, "/erasures/")
    heading(page, "Receipt of a deletion")


@pytest.mark.promise("TO-058")
def test_every_right_is_used_without_a_script(
    fernhill: Fernhill, watched: Callable[..., Watched]
) -> None:
    publish_rules(fernhill)
    someone = fernhill.newcomer("rosalind")
    page = sign_in(watched(fernhill.address, java_script_enabled=False), someone)
    accept_the_rules(page)
    decide_about_uses(page)
    restrict_and_lift(page)
    take_a_copy(page, someone)
    ask_for_deletion_and_undo_it(page)

    ask_a_question(page)
    answer_it(sign_in(watched(fernhill.address, java_script_enabled=False), VERA))
    page.reload()
    expect(page.get_by_text(ANSWER)).to_be_visible()

    page.goto(f"{PRIVACY}/what-we-hold")
    expect(page.get_by_text("Values in your copy").first).to_be_hidden()
    page.get_by_role("heading", name="Profile").click()
    expect(page.get_by_text("Values in your copy").filter(visible=True)).to_contain_text("email")

    page.goto("/footprint/documents/privacy-policy")
    page.get_by_role("link", name=re.compile("^Compare")).first.click()
    expect(page.locator("ins", has_text="Sweden")).to_be_visible()


@pytest.mark.promise("TO-058")
def test_every_page_of_privacy_hinders_nobody(
    fernhill: Fernhill, watched: Callable[..., Watched]
) -> None:
    window = watched(fernhill.address)
    page = sign_in(window, ALICE, "Harbour Almanac")
    organization = page.url.removeprefix(fernhill.address)
    ask_a_question(page)
    window.look("privacy-request")
    page.goto(f"{PRIVACY}/consents")
    press(purpose(page, "News about the product"), "Agree")
    window.look("privacy-consents")
    page.get_by_role("link", name="See the receipt").click()
    window.look("privacy-consent-receipt")
    pages = {
        "hub": PRIVACY,
        "acceptance": f"{PRIVACY}/acceptance",
        "what-we-hold": f"{PRIVACY}/what-we-hold",
        "retention": f"{PRIVACY}/retention",
        "retention-organization": f"{organization}retention",
        "requests": f"{PRIVACY}/requests",
        "restriction": f"{PRIVACY}/restriction",
        "deletion": f"{PRIVACY}/deletion",
        "exports": f"{PRIVACY}/exports",
    }
    for name, path in pages.items():
        window.open(path)
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        window.look(f"privacy-{name}")
    page.goto(f"{PRIVACY}/what-we-hold")
    page.locator("details").evaluate_all("all => all.forEach(each => each.open = true)")
    window.look("privacy-what-we-hold-opened")


def test_what_was_asked_for_hinders_nobody_either(
    fernhill: Fernhill, watched: Callable[..., Watched]
) -> None:
    someone = fernhill.newcomer("seraphina")
    window = watched(fernhill.address)
    page = sign_in(window, someone)
    ask_a_question(page)
    page.goto(f"{PRIVACY}/restriction")
    press(page, "Restrict my data")
    window.look("privacy-restricted")
    page.goto(f"{PRIVACY}/exports")
    press(page, "Make a copy")
    until(page, page.get_by_role("link", name="Fetch it"))
    window.look("privacy-exports-ready")
    page.get_by_role("link", name="Fetch it").click()
    window.look("privacy-fetch")
    page.goto(f"{PRIVACY}/deletion")
    press(page, "Delete my account")
    window.look("privacy-deletion-waiting")
    window.open(PRIVACY)
    window.look("privacy-hub-waiting")

    operator = watched(fernhill.address)
    answering = sign_in(operator, VERA)
    answering.goto("/footprint/requests")
    operator.look("privacy-queue")
    answering.get_by_role("link", name="Question").first.click()
    operator.look("privacy-queue-request")
    press(answering, "Show who asked")
    operator.look("privacy-queue-asker")
    receipt_of_a_deletion(fernhill, page)
    window.look("privacy-erasure-receipt")
