"""The simulated Anthropic answers as the vendor documents and as recorded answers show."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from flask_tokenoffset.testing import (
    ANTHROPIC_DEMO_KEY,
    ANTHROPIC_ORDINARY_KEY,
    ANTHROPIC_REVOKED_KEY,
    ANTHROPIC_UNPERMITTED_KEY,
    CANARY_TEXT,
    AnthropicSimulator,
)

TODAY = date(2026, 11, 20)
START = TODAY - timedelta(days=90)
ME = "/v1/organizations/me"
USAGE = "/v1/organizations/usage_report/messages"
COSTS = "/v1/organizations/cost_report"
GROUPS = ["model", "service_tier", "context_window"]

USAGE_DIMENSIONS = {
    "model",
    "service_tier",
    "context_window",
    "api_key_id",
    "workspace_id",
    "inference_geo",
    "account_id",
    "service_account_id",
}
COST_DIMENSIONS = {
    "workspace_id",
    "description",
    "cost_type",
    "context_window",
    "model",
    "service_tier",
    "token_type",
    "inference_geo",
}


@pytest.fixture
def simulator() -> AnthropicSimulator:
    return AnthropicSimulator(today=lambda: TODAY)


def ask(
    simulator: AnthropicSimulator,
    path: str,
    params: dict[str, Any] | None = None,
    *,
    key: str | None = ANTHROPIC_DEMO_KEY,
    headers: dict[str, str] | None = None,
    method: str = "GET",
) -> httpx.Response:
    sent = {"anthropic-version": "2023-06-01", **(headers or {})}
    if key is not None:
        sent["x-api-key"] = key
    with httpx.Client(
        base_url="https://api.anthropic.com", transport=simulator.transport()
    ) as client:
        return client.request(method, path, params=params, headers=sent)


def days(start: date, end: date, **params: Any) -> dict[str, Any]:
    return {"starting_at": f"{start}T00:00:00Z", "ending_at": f"{end}T00:00:00Z", **params}


def rows(payload: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for bucket in payload["data"] for row in bucket["results"]]


def assert_refused(response: httpx.Response, status: int, kind: str, message: str) -> None:
    payload = response.json()
    assert response.status_code == status
    assert payload["type"] == "error"
    assert payload["error"] == {"type": kind, "message": message}
    assert payload["request_id"] == response.headers["request-id"]
    assert re.fullmatch(r"req_\w+", payload["request_id"])


def test_names_the_organization(simulator: AnthropicSimulator) -> None:
    payload = ask(simulator, ME).json()

    assert set(payload) == {"id", "type", "name"}
    assert payload["type"] == "organization"
    assert payload["name"] == "Simulated Industries"
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", payload["id"])


@pytest.mark.parametrize("path", [ME, USAGE, COSTS])
@pytest.mark.parametrize("key", [ANTHROPIC_REVOKED_KEY, ANTHROPIC_ORDINARY_KEY, "sk-ant-nobody"])
def test_wrong_and_revoked_keys_are_refused_alike(
    simulator: AnthropicSimulator, path: str, key: str
) -> None:
    response = ask(simulator, path, key=key)

    assert_refused(response, 401, "authentication_error", "invalid x-api-key")


def test_key_without_permission_is_forbidden(simulator: AnthropicSimulator) -> None:
    response = ask(simulator, USAGE, key=ANTHROPIC_UNPERMITTED_KEY)

    assert response.status_code == 403
    assert response.json()["error"]["type"] == "permission_error"


def test_key_revoked_midway_is_refused_from_then_on(simulator: AnthropicSimulator) -> None:
    assert ask(simulator, ME).status_code == 200

    simulator.set_key(ANTHROPIC_DEMO_KEY, "revoked")

    assert ask(simulator, ME).status_code == 401


def test_both_headers_are_required(simulator: AnthropicSimulator) -> None:
    assert_refused(
        ask(simulator, ME, key=None), 401, "authentication_error", "x-api-key header is required"
    )
    response = httpx.Client(transport=simulator.transport()).get(
        f"https://api.anthropic.com{ME}", headers={"x-api-key": ANTHROPIC_DEMO_KEY}
    )
    assert_refused(response, 400, "invalid_request_error", "anthropic-version: header is required")


def test_only_the_three_reports_exist_and_only_for_reading(simulator: AnthropicSimulator) -> None:
    assert ask(simulator, "/v1/messages").status_code == 404
    assert ask(simulator, "/v1/organizations/users").status_code == 404
    assert ask(simulator, ME, method="POST").status_code == 405


def test_usage_rows_have_the_documented_keys_and_types(simulator: AnthropicSimulator) -> None:
    params = days(TODAY - timedelta(days=7), TODAY, **{"group_by[]": GROUPS})
    payload = ask(simulator, USAGE, params).json()

    assert set(payload) == {"data", "has_more", "next_page"}
    for bucket in payload["data"]:
        assert set(bucket) == {"starting_at", "ending_at", "results"}
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT00:00:00Z", bucket["starting_at"])
    found = rows(payload)
    assert found
    for row in found:
        assert set(row) == USAGE_DIMENSIONS | {
            "uncached_input_tokens",
            "cache_read_input_tokens",
            "output_tokens",
            "cache_creation",
            "server_tool_use",
        }
        assert set(row["cache_creation"]) == {
            "ephemeral_5m_input_tokens",
            "ephemeral_1h_input_tokens",
        }
        assert set(row["server_tool_use"]) == {"web_search_requests"}
        assert {type(row[name]) for name in GROUPS} == {str}
        assert type(row["uncached_input_tokens"]) is int
    assert {row["context_window"] for row in found} == {"0-200k", "200k-1M"}


def test_without_grouping_every_dimension_is_null(simulator: AnthropicSimulator) -> None:
    payload = ask(simulator, USAGE, days(TODAY - timedelta(days=7), TODAY)).json()

    assert all(len(bucket["results"]) <= 1 for bucket in payload["data"])
    assert rows(payload)
    assert all(row[name] is None for row in rows(payload) for name in USAGE_DIMENSIONS)


def test_grouping_fills_what_was_asked_for_and_sums_over_the_rest(
    simulator: AnthropicSimulator,
) -> None:
    window = days(TODAY - timedelta(days=7), TODAY)
    by_model = ask(simulator, USAGE, {**window, "group_by[]": ["model"]}).json()

    for bucket in by_model["data"]:
        day = date.fromisoformat(bucket["starting_at"][:10])
        truth = simulator.ledger.usage_by(day, day + timedelta(days=1), "model")
        assert {(row["model"],): row["uncached_input_tokens"] for row in bucket["results"]} == {
            key: totals.uncached_input_tokens for key, totals in truth.items()
        }
    assert all(row["service_tier"] is None for row in rows(by_model))


def test_group_by_without_brackets_is_ignored(simulator: AnthropicSimulator) -> None:
    params = days(TODAY - timedelta(days=7), TODAY, group_by=["model"])

    assert {row["model"] for row in rows(ask(simulator, USAGE, params).json())} == {None}


def test_null_is_a_value_of_some_dimensions(simulator: AnthropicSimulator) -> None:
    params = days(
        TODAY - timedelta(days=7), TODAY, **{"group_by[]": ["workspace_id", "inference_geo"]}
    )
    found = rows(ask(simulator, USAGE, params).json())

    assert None in {row["workspace_id"] for row in found}
    assert len({row["workspace_id"] for row in found}) > 1
    assert "not_available" in {row["inference_geo"] for row in found}


def test_sixth_dimension_is_refused_with_the_recorded_words(simulator: AnthropicSimulator) -> None:
    six = ["model", "service_tier", "context_window", "api_key_id", "workspace_id", "account_id"]

    assert ask(simulator, USAGE, days(START, TODAY, **{"group_by[]": six[:5]})).status_code == 200
    assert_refused(
        ask(simulator, USAGE, days(START, TODAY, **{"group_by[]": six})),
        400,
        "invalid_request_error",
        "Cannot specify more than 5 group_by[] dimensions.",
    )


def test_speed_needs_the_beta_header(simulator: AnthropicSimulator) -> None:
    params = days(TODAY - timedelta(days=3), TODAY, **{"group_by[]": ["speed"]})

    assert ask(simulator, USAGE, params).status_code == 400
    response = ask(simulator, USAGE, params, headers={"anthropic-beta": "fast-mode-2026-02-01"})
    assert {row["speed"] for row in rows(response.json())} == {"standard"}


@pytest.mark.parametrize(
    ("path", "dimension"), [(USAGE, "cost_type"), (COSTS, "model"), (COSTS, "api_key_id")]
)
def test_dimension_an_endpoint_does_not_know_is_refused(
    simulator: AnthropicSimulator, path: str, dimension: str
) -> None:
    response = ask(simulator, path, days(START, TODAY, **{"group_by[]": [dimension]}))

    assert response.status_code == 400


def test_filters_keep_only_what_was_asked_for(simulator: AnthropicSimulator) -> None:
    params = days(
        TODAY - timedelta(days=7),
        TODAY,
        **{"group_by[]": ["model", "service_tier"], "service_tiers[]": ["priority"]},
    )
    found = rows(ask(simulator, USAGE, params).json())

    assert found
    assert {row["service_tier"] for row in found} == {"priority"}


@pytest.mark.parametrize("path", [USAGE, COSTS])
def test_a_page_holds_seven_days_unless_asked_and_31_at_most(
    simulator: AnthropicSimulator, path: str
) -> None:
    def answer(**limit: Any) -> httpx.Response:
        return ask(simulator, path, days(START, TODAY, **limit))

    assert len(answer().json()["data"]) == 7
    assert len(answer(limit=31).json()["data"]) == 31
    for limit in (32, 0, -1, "many"):
        assert answer(limit=limit).status_code == 400


def test_ninety_days_are_three_pages_without_gap_or_overlap(simulator: AnthropicSimulator) -> None:
    params = days(START, TODAY, limit=31)
    starts: list[str] = []
    sizes: list[int] = []
    while True:
        payload = ask(simulator, COSTS, params).json()
        starts += [bucket["starting_at"] for bucket in payload["data"]]
        sizes.append(len(payload["data"]))
        if not payload["has_more"]:
            break
        params["page"] = payload["next_page"]

    assert sizes == [31, 31, 28]
    assert payload["next_page"] is None
    assert starts == [f"{START + timedelta(days=n)}T00:00:00Z" for n in range(90)]


def test_page_token_is_good_for_its_own_query_only(simulator: AnthropicSimulator) -> None:
    params = days(START, TODAY, limit=31)
    token = ask(simulator, USAGE, params).json()["next_page"]

    assert ask(simulator, USAGE, {**params, "page": token}).status_code == 200
    for changed in ({"limit": 30}, {"group_by[]": ["model"]}, days(START, START)):
        assert ask(simulator, USAGE, {**params, **changed, "page": token}).status_code == 400
    assert ask(simulator, COSTS, {**params, "page": token}).status_code == 400
    assert ask(simulator, USAGE, {**params, "page": "page_nonsense"}).status_code == 400


def test_a_window_needs_a_readable_start(simulator: AnthropicSimulator) -> None:
    assert ask(simulator, USAGE).status_code == 400
    assert ask(simulator, USAGE, {"starting_at": "yesterday"}).status_code == 400
    bare_date = ask(simulator, USAGE, {"starting_at": "2026-11-01"}).json()
    assert bare_date["data"][0]["starting_at"] == "2026-11-01T00:00:00Z"


def test_start_is_snapped_to_its_day_and_the_end_is_exclusive(
    simulator: AnthropicSimulator,
) -> None:
    params = {"starting_at": "2026-11-10T17:31:00Z", "ending_at": "2026-11-12T00:00:00Z"}
    found = [day["starting_at"] for day in ask(simulator, USAGE, params).json()["data"]]

    assert found == ["2026-11-10T00:00:00Z", "2026-11-11T00:00:00Z"]


def test_days_without_use_are_listed_without_rows(simulator: AnthropicSimulator) -> None:
    truth = simulator.ledger.by_day(START, TODAY)
    empty = [day for day, totals in truth.items() if totals.tokens == 0]
    assert empty

    for path in (USAGE, COSTS):
        payload = ask(simulator, path, days(empty[0], empty[0] + timedelta(days=1))).json()
        assert [bucket["results"] for bucket in payload["data"]] == [[]]


def test_open_day_is_partial_in_usage_and_absent_in_costs(simulator: AnthropicSimulator) -> None:
    later = AnthropicSimulator(today=lambda: TODAY + timedelta(days=1), history=simulator.first_day)
    tomorrow = TODAY + timedelta(days=1)
    params = days(TODAY, tomorrow)

    partial = rows(ask(simulator, USAGE, params).json())[0]
    whole = rows(ask(later, USAGE, params).json())[0]
    assert 0 < partial["output_tokens"] < whole["output_tokens"]
    assert ask(simulator, COSTS, params).json()["data"] == []
    assert len(ask(later, COSTS, params).json()["data"]) == 1


def test_nothing_is_told_of_the_future(simulator: AnthropicSimulator) -> None:
    params = {"starting_at": f"{TODAY}T00:00:00Z"}

    assert len(ask(simulator, USAGE, params).json()["data"]) == 1
    assert ask(simulator, USAGE, days(date(2027, 1, 1), date(2027, 1, 3))).json()["data"] == []


def test_hours_add_up_to_the_day(simulator: AnthropicSimulator) -> None:
    day = TODAY - timedelta(days=2)
    window = days(day, day + timedelta(days=1))
    hours = ask(simulator, USAGE, {**window, "bucket_width": "1h"}).json()

    assert len(hours["data"]) == 24
    assert sum(row["cache_read_input_tokens"] for row in rows(hours)) == (
        simulator.ledger.totals(day, day + timedelta(days=1)).cached_input_tokens
    )
    assert ask(simulator, COSTS, {**window, "bucket_width": "1h"}).status_code == 400


def test_ungrouped_costs_are_one_row_a_day(simulator: AnthropicSimulator) -> None:
    payload = ask(simulator, COSTS, days(TODAY - timedelta(days=7), TODAY)).json()

    for row in rows(payload):
        assert set(row) == COST_DIMENSIONS | {"amount", "currency"}
        assert row["currency"] == "USD"
        assert all(row[name] is None for name in COST_DIMENSIONS)


def test_amounts_are_strings_of_cents_with_fractions(simulator: AnthropicSimulator) -> None:
    payload = ask(simulator, COSTS, days(START, TODAY, limit=31)).json()

    for bucket in payload["data"]:
        day = date.fromisoformat(bucket["starting_at"][:10])
        expected = simulator.ledger.totals(day, day + timedelta(days=1)).cost_nano_usd
        for row in bucket["results"]:
            assert type(row["amount"]) is str
            assert Decimal(row["amount"]) * 10**7 == expected
    assert any(Decimal(row["amount"]) % 1 for row in rows(payload))


def test_description_fills_what_a_line_says_of_itself(simulator: AnthropicSimulator) -> None:
    params = days(TODAY - timedelta(days=31), TODAY, limit=31, **{"group_by[]": ["description"]})
    found = rows(ask(simulator, COSTS, params).json())
    tokens = [row for row in found if row["cost_type"] == "tokens"]
    others = [row for row in found if row["cost_type"] != "tokens"]

    assert {row["token_type"] for row in tokens} == {
        "uncached_input_tokens",
        "output_tokens",
        "cache_read_input_tokens",
        "cache_creation.ephemeral_5m_input_tokens",
        "cache_creation.ephemeral_1h_input_tokens",
    }
    assert {row["service_tier"] for row in tokens} == {"standard", "batch"}
    assert all(row["workspace_id"] is None for row in found)
    assert {(row["description"], row["model"]) for row in others} == {("Web Search Usage", None)}


def test_priority_tokens_are_in_usage_and_not_in_costs(simulator: AnthropicSimulator) -> None:
    usage = simulator.ledger.usage_by(START, TODAY, "service_tier")
    assert usage[("priority",)].tokens > 0

    params = days(START, TODAY, limit=31, **{"group_by[]": ["description"]})
    tiers = {row["service_tier"] for row in rows(ask(simulator, COSTS, params).json())}
    assert "priority" not in tiers


def test_late_days_are_incomplete_until_they_settle() -> None:
    now = [datetime(2026, 11, 20, tzinfo=UTC).date()]
    simulator = AnthropicSimulator(today=lambda: now[0], late_days=2)
    day = TODAY - timedelta(days=1)

    seen = []
    for _ in range(4):
        seen.append(simulator.ledger.totals(day, TODAY))
        payload = ask(simulator, USAGE, days(day, TODAY)).json()
        assert rows(payload)[0]["output_tokens"] == seen[-1].output_tokens
        now[0] += timedelta(days=1)

    assert seen[0].tokens < seen[1].tokens < seen[2].tokens
    assert seen[0].cost_nano_usd < seen[1].cost_nano_usd < seen[2].cost_nano_usd
    assert seen[2] == seen[3]


def test_revised_day_is_restated_and_no_other(simulator: AnthropicSimulator) -> None:
    day = TODAY - timedelta(days=2)
    before = simulator.ledger.by_day(START, TODAY)
    simulator.prerender(START, TODAY)

    simulator.revise(day, percent=150)

    after = simulator.ledger.by_day(START, TODAY)
    assert {each for each in before if before[each] != after[each]} == {day}
    row = rows(ask(simulator, USAGE, days(day, day + timedelta(days=1))).json())[0]
    assert row["output_tokens"] == after[day].output_tokens > before[day].output_tokens

    simulator.revise(day, percent=0)
    assert rows(ask(simulator, USAGE, days(day, day + timedelta(days=1))).json()) == []


def test_canary_stands_in_every_object_a_client_reads() -> None:
    simulator = AnthropicSimulator(today=lambda: TODAY, canary=CANARY_TEXT)

    for path in (ME, USAGE, COSTS):
        payload = ask(simulator, path, days(TODAY - timedelta(days=7), TODAY)).json()
        assert payload["prompt"] == CANARY_TEXT
        assert all(
            row["messages"][0]["content"] == CANARY_TEXT for row in rows({"data": [], **payload})
        )
    assert CANARY_TEXT in ask(simulator, ME, key="sk-ant-nobody").text


def test_calls_are_recorded_without_the_key(simulator: AnthropicSimulator) -> None:
    ask(simulator, USAGE, days(START, TODAY, **{"group_by[]": GROUPS}))
    ask(simulator, ME, {"key": ANTHROPIC_DEMO_KEY})

    first, second = simulator.calls
    assert (first.method, first.host, first.path) == ("GET", "api.anthropic.com", USAGE)
    assert first.values("group_by[]") == GROUPS
    assert first.status == 200
    assert second.query == (("key", "[a key]"),)
    assert ANTHROPIC_DEMO_KEY not in repr(simulator.calls) + repr(simulator)
