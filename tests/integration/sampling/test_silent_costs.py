"""A cost that lacks something is never a figure without a word."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from flask_tokenoffset.testing.simulators.http import Answer
from tests.integration.sampling.books import runs
from tests.integration.sampling.test_vendor_reports import (
    EACH,
    codes,
    command,
    sentence,
    tokens_a_month,
    told,
    worth,
)
from tests.support.vendor_reports import (
    COST_NANO_USD_A_MONTH,
    COST_ROWS,
    DAYS,
    TOKENS_A_MONTH,
    USAGE_ROWS,
    Reports,
    plant,
)
from tests.support.world import KEYS

if TYPE_CHECKING:
    from tests.support.world import World

NAMELESS = dict.fromkeys(("line_item", "description", "model", "service_tier", "token_type"))
DATED = {"anthropic": "claude-sonnet-4-5-20250929", "openai": "gpt-5.5-2026-04-23"}


def cost_worth(provider: str, dollars: str) -> dict[str, Any]:
    """The row of cost with another amount."""
    unit = dollars if provider == "openai" else str(float(dollars) * 100)
    return worth(unit)(deepcopy(COST_ROWS[provider]))


@EACH
@pytest.mark.parametrize("amount", ["-0.50", "-5.00"])
def test_a_credit_on_the_line_of_a_charge_is_no_part_of_a_month(
    world: World, provider: str, amount: str
) -> None:
    reports = Reports(provider)
    for day in DAYS[-10:]:
        reports.costs[day].append(cost_worth(provider, amount))
    document = told(world, reports)
    assert document["projection"]["cost_nano_usd_per_month"] == COST_NANO_USD_A_MONTH
    assert codes(document) == ["credits"]
    assert f"${-10 * float(amount):.2f}" in sentence(document, "credits")


@pytest.mark.parametrize("tier", ["priority", "priority_on_demand"])
def test_use_in_anthropics_priority_tier_makes_the_cost_incomplete(world: World, tier: str) -> None:
    reports = Reports("anthropic")
    for day in DAYS[-3:]:
        reports.usage[day].append({**USAGE_ROWS["anthropic"], "service_tier": tier})
    document = told(world, reports)
    assert document["tokens"]["total"] == 93 * 1_100_000
    assert codes(document) == ["cost_incomplete"]
    assert "On 3 days (17 November 2026, 18" in sentence(document, "cost_incomplete")


def test_openais_priority_tier_is_in_its_cost_report(world: World) -> None:
    reports = Reports("openai")
    for day in DAYS[-3:]:
        reports.usage[day].append({**USAGE_ROWS["openai"], "service_tier": "priority"})
    assert codes(told(world, reports)) == []


@EACH
@pytest.mark.parametrize("usage_model", ["as charged", "dated"])
@pytest.mark.parametrize("lines", ["named", "nameless"])
def test_newest_days_that_cost_nothing_beside_use_are_said(
    world: World, provider: str, usage_model: str, lines: str
) -> None:
    reports = Reports(provider)
    for day in DAYS:
        if usage_model == "dated":
            reports.usage[day][0]["model"] = DATED[provider]
        if day in DAYS[-2:]:
            reports.costs[day] = [cost_worth(provider, "0")]
        if lines == "nameless":
            reports.costs[day][0] |= NAMELESS
    document = told(world, reports)
    assert tokens_a_month(document) == TOKENS_A_MONTH
    assert codes(document) == ["cost_incomplete"]
    assert "On 2 days (18 November 2026, 19" in sentence(document, "cost_incomplete")


@EACH
def test_a_day_without_use_that_cost_nothing_lacks_nothing(world: World, provider: str) -> None:
    reports = Reports(provider)
    reports.usage[DAYS[-3]] = []
    reports.costs[DAYS[-3]] = [cost_worth(provider, "0")]
    assert codes(told(world, reports)) == []


@EACH
def test_a_model_is_the_same_with_its_date_beside_another_line(world: World, provider: str) -> None:
    reports = Reports(provider)
    other = {"description": "Web Search", "line_item": "web search", "token_type": None}
    for day in DAYS:
        reports.usage[day][0]["model"] = DATED[provider]
        if day in DAYS[-14:]:
            reports.costs[day] = [cost_worth(provider, "0")]
        reports.costs[day].append({**cost_worth(provider, "0.01"), **other})
    document = told(world, reports)
    assert codes(document) == ["cost_incomplete"]
    assert "On 14 days" in sentence(document, "cost_incomplete")
    for day in DAYS[-14:]:
        reports.costs[day][0] = deepcopy(COST_ROWS[provider])
    assert codes(told(world, reports)) == []


@EACH
def test_days_with_a_credit_alone_are_as_days_without_a_cost(world: World, provider: str) -> None:
    reports = Reports(provider)
    for day in DAYS[-2:]:
        reports.costs[day] = [cost_worth(provider, "-0.50")]
    document = told(world, reports)
    assert document["projection"]["cost_nano_usd_per_month"] == COST_NANO_USD_A_MONTH
    assert codes(document) == ["cost_incomplete", "credits"]
    assert "does not say yet" in sentence(document, "cost_incomplete")


@EACH
def test_days_that_neither_report_speaks_of_did_not_cost_nothing(
    world: World, provider: str
) -> None:
    reports = Reports(provider)
    for day in DAYS[30:33]:
        del reports.usage[day]
        reports.costs[day] = []
    document = told(world, reports)
    assert document["cost_nano_usd"] is None
    assert document["known_cost_nano_usd"] == 87 * 2_500_000_000
    unread = [day.isoformat() for day in DAYS[30:33]]
    assert document["window"]["unknown_cost_days"] == unread
    assert codes(document) == ["unknown_days", "cost_incomplete"]


# -- What is asked beside the use ------------------------------------------------------------------


@EACH
@pytest.mark.parametrize("status", [404, 429, 500])
def test_an_estimate_stands_where_only_the_cost_report_fails(
    world: World, provider: str, status: int
) -> None:
    plant(world.vendors[provider], "costs", {}, status)
    Reports(provider).answer_from(world.vendors[provider])
    document = json.loads(command(world, provider, "--json").stdout)
    assert tokens_a_month(document) == TOKENS_A_MONTH
    assert document["projection"]["cost_nano_usd_per_month"] is None
    assert codes(document) == ["cost_unknown"]


@pytest.mark.parametrize("me", [({}, 404), ({}, 500), ({"name": "Acme"}, 200)])
def test_an_estimate_needs_no_organization(world: World, me: tuple[Any, int]) -> None:
    plant_organization(world, Answer.of_json(*me))
    document = told_with_faults(world)
    assert tokens_a_month(document) == TOKENS_A_MONTH
    assert document["organization"] == {"id": None, "name": None}
    assert codes(document) == []


def test_a_key_whose_use_cannot_be_read_gives_no_estimate(world: World) -> None:
    plant_organization(world, Answer.of_json({}, 500))
    plant(world.anthropic, "usage", {}, 400)
    result = command(world, "anthropic", "--json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "did not accept the question" in result.stderr


@EACH
def test_a_key_is_connected_where_only_the_cost_report_fails(world: World, provider: str) -> None:
    plant(world.vendors[provider], "costs", {}, 500)
    Reports(provider).answer_from(world.vendors[provider])
    world.ada.connect(provider)
    assert runs(world)[0].status == "queued"


def test_a_key_of_no_known_organization_is_connected_under_the_vendors_name(world: World) -> None:
    plant_organization(world, Answer.of_json({}, 404))
    Reports("anthropic").answer_from(world.anthropic)
    source_id = world.ada.sample("anthropic")
    assert world.ada.api("GET", f"/sources/{source_id}").get_json()["label"] == "Anthropic"
    assert world.ada.newest_estimate(source_id)["tokens_per_month"]["total"] == TOKENS_A_MONTH


@pytest.mark.parametrize("me", [({}, 500), ({"name": "Acme"}, 200)])
def test_a_key_is_not_connected_while_its_organization_may_yet_be_told(
    world: World, me: tuple[Any, int]
) -> None:
    # The same organization connected twice would count twice.
    plant_organization(world, Answer.of_json(*me))
    answer = world.ada.api("POST", "/sources", {"provider": "anthropic", "key": KEYS["anthropic"]})
    assert answer.status_code >= 400
    assert runs(world) == []


def plant_organization(world: World, answer: Answer) -> None:
    world.anthropic.faults.add(
        lambda _incoming, _answer_of: answer, path="*/organizations/me", times=None
    )


def told_with_faults(world: World) -> dict[str, Any]:
    """What the command says of a steady customer of Anthropic."""
    Reports("anthropic").answer_from(world.anthropic)
    document: dict[str, Any] = json.loads(command(world, "anthropic", "--json").stdout)
    return document
