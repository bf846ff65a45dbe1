from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flask_tokenoffset.blueprints.estimates.forms import ChooserForm, read_coverage
from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.methodology import bands
from flask_tokenoffset.models import Estimate

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World


@pytest.mark.parametrize(
    ("query", "amount"),
    [
        ("?band=casual", "$0.08"),
        ("?band=worker", "$1.25"),
        ("?band=worker&coverage=150", "$1.88"),
        ("?band=agentic&coverage=1000", "$350.00"),
        ("?band=extreme&coverage=0", "$0.00"),
        ("?tokens=5M&coverage=150", "$1.88"),
        ("?band=own&tokens=1,000,000", "$0.25"),
        ("?tokens=1", "$0.01"),
    ],
)
def test_the_address_alone_shows_the_amount(world: World, query: str, amount: str) -> None:
    page = world.ada.page(f"/bands{query}")
    assert f"Contribution a month {amount}" in page.text
    assert page.by_id("to-coverage").attributes["type"] == "number"


def test_the_slider_reaches_ten_times_the_estimate(world: World) -> None:
    slider = world.ada.page("/bands").by_id("to-coverage").attributes
    assert (slider["min"], slider["max"]) == ("0", "1000")


def test_every_band_can_be_chosen(world: World) -> None:
    page = world.ada.page("/bands")
    values = [
        each.attributes["value"] for each in page.elements if each.attributes.get("name") == "band"
    ]
    assert values == [*(band.key for band in bands()), "own"]


def test_ranges_are_written_in_words(world: World) -> None:
    text = world.ada.page("/bands").text
    for words in ("up to 2 million", "2 to 20 million", "20 to 500 million", "over 500 million"):
        assert words in text


def test_looking_stores_nothing(world: World) -> None:
    before = world.rows()
    world.stranger.page("/bands?band=extreme&coverage=150")
    world.stranger.page("/bands?tokens=7M")
    assert world.rows() == before
    assert not world.stranger.has_account


def test_the_update_button_shows_the_amount_and_stores_nothing(world: World) -> None:
    answer = world.ada.submit(
        "/bands", "/estimates", band="own", tokens="7M", coverage="200", update="yes"
    )
    assert answer.status_code == 303
    page = world.ada.page(answer.location.removeprefix("/tokenoffset"))
    assert "Contribution a month $3.50" in page.text
    assert not world.ada.has_account


def test_a_band_becomes_an_estimate_to_review(world: World) -> None:
    answer = world.ada.submit("/bands", "/estimates", band="agentic", coverage="150")
    assert answer.status_code == 303
    page = world.ada.page(answer.location.removeprefix("/tokenoffset"))
    assert "The Agentic band" in page.text
    assert "Adopt $52.50 a month" in page.text


def test_a_typed_amount_becomes_an_estimate_to_review(world: World) -> None:
    answer = world.ada.submit("/bands", "/estimates", band="own", tokens="1.5 billion")
    page = world.ada.page(answer.location.removeprefix("/tokenoffset"))
    assert "Tokens a month 1.5 billion" in page.text
    assert "A typed amount" in page.text
    assert "Adopt $375.00 a month" in page.text


@pytest.mark.parametrize("coverage", ["-1", "1001", "abc", "1.5", "1e2", "9" * 30])
def test_a_wrong_coverage_is_told_beside_its_field(world: World, coverage: str) -> None:
    answer = world.ada.post("/estimates", band="worker", coverage=coverage)
    assert answer.status_code == 422
    page = world.ada.page(f"/bands?band=worker&coverage={coverage}", status=422)
    assert "0 to 1,000" in page.error_of("to-coverage")
    assert page.by_id("to-coverage").attributes["value"] == coverage
    assert page.title.startswith("Error: ")
    assert not world.ada.has_account


@pytest.mark.parametrize("tokens", ["", "many", "-5", "0", "5 apples", "9" * 20, "<b>5</b>"])
def test_a_wrong_amount_is_told_beside_its_field(world: World, tokens: str) -> None:
    fields = {"band": "own", "tokens": tokens, "coverage": "250"}
    answer = world.ada.client.post(
        "/tokenoffset/estimates", data={**world.ada.token_field, **fields}
    )
    assert answer.status_code == 422
    page = type(world.ada.page("/bands"))(answer.text)
    assert page.error_of("to-tokens")
    assert page.by_id("to-tokens").attributes["value"] == tokens
    assert page.by_id("to-coverage").attributes["value"] == "250"
    assert page.form("/estimates").values["band"] == "own"
    assert not world.ada.has_account


def test_an_unknown_band_is_told_beside_the_choice(world: World) -> None:
    answer = world.ada.post("/estimates", band="gigantic")
    assert answer.status_code == 422
    page = world.ada.page("/bands?band=gigantic", status=422)
    assert "There is no band" in page.error_of("to-band")


def test_an_amount_beside_a_chosen_band_is_not_silently_dropped(world: World) -> None:
    page = world.ada.page("/bands?band=worker&tokens=7M", status=422)
    assert "My own amount" in page.error_of("to-tokens")
    assert page.form("/estimates").values["band"] == "worker"


def test_every_wrong_field_is_told_at_once(world: World) -> None:
    page = world.ada.page("/bands?band=own&tokens=many&coverage=lots", status=422)
    assert page.error_of("to-tokens")
    assert page.error_of("to-coverage")


def test_a_form_without_its_token_makes_nothing(world: World) -> None:
    answer = world.ada.client.post("/tokenoffset/estimates", data={"band": "worker"})
    assert answer.status_code == 400
    assert world.rows(Estimate) == {"tokenoffset_estimate": []}


def test_nobody_is_sent_to_sign_in(world: World) -> None:
    assert world.nobody.get("/bands").location.startswith("/sign-in")
    refused = world.nobody.client.post("/tokenoffset/estimates", data={"band": "worker"})
    assert refused.status_code == 302
    assert world.rows(Estimate) == {"tokenoffset_estimate": []}


def test_the_other_method_prices_by_carbon(make_world: Callable[..., World]) -> None:
    text = make_world(TOKENOFFSET_METHOD="2026.11").ada.page("/bands?band=extreme").text
    assert "the high end of the carbon range" in text
    assert "deliberate margin" in text
    assert "The published rate:" not in text


@given(st.integers(min_value=0, max_value=1000))
def test_every_coverage_in_range_is_read(coverage_percent: int) -> None:
    assert read_coverage(f" {coverage_percent} ") == coverage_percent


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.fixed_dictionaries(
        {}, optional={name: st.text(max_size=80) for name in ("band", "tokens", "coverage")}
    )
)
def test_whatever_is_sent_is_read_or_refused(sent: dict[str, str]) -> None:
    form = ChooserForm.read(sent)
    errors: set[str] = set()
    total_tokens = 1
    try:
        preview, coverage_percent = form.check()
    except InvalidInput as error:
        errors = set(error.errors)
        coverage_percent = 0
    else:
        total_tokens = preview.tokens.total
    assert errors <= {"band", "tokens_per_month", "coverage_percent"}
    assert total_tokens > 0
    assert 0 <= coverage_percent <= 1000
