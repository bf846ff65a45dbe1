from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from flask_tokenoffset.errors import ConfigurationError
from flask_tokenoffset.models import DailyCost, DailyUsage, Estimate
from flask_tokenoffset.providers import PROVIDERS
from flask_tokenoffset.providers.vendors import anthropic, openai
from tests.support.source_pages import connect, is_empty, squashed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World

PROMISED = {
    "anthropic": {
        "GET https://api.anthropic.com/v1/organizations/me",
        "GET https://api.anthropic.com/v1/organizations/usage_report/messages",
        "GET https://api.anthropic.com/v1/organizations/cost_report",
    },
    "openai": {
        "GET https://api.openai.com/v1/organization/usage/completions",
        "GET https://api.openai.com/v1/organization/costs",
    },
}


def printed_calls(world: World) -> set[str]:
    """Every call that the page names."""
    text = world.nobody.page("/connections").text
    return set(re.findall(r"[A-Z]+ https://api\.\S+", text))


@pytest.mark.promise("TO-016", "TO-017", "TO-018")
def test_the_calls_on_the_page_are_the_calls_that_are_made(world: World) -> None:
    printed = printed_calls(world)
    assert printed == PROMISED["anthropic"] | PROMISED["openai"]
    for provider, vendor in world.vendors.items():
        assert connect(world.ada, provider).status_code == 303
        world.work()
        made = {f"{call.method} https://{call.host}{call.path}" for call in vendor.calls}
        assert made == PROMISED[provider]
    assert not is_empty(world, DailyUsage, DailyCost)


def test_groupings_are_named_where_the_call_is(world: World) -> None:
    text = world.nobody.page("/connections").text
    for groups in (
        anthropic.USAGE_GROUPS,
        anthropic.COST_GROUPS,
        openai.USAGE_GROUPS,
        openai.COST_GROUPS,
    ):
        words = [group.replace("_", " ") for group in groups]
        assert re.search("grouped by [^.]*" + "[^.]*".join(words), text), groups


@pytest.mark.promise("TO-025")
def test_what_is_not_read_and_not_covered_is_listed(world: World) -> None:
    text = squashed(world.nobody.page("/connections").text)
    for provider in PROVIDERS.values():
        walk_through = provider.walk_through
        for sentence in (*walk_through.what_is_not_read, *walk_through.not_covered):
            assert squashed(sentence) in text


def test_only_what_is_enabled_is_described(make_world: Callable[..., World]) -> None:
    world = make_world(TOKENOFFSET_PROVIDERS=["openai"])
    assert printed_calls(world) == PROMISED["openai"]
    page = make_world(TOKENOFFSET_PROVIDERS=[]).nobody.page("/connections")
    assert "No vendor can be connected on this site." in page.text


def test_times_and_limits_are_those_of_the_settings(make_world: Callable[..., World]) -> None:
    text = make_world().nobody.page("/connections").text
    assert "reads the 90 days before" in text
    assert "Sundays 08:00 UTC; runs start within 120 minutes after" in text
    assert "once 6 hours have passed" in text
    assert "submit 20 keys an hour" in text
    assert "at most every 10 minutes" in text
    text = (
        make_world(
            TOKENOFFSET_SAMPLE_DAYS=45,
            TOKENOFFSET_REFRESH_WINDOW_MINUTES=30,
            TOKENOFFSET_SETTLING_HOURS=8,
            TOKENOFFSET_KEY_CHECKS_PER_HOUR=7,
            TOKENOFFSET_RESAMPLE_INTERVAL_MINUTES=0,
        )
        .nobody.page("/connections")
        .text
    )
    assert "reads the 45 days before" in text
    assert "runs start within 30 minutes after" in text
    assert "once 8 hours have passed" in text
    assert "submit 7 keys an hour" in text
    assert "at most every" not in text


def test_the_disconnect_policy_is_what_disconnecting_does(world: World) -> None:
    text = world.nobody.page("/connections").text
    assert "The sealed key." in text
    assert "Every day that was read" in text
    assert "Estimates that were made from it" in text
    source_id = world.ada.sample()
    estimates = world.rows(Estimate)
    world.ada.post(f"/sources/{source_id}/disconnect")
    assert is_empty(world, DailyUsage, DailyCost)
    assert world.rows(Estimate) == estimates


def test_outbound_calls_that_are_off_are_said_to_be(make_world: Callable[..., World]) -> None:
    sentence = "Calls to vendors are switched off on this site."
    assert sentence not in make_world().nobody.page("/connections").text
    assert sentence in make_world(TOKENOFFSET_OUTBOUND=False).nobody.page("/connections").text


def test_anyone_may_read_it(world: World) -> None:
    assert world.nobody.get("/connections").status_code == 200
    assert world.stranger.get("/connections").status_code == 200
    assert not world.stranger.has_account


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"TOKENOFFSET_PROVIDERS": ["opnai"]}, "TOKENOFFSET_PROVIDERS: there is no vendor 'opnai'"),
        ({"TOKENOFFSET_PROVIDERS": "openai, openai"}, "names a vendor twice"),
        ({"TOKENOFFSET_PROVIDERS": [b"openai"]}, "a list of names"),
        (
            {
                "TOKENOFFSET_HTTP_TRANSPORTS": {
                    "opnai": httpx.MockTransport(lambda _: httpx.Response(200))
                }
            },
            "TOKENOFFSET_HTTP_TRANSPORTS: it names opnai",
        ),
    ],
)
def test_a_wrong_name_stops_the_start(
    make_world: Callable[..., World], settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make_world(**settings)
    assert said in caught.value.message
