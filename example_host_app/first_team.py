"""A scripted first team: a person makes an organization, invites another one, and sets plans."""

from __future__ import annotations

import re
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from example_host_app.walking import WentWrong, expect, sign_in

if TYPE_CHECKING:
    from example_host_app.browser import Browser, Page
    from example_host_app.people import Someone
    from example_host_app.walking import Walk

#: How long a mail may take.
MAIL_SECONDS: Final = 30
POLL_SECONDS: Final = 0.2
_NAME: Final = "Tide Tables"


def gather_a_team(
    walk: Walk, browser: Browser, other: Browser, owner: Someone, invited: Someone
) -> None:
    """Take every step, over real HTTP.

    :param browser: the owner's.
    :param other: of the invited person.
    """
    with walk.step("create an organization"):
        sign_in(browser, owner)
        page = browser.open("/footprint/organizations")
        page = browser.submit(page, page.form_with("name"), name=_NAME)
        expect(page, page.status == HTTPStatus.OK and owner.name in page.text, "its members")
    with walk.step("invite somebody, whose mail arrives"):
        page = browser.follow(page, "Invitations")
        form = page.form_with("email", "role")
        page = browser.submit(page, form, email=invited.email, role="member")
        expect(page, page.status == HTTPStatus.OK and invited.email in page.text, "the invitation")
        letter = _link_in_mail(other, invited)
    with walk.step("they sign in where the mail leads, and accept"):
        page = sign_in(other, invited, other.follow(other.open(letter), "Sign in"))
        page = other.submit(page, page.form_with("choice"), choice="accept")
        expect(page, page.status == HTTPStatus.OK and _NAME in page.text, "the new membership")
        again = other.open(letter)
        expect(again, "no longer good" in again.text, "a link that works once")
    with walk.step("see what a change to all plans would do, and apply it"):
        page = _open_organization(browser)
        page = browser.follow(browser.follow(page, "Member plans"), "Change many plans")
        page = browser.submit(page, page.form_with("band", "coverage"), band="worker")
        page = browser.submit(page, page.form_with("plans_to_change", plans_to_change="2"))
        expect(page, "2 plans were changed" in page.text, "both plans changed")
    with walk.step("the audit log tells of it"):
        page = browser.follow(_open_organization(browser), "Audit log")
        expect(page, invited.name in page.text, "who joined")


def _open_organization(browser: Browser) -> Page:
    return browser.follow(browser.open("/footprint/organizations"), _NAME)


def _link_in_mail(browser: Browser, someone: Someone) -> str:
    deadline = time.monotonic() + MAIL_SECONDS
    while time.monotonic() < deadline:
        page = browser.open(f"/mailbox?to={someone.email}")
        for words in page.links:
            if re.search(r"/invitations/[\w-]+$", words):
                return words
        time.sleep(POLL_SECONDS)
    raise WentWrong(f"no mail to {someone.email} after {MAIL_SECONDS} s")
