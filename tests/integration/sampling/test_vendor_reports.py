"""What vendors' reports say is read truly: silence is not zero, and cost never takes use down."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from flask_tokenoffset.cli import tokenoffset
from flask_tokenoffset.testing.simulators.http import Answer
from tests.integration.sampling.books import runs, stored_costs, stored_usage
from tests.support.vendor_reports import (
    COST_A_MONTH,
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
    from collections.abc import Callable

    from click.testing import Result

    from tests.support.world import World

PROVIDERS = ["anthropic", "openai"]
EACH = pytest.mark.parametrize("provider", PROVIDERS)


def told(world: World, reports: Reports) -> dict[str, Any]:
    """What the command says of these reports."""
    result = run(world, reports)
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def run(world: World, reports: Reports, *options: str) -> Result:
    vendor = world.vendors[reports.provider]
    vendor.faults.clear()
    reports.answer_from(vendor)
    return command(world, reports.provider, *(options or ("--json",)))


def command(world: World, provider: str, *options: str) -> Result:
    return world.app.test_cli_runner().invoke(
        tokenoffset,
        ["estimate", "--provider", provider, *options],
        input=KEYS[provider],
        catch_exceptions=False,
    )


def codes(document: dict[str, Any]) -> list[str]:
    return [note["code"] for note in document["projection"]["notes"]]


def tokens_a_month(document: dict[str, Any]) -> int:
    total: int = document["projection"]["tokens_per_month"]["total"]
    return total


def sentence(document: dict[str, Any], code: str) -> str:
    [found] = [note["sentence"] for note in document["projection"]["notes"] if note["code"] == code]
    assert isinstance(found, str)
    return found


@EACH
def test_whole_reports_need_no_note(world: World, provider: str) -> None:
    document = told(world, Reports(provider))
    assert tokens_a_month(document) == TOKENS_A_MONTH
    assert document["projection"]["cost_nano_usd_per_month"] == COST_NANO_USD_A_MONTH
    assert document["cost_nano_usd"] == 225_000_000_000
    assert codes(document) == []
    assert document["window"]["unknown_usage_days"] == document["window"]["unknown_cost_days"] == []


# -- Silence is not zero ---------------------------------------------------------------------------


@EACH
@pytest.mark.parametrize("came", [DAYS[:60], DAYS[:31] + DAYS[-1:], (), DAYS[::2]])
def test_days_without_a_bucket_give_no_figure(
    world: World, provider: str, came: tuple[date, ...]
) -> None:
    reports = Reports(provider)
    reports.usage = {day: rows for day, rows in reports.usage.items() if day in came}
    document = told(world, reports)
    assert document["projection"] is None
    assert document["no_projection"]["code"] == "unknown-days"
    assert document["window"]["unknown_usage_days"] == [
        day.isoformat() for day in DAYS if day not in came
    ]


@EACH
def test_a_few_days_without_a_bucket_are_named_and_not_counted_as_no_use(
    world: World, provider: str
) -> None:
    reports = Reports(provider)
    for day in (*DAYS[-2:], DAYS[10]):
        del reports.usage[day]
    document = told(world, reports)
    assert tokens_a_month(document) == TOKENS_A_MONTH
    assert set(codes(document)) == {"basis_ends_early", "unknown_days", "cost_without_use"}
    assert "18 November 2026, 19 November 2026" in sentence(document, "unknown_days")
    # The vendor does say what it charged for them.
    assert document["projection"]["cost_nano_usd_per_month"] == COST_NANO_USD_A_MONTH


@EACH
def test_days_that_were_charged_for_without_any_use_are_said(world: World, provider: str) -> None:
    reports = Reports(provider)
    for day in DAYS[-40:]:
        reports.usage[day] = []
    document = told(world, reports)
    assert tokens_a_month(document) == 0
    assert "cost_without_use" in codes(document)
    assert "40 days" in sentence(document, "cost_without_use")
    for day in DAYS:
        reports.usage[day] = []
    document = told(world, reports)
    assert document["no_projection"]["code"] == "no-use"
    assert "charged for 90 of them" in document["no_projection"]["sentence"]


@EACH
def test_an_end_that_names_a_next_page_is_no_end(world: World, provider: str) -> None:
    reports = Reports(provider)
    page = {**reports.page("usage"), "next_page": "page_2"}
    plant(world.vendors[provider], "usage", page)
    reports.answer_from(world.vendors[provider])
    result = command(world, provider, "--json")
    assert result.exit_code == 1
    assert "no more pages" in result.stderr


@EACH
def test_a_sample_keeps_which_days_came(db_world: World, provider: str) -> None:
    reports = Reports(provider)
    for day in DAYS[3:5]:
        del reports.usage[day]
        del reports.costs[day]
    reports.usage[DAYS[7]] = reports.costs[DAYS[7]] = []
    reports.answer_from(db_world.vendors[provider])
    source_id = db_world.ada.sample(provider)
    unread = [day.isoformat() for day in DAYS[3:5]]
    answer = db_world.ada.api("GET", f"/sources/{source_id}").get_json()["newest_complete_run"]
    assert answer["unknown_usage_days"] == answer["unknown_cost_days"] == unread
    items = db_world.ada.api("GET", f"/sources/{source_id}/usage").get_json()["items"]
    by_day = {item["day"]: item for item in items}
    for each in unread:
        assert by_day[each]["output_tokens"] is None
        assert by_day[each]["cost_usd"] is None
    nothing = by_day[DAYS[7].isoformat()]
    assert (nothing["output_tokens"], nothing["cost_usd"]) == (0, "0.000000000")
    page = db_world.ada.page(f"/sources/{source_id}").text
    assert "2 days were not read" in page
    assert "not read" in db_world.ada.page("/").text


@EACH
def test_what_was_known_before_stands_where_the_vendor_falls_silent(
    db_world: World, provider: str
) -> None:
    vendor, reports = db_world.vendors[provider], Reports(provider)
    reports.answer_from(vendor)
    source_id = db_world.ada.sample(provider)
    before = stored_usage(db_world, source_id), stored_costs(db_world, source_id)
    for day in DAYS[20:60]:
        del reports.usage[day]
        reports.costs[day] = [{"no": "amount"}]
    vendor.faults.clear()
    reports.answer_from(vendor)
    db_world.clock.move(minutes=20)
    db_world.ada.resample(source_id)
    assert (stored_usage(db_world, source_id), stored_costs(db_world, source_id)) == before
    newest = runs(db_world)[-1]
    assert (newest.status, newest.unknown_usage_days, newest.unknown_cost_days) == (
        "complete",
        [],
        [],
    )
    estimate = db_world.ada.newest_estimate(source_id)
    assert estimate["tokens_per_month"]["total"] == TOKENS_A_MONTH
    assert Decimal(estimate["cost_usd_per_month"]) == COST_A_MONTH
    assert [note["code"] for note in estimate["notes"]] == ["cost_incomplete"]


def second_model(row: dict[str, Any]) -> dict[str, Any]:
    other = {**row, "model": "o4-mini"}
    if "description" in other:
        other["description"] = "o4-mini Usage - Input Tokens"
    if "line_item" in other:
        other = {**other, "line_item": "o4-mini, input"}
    return other


@EACH
def test_one_models_row_that_is_missing_beside_its_charge_is_said(
    world: World, provider: str
) -> None:
    reports = Reports(provider)
    for day in DAYS:
        reports.usage[day].append(second_model(USAGE_ROWS[provider]))
        reports.costs[day].append(second_model(COST_ROWS[provider]))
    assert codes(told(world, reports)) == []
    del reports.usage[DAYS[-4]][1]
    document = told(world, reports)
    assert codes(document) == ["cost_without_use"]
    assert "On 1 day (16 November 2026)" in sentence(document, "cost_without_use")
    # And the other way round.
    reports.usage[DAYS[-4]].append(second_model(USAGE_ROWS[provider]))
    del reports.costs[DAYS[-6]][0]
    document = told(world, reports)
    assert tokens_a_month(document) == 2 * TOKENS_A_MONTH
    assert codes(document) == ["cost_incomplete"]
    assert "14 November 2026" in sentence(document, "cost_incomplete")


def test_a_sum_of_connections_says_what_its_parts_say(world: World) -> None:
    for provider in PROVIDERS:
        reports = Reports(provider)
        if provider == "openai":
            del reports.usage[DAYS[4]]
            reports.costs[DAYS[4]] = [{}]
        reports.answer_from(world.vendors[provider])
        world.ada.sample(provider)
    combined = world.ada.api("POST", "/estimates", {"kind": "combined"}).get_json()
    assert combined["tokens_per_month"]["total"] == 2 * TOKENS_A_MONTH
    assert combined["cost_usd_per_month"] is None
    assert [note["code"] for note in combined["notes"]] == ["unknown_days", "cost_unknown"]


@EACH
def test_a_file_of_usage_has_no_cost_where_the_vendor_names_none(
    world: World, provider: str
) -> None:
    reports = Reports(provider)
    for day in DAYS[-2:]:
        reports.costs[day] = []
    reports.answer_from(world.vendors[provider])
    world.ada.sample(provider)
    rows = world.ada.api("GET", "/usage/export?format=json").get_json()["items"]
    of_last_day = [row for row in rows if row["day"] == DAYS[-1].isoformat()]
    assert [(row["output_tokens"], row["cost_usd"]) for row in of_last_day] == [(100_000, None)]
    costs = [row["cost_usd"] for row in rows if row["day"] == DAYS[0].isoformat()]
    assert costs == (["2.500000000"] if provider == "anthropic" else ["2.500000000", None])


# -- The cost report never takes the other one down ------------------------------------------------


@EACH
@pytest.mark.parametrize("late", ["without rows", "absent"])
def test_cost_of_the_newest_days_may_come_late(world: World, provider: str, late: str) -> None:
    reports = Reports(provider)
    for day in DAYS[-2:]:
        reports.costs[day] = []
        if late == "absent":
            del reports.costs[day]
    document = told(world, reports)
    assert tokens_a_month(document) == TOKENS_A_MONTH
    assert document["projection"]["cost_nano_usd_per_month"] == COST_NANO_USD_A_MONTH
    assert codes(document) == ["cost_incomplete"]
    assert "18 November 2026, 19 November 2026" in sentence(document, "cost_incomplete")
    assert document["cost_nano_usd"] is None
    assert document["known_cost_nano_usd"] == 220_000_000_000
    table = run(world, reports, "--days", "90").stdout
    assert "$220.00 on the 88 days whose cost is known" in table


def without_amount(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "amount"}


def in_euros(row: dict[str, Any]) -> dict[str, Any]:
    if "currency" in row:
        return {**row, "currency": "EUR"}
    return {**row, "amount": {"value": 2.5, "currency": "eur"}}


def worth(amount: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def change(row: dict[str, Any]) -> dict[str, Any]:
        if isinstance(row["amount"], dict):
            return {**row, "amount": {"value": amount, "currency": "usd"}}
        return {**row, "amount": amount}

    return change


@EACH
@pytest.mark.parametrize("day", [DAYS[3], DAYS[-5]])
@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (without_amount, "amount"),
        (in_euros, "US dollars"),
        (worth(None), "without an amount"),
        (worth("a lot"), "not a decimal number"),
        (worth("1e99"), "cannot be true"),
        (lambda _row: None, "no fields"),
    ],
)
def test_one_faulty_row_of_cost_leaves_the_use_and_is_named(
    world: World, provider: str, day: date, damage: Callable[[Any], Any], named: str
) -> None:
    reports = Reports(provider)
    reports.costs[day] = [damage(COST_ROWS[provider])]
    document = told(world, reports)
    assert tokens_a_month(document) == TOKENS_A_MONTH
    assert document["projection"]["cost_nano_usd_per_month"] is None
    assert document["cost_nano_usd"] is None
    assert codes(document) == ["cost_unknown"]
    assert named in sentence(document, "cost_unknown")
    assert day.isoformat() in sentence(document, "cost_unknown")
    assert document["window"]["unknown_cost_days"] == [day.isoformat()]


@EACH
@pytest.mark.parametrize(
    "answer",
    [
        {"data": [], "has_more": False, "next_page": None},
        {"data": None, "has_more": False},
        {"error": {"message": "maintenance"}},
        {"data": [None], "has_more": False},
        {"data": [], "has_more": False, "next_page": "page_2"},
        [],
        Answer(200, b'{"data": [', {}),
        Answer.of_json({"error": {"message": "bad group_by"}}, 400),
    ],
    ids=range(8),
)
def test_a_cost_report_that_cannot_be_read_leaves_the_use(
    db_world: World, provider: str, answer: Any
) -> None:
    vendor = db_world.vendors[provider]
    source_id = db_world.ada.connect(provider)
    plant(vendor, "costs", answer)
    Reports(provider).answer_from(vendor)
    db_world.work()
    estimate = db_world.ada.newest_estimate(source_id)
    assert estimate["tokens_per_month"]["total"] == TOKENS_A_MONTH
    assert estimate["cost_usd_per_month"] is None
    assert [note["code"] for note in estimate["notes"]] == ["cost_unknown"]
    page = db_world.ada.page(f"/sources/{source_id}").text
    assert "$0.00" not in page
    assert "not known" in page


@EACH
def test_a_vendor_that_only_fails_at_its_costs_is_waited_for_and_then_read_without(
    db_world: World, provider: str
) -> None:
    vendor = db_world.vendors[provider]
    source_id = db_world.ada.connect(provider)
    plant(vendor, "costs", {}, 503)
    Reports(provider).answer_from(vendor)
    for minutes in (0, 1, 5, 20, 60):
        db_world.clock.move(minutes=minutes)
        db_world.queue.run_ids.append(runs(db_world)[0].id)
        db_world.work()
    [finished] = runs(db_world)
    assert (finished.status, finished.attempt) == ("complete", 5)
    assert finished.cost_fault
    assert db_world.ada.newest_estimate(source_id)["cost_usd_per_month"] is None


@EACH
def test_no_cost_at_all_beside_use_is_not_a_cost_of_nothing(world: World, provider: str) -> None:
    reports = Reports(provider)
    reports.costs = {day: [] for day in DAYS}
    document = told(world, reports)
    assert document["projection"]["cost_nano_usd_per_month"] is None
    assert (document["cost_nano_usd"], document["known_cost_nano_usd"]) == (None, None)
    assert codes(document) == ["cost_unknown"]
    assert "$0.00" not in run(world, reports, "--days", "90").stdout


@EACH
def test_a_credit_is_said_and_is_no_part_of_a_month(world: World, provider: str) -> None:
    reports = Reports(provider)
    credit = worth("-5000" if provider == "anthropic" else -50)(COST_ROWS[provider])
    label = {"description": "Credit", "line_item": "credit", "cost_type": None}
    reports.costs[DAYS[-3]] = [COST_ROWS[provider], {**credit, **label}]
    document = told(world, reports)
    assert document["projection"]["cost_nano_usd_per_month"] == COST_NANO_USD_A_MONTH
    assert codes(document) == ["credits"]
    assert "$50.00" in sentence(document, "credits")
    assert document["cost_nano_usd"] == 175_000_000_000


@EACH
@pytest.mark.parametrize("label", ["x" * 500, "two\nlines\x00", "\u202eabc", 7, ["x"], {"a": 1}])
def test_an_odd_label_of_a_cost_changes_no_figure(world: World, provider: str, label: Any) -> None:
    reports = Reports(provider)
    for rows in reports.costs.values():
        rows[0] |= {"description": label, "line_item": label, "model": label}
    document = told(world, reports)
    assert document["projection"]["cost_nano_usd_per_month"] == COST_NANO_USD_A_MONTH
    assert (tokens_a_month(document), codes(document)) == (TOKENS_A_MONTH, [])


# -- Amounts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "amount"),
    [
        ("anthropic", "250"),
        ("anthropic", "2.5E+2"),
        ("anthropic", "+250.000000000000000000000000000000"),
        ("openai", "2.50"),
        ("openai", "25e-1"),
        ("openai", "2.500000000000000000000000000000000000"),
    ],
)
@pytest.mark.parametrize("zero", ["0E-6176", "0", "-0.000", "0e999999"])
def test_amounts_count_whatever_their_notation(
    world: World, provider: str, amount: str, zero: str
) -> None:
    reports = Reports(provider)
    for day in DAYS:
        free = {**worth(zero)(COST_ROWS[provider]), "description": "free", "line_item": "free"}
        reports.costs[day] = [worth(amount)(COST_ROWS[provider]), free]
    document = told(world, reports)
    assert document["projection"]["cost_nano_usd_per_month"] == COST_NANO_USD_A_MONTH
    assert codes(document) == []


def test_a_number_that_is_zero_by_any_power_of_ten_is_zero(world: World) -> None:
    reports = Reports("openai")
    free = {**worth("ZERO")(COST_ROWS["openai"]), "line_item": "free"}
    for rows in reports.costs.values():
        rows.append(free)
    body = json.dumps(reports.page("costs")).replace('"ZERO"', "0E-99999999999999999999")
    plant(world.openai, "costs", Answer(200, body.encode(), {}))
    reports.answer_from(world.openai)
    document = json.loads(command(world, "openai", "--json").stdout)
    assert document["projection"]["cost_nano_usd_per_month"] == COST_NANO_USD_A_MONTH


def test_equal_lines_are_added_up_before_they_are_rounded(world: World) -> None:
    reports = Reports("openai")
    for day in DAYS:
        third = {**worth("0.8333333333333333333333333333")(COST_ROWS["openai"])}
        reports.costs[day] = [{**third, "project_id": name} for name in "abc"]
    assert told(world, reports)["cost_nano_usd"] == 225_000_000_000


# -- Kinds of tokens, and names --------------------------------------------------------------------


def test_a_third_lifetime_of_a_cache_is_counted(world: World) -> None:
    reports = Reports("anthropic")
    for rows in reports.usage.values():
        rows[0]["cache_creation"]["ephemeral_24h_input_tokens"] = 50_000
        rows[0]["cache_read_input_tokens"] -= 50_000
    document = told(world, reports)
    assert tokens_a_month(document) == TOKENS_A_MONTH
    assert document["tokens"]["cache_creation"] == 90 * 150_000


@EACH
@pytest.mark.parametrize(
    ("model", "shown"), [(None, "no model named"), ("o3", "o3"), ("wizard-7", "wizard-7")]
)
def test_models_that_are_not_known_are_named_everywhere(
    world: World, provider: str, model: str | None, shown: str
) -> None:
    reports = Reports(provider)
    for rows in reports.usage.values():
        rows[0]["model"] = model
    document = told(world, reports)
    assert document["unknown_models"] == list(document["tokens_by_model"]) == [shown]
    table = run(world, reports, "--days", "90").stdout
    assert f"{shown} (not known)" in table
    source_id = world.ada.sample(provider)
    estimate = world.ada.newest_estimate(source_id)
    assert estimate["class_aware"]["unknown_models"] == [shown]
    assert [each["model"] for each in estimate["models"]] == [shown]
    page = world.ada.page(f"/estimates/{estimate['id']}").text
    assert f"counted as large models: {shown}." in page


@EACH
def test_a_refusal_names_what_was_wrong(world: World, provider: str) -> None:
    reports = Reports(provider)
    reports.usage[DAYS[5]] = [{**USAGE_ROWS[provider], "output_tokens": "many"}]
    result = run(world, reports)
    assert result.exit_code == 1
    assert "output_tokens is no whole number" in result.stderr
    assert DAYS[5].isoformat() in result.stderr
    assert "many" not in result.output


def test_the_days_of_these_tests_are_those_a_sample_reads(world: World) -> None:
    window = told(world, Reports("openai"))["window"]
    last = DAYS[-1] + timedelta(days=1)
    assert (window["start"], window["end"]) == (DAYS[0].isoformat(), last.isoformat())
