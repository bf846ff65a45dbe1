"""The simulators' figures: believable, the same however asked for, and equal to the ledger."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_tokenoffset.testing import (
    ANTHROPIC_DEMO_KEY,
    OPENAI_DEMO_KEY,
    AnthropicSimulator,
    OpenAISimulator,
    ProfileName,
    Totals,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

TODAY = date(2026, 11, 20)
START = TODAY - timedelta(days=90)
ONE_DAY = timedelta(days=1)
SIMULATORS = [AnthropicSimulator, OpenAISimulator]
Simulators = type[AnthropicSimulator] | type[OpenAISimulator]
PROFILES: list[ProfileName] = ["small_team", "new_customer", "quiet", "large"]

# Dollars a million tokens: the public list prices of autumn 2026, written down a second time.
LIST_PRICES = {
    "claude-opus-5-5": (4, 0.20, 5, 20),
    "claude-sonnet-5-5": (2, 0.10, 2.5, 10),
    "claude-sonnet-4-5": (3, 0.30, 3.75, 15),
    "claude-haiku-4-5": (1, 0.10, 1.25, 5),
    "gpt-6.1-sol": (2, 0.10, 2.5, 10),
    "gpt-5-2025-08-07": (1.25, 0.125, 1.25, 10),
    "gpt-6-luna": (0.10, 0.01, 0.125, 0.50),
    "gpt-4o-2024-08-06": (2.5, 1.25, 2.5, 10),
    "gpt-5-mini-2025-08-07": (0.25, 0.025, 0.25, 2),
}


def make(
    kind: Simulators, profile: ProfileName = "small_team", **options: Any
) -> AnthropicSimulator | OpenAISimulator:
    return kind(profile=profile, today=lambda: TODAY, **options)


def epoch(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def pages(
    simulator: AnthropicSimulator | OpenAISimulator,
    report: Literal["usage", "costs"],
    start: date,
    end: date,
    limit: int,
    group_by: list[str],
) -> Iterator[dict[str, Any]]:
    params: dict[str, Any] = {"limit": limit}
    if isinstance(simulator, AnthropicSimulator):
        host, headers = (
            "api.anthropic.com",
            {
                "x-api-key": ANTHROPIC_DEMO_KEY,
                "anthropic-version": "2023-06-01",
            },
        )
        path = {"usage": "usage_report/messages", "costs": "cost_report"}[report]
        url = f"https://{host}/v1/organizations/{path}"
        params |= {"starting_at": start.isoformat(), "ending_at": end.isoformat()}
        params["group_by[]"] = group_by
    else:
        headers = {"authorization": f"Bearer {OPENAI_DEMO_KEY}"}
        path = {"usage": "usage/completions", "costs": "costs"}[report]
        url = f"https://api.openai.com/v1/organization/{path}"
        params |= {"start_time": epoch(start), "end_time": epoch(end), "group_by": group_by}
    with httpx.Client(transport=simulator.transport(), headers=headers) as client:
        while True:
            response = client.get(url, params=params)
            assert response.status_code == 200, response.text
            payload = response.json()
            yield payload
            if not payload["has_more"]:
                return
            params["page"] = payload["next_page"]


def read(
    simulator: AnthropicSimulator | OpenAISimulator,
    start: date,
    end: date,
    *,
    limit: int,
    usage_groups: list[str],
    cost_groups: list[str],
) -> Totals:
    """Add up every page of both reports, in the plainest way there is."""
    uncached = cached = creation = output = requests = 0
    for page in pages(simulator, "usage", start, end, limit, usage_groups):
        for row in (row for bucket in page["data"] for row in bucket["results"]):
            output += row["output_tokens"]
            if isinstance(simulator, AnthropicSimulator):
                uncached += row["uncached_input_tokens"]
                cached += row["cache_read_input_tokens"]
                creation += sum(row["cache_creation"].values())
            else:
                written = row["input_cache_write_tokens"]
                uncached += row["input_tokens"] - row["input_cached_tokens"] - written
                cached += row["input_cached_tokens"]
                creation += written
                requests += row["num_model_requests"]
    nano_usd = Decimal(0)
    for page in pages(simulator, "costs", start, end, limit, cost_groups):
        for row in (row for bucket in page["data"] for row in bucket["results"]):
            if isinstance(simulator, AnthropicSimulator):
                nano_usd += Decimal(row["amount"]) * 10**7
            else:
                nano_usd += Decimal(repr(row["amount"]["value"])) * 10**9
    assert nano_usd == int(nano_usd)
    return Totals(uncached, cached, creation, output, requests, int(nano_usd))


@pytest.mark.parametrize("kind", SIMULATORS)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_ledger_is_the_sum_of_all_pages_however_they_are_split(
    kind: Simulators, data: st.DataObject
) -> None:
    simulator = make(kind, data.draw(st.sampled_from(PROFILES[:3])), seed=data.draw(st.integers()))
    start = TODAY - timedelta(days=data.draw(st.integers(0, 100)))
    end = start + timedelta(days=data.draw(st.integers(0, (TODAY - start).days)))
    is_anthropic = kind is AnthropicSimulator
    usage = ["model", "service_tier", "api_key_id", "context_window" if is_anthropic else "batch"]
    cost = ["description", "workspace_id"] if is_anthropic else ["line_item", "project_id"]

    seen = read(
        simulator,
        start,
        end,
        limit=data.draw(st.integers(1, 31)),
        usage_groups=data.draw(st.lists(st.sampled_from(usage), unique=True)),
        cost_groups=data.draw(st.lists(st.sampled_from(cost), unique=True)),
    )

    truth = simulator.ledger.totals(start, end)
    if is_anthropic:
        truth = truth._replace(request_count=0)
    assert seen == truth


@pytest.mark.parametrize("kind", SIMULATORS)
def test_ledger_adds_up_however_it_is_asked(kind: Simulators) -> None:
    ledger = make(kind).ledger
    whole = ledger.totals(START, TODAY)
    by_day = ledger.by_day(START, TODAY)

    assert len(by_day) == 90
    assert whole == Totals(*map(sum, zip(*by_day.values(), strict=True)))
    by_model = ledger.usage_by(START, TODAY, "model").values()
    assert whole.tokens == sum(totals.tokens for totals in by_model)
    assert whole.cost_nano_usd == sum(ledger.costs_by(START, TODAY, "model").values())


@pytest.mark.parametrize("kind", SIMULATORS)
@pytest.mark.parametrize("profile", PROFILES)
def test_a_date_has_the_same_figures_whenever_it_is_asked_for(
    kind: Simulators, profile: ProfileName
) -> None:
    first_day = date(2026, 9, 1)
    now = kind(profile=profile, today=lambda: TODAY, history=first_day)
    later = kind(profile=profile, today=lambda: date(2027, 3, 1), history=first_day)

    backwards = [now.ledger.usage(day, day + ONE_DAY) for day in (TODAY - ONE_DAY, START)]
    assert backwards == [later.ledger.usage(day, day + ONE_DAY) for day in (TODAY - ONE_DAY, START)]
    assert now.ledger.costs(START, TODAY) == later.ledger.costs(START, TODAY)


@pytest.mark.parametrize("kind", SIMULATORS)
def test_another_seed_is_another_customer(kind: Simulators) -> None:
    one, same, other = make(kind, seed=1), make(kind, seed=1), make(kind, seed=2)

    assert one.ledger.totals(START, TODAY) == same.ledger.totals(START, TODAY)
    assert one.ledger.totals(START, TODAY) != other.ledger.totals(START, TODAY)


@pytest.mark.parametrize("kind", SIMULATORS)
def test_small_team_looks_like_people_who_code(kind: Simulators) -> None:
    by_day = make(kind).ledger.by_day(START, TODAY)
    weekdays = [totals.tokens for day, totals in by_day.items() if day.weekday() < 5]
    weekends = [totals.tokens for day, totals in by_day.items() if day.weekday() >= 5]
    used = sorted(tokens for tokens in weekdays if tokens)

    assert sum(weekdays) / len(weekdays) > 3 * sum(weekends) / len(weekends)
    assert weekends.count(0) >= 3
    # One day in 42 stands out.
    assert sum(tokens > 4 * used[len(used) // 2] for tokens in weekdays) in {2, 3}
    coding = make(kind).ledger.usage_by(START, TODAY, "model")[
        ("claude-opus-5-5",) if kind is AnthropicSimulator else ("gpt-6.1-sol",)
    ]
    assert 0.90 < coding.cached_input_tokens / (coding.tokens - coding.output_tokens) < 0.98


@pytest.mark.parametrize("kind", SIMULATORS)
def test_new_customer_has_twenty_days(kind: Simulators) -> None:
    simulator = make(kind, "new_customer")
    by_day = simulator.ledger.by_day(START, TODAY)

    assert simulator.first_day == TODAY - timedelta(days=20)
    assert not any(totals.tokens for day, totals in by_day.items() if day < simulator.first_day)
    assert by_day[TODAY - ONE_DAY].tokens
    assert make(kind, "new_customer", history=3).first_day == TODAY - timedelta(days=3)


@pytest.mark.parametrize("kind", SIMULATORS)
def test_quiet_customer_uses_one_day_in_eleven(kind: Simulators) -> None:
    by_day = make(kind, "quiet").ledger.by_day(START, TODAY)

    assert sum(totals.tokens > 0 for totals in by_day.values()) in {8, 9}


@pytest.mark.parametrize("kind", SIMULATORS)
def test_large_customer_has_sixty_groups_and_120_lines_every_day(kind: Simulators) -> None:
    simulator = make(kind, "large")
    is_anthropic = kind is AnthropicSimulator
    usage = ["model", "service_tier", "context_window" if is_anthropic else "batch"]
    cost = "description" if is_anthropic else "line_item"

    for report, groups, rows in (("usage", usage, 60), ("costs", [cost], 120)):
        for page in pages(simulator, report, START, TODAY, 31, groups):  # type: ignore[arg-type]  # a tuple of literals is inferred as str
            assert {len(bucket["results"]) for bucket in page["data"]} == {rows}


@pytest.mark.parametrize("kind", SIMULATORS)
def test_costs_are_plausible_against_list_prices(kind: Simulators) -> None:
    ledger = make(kind).ledger
    tokens = ledger.usage_by(START, TODAY, "model")
    cost = ledger.costs_by(START, TODAY, "model")

    assert len(tokens) >= 3
    for (model,), totals in tokens.items():
        prices = LIST_PRICES[str(model)]
        at_list = sum(count * price for count, price in zip(totals[:4], prices, strict=True)) / 1e6
        assert 1 / 3 < cost[(model,)] / 1e9 / at_list < 3, model


@pytest.mark.parametrize("kind", SIMULATORS)
def test_ninety_days_of_a_large_customer_are_written_whole(kind: Simulators) -> None:
    simulator = make(kind, "large")
    simulator.prerender(START, TODAY)
    is_anthropic = kind is AnthropicSimulator
    groups = ["model", "service_tier", "context_window" if is_anthropic else "batch"]
    assert (
        sum(len(page["data"]) for page in pages(simulator, "usage", START, TODAY, 31, groups)) == 90
    )
