from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from flask_tokenoffset.formatting import quantity_range
from flask_tokenoffset.methodology import (
    ModelUsage,
    band,
    class_aware,
    estimate_environment,
)
from flask_tokenoffset.models import Adoption, Plan
from tests.support.html_page import HtmlPage

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World


def test_the_review_shows_what_a_sample_rests_on(world: World) -> None:
    source_id = world.ada.sample(label="Lab")
    estimate = world.ada.newest_estimate(source_id)
    text = world.ada.page(f"/estimates/{estimate['id']}").text
    assert "Sampled: Lab" in text
    assert "Measured: what was used in the last four complete weeks." in text
    assert "23 October 2026 to 19 November 2026" in text
    # Pages name the two methods as they do beside the amounts.
    difference = estimate["class_aware"]["difference"]
    assert difference.startswith(
        "The published energy figure is about 8.1 times the class-aware one"
    )
    named = difference.replace("published", "flat-rate")
    assert named.replace("class-aware", "detailed") in text
    for kind in ("uncached_input", "cached_input", "cache_creation", "output"):
        assert f"{estimate['tokens_per_month'][kind]:,}" in text
    assert f"${float(estimate['cost_usd_per_month']):,.2f}" in text
    assert "of what the vendor charges a month" in text
    assert "Any 28 days in a row" in text
    assert estimate["outlook"]["sentence"] in text
    assert "Nobody is charged for growth that has not happened" in text


@pytest.mark.parametrize(("method_version", "first"), [("2026-05", "flat"), ("2026.11", "range")])
def test_each_figure_names_its_method_and_the_one_that_is_charged_comes_first(
    make_world: Callable[..., World], method_version: str, first: str
) -> None:
    world = make_world(TOKENOFFSET_METHOD=method_version)
    page = world.ada.page(f"/estimates/{world.ada.pick_band('worker')}")
    # 5 million tokens at 0.50 Wh, 3 mL and 0.6 g per thousand.
    flat = ("2.5 kWh", "15 L", "3.0 kg")
    shown = [each.text for each in page.by_class("to-range-figure")]
    for figure, text in zip(flat, shown, strict=True):
        if first == "flat":
            assert f" a month {figure} by the flat rate, which sets the amount" in text
            assert " By the detailed method: between " in text
        else:
            assert " By the detailed method, which sets the amount: between " in text
            assert f"By the flat rate: {figure}" in text
        assert "By the flat rate it is about" in text
        assert "times the most likely figure." in text


def test_under_a_pinned_version_the_ranges_are_those_that_the_amount_is_computed_from(
    make_world: Callable[..., World],
) -> None:
    use = {"kind": "custom", "tokens_per_month": 140_000_000}
    shown = {}
    for version in ("2026.11", "2026.12"):
        world = make_world(TOKENOFFSET_METHOD=version)
        made = world.ada.api("POST", "/estimates", use).get_json()
        assert made["class_aware"]["version"] == version
        text = world.ada.page(f"/estimates/{made['id']}").text
        assert f"2026-05 (flat rate), {version} (detailed)" in text
        expected = estimate_environment(
            [ModelUsage.of_class(band("agentic").model_class, band("agentic").midpoint)],
            class_aware_method=class_aware(version),
        ).class_aware
        shown[version] = " ".join(quantity_range(expected.energy_wh, "energy").split())
        assert f"By the detailed method, which sets the amount: {shown[version]}" in text
    assert shown["2026.11"] != shown["2026.12"]


def test_notes_are_shown(make_world: Callable[..., World]) -> None:
    world = make_world(customer={"profile": "new_customer"})
    estimate = world.ada.newest_estimate(world.ada.sample())
    assert estimate["notes"]
    text = world.ada.page(f"/estimates/{estimate['id']}").text
    for note in estimate["notes"]:
        assert note["sentence"] in text


@pytest.mark.parametrize(
    ("coverage", "amount"), [("0", "$0.00"), ("100", "$1.25"), ("150", "$1.88"), ("1000", "$12.50")]
)
def test_the_amount_follows_the_coverage(world: World, coverage: str, amount: str) -> None:
    page = world.ada.page(f"/estimates/{world.ada.pick_band()}?coverage={coverage}")
    assert f"Adopt {amount} a month" in page.text
    assert page.form("/plan/adoptions").values["coverage"] == coverage


def test_the_script_is_given_the_rate_of_the_published_method_only(
    make_world: Callable[..., World],
) -> None:
    # The detailed method suggests $1 for this use, of which the level is a share.
    for settings, tokens, cents_per_million in (
        ({}, "5000000", "25"),
        ({"TOKENOFFSET_METHOD": "2026.11"}, "1000000", "100"),
    ):
        world = make_world(**settings)
        page = world.ada.page(f"/estimates/{world.ada.pick_band('worker')}")
        (slider,) = page.by_class("to-slider")
        assert slider.attributes["data-to-tokens"] == tokens
        assert slider.attributes["data-to-cents-per-million"] == cents_per_million
        (update,) = [each for each in page.elements if each.attributes.get("name") == "update"]
        assert "data-to-without-script" in update.attributes
        (cents,) = [e for e in page.elements if e.attributes.get("name") == "amount_cents"]
        assert "data-to-cents-of" in cents.attributes


def test_the_slider_reaches_ten_times_the_estimate(world: World) -> None:
    page = world.ada.page(f"/estimates/{world.ada.pick_band()}")
    slider = page.by_id("to-coverage").attributes
    assert (slider["min"], slider["max"], slider["value"]) == ("0", "1000", "100")


def test_without_a_coverage_the_plans_is_kept(world: World) -> None:
    world.ada.adopt(world.ada.pick_band("worker"), 250)
    page = world.ada.page(f"/estimates/{world.ada.pick_band('casual')}")
    assert page.by_id("to-coverage").attributes["value"] == "250"
    assert "You contribute $3.13 a month now" in page.text


@pytest.mark.parametrize("coverage", ["1001", "-1", "abc", ""])
def test_a_wrong_coverage_is_told_beside_its_field(world: World, coverage: str) -> None:
    page = world.ada.page(f"/estimates/{world.ada.pick_band()}?coverage={coverage}", status=422)
    assert "0 to 1,000" in page.error_of("to-coverage")
    assert page.by_id("to-coverage").attributes["value"] == coverage
    assert "Adopt $" not in page.text


def test_the_update_button_shows_the_new_amount_and_adopts_nothing(world: World) -> None:
    path = f"/estimates/{world.ada.pick_band()}"
    answer = world.ada.submit(path, "/plan/adoptions", coverage="200", update="yes")
    assert answer.status_code == 303
    assert answer.location.endswith(f"{path}?coverage=200")
    assert "Adopt $2.50 a month" in world.ada.page(f"{path}?coverage=200").text
    assert world.rows(Plan) == {"tokenoffset_plan": []}


def test_the_shown_amount_is_adopted(world: World) -> None:
    path = f"/estimates/{world.ada.pick_band()}?coverage=200"
    answer = world.ada.submit(path, "/plan/adoptions")
    assert answer.status_code == 303
    assert answer.location.endswith("/plan?done=adopted")
    adoption = world.ada.api("GET", "/plan").get_json()["adoption"]
    assert (adoption["amount_cents"], adoption["coverage_percent"]) == (250, 200)


def test_a_moved_slider_is_not_adopted_unseen(world: World) -> None:
    path = f"/estimates/{world.ada.pick_band()}"
    answer = world.ada.submit(path, "/plan/adoptions", coverage="200")
    assert answer.status_code == 422
    page = HtmlPage(answer.text)
    assert "no longer the one that was shown" in page.text
    assert "Adopt $2.50 a month" in page.text
    assert page.form("/plan/adoptions").values["coverage"] == "200"
    assert world.rows(Plan, Adoption) == {"tokenoffset_plan": [], "tokenoffset_adoption": []}
    # The same form, sent as it now stands, adopts what it now shows.
    values = page.form("/plan/adoptions").values
    assert world.ada.client.post("/tokenoffset/plan/adoptions", data=values).status_code == 303


@pytest.mark.parametrize("amount", [None, "", "-125", "1.25", "abc", "9" * 40])
def test_nothing_is_adopted_without_the_amount_that_was_shown(
    world: World, amount: str | None
) -> None:
    fields = {"estimate_id": world.ada.pick_band(), "coverage": "100"}
    if amount is not None:
        fields["amount_cents"] = amount
    answer = world.ada.post("/plan/adoptions", **fields)
    assert answer.status_code == 422
    assert "Adopt $1.25 a month" in HtmlPage(answer.text).text
    assert world.rows(Plan) == {"tokenoffset_plan": []}


def test_a_wrong_coverage_adopts_nothing(world: World) -> None:
    answer = world.ada.post(
        "/plan/adoptions", estimate_id=world.ada.pick_band(), coverage="1001", amount_cents="1252"
    )
    assert answer.status_code == 422
    assert HtmlPage(answer.text).error_of("to-coverage")
    assert world.rows(Plan) == {"tokenoffset_plan": []}


def test_anothers_estimate_is_missing(world: World) -> None:
    hers = world.ada.pick_band()
    assert world.ada.get(f"/estimates/{hers}").status_code == 200
    world.ben.pick_band()
    for browser in (world.ben, world.stranger):
        missing = browser.get(f"/estimates/{uuid4()}")
        answer = browser.get(f"/estimates/{hers}")
        assert answer.status_code == missing.status_code == 404
        adopted = browser.post(
            "/plan/adoptions", estimate_id=hers, coverage="100", amount_cents="125"
        )
        assert adopted.status_code == 404
    assert world.rows(Plan) == {"tokenoffset_plan": []}
    # The row a first change makes is gone with the change that failed.
    assert not world.stranger.has_account


def test_an_estimate_id_that_is_none_is_missing(world: World) -> None:
    assert world.ada.post("/plan/adoptions", estimate_id="newest").status_code == 404
    assert world.ada.post("/plan/adoptions").status_code == 404


def test_nobody_is_sent_to_sign_in(world: World) -> None:
    hers = world.ada.pick_band()
    assert world.nobody.get(f"/estimates/{hers}").location.startswith("/sign-in")


def test_several_connections_together_are_named_so(world: World) -> None:
    world.ada.sample("anthropic")
    world.ada.sample("openai")
    page = world.ada.page("/")
    text = world.ada.page(page.link("Review and adopt").removeprefix("/tokenoffset")).text
    assert "All connections together" in text
