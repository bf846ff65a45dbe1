"""The simulated OpenAI answers as the vendor's own description and recorded answers show."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # ships no types

from flask_tokenoffset.testing import (
    CANARY_TEXT,
    OPENAI_DEMO_KEY,
    OPENAI_ORDINARY_KEY,
    OPENAI_REVOKED_KEY,
    OPENAI_UNPERMITTED_KEY,
    OpenAISimulator,
)

TODAY = date(2026, 11, 20)
START = TODAY - timedelta(days=90)
USAGE = "/v1/organization/usage/completions"
COSTS = "/v1/organization/costs"
GROUPS = ["model", "service_tier", "batch"]
DAY_SECONDS = 86_400

DESCRIPTION: dict[str, Any] = json.loads(
    (Path(__file__).parent / "data" / "openai-usage-and-costs.json").read_text()
)


@pytest.fixture
def simulator() -> OpenAISimulator:
    return OpenAISimulator(today=lambda: TODAY)


def ask(
    simulator: OpenAISimulator,
    path: str,
    params: dict[str, Any] | None = None,
    *,
    key: str | None = OPENAI_DEMO_KEY,
) -> httpx.Response:
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    with httpx.Client(base_url="https://api.openai.com", transport=simulator.transport()) as client:
        return client.get(path, params=params, headers=headers)


def midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def days(start: date, end: date, **params: Any) -> dict[str, Any]:
    return {"start_time": midnight(start), "end_time": midnight(end), **params}


def rows(payload: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for bucket in payload["data"] for row in bucket["results"]]


def assert_fits(payload: object, schema: str) -> None:
    validator = Draft202012Validator(
        {
            "$ref": f"#/components/schemas/{schema}",
            "components": DESCRIPTION["components"],
        }
    )
    assert [error.message for error in validator.iter_errors(payload)] == []


def assert_refused(response: httpx.Response, status: int, message: str, **error: Any) -> None:
    payload = response.json()
    assert response.status_code == status
    assert_fits(payload, "ErrorResponse")
    assert payload["error"]["message"].endswith(message)
    assert {name: payload["error"][name] for name in error} == error
    assert response.headers["x-request-id"]


@pytest.mark.parametrize("path", [USAGE, COSTS])
@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("limit", [1, 31])
def test_answers_fit_the_vendors_own_description(
    simulator: OpenAISimulator, path: str, grouped: bool, limit: int
) -> None:
    group_by = {USAGE: GROUPS, COSTS: ["line_item"]}[path] if grouped else []
    payload = ask(simulator, path, days(START, TODAY, limit=limit, group_by=group_by)).json()

    assert_fits(payload, "UsageResponse")
    assert payload["has_more"] is True
    assert len(payload["data"]) == limit


def test_the_description_refuses_what_it_should(simulator: OpenAISimulator) -> None:
    payload = ask(simulator, USAGE, days(TODAY - timedelta(days=7), TODAY)).json()
    rows(payload)[0]["input_tokens"] = "many"

    with pytest.raises(AssertionError):
        assert_fits(payload, "UsageResponse")


@pytest.mark.parametrize("path", [USAGE, COSTS])
def test_every_described_parameter_and_group_is_understood(
    simulator: OpenAISimulator, path: str
) -> None:
    examples = {"string": "x", "integer": 7, "boolean": "true"}
    for parameter in DESCRIPTION["operations"][path.removeprefix("/v1")]:
        name, schema = parameter["name"], parameter["schema"]
        if name in {"start_time", "end_time", "page"}:
            continue
        values = schema.get("enum") or schema.get("items", {}).get("enum")
        for value in values or [examples[schema.get("items", schema)["type"]]]:
            params = days(START, TODAY) | {name: value}
            response = ask(simulator, path, params)
            is_too_early = path == COSTS and value == "api_key_id" and midnight(START) < 1764979200
            assert response.status_code == (400 if is_too_early else 200), (name, value)


def test_limits_are_the_described_ones(simulator: OpenAISimulator) -> None:
    described = json.dumps(DESCRIPTION["operations"])
    assert '"default": 7' in described

    for path, most in ((USAGE, 31), (COSTS, 180)):
        assert ask(simulator, path, days(START, TODAY, limit=most)).status_code == 200
        assert len(ask(simulator, path, days(START, TODAY)).json()["data"]) == 7
        assert_refused(
            ask(simulator, path, days(START, TODAY, limit=366)),
            400,
            f"Invalid limit provided: 366. Limit must be less than or equal to {most}.",
            param="limit",
            type="invalid_request_error",
        )
        for limit in (most + 1, 0, -3, "many"):
            assert ask(simulator, path, days(START, TODAY, limit=limit)).status_code == 400


@pytest.mark.parametrize("path", [USAGE, COSTS])
def test_keys_are_checked(simulator: OpenAISimulator, path: str) -> None:
    for key in (OPENAI_REVOKED_KEY, "sk-admin-nobody"):
        assert_refused(
            ask(simulator, path, key=key),
            401,
            "Incorrect API key provided.",
            code="invalid_api_key",
            type="invalid_request_error",
        )
    for key in (OPENAI_ORDINARY_KEY, OPENAI_UNPERMITTED_KEY):
        assert_refused(ask(simulator, path, key=key), 403, "Missing scopes: api.usage.read")
    assert ask(simulator, path, key=None).status_code == 401
    assert ask(simulator, path, days(START, TODAY)).status_code == 200


def test_missing_scope_may_come_as_401() -> None:
    simulator = OpenAISimulator(today=lambda: TODAY, missing_scope_status=401)

    response = ask(simulator, USAGE, key=OPENAI_ORDINARY_KEY)

    assert_refused(response, 401, "Missing scopes: api.usage.read")


def test_only_the_two_reports_exist(simulator: OpenAISimulator) -> None:
    for path in ("/v1/organization/me", "/v1/responses", "/v1/organization/usage/images"):
        assert_refused(ask(simulator, path), 404, f"Invalid URL (GET {path})")


def test_group_by_is_read_plain_and_bracketed(simulator: OpenAISimulator) -> None:
    window = days(TODAY - timedelta(days=7), TODAY)
    plain = ask(simulator, USAGE, {**window, "group_by": GROUPS}).json()
    bracketed = ask(simulator, USAGE, {**window, "group_by[]": GROUPS}).json()
    joined = ask(simulator, USAGE, {**window, "group_by": ",".join(GROUPS)})

    assert plain == bracketed
    assert {type(row["batch"]) for row in rows(plain)} == {bool}
    assert joined.status_code == 400


def test_without_grouping_every_dimension_is_null(simulator: OpenAISimulator) -> None:
    found = rows(ask(simulator, USAGE, days(TODAY - timedelta(days=7), TODAY)).json())

    assert found
    names = {"project_id", "user_id", "api_key_id", "model", "batch", "service_tier"}
    assert all(row[name] is None for row in found for name in names)


def test_input_tokens_include_cached_ones_and_cache_writes(simulator: OpenAISimulator) -> None:
    found = rows(ask(simulator, USAGE, days(START, TODAY, limit=31, group_by=GROUPS)).json())

    assert any(row["input_cache_write_tokens"] for row in found)
    for row in found:
        assert row["input_tokens"] == (
            row["input_uncached_tokens"]
            + row["input_cached_tokens"]
            + row["input_cache_write_tokens"]
        )


def test_filters_keep_only_what_was_asked_for(simulator: OpenAISimulator) -> None:
    window = days(START, TODAY, limit=31, group_by=["model", "batch"])
    batch = rows(ask(simulator, USAGE, {**window, "batch": "true"}).json())
    model = rows(ask(simulator, USAGE, {**window, "models[]": ["gpt-6-luna"]}).json())

    assert {row["batch"] for row in batch} == {True}
    assert {row["model"] for row in model} == {"gpt-6-luna"}
    assert ask(simulator, USAGE, {**window, "batch": "maybe"}).status_code == 400


def test_first_usage_bucket_is_cut_at_the_querys_own_start(simulator: OpenAISimulator) -> None:
    day = TODAY - timedelta(days=3)
    begin = midnight(day) + 17 * 3600 + 31 * 60 + 29
    params = {"start_time": begin, "end_time": midnight(day + timedelta(days=2))}
    cut, whole = ask(simulator, USAGE, params).json()["data"]

    assert (cut["start_time"], cut["end_time"]) == (begin - 29, midnight(day) + DAY_SECONDS)
    assert whole["end_time"] - whole["start_time"] == DAY_SECONDS
    before = {"start_time": midnight(day), "end_time": begin - 29}
    [morning] = ask(simulator, USAGE, before).json()["data"]
    assert morning["end_time"] == begin - 29
    assert (
        morning["results"][0]["output_tokens"] + cut["results"][0]["output_tokens"]
        == simulator.ledger.totals(day, day + timedelta(days=1)).output_tokens
    )


def test_last_usage_bucket_ends_now(simulator: OpenAISimulator) -> None:
    [bucket] = ask(simulator, USAGE, {"start_time": midnight(TODAY)}).json()["data"]

    assert bucket["end_time"] == midnight(TODAY) + 34_560
    tomorrow = TODAY + timedelta(days=1)
    assert (
        bucket["results"][0]["output_tokens"]
        == simulator.ledger.totals(TODAY, tomorrow).output_tokens
    )


def test_costs_snap_to_midnight(simulator: OpenAISimulator) -> None:
    day = TODAY - timedelta(days=3)
    params = {"start_time": midnight(day) + 63_060, "end_time": midnight(TODAY)}
    payload = ask(simulator, COSTS, params).json()

    assert [bucket["start_time"] for bucket in payload["data"]] == [
        midnight(day) + n * DAY_SECONDS for n in range(3)
    ]
    assert rows(payload) == rows(ask(simulator, COSTS, days(day, TODAY)).json())


def test_ninety_days_of_costs_fit_one_page_and_usage_needs_three(
    simulator: OpenAISimulator,
) -> None:
    costs = ask(simulator, COSTS, days(START, TODAY, limit=180)).json()
    assert len(costs["data"]) == 90
    assert (costs["has_more"], costs["next_page"]) == (False, None)

    params, sizes = days(START, TODAY, limit=31), []
    while True:
        payload = ask(simulator, USAGE, params).json()
        sizes.append(len(payload["data"]))
        if not payload["has_more"]:
            break
        params["page"] = payload["next_page"]
    assert sizes == [31, 31, 28]


def test_page_token_is_good_for_its_own_query_only(simulator: OpenAISimulator) -> None:
    params = days(START, TODAY, limit=31)
    token = ask(simulator, USAGE, params).json()["next_page"]

    assert ask(simulator, USAGE, {**params, "page": token}).status_code == 200
    assert ask(simulator, USAGE, {**params, "limit": 30, "page": token}).status_code == 400
    assert ask(simulator, COSTS, {**params, "page": token}).status_code == 400
    assert ask(simulator, USAGE, {**params, "page": "page_x"}).status_code == 400


def test_a_window_needs_a_start_in_seconds(simulator: OpenAISimulator) -> None:
    assert_refused(
        ask(simulator, USAGE), 400, "Missing required parameter: 'start_time'.", param="start_time"
    )
    assert ask(simulator, USAGE, {"start_time": "2026-11-01"}).status_code == 400


def test_costs_come_by_the_day_only(simulator: OpenAISimulator) -> None:
    assert ask(simulator, USAGE, days(START, TODAY, bucket_width="1h")).status_code == 200
    assert_refused(
        ask(simulator, COSTS, days(START, TODAY, bucket_width="1h")),
        400,
        "Supported values are: '1d'",
        param="bucket_width",
    )


@pytest.mark.parametrize("as_strings", [False, True])
def test_amounts_are_dollars_exact_to_the_nano_dollar(as_strings: bool) -> None:
    simulator = OpenAISimulator(today=lambda: TODAY, amounts_as_strings=as_strings)
    params = days(START, TODAY, limit=180, group_by=["line_item"])
    payload = json.loads(ask(simulator, COSTS, params).text, parse_float=Decimal)
    values = [row["amount"]["value"] for row in rows(payload)]

    assert {type(value) for value in values} == {str if as_strings else Decimal}
    assert sum(map(Decimal, values)) * 10**9 == simulator.ledger.totals(START, TODAY).cost_nano_usd
    assert {row["amount"]["currency"] for row in rows(payload)} == {"usd"}


def test_cost_rows_carry_the_organization_and_by_line_item_the_project(
    simulator: OpenAISimulator,
) -> None:
    window = days(TODAY - timedelta(days=31), TODAY, limit=31)
    ungrouped = rows(ask(simulator, COSTS, window).json())
    by_line = rows(ask(simulator, COSTS, {**window, "group_by": ["line_item"]}).json())

    assert all(row["line_item"] is row["project_id"] is None for row in ungrouped)
    assert {row["organization_id"] for row in by_line} == {simulator.organization_id}
    assert all(row["line_item"] and row["project_id"] for row in by_line)
    assert "gpt-6.1-sol, cached input" in {row["line_item"] for row in by_line}
    assert {row["quantity_unit"] for row in by_line} == {"tokens", None}


def test_costs_by_api_key_reach_back_to_december_2025_only(simulator: OpenAISimulator) -> None:
    params = {"group_by": ["api_key_id"], "limit": 1}

    late = ask(simulator, COSTS, {**params, "start_time": 1_764_979_200})
    early = ask(simulator, COSTS, {**params, "start_time": 1_764_979_199})

    assert late.status_code == 200
    assert (early.status_code, early.json()["error"]["param"]) == (400, "start_time")


def test_costs_by_user_give_e_mail_addresses_away(simulator: OpenAISimulator) -> None:
    window = days(TODAY - timedelta(days=7), TODAY)
    by_user = rows(ask(simulator, COSTS, {**window, "group_by": ["user_id"]}).json())

    assert all(row["user_email"].endswith("@example.com") for row in by_user)
    assert not any("user_email" in row for row in rows(ask(simulator, COSTS, window).json()))


@pytest.mark.parametrize(("path", "dimension"), [(USAGE, "line_item"), (COSTS, "model")])
def test_dimension_an_endpoint_does_not_know_is_refused(
    simulator: OpenAISimulator, path: str, dimension: str
) -> None:
    response = ask(simulator, path, days(START, TODAY, group_by=[dimension]))

    assert (response.status_code, response.json()["error"]["param"]) == (400, "group_by")


def test_canary_stands_in_fields_the_description_does_not_know() -> None:
    simulator = OpenAISimulator(today=lambda: TODAY, canary=CANARY_TEXT)

    for path in (USAGE, COSTS):
        payload = ask(simulator, path, days(TODAY - timedelta(days=7), TODAY)).json()
        assert payload["prompt"] == CANARY_TEXT
        assert {row["prompt"] for row in rows(payload)} == {CANARY_TEXT}
        assert_fits(payload, "UsageResponse")


def test_calls_are_recorded_without_the_key(simulator: OpenAISimulator) -> None:
    ask(simulator, USAGE, days(START, TODAY, group_by=GROUPS))

    [call] = simulator.calls
    assert (call.host, call.path, call.status) == ("api.openai.com", USAGE, 200)
    assert call.values("group_by") == GROUPS
    assert OPENAI_DEMO_KEY not in repr(simulator.calls)
