"""A scripted first run: what a newcomer does, over real HTTP, checked step by step.

The amount at the end is worked out a second time, from the simulators' own books, so that a mistake
on the way from a vendor's report to a person's dashboard cannot hide.
"""

from __future__ import annotations

import math
import re
import time
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import httpx

from example_host_app.browser import Browser, Page
from example_host_app.first_team import gather_a_team
from example_host_app.people import STRANGER, Someone
from example_host_app.walking import Walk, WentWrong, expect, link, sign_in
from flask_tokenoffset.testing import (
    ANTHROPIC_DEMO_KEY,
    ANTHROPIC_ORDINARY_KEY,
    OPENAI_DEMO_KEY,
    AnthropicSimulator,
    OpenAISimulator,
)

if TYPE_CHECKING:
    from collections.abc import Callable

KEYS: Final = {"anthropic": ANTHROPIC_DEMO_KEY, "openai": OPENAI_DEMO_KEY}
#: How long both samples may take.
SAMPLE_SECONDS: Final = 60
POLL_SECONDS: Final = 0.5

# The published method in its own words, so that the code under test is not asked about itself.
_MEASURED_DAYS: Final = 28
_DAYS_PER_MONTH: Final = Fraction("30.44")
_CENTS_PER_TOKEN: Final = Fraction(25, 1_000_000)
_SETTLING_HOURS: Final = 6
#: Whole tokens that rounding by model and kind may move.
_ROUNDING_TOKENS: Final = 50


def walk_through(
    address: str,
    newcomer: Someone,
    companion: Someone,
    *,
    verify_log: Callable[[], str],
    say: Callable[[str], object],
) -> bool:
    """Take every step; gives whether all went well.

    :param address: where Fernhill is served.
    :param newcomer: a person Fernhill knows, and the extension does not.
    :param companion: another one.
    :param verify_log: verifies the audit log on the command line; gives what it printed.
    :param say: is called with a line for each step.
    """
    walk = Walk(say)
    began = time.monotonic()
    try:
        with Browser(address) as browser, Browser(address) as other:
            _walk(walk, browser, other, newcomer)
        with Browser(address) as browser, Browser(address) as other:
            gather_a_team(walk, browser, other, newcomer, companion)
        with walk.step("the audit log is as it was written"):
            say(f"     {verify_log()}")
    except (WentWrong, LookupError, httpx.HTTPError) as error:
        say(f"FAILED {error}")
        return False
    say(f"All of it worked, in {time.monotonic() - began:.1f} s.")
    return True


def _walk(walk: Walk, browser: Browser, other: Browser, newcomer: Someone) -> None:
    with walk.step("sign in at Fernhill, and follow «AI footprint»"):
        page = browser.follow(sign_in(browser, newcomer), "AI footprint")
        expect(page, page.status == HTTPStatus.OK, "the dashboard")
    with walk.step("a key of the wrong kind is refused beside its field"):
        page = _paste(browser, "anthropic", ANTHROPIC_ORDINARY_KEY)
        expect(page, page.status == HTTPStatus.UNPROCESSABLE_ENTITY, "a refusal")
        expect(page, ANTHROPIC_ORDINARY_KEY not in page.html, "no key on the page")
    sources: dict[str, Page] = {}
    for provider, key in KEYS.items():
        with walk.step(f"connect the simulated {provider}"):
            sources[provider] = _paste(browser, provider, key)
            ours = re.search(r"/sources/[0-9a-f-]{36}$", sources[provider].url.path)
            expect(sources[provider], bool(ours), "the page of the new source")
    with walk.step("both samples complete"):
        for page in sources.values():
            _wait_for_estimate(browser, page)
    with walk.step("the combined estimate costs what the vendors' books say"):
        page = browser.open(link(browser.open("/footprint/"), r"/estimates/[0-9a-f-]{36}"))
        amount = _amount_in(page)
        expect(page, amount in _amounts_by_the_books(), f"one of {_amounts_by_the_books()}")
    with walk.step(f"adopt it at {amount}"):
        form = page.form_with(action="/plan/adoptions")
        page = browser.submit(page, form)
        expect(page, page.status == HTTPStatus.OK and amount in page.text, f"the plan at {amount}")
    with walk.step("the dashboard shows it to the cent"):
        page = browser.open("/footprint/")
        expect(page, amount in page.text, amount)
    with walk.step("a stranger sees nothing of it"):
        sign_in(other, STRANGER)
        for page in sources.values():
            expect(
                theirs := other.open(str(page.url)),
                theirs.status == HTTPStatus.NOT_FOUND,
                "nothing",
            )
        expect(theirs := other.open("/footprint/"), amount not in theirs.text, "no amount")


def _paste(browser: Browser, provider: str, key: str) -> Page:
    sources = browser.open("/footprint/sources")
    page = browser.open(link(sources, rf"/sources/connect/{provider}$"))
    label = f"{provider} of the almanac"
    return browser.submit(page, page.form_with("key", "label"), key=key, label=label)


def _wait_for_estimate(browser: Browser, source: Page) -> None:
    deadline = time.monotonic() + SAMPLE_SECONDS
    while time.monotonic() < deadline:
        page = browser.open(str(source.url))
        expect(page, "The last sample failed" not in page.text, "a sample that does not fail")
        if any("/estimates/" in target for target in page.links.values()):
            return
        time.sleep(POLL_SECONDS)
    raise WentWrong(f"no estimate after {SAMPLE_SECONDS} s at {source.url}: {page.text}")


def _amount_in(page: Page) -> str:
    """The amount that the adoption form of a page stands for."""
    cents = page.form_with(action="/plan/adoptions").fields.get("amount_cents", "")
    expect(page, cents.isdecimal(), "an amount in the form")
    return _money(int(cents))


def _amounts_by_the_books() -> list[str]:
    """What a month of both vendors' use costs at the published rate."""
    end = (datetime.now(UTC) - timedelta(hours=_SETTLING_HOURS)).date()
    start = end - timedelta(days=_MEASURED_DAYS)
    measured = sum(
        simulator.ledger.totals(start, end).tokens
        for simulator in (AnthropicSimulator(), OpenAISimulator())
    )
    tokens = measured * _DAYS_PER_MONTH / _MEASURED_DAYS
    cents = {
        math.ceil((tokens + slack) * _CENTS_PER_TOKEN)
        for slack in (-_ROUNDING_TOKENS, 0, _ROUNDING_TOKENS)
    }
    return [_money(each) for each in sorted(cents)]


def _money(cents: int) -> str:
    return f"${cents / 100:,.2f}"
