from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from flask_tokenoffset.models import Connection, SampleRun
from flask_tokenoffset.testing import ANTHROPIC_DEMO_KEY
from flask_tokenoffset.testing.simulators import faults
from tests.support.html_page import HtmlPage
from tests.support.source_pages import do_not_wait, stored, text_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    do_not_wait(monkeypatch)


def test_a_newcomer_sees_what_can_be_connected(world: World) -> None:
    page = world.stranger.page("/sources")
    assert page.link("Connect Anthropic").endswith("/sources/connect/anthropic")
    assert page.link("Connect OpenAI").endswith("/sources/connect/openai")
    assert page.link("pick a band or type an amount").endswith("/bands")
    assert "soon" not in page.text.lower()
    assert not world.stranger.has_account


def test_the_list_says_where_each_source_stands(world: World) -> None:
    world.ada.sample(label="Lab")
    world.ada.connect("openai", label="Bench")
    page = world.ada.page("/sources")
    assert page.link("Lab") != page.link("Bench")
    assert "Active Anthropic" in page.text
    assert "20 November 2026, 10:00 UTC" in page.text
    assert "Waiting" in page.text
    assert "«sk-ant…»" in page.text
    assert "Lab" not in world.ben.page("/sources").text


def test_the_list_asks_the_database_no_more_for_more_sources(world: World) -> None:
    world.ada.sample(label="One")
    with world.statements() as few:
        world.ada.get("/sources")
    for label in ("Two", "Three", "Four"):
        world.change_organization()
        world.ada.sample("openai", label=label)
    with world.statements() as many:
        world.ada.get("/sources")
    assert len(many) == len(few)


@pytest.mark.promise("TO-027")
def test_pages_state_when_the_weekly_sample_starts(make_world: Callable[..., World]) -> None:
    world = make_world(TOKENOFFSET_REFRESH_WINDOW_MINUTES=45)
    source_id = world.ada.sample()
    for path in ("/sources", "/sources/connect/openai", f"/sources/{source_id}", "/connections"):
        text = world.ada.page(path).text
        assert "Sundays 08:00 UTC; runs start within 45 minutes after" in text, path
    (connection,) = stored(world, Connection)
    minute = connection["refresh_offset_seconds"] // 60
    assert f"The next one: about 22 November 2026, 08:{minute:02} UTC" in text_of(world, source_id)
    # Once its turn is over, the next one is a week later.
    world.clock.move_to(world.clock.now().replace(day=22, hour=8, minute=minute + 1))
    assert f"about 29 November 2026, 08:{minute:02} UTC" in text_of(world, source_id)


# One source


def test_progress_shows_with_and_without_script(world: World) -> None:
    source_id = world.ada.connect()
    answer = world.ada.get(f"/sources/{source_id}")
    assert '<noscript><meta http-equiv="refresh" content="10"></noscript>' in answer.text
    (place,) = HtmlPage(answer.text).by_class("to-progress")
    polled = world.ada.client.get(place.attributes["data-to-poll"]).get_json()
    assert polled["status"] == "queued"
    assert {"pages_done", "pages_expected"} <= set(polled)
    assert [each.tag for each in HtmlPage(answer.text).elements].count("progress") == 1

    world.work()
    answer = world.ada.get(f"/sources/{source_id}")
    assert "http-equiv" not in answer.text
    assert "<progress" not in answer.text


def test_a_source_shows_what_the_vendor_reported(world: World) -> None:
    source_id = world.ada.sample()
    page = world.ada.page(f"/sources/{source_id}")
    estimate = world.ada.newest_estimate(source_id)
    assert page.link("See the estimate").endswith(f"/estimates/{estimate['id']}")
    assert page.by_id("daily-usage-title").text.startswith("Tokens a day")
    assert page.by_id("daily-cost-title").text
    usage = world.ada.api("GET", f"/sources/{source_id}/usage").get_json()
    day = usage["items"][-1]
    table = page.by_id("daily-usage-table").text
    assert f"19 November 2026 {day['uncached_input_tokens']:,}" in table
    assert table.count(" November 2026") == 19
    assert page.has_form(f"/sources/{source_id}/samples")


def test_days_the_vendor_forgot_are_marked_as_kept(world: World) -> None:
    source_id = world.ada.sample()
    assert "kept from an earlier sample" not in text_of(world, source_id)
    forgotten = world.clock.today() - timedelta(days=9)
    world.anthropic.revise(forgotten, percent=0)
    world.clock.move(minutes=11)
    world.ada.resample(source_id)
    page = world.ada.page(f"/sources/{source_id}")
    assert "1 day was kept from an earlier sample" in page.text
    table = page.by_id("daily-usage-table").text
    assert "11 November 2026 (kept)" in table
    assert table.count("(kept)") == 1


def test_too_short_a_history_is_said_and_a_band_offered(make_world: Callable[..., World]) -> None:
    world = make_world(customer={"history": 5})
    source_id = world.ada.sample()
    page = world.ada.page(f"/sources/{source_id}")
    assert "There is no monthly estimate yet" in page.text
    (run,) = stored(world, SampleRun)
    assert (run["status"], run["reason_code"]) == ("complete", "too-few-days")
    assert run["reason"] in page.text
    assert page.link("Pick a band or type an amount").endswith("/bands")


def test_a_failed_sample_keeps_its_reason_and_what_was_known(world: World) -> None:
    source_id = world.ada.sample()
    world.clock.move(minutes=11)
    world.anthropic.faults.add(faults.status(400), times=None)
    world.ada.resample(source_id)
    page = world.ada.page(f"/sources/{source_id}")
    assert "The last sample failed" in page.text
    assert page.text.count("did not accept the question (answer 400)") == 2
    assert page.link("See the estimate")


def test_a_sample_that_waits_says_until_when(world: World) -> None:
    source_id = world.ada.connect()
    world.anthropic.faults.add(faults.status(503), times=None)
    world.work()
    text = text_of(world, source_id)
    assert "Waits to try again" in text
    assert "has trouble of its own" in text
    assert "The next attempt begins about 20 November 2026, 10:" in text


def test_a_refused_key_pauses_and_a_new_one_mends(world: World) -> None:
    source_id = world.ada.connect()
    world.anthropic.set_key(ANTHROPIC_DEMO_KEY, "revoked")
    world.work()
    page = world.ada.page(f"/sources/{source_id}")
    assert "This connection is paused" in page.text
    assert "does not accept this key" in page.text
    assert not page.has_form("/samples")
    assert page.link("Replace the key").endswith("/key")
    assert "Paused" in world.ada.page("/sources").text
    refused = world.ada.post(f"/sources/{source_id}/samples")
    assert refused.status_code == 409
    assert "Paste a new key first." in HtmlPage(refused.text).text

    new_key = "sk-ant-admin01-" + "n" * 60
    world.anthropic.set_key(new_key, "active")
    path = f"/sources/{source_id}/key"
    answer = world.ada.submit(path, path, key=new_key)
    assert answer.status_code == 303
    world.work()
    page = world.ada.page(f"/sources/{source_id}")
    assert "paused" not in page.text.lower()
    assert page.link("See the estimate")
