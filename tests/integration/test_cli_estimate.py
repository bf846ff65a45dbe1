"""The command that reads a vendor once and stores nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from flask_tokenoffset.cli import tokenoffset
from flask_tokenoffset.testing import (
    ANTHROPIC_DEMO_KEY,
    ANTHROPIC_ORDINARY_KEY,
    OPENAI_DEMO_KEY,
    OPENAI_REVOKED_KEY,
    AnthropicSimulator,
    OpenAISimulator,
    Simulator,
)
from flask_tokenoffset.testing.simulators import faults

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

    from tests.support.world import World

KEYS: Final = {"anthropic": ANTHROPIC_DEMO_KEY, "openai": OPENAI_DEMO_KEY}
SIMULATORS: Final[dict[str, type[Simulator]]] = {
    "anthropic": AnthropicSimulator,
    "openai": OpenAISimulator,
}


def run(world: World, *arguments: str, key: str = "") -> Result:
    return world.app.test_cli_runner().invoke(
        tokenoffset, ["estimate", *arguments], input=key, catch_exceptions=False
    )


def document(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    read: dict[str, Any] = json.loads(result.stdout)
    return read


@pytest.mark.parametrize("provider", sorted(KEYS))
@pytest.mark.parametrize("days", [14, 90, 120])
def test_simulated_totals_equal_the_simulators_own_ledger(
    world: World, provider: str, days: int
) -> None:
    answer = document(
        run(
            world,
            "--provider",
            provider,
            "--days",
            str(days),
            "--simulate",
            "--json",
            key=KEYS[provider],
        )
    )

    simulator = SIMULATORS[provider](today=world.clock.today)
    start, end = answer["window"]["start"], answer["window"]["end"]
    totals = simulator.ledger.totals(
        world.clock.today().fromisoformat(start), world.clock.today().fromisoformat(end)
    )
    assert answer["window"]["days"] == days
    assert answer["cost_nano_usd"] == totals.cost_nano_usd
    assert answer["tokens"] == {
        "uncached_input": totals.uncached_input_tokens,
        "cached_input": totals.cached_input_tokens,
        "cache_creation": totals.cache_creation_tokens,
        "output": totals.output_tokens,
        "total": totals.tokens,
    }


@pytest.mark.parametrize("provider", sorted(KEYS))
def test_it_reads_the_hosts_vendor_and_agrees_with_a_connected_sample(
    world: World, provider: str
) -> None:
    answer = document(run(world, "--provider", provider, "--json", key=KEYS[provider] + "\n"))

    estimate = world.ada.newest_estimate(world.ada.sample(provider))
    assert (
        answer["projection"]["tokens_per_month"]["total"] == (estimate["tokens_per_month"]["total"])
    )
    assert answer["environment_per_month"]["co2e_g"] == estimate["class_aware"]["co2e_g"]
    plan = world.ada.adopt(estimate["id"])
    assert answer["contribution"]["amount_cents_per_month"] == (plan["adoption"]["amount_cents"])


def test_nothing_is_stored(world: World) -> None:
    before = world.rows()

    run(world, "--provider", "openai", key=OPENAI_DEMO_KEY)

    assert world.rows() == before


def test_the_table_names_everything_a_person_asked_for(world: World) -> None:
    table = run(world, "--provider", "anthropic", key=ANTHROPIC_DEMO_KEY).stdout

    for words in (
        "Simulated Industries",
        "Input, read from a cache",
        "Charged a month",
        "Energy a month",
        "between",
        "Contribution",
        "a month (method 2026-05)",
    ):
        assert words in table


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (ANTHROPIC_ORDINARY_KEY, "key from Anthropic"),
        ("sk-proj-" + "a" * 40, "project key"),
        ("", "key"),
        ("sk-admin-" + "é" * 30, "key"),
    ],
)
def test_a_wrong_key_is_refused_before_any_call(world: World, key: str, words: str) -> None:
    result = run(world, "--provider", "openai", key=key)

    assert result.exit_code == 1
    assert words in result.stderr
    assert not world.openai.calls
    if key:
        assert key not in result.output


def test_a_refused_key_shows_the_vendors_reason_and_not_the_key(world: World) -> None:
    result = run(world, "--provider", "openai", key=OPENAI_REVOKED_KEY)

    assert result.exit_code == 1
    assert "OpenAI said:" in result.stderr
    assert OPENAI_REVOKED_KEY not in result.output


@pytest.mark.parametrize("fault", [faults.status(404), faults.html(), faults.cut_json()])
def test_a_vendor_that_fails_half_way_yields_no_figures(
    world: World, fault: Callable[..., Any]
) -> None:
    world.openai.faults.add(fault, path="*", times=None, after=3)

    result = run(world, "--provider", "openai", key=OPENAI_DEMO_KEY)

    assert result.exit_code == 1
    assert "tokens" not in result.stdout


def test_a_short_history_says_why_there_is_no_number(
    make_world: Callable[..., World],
) -> None:
    world = make_world(customer={"history": 5})

    answer = document(run(world, "--provider", "openai", "--json", key=OPENAI_DEMO_KEY))

    assert answer["projection"] is None
    assert answer["no_projection"]["code"] == "too-few-days"


def test_a_vendor_that_is_not_enabled_is_refused_with_those_that_are(
    make_world: Callable[..., World],
) -> None:
    result = run(make_world(TOKENOFFSET_PROVIDERS=["openai"]), "--provider", "anthropic", key="")
    assert result.exit_code == 2
    assert "Choose one of: openai." in result.output
