"""A client's organization in a real browser: as owner, invited, administrator and auditor."""

from __future__ import annotations

import re
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from example_host_app.people import ALICE, BOB, DAGNY, EMEKA, IRIS, NORA, STRANGER
from example_host_app.ten_thousand import fill_ferries
from flask_tokenoffset.services.member_plans.bulk_worker import continue_change
from flask_tokenoffset.tasks import bulk_changes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from playwright.sync_api import Page

    from example_host_app.people import Someone
    from flask_tokenoffset.unit_of_work import UnitOfWork
    from tests.browser.fernhill import Fernhill
    from tests.browser.watching import Watched

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

#: How long a mail or a change to many plans may take on a busy machine, in milliseconds.
JOB_MS = 60_000
#: Enough for several chunks of one change to many plans.
SAILORS = 2_500


def sign_in(window: Watched, someone: Someone, organization: str = "") -> Page:
    """Sign in at the host, and go to an organization if one is named."""
    page = window.open("/sign-in")
    fill_in(page, someone)
    if organization:
        page.get_by_role("link", name="AI footprint").click()
        page.get_by_role("navigation", name="Accounts").get_by_role(
            "link", name=organization
        ).click()
    return page


def fill_in(page: Page, someone: Someone) -> None:
    """Fill in the host's sign-in form."""
    page.get_by_label("E-mail").fill(someone.email)
    page.get_by_label("Password").fill(someone.password)
    page.get_by_role("button", name="Sign in").click()


def tab(page: Page, name: str) -> None:
    """Follow one of our tabs."""
    page.get_by_role("navigation", name="AI contribution").get_by_role(
        "link", name=name, exact=True
    ).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def invite(page: Page, someone: Someone) -> None:
    """Invite a person as a member."""
    tab(page, "Invitations")
    page.get_by_label("E-mail address").fill(someone.email)
    page.get_by_role("button", name="Send the invitation", exact=True).click()
    expect(page.get_by_role("status")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile(re.escape(someone.email)))).to_contain_text(
        "Pending"
    )


def open_mail(page: Page, someone: Someone) -> None:
    """Follow the link in the newest mail to a person, once it is there."""
    link = page.locator("a[href*='/invitations/']")
    for _ in range(JOB_MS // 500):
        page.goto(f"/mailbox?to={someone.email}")
        if link.count():
            break
        page.wait_for_timeout(500)
    link.first.click()


def accept(page: Page, someone: Someone) -> None:
    """Sign in where the mail leads, and accept."""
    open_mail(page, someone)
    page.get_by_role("link", name="Sign in").click()
    fill_in(page, someone)
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_role("status")).to_contain_text("You belong to")


def test_an_organization_from_an_invitation_to_the_audit_log(
    fernhill: Fernhill, watched: Callable[..., Watched]
) -> None:
    invited = fernhill.newcomer("ivy")
    owner = watched(fernhill.address)
    invite(sign_in(owner, ALICE, "Harbour Almanac"), invited)
    owner.look("org-invitations-sent")

    guest = watched(fernhill.address)
    open_mail(guest.page, invited)
    guest.look("org-invitation-signed-out")
    accept(guest.page, invited)
    guest.look("org-joined")
    tabs = guest.page.get_by_role("navigation", name="AI contribution")
    expect(tabs.get_by_role("link")).to_have_text(["Membership"])

    admin = watched(fernhill.address)
    page = sign_in(admin, BOB, "Harbour Almanac")
    tab(page, "Members")
    page.get_by_label("Name or address").fill(invited.name)
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name=invited.name).click()
    page.get_by_role("radio", name=re.compile("Auditor")).check(force=True)
    page.get_by_role("button", name="Save the role").click()
    expect(page.get_by_role("status")).to_contain_text("Role")
    admin.look("org-member-changed")
    expect(page.get_by_role("radio", name=re.compile("Owner"))).to_have_count(0)

    guest.page.reload()
    expect(tabs.get_by_role("link", name="Audit log")).to_be_visible()
    expect(tabs.get_by_role("link", name="Settings")).to_have_count(0)

    auditor = watched(fernhill.address)
    page = sign_in(auditor, DAGNY, "Harbour Almanac")
    tab(page, "Audit log")
    table = page.get_by_role("table", name="Events, newest first")
    expect(table).to_contain_text(invited.name)
    expect(table.get_by_role("row").nth(1)).to_contain_text(BOB.name)
    auditor.look("org-audit")
    page.get_by_text("Look for certain events").click()
    page.get_by_label("What was done", exact=True).select_option("member.joined")
    page.get_by_role("button", name="Show").click()
    expect(table.get_by_role("row")).to_have_count(1 + 15)
    auditor.look("org-audit-filtered")
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile("CSV")).click()
    assert invited.email not in download.value.path().read_text("utf-8")


def rest_between_chunks(
    units: Callable[[], AbstractContextManager[UnitOfWork]], **change: Any
) -> None:
    """Change plans as ever, but with a rest before each chunk, so that a browser sees them come."""

    @contextmanager
    def rested() -> Iterator[UnitOfWork]:
        time.sleep(3)
        with units() as work:
            yield work

    continue_change(rested, **change)


def test_thousands_of_plans_change_while_one_looks_on(
    fernhill: Fernhill, watched: Callable[..., Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_changes, "continue_change", rest_between_chunks)
    with fernhill.app.app_context():
        fill_ferries(SAILORS)
    window = watched(fernhill.address)
    page = sign_in(window, NORA, "North Sound Ferries")
    tab(page, "Members")
    expect(page.get_by_text("More than 1,000 members")).to_be_visible()
    window.look("org-members-many")
    page.get_by_role("link", name="More members").click()
    window.look("org-members-more")
    tab(page, "Member plans")
    window.look("org-member-plans-many")
    page.get_by_role("link", name="Change many plans").click()
    page.get_by_label("New band").select_option("agentic")
    page.get_by_role("button", name="Show what would change").click()
    window.look("org-bulk-preview")
    button = page.get_by_role("button", name=re.compile(r"^Change \d,\d{3} plans$"))
    count = re.sub(r"[^\d,]", "", button.text_content() or "")
    button.click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    window.look("org-bulk-running")
    expect(page.locator("[data-to-poll-words]")).to_contain_text(f"1,000 of {count} plans changed")
    # The page follows by itself.
    expect(page.get_by_text(f"{count} plans were changed.")).to_be_visible(timeout=JOB_MS)
    expect(page.get_by_role("progressbar")).to_have_count(0)
    window.look("org-bulk-done")


def test_an_organization_works_without_a_script(
    fernhill: Fernhill, watched: Callable[..., Watched]
) -> None:
    owner_person, invited = fernhill.newcomer("olive"), fernhill.newcomer("ingo")
    owner = watched(fernhill.address, java_script_enabled=False)
    sign_in(owner, owner_person)
    page = owner.open("/footprint/organizations")
    page.get_by_label("Name").fill("Night Shift")
    page.get_by_role("button", name="Create the organization").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Members")
    invite(page, invited)
    guest = watched(fernhill.address, java_script_enabled=False)
    accept(guest.page, invited)

    tab(page, "Member plans")
    page.get_by_role("link", name="Terms").click()
    page.get_by_label("Band of a new member").select_option("casual")
    page.get_by_role("button", name="Save the terms").click()
    expect(page.get_by_role("status")).to_be_visible()
    tab(page, "Member plans")
    page.get_by_role("link", name="Change many plans").click()
    page.get_by_role("button", name="Show what would change").click()
    page.get_by_role("button", name="Change 2 plans").click()
    expect(page.get_by_text("2 plans were changed.")).to_be_visible()

    tab(page, "Members")
    page.get_by_role("link", name=invited.name).click()
    page.get_by_role("button", name="Suspend").click()
    expect(page.get_by_role("status")).to_contain_text("Suspended")
    guest.page.reload()
    expect(guest.page.get_by_text("is suspended")).to_be_visible()
    page.get_by_role("button", name="Restore").click()
    page.get_by_role("link", name="Remove").click()
    page.get_by_role("button", name="Remove them").click()
    expect(page.get_by_role("status")).to_contain_text("Removed")
    tab(page, "Audit log")
    expect(page.get_by_role("table")).to_contain_text(invited.name)
    owner.look("without-script-audit")


def test_every_page_of_an_organization_hinders_nobody(
    fernhill: Fernhill, watched: Callable[..., Watched]
) -> None:
    window = watched(fernhill.address)
    page = sign_in(window, ALICE, "Harbour Almanac")
    home = page.url.removeprefix(fernhill.address)
    tab(page, "Members")
    page.get_by_role("link", name=EMEKA.name).click()
    member = page.url.removeprefix(fernhill.address)
    pages = {
        "dashboard": home,
        "sources": f"{home}sources",
        "plan": f"{home}plan",
        "billing": f"{home}billing-records",
        "members": f"{home}members",
        "members-none": f"{home}members?search=nobody+at+all",
        "member": member,
        "member-plan": f"{member}/plan",
        "member-plan-end": f"{member}/plan/end",
        "remove": f"{member}/remove",
        "transfer": f"{member}/transfer",
        "invitations": f"{home}invitations",
        "member-plans": f"{home}member-plans",
        "terms": f"{home}terms",
        "membership": f"{home}membership",
        "membership-plan": f"{home}membership/plan",
        "leave": f"{home}leave",
        "settings": f"{home}settings",
        "close": f"{home}settings/close",
        "list": "/footprint/organizations",
        "own-invitations": "/footprint/invitations",
        "account": "/footprint/me",
        "account-delete": "/footprint/privacy/deletion",
        "identities": "/footprint/identities",
    }
    for name, path in pages.items():
        window.open(path)
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        window.look(f"org-{name}")
    # In our own base template they stand as well.
    plain = watched(fernhill.plain_address, storage_state=page.context.storage_state())
    for name in ("members", "member", "invitations", "member-plans", "settings"):
        plain.open(pages[name])
        expect(plain.page.locator("body.to-page")).to_have_count(1)
        plain.look(f"org-own-base-{name}")


def test_a_member_an_invited_and_a_stranger_see_what_is_theirs(
    fernhill: Fernhill, watched: Callable[..., Watched]
) -> None:
    member = watched(fernhill.address)
    page = sign_in(member, EMEKA, "Harbour Almanac")
    expect(page.get_by_role("heading", level=1)).to_have_text("Harbour Almanac")
    member.look("org-as-member")
    home = page.url.removeprefix(fernhill.address).removesuffix("membership")
    refused = member.open(f"{home}members")
    expect(refused.get_by_role("heading", level=1)).to_be_visible()
    member.look("org-as-member-refused")

    invited = watched(fernhill.address)
    sign_in(invited, IRIS)
    page = invited.open("/footprint/invitations")
    expect(page.get_by_role("heading", name="Harbour Almanac")).to_be_visible()
    invited.look("org-own-invitation")
    page.get_by_role("button", name=re.compile("^Decline")).click()
    expect(page.get_by_role("status")).to_contain_text("Declined")

    stranger = watched(fernhill.address)
    sign_in(stranger, STRANGER)
    page = stranger.open(f"{home}members")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_text("Harbour Almanac")).to_have_count(0)
    stranger.look("org-as-stranger")
