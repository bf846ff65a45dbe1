"""Where an amount is adopted, both methods' amounts stand, with which is used and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.clubs import found
from tests.support.inviting import invite
from tests.support.organizations import make_shape

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.html_page import HtmlPage
    from tests.support.world import World

FLAT: Final[dict[str, str]] = {}
DETAILED: Final = {"TOKENOFFSET_METHOD": "2026.11"}


def rows_of(page: HtmlPage) -> list[str]:
    """The two lines of the comparison, in their order."""
    (table,) = page.by_class("to-methods")
    whole = table.text.removeprefix("The same use by both methods, a month ")
    second = " Detailed " if whole.startswith("Flat rate ") else " Flat rate "
    first, _, rest = whole.partition(second)
    return [first, f"{second.strip()} {rest}"]


def bars_of(page: HtmlPage) -> list[str]:
    """How long the two bars are."""
    return [each.attributes["width"] for each in page.by_class("to-amount-bar-part")]


@pytest.mark.parametrize(
    ("settings", "lines", "adopted", "why"),
    [
        (
            FLAT,
            ["Flat rate used here $35.00", "Detailed $2.00"],
            "Adopt $35.00 a month",
            "chose the flat rate: it is the same for every token, and anyone can check it.",
        ),
        (
            DETAILED,
            ["Detailed used here $2.00", "Flat rate $35.00"],
            "Adopt $2.00 a month",
            "chose the detailed method: it counts smaller models, and what is read from a cache,",
        ),
    ],
)
def test_both_amounts_the_method_in_use_and_why_stand_beside_adopt(
    make_world: Callable[..., World], settings: Any, lines: list[str], adopted: str, why: str
) -> None:
    world = make_world(**settings)
    page = world.ada.page(f"/estimates/{world.ada.pick_band('agentic')}")
    assert rows_of(page) == lines
    # One axis, which begins at nothing and ends at the larger amount.
    assert bars_of(page) == ["100.00%" if "$35.00" in line else "5.71%" for line in lines]
    assert why in page.text
    assert adopted in page.text
    assert "Why the other method gives another amount" in page.text


@pytest.mark.parametrize(
    ("settings", "tokens", "sentence"),
    [
        # $35.00 by the flat rate and $2.00 by the detailed method.
        (
            FLAT,
            140_000_000,
            (
                "The amount in dollars is about 18 times as high by the flat rate as by the"
                " detailed method, mostly because 92 % of these tokens, we assume, were read from a"
                " cache,"
            ),
        ),
        (
            DETAILED,
            140_000_000,
            "The amount in dollars is about 18 times as high by the flat rate as by the detailed",
        ),
        # $0.08 and the floor of $1.00, although the flat rate's energy is the larger one.
        (
            FLAT,
            300_000,
            (
                "The amount in dollars is about 12 times as high by the detailed method as by the"
                " flat rate, mostly because the detailed method suggests at least $1.00 for any"
                " use at all."
            ),
        ),
        (FLAT, 5_000_000, "The amount in dollars is about the same by both methods."),
    ],
)
@pytest.mark.parametrize("level", [0, 1, 100, 730])
def test_one_sentence_in_sight_says_what_is_compared_how_and_why(
    make_world: Callable[..., World], settings: Any, tokens: int, sentence: str, level: int
) -> None:
    world = make_world(**settings)
    made = world.ada.api("POST", "/estimates", {"kind": "custom", "tokens_per_month": tokens})
    page = world.ada.page(f"/estimates/{made.get_json()['id']}?coverage={level}")
    folded = " ".join(each.text for each in page.by_class("to-disclosure"))
    assert sentence in page.text
    assert sentence not in folded


def test_both_follow_the_level(world: World) -> None:
    path = f"/estimates/{world.ada.pick_band('agentic')}"
    assert rows_of(world.ada.page(f"{path}?coverage=50")) == [
        "Flat rate used here $17.50",
        "Detailed $1.00",
    ]
    page = world.ada.page(f"{path}?coverage=0")
    assert rows_of(page) == ["Flat rate used here $0.00", "Detailed $0.00"]
    assert bars_of(page) == ["0.00%", "0.00%"]
    rates = [
        (each.attributes["data-to-tokens"], each.attributes["data-to-cents-per-million"])
        for each in page.elements
        if each.attributes.get("data-to-amount-of") and "data-to-tokens" in each.attributes
    ]
    assert rates == [("140000000", "25"), ("1000000", "200")]


def test_the_api_says_both(world: World) -> None:
    estimate_id = world.ada.pick_band("agentic")
    shown = world.ada.api("GET", f"/estimates/{estimate_id}?coverage_percent=200").get_json()
    assert shown["contribution"]["methods"] == [
        {"method": "flat-rate", "version": "2026-05", "amount_cents": 7000, "prices_plans": True},
        {
            "method": "detailed",
            "version": shown["class_aware"]["version"],
            "amount_cents": 400,
            "prices_plans": False,
        },
    ]


def test_an_assumed_split_is_said_to_be_one_and_a_counted_one_is_not(world: World) -> None:
    text = world.ada.page(f"/estimates/{world.ada.pick_band('agentic')}").text
    assert "we assume 92 % from cache, 4 % fresh input, 4 % written to a cache" in text
    assert "92 % of these tokens, we assume, were read from a cache" in text
    assert "Cached input about 129 million 92 %" in text
    assert "we assume 92 % from cache" in world.ada.page("/bands?band=agentic").text
    measured = world.ada.newest_estimate(world.ada.sample())["id"]
    assert "assume" not in world.ada.page(f"/estimates/{measured}").text


@pytest.mark.parametrize("path", ["/bands", "/", "estimate"])
def test_what_is_not_counted_stands_by_the_figures(world: World, path: str) -> None:
    estimate_id = world.ada.pick_band("agentic")
    world.ada.adopt(estimate_id)
    page = world.ada.page(f"/estimates/{estimate_id}" if path == "estimate" else path)
    figures, _, rest = page.text.partition("Not counted: ")
    assert rest.startswith("training the models, networks, and your own devices.")
    assert "CO2e a month" in figures


def test_every_card_of_a_band_carries_its_price(world: World) -> None:
    page = world.ada.page("/bands?coverage=200")
    prices = [each.text for each in page.by_class("to-card-choice-price")]
    assert prices == ["$0.15 a month", "$2.50 a month", "$70.00 a month", "$750.00 a month"]
    live = [
        each.attributes["data-to-tokens"]
        for each in page.elements
        if each.attributes.get("data-to-amount-of") == "to-coverage"
        and "data-to-cents-per-million" in each.attributes
    ]
    assert live[:4] == ["300000", "5000000", "140000000", "1500000000"]


def test_a_newer_estimate_is_proposed_with_both(world: World) -> None:
    world.ada.adopt(world.ada.pick_band("casual"))
    world.clock.move(hours=1)
    world.ada.sample()
    page = world.ada.page("/")
    assert "There is a newer estimate" in page.text
    flat, detailed = rows_of(page)
    assert flat.startswith("Flat rate used here $")
    assert detailed.startswith("Detailed $")
    compared = page.by_id("to-comparison").text
    # 300,000 tokens at 0.50 Wh and 0.6 g per thousand.
    assert "Energy 150 Wh by the flat rate" in compared
    assert "CO2e 180 g by the flat rate" in compared


def test_a_plan_in_an_organization_is_adopted_with_both_shown(world: World) -> None:
    club = found(world, world.ada)
    ben = club.join(world.ben)
    expected = ["Flat rate used here $35.00", "Detailed $2.00"]
    one = club.page(world.ada, f"/members/{ben}/plan?band=agentic&coverage=100")
    many = club.page(world.ada, "/member-plans/change?band=agentic&coverage=100")
    assert [rows_of(one), rows_of(many)] == [expected, expected]


def test_one_who_joins_is_told_what_the_other_method_would_give(world: World) -> None:
    shape = make_shape(world, "Acme")
    terms = {
        "payer_rule": "organization",
        "default_band": "agentic",
        "default_coverage_percent": 100,
        "cap_cents_per_month": None,
    }
    shape["owner"].api("PUT", f"{shape.path}/terms", terms)
    invite(shape, world.stranger)
    text = world.stranger.page("/invitations").text
    assert "That is by the flat rate; by the detailed method it would be $2.00." in text
