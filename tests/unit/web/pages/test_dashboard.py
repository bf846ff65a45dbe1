from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from flask_tokenoffset.models import Adoption, BillingRecord, Plan
from flask_tokenoffset.testing.simulators import faults

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World


def test_a_newcomer_is_offered_both_ways_in(world: World) -> None:
    page = world.stranger.page("/")
    assert page.link("Connect Anthropic").endswith("/sources/connect/anthropic")
    assert page.link("Connect OpenAI").endswith("/sources/connect/openai")
    assert page.link("Pick a band").endswith("/bands")
    assert not world.stranger.has_account


def test_only_enabled_vendors_are_offered(make_world: Callable[..., World]) -> None:
    page = make_world(TOKENOFFSET_PROVIDERS=["openai"]).stranger.page("/")
    assert page.link("Connect OpenAI")
    assert "Anthropic" not in page.text


def test_nobody_is_sent_to_sign_in(world: World) -> None:
    answer = world.nobody.get("/")
    assert answer.status_code == 302
    assert answer.location.startswith("/sign-in")


def test_the_adopted_amount_is_shown_to_the_cent(world: World) -> None:
    world.ada.adopt(world.ada.pick_band("worker"), 150)
    text = world.ada.page("/").text
    # 5 million tokens at 25 cents a million, one and a half times: 187.5, rounded up.
    assert "Contribution a month $1.88" in text
    assert "Contribution level 1.5x rate" in text
    assert "The Worker band" in text
    assert "$1.87" not in text


def test_a_sample_is_proposed_and_not_charged(world: World) -> None:
    source_id = world.ada.sample(label="Lab")
    estimate = world.ada.newest_estimate(source_id)
    page = world.ada.page("/")
    assert "Your estimate is ready" in page.text
    assert page.link("Review and adopt").endswith(f"/estimates/{estimate['id']}")
    assert world.rows(Plan) == {"tokenoffset_plan": []}


def test_the_range_is_told_in_words_beside_the_published_rate(world: World) -> None:
    world.ada.sample()
    text = world.ada.page("/").text
    for quantity in ("Energy a month", "Water a month", "CO2e a month"):
        assert quantity in text
    assert text.count("most likely") >= 3
    assert "By the flat rate" in text
    assert "environmental estimate" in text


@pytest.mark.promise("TO-029")
def test_a_new_sample_stands_beside_the_plan_and_moves_nothing(world: World) -> None:
    source_id = world.ada.settle(coverage_percent=150)
    before = world.rows(Plan, Adoption, BillingRecord)
    amount = world.ada.api("GET", "/plan").get_json()["adoption"]["amount_cents"]
    assert "newer estimate" not in world.ada.page("/").text

    for day in range(30, 0, -1):
        world.anthropic.revise(world.clock.today() - timedelta(days=day), percent=300)
    world.clock.move(days=1)
    world.ada.resample(source_id)

    newer = world.ada.newest_estimate(source_id)
    page = world.ada.page("/")
    assert world.rows(Plan, Adoption, BillingRecord) == before
    assert f"Contribution a month ${amount / 100:,.2f}" in page.text
    assert "There is a newer estimate" in page.text

    form = page.form("/plan/adoptions")
    assert form.values["estimate_id"] == newer["id"]
    assert form.values["coverage"] == "150"
    assert int(form.values["amount_cents"]) > 2 * amount
    compared = page.by_id("to-comparison").text
    for cents in (amount, int(form.values["amount_cents"])):
        assert f"${cents / 100:,.2f}" in compared


@pytest.mark.promise("TO-029")
def test_one_button_adopts_the_newer_estimate(world: World) -> None:
    source_id = world.ada.settle(coverage_percent=150)
    world.clock.move(days=8)
    world.ada.resample(source_id)
    shown = world.ada.page("/").form("/plan/adoptions").values
    answer = world.ada.submit("/", "/plan/adoptions")
    assert answer.status_code == 303
    adoption = world.ada.api("GET", "/plan").get_json()["adoption"]
    assert adoption["amount_cents"] == int(shown["amount_cents"])
    assert adoption["coverage_percent"] == 150
    assert "There is a newer estimate" not in world.ada.page("/").text


def test_the_chart_has_its_figures_in_a_table(world: World) -> None:
    world.ada.sample()
    page = world.ada.page("/")
    day = world.clock.today() - timedelta(days=1)
    totals = world.anthropic.ledger.by_day(day, day + timedelta(days=1))[day]
    row = next(
        each.text
        for each in page.elements
        if each.tag == "tr" and each.text.startswith(f"{day.day} {day:%B %Y}")
    )
    assert f"{totals.cached_input_tokens:,}" in row
    assert f"{totals.output_tokens:,}" in row


@pytest.mark.promise("TO-030")
def test_what_the_vendors_charged_stands_beside_the_tokens(world: World) -> None:
    world.ada.sample()
    today = world.clock.today()
    totals = world.anthropic.ledger.totals(today - timedelta(days=90), today)
    assert f"charged ${totals.cost_nano_usd / 1e9:,.2f}" in world.ada.page("/").text


def test_a_sample_under_way_shows_how_far_it_is(world: World) -> None:
    source_id = world.ada.connect()
    (run_id,) = world.queue.run_ids
    page = world.ada.page("/")
    (progress,) = page.by_class("to-progress")
    assert progress.attributes["data-to-poll"].endswith(f"/sources/{source_id}/samples/{run_id}")
    assert world.ada.client.get(progress.attributes["data-to-poll"]).status_code == 200
    assert page.link("Pick a band").endswith("/bands")
    (refresh,) = [each for each in page.elements if each.attributes.get("http-equiv") == "refresh"]
    assert refresh.attributes["content"].isdecimal()

    world.work()
    page = world.ada.page("/")
    assert not page.by_class("to-progress")
    assert "no estimate from your connections yet" not in page.text
    assert "Up to date" in page.text
    assert not [each for each in page.elements if "http-equiv" in each.attributes]


def test_a_sample_without_a_projection_says_why(make_world: Callable[..., World]) -> None:
    world = make_world(customer={"history": 5})
    world.ada.sample()
    text = world.ada.page("/").text
    assert "No estimate yet" in text
    assert "a monthly value needs 14 days" in text
    assert "Your estimate is ready" not in text


def test_a_paused_connection_says_why(world: World) -> None:
    source_id = world.ada.sample()
    assert "Up to date" in world.ada.page("/").text
    world.anthropic.faults.add(faults.status(401), times=None)
    world.clock.move(days=1)
    world.ada.resample(source_id)
    page = world.ada.page("/")
    assert [each.text for each in page.by_class("to-badge-warning")] == ["Paused"]
    (reason,) = world.ada.api("GET", "/sources").get_json()["items"]
    assert reason["paused_reason"] in page.text


def test_what_changed_is_told_newest_first(world: World) -> None:
    source_id = world.ada.sample(label="Lab")
    world.clock.move(hours=1)
    plan = world.ada.adopt(world.ada.newest_estimate(source_id)["id"])
    text = world.ada.page("/").text
    amount = f"${plan['adoption']['amount_cents'] / 100:,.2f}"
    assert text.index(f"{amount} a month was adopted") < text.index("Lab was sampled")


def test_an_ended_plan_says_so(world: World) -> None:
    world.ada.adopt(world.ada.pick_band())
    assert "Ended" not in world.ada.page("/").text
    world.ada.api("POST", "/plan/end")
    assert "Ended" in world.ada.page("/").text


def test_accounts_see_their_own_only(settled_world: World) -> None:
    world = settled_world
    world.ben.adopt(world.ben.pick_band("extreme"), 1000)
    theirs = f"${world.ben.api('GET', '/plan').get_json()['adoption']['amount_cents'] / 100:,.2f}"
    assert theirs in world.ben.page("/").text
    assert theirs not in world.ada.page("/").text
    assert theirs not in world.stranger.page("/").text


def test_a_disconnected_source_leaves_the_plan_readable(world: World) -> None:
    source_id = world.ada.settle()
    amount = world.ada.api("GET", "/plan").get_json()["adoption"]["amount_cents"]
    assert world.ada.api("DELETE", f"/sources/{source_id}").status_code == 204
    text = world.ada.page("/").text
    assert f"${amount / 100:,.2f}" in text
    assert "A sampled connection" in text


def test_an_empty_dashboard_offers_the_band_first_and_the_key_second(world: World) -> None:
    page = world.stranger.page("/")
    offered = [
        each
        for each in page.elements
        if each.tag == "a" and each.text.startswith(("Pick a band", "Connect "))
    ]
    titles = [each.text for each in offered]
    assert titles == ["Pick a band", "Connect Anthropic", "Connect OpenAI"]
    kinds = [each.attributes["class"].rpartition("-")[2] for each in offered]
    assert kinds == ["primary", "secondary", "secondary"]
    assert page.text.index("Pick the band") < page.text.index("Or connect a vendor")
