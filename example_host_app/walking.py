"""What the scripted walks through Fernhill share: steps, expectations and signing in."""

from __future__ import annotations

import re
import time
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from example_host_app.browser import Browser, Page
    from example_host_app.people import Someone


class WentWrong(Exception):
    """A step did not end as it should."""


class Walk:
    """Says a line for each step.

    :param say: is called with the lines.
    """

    def __init__(self, say: Callable[[str], object]) -> None:
        self.say = say

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        except Exception:
            self.say(f"  no {time.monotonic() - began:6.2f} s  {what}")
            raise
        self.say(f"  ok {time.monotonic() - began:6.2f} s  {what}")


def sign_in(browser: Browser, someone: Someone, page: Page | None = None) -> Page:
    """Sign in at Fernhill; gives the page one is led on to.

    :param page: the sign-in page, if one was sent there.
    """
    page = page or browser.open("/")
    expect(page, page.url.path == "/sign-in", "the sign-in page")
    page = browser.submit(
        page,
        page.form_with("email", "password"),
        email=someone.email,
        password=someone.password,
    )
    expect(page, page.status == HTTPStatus.OK and someone.name in page.text, "to be signed in")
    return page


def link(page: Page, pattern: str) -> str:
    for target in page.links.values():
        if re.search(pattern, target):
            return target
    raise WentWrong(f"no link to {pattern} at {page.url}, which reads: {page.text}")


def expect(page: Page, well: bool, wanted: str) -> None:  # noqa: FBT001 - reads as an assertion
    if not well:
        raise WentWrong(f"wanted {wanted} at {page.url}, got {page.status}: {page.text}")
