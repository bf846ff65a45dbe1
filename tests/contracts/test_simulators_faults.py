"""Every planned fault happens as described, in process and over a socket, and only when planned."""

from __future__ import annotations

import json
import math
from datetime import date
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from flask_tokenoffset.testing import (
    ANTHROPIC_DEMO_KEY,
    EVERY_FAULT,
    OPENAI_DEMO_KEY,
    AnthropicSimulator,
    Fault,
    OpenAISimulator,
)
from flask_tokenoffset.testing.simulators import faults

if TYPE_CHECKING:
    from collections.abc import Iterator

TODAY = date(2026, 11, 20)
ANTHROPIC = "https://api.anthropic.com/v1/organizations"
OPENAI = "https://api.openai.com/v1/organization"
HEADERS = {"x-api-key": ANTHROPIC_DEMO_KEY, "anthropic-version": "2023-06-01"}
USAGE = "/usage_report/messages"
COSTS = "/cost_report"
WINDOW = {"starting_at": "2026-11-01", "ending_at": "2026-11-20"}


@pytest.fixture
def simulator() -> AnthropicSimulator:
    return AnthropicSimulator(today=lambda: TODAY)


@pytest.fixture
def client(simulator: AnthropicSimulator) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=ANTHROPIC, headers=HEADERS, params=WINDOW, transport=simulator.transport()
    ) as client:
        yield client


def struck(
    simulator: AnthropicSimulator, client: httpx.Client, fault: Fault, path: str = USAGE
) -> httpx.Response:
    simulator.faults.add(fault)
    return client.get(path)


def rows(payload: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for bucket in payload["data"] for row in bucket["results"]]


def test_there_are_more_than_the_25_faults_asked_for() -> None:
    assert len(EVERY_FAULT) >= 25


OF_COSTS = {
    "amounts_of_thirty_digits",
    "amounts_with_exponents",
    "credit",
    "free_rows",
    "missing_amount",
    "without_an_amount",
}


@pytest.mark.parametrize("name", EVERY_FAULT)
def test_each_fault_changes_what_a_client_sees_and_then_is_over(
    simulator: AnthropicSimulator, client: httpx.Client, name: str
) -> None:
    path = COSTS if name in OF_COSTS else USAGE
    # What a whole exchange looks like; only these faults leave the decoded payload alone.
    right = client.get(path)
    simulator.faults.add(EVERY_FAULT[name](), path="*" + path)

    seen: object
    try:
        response = client.get(path)
        seen = (response.status_code, response.content, dict(response.headers))
    except httpx.TransportError as error:
        seen = type(error)

    harmless = {"slow", "trickle"}
    is_as_usual = seen == (right.status_code, right.content, dict(right.headers))
    assert is_as_usual == (name in harmless)
    assert len(simulator.faults) == 0
    assert client.get(path).content == right.content


def test_planned_faults_wait_repeat_and_keep_to_their_path(
    simulator: AnthropicSimulator, client: httpx.Client
) -> None:
    simulator.faults.add(faults.status(500), path="*/cost_report", after=1, times=2)

    assert [client.get(COSTS).status_code for _ in range(4)] == [200, 500, 500, 200]

    simulator.faults.add(faults.status(529), path="*/cost_report", times=None)
    assert client.get(USAGE).status_code == 200
    assert [client.get(COSTS).status_code for _ in range(5)] == [529] * 5
    simulator.faults.clear()
    assert client.get(COSTS).status_code == 200


def test_status_carries_the_body_and_headers_given(
    simulator: AnthropicSimulator, client: httpx.Client
) -> None:
    response = struck(simulator, client, faults.status(418, headers={"x-pot": "1"}, body=b"teapot"))
    assert (response.status_code, response.text, response.headers["x-pot"]) == (418, "teapot", "1")

    response = struck(simulator, client, faults.status(402, body={"error": None}))
    assert response.json() == {"error": None}


def test_rate_limit_says_when_to_come_back_or_not(
    simulator: AnthropicSimulator, client: httpx.Client
) -> None:
    reset_at = "2026-11-20T10:00:00Z"
    fault = faults.rate_limited(anthropic_ratelimit_requests_reset=reset_at)
    response = struck(simulator, client, fault)
    assert response.status_code == 429
    assert "retry-after" not in response.headers
    assert response.headers["anthropic-ratelimit-requests-reset"] == reset_at

    response = struck(simulator, client, faults.rate_limited("17"))
    assert response.headers["retry-after"] == "17"


def test_redirect_points_elsewhere(simulator: AnthropicSimulator, client: httpx.Client) -> None:
    response = struck(simulator, client, faults.redirect())

    assert response.status_code == 302
    assert response.headers["location"] == "https://elsewhere.example/collect"


def test_key_is_echoed(simulator: AnthropicSimulator, client: httpx.Client) -> None:
    response = struck(simulator, client, faults.echoes_key())

    assert response.status_code == 401
    assert ANTHROPIC_DEMO_KEY in response.text
    assert ANTHROPIC_DEMO_KEY not in repr(simulator.calls)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (faults.reset(), httpx.ReadError),
        (faults.breaks_off(), httpx.ReadError),
        (faults.refused(), httpx.ConnectError),
        (faults.bad_certificate(), httpx.ConnectError),
        (faults.connect_timeout(), httpx.ConnectTimeout),
        (faults.read_timeout(), httpx.ReadTimeout),
    ],
)
def test_dropped_connections_are_httpx_errors_in_process(
    simulator: AnthropicSimulator,
    client: httpx.Client,
    fault: Fault,
    error: type[httpx.TransportError],
) -> None:
    with pytest.raises(error):
        struck(simulator, client, fault)


def test_dropped_call_is_recorded_without_a_status(
    simulator: AnthropicSimulator, client: httpx.Client
) -> None:
    with pytest.raises(httpx.ReadError):
        struck(simulator, client, faults.reset())

    assert [call.status for call in simulator.calls] == [None]


def test_slow_answer_runs_into_the_clients_own_time_out(
    simulator: AnthropicSimulator, client: httpx.Client
) -> None:
    simulator.faults.add(faults.slow(0.05), times=2)

    with pytest.raises(httpx.ReadTimeout):
        client.get(USAGE, timeout=0.01)
    assert client.get(USAGE, timeout=5).status_code == 200


def test_damaged_bodies_cannot_be_read(simulator: AnthropicSimulator, client: httpx.Client) -> None:
    with pytest.raises(json.JSONDecodeError):
        struck(simulator, client, faults.cut_json()).json()
    with pytest.raises(UnicodeDecodeError):
        struck(simulator, client, faults.bad_utf8()).json()
    with pytest.raises(json.JSONDecodeError):
        struck(simulator, client, faults.html()).json()
    assert struck(simulator, client, faults.empty_body()).content == b""


def test_right_answer_survives_compression(
    simulator: AnthropicSimulator, client: httpx.Client
) -> None:
    right = client.get(USAGE)
    compressed = struck(simulator, client, faults.compressed())

    assert compressed.headers["content-encoding"] == "gzip"
    assert compressed.json() == right.json()


def test_fields_go_missing_appear_and_change_type(
    simulator: AnthropicSimulator, client: httpx.Client
) -> None:
    payload = struck(simulator, client, faults.missing_field("output_tokens")).json()
    assert rows(payload)
    assert not any("output_tokens" in row for row in rows(payload))

    payload = struck(simulator, client, faults.new_field("mood", "fine")).json()
    assert payload["mood"] == payload["data"][0]["mood"] == rows(payload)[0]["mood"] == "fine"

    payload = struck(simulator, client, faults.wrong_type("results", 7)).json()
    assert {bucket["results"] for bucket in payload["data"]} == {7}


@pytest.mark.parametrize("value", [math.nan, math.inf, -1, 10**30, 0.5])
def test_figures_become_absurd_at_both_vendors(value: float) -> None:
    openai = OpenAISimulator(today=lambda: TODAY)
    anthropic = AnthropicSimulator(today=lambda: TODAY)
    for simulator in (openai, anthropic):
        simulator.faults.add(faults.figures(value), times=None)
    params = {"start_time": 1_793_500_000, "limit": 7}
    bearer = {"authorization": f"Bearer {OPENAI_DEMO_KEY}"}

    with httpx.Client(transport=openai.transport(), headers=bearer, params=params) as client:
        usage = client.get(f"{OPENAI}/usage/completions").json()
        costs = client.get(f"{OPENAI}/costs").json()
    with httpx.Client(transport=anthropic.transport(), headers=HEADERS, params=WINDOW) as client:
        cents = client.get(f"{ANTHROPIC}{COSTS}").json()

    assert {repr(row["output_tokens"]) for row in rows(usage)} == {repr(value)}
    assert {repr(row["amount"]["value"]) for row in rows(costs)} == {repr(value)}
    assert {row["amount"] for row in rows(cents)} == {str(value)}


def test_rows_and_days_come_twice_backwards_or_not_at_all(
    simulator: AnthropicSimulator, client: httpx.Client
) -> None:
    right = client.get(USAGE).json()
    first, last = right["data"][0], right["data"][-1]

    twice = struck(simulator, client, faults.duplicate_rows()).json()
    assert len(rows(twice)) == 2 * len(rows(right))
    days = struck(simulator, client, faults.duplicate_days()).json()["data"]
    assert days[:2] == [first, first]
    backwards = struck(simulator, client, faults.newest_first()).json()["data"]
    assert (backwards[0], backwards[-1]) == (last, first)
    for path in (USAGE, COSTS):
        payload = struck(simulator, client, faults.leaves_out_empty_days(), path).json()
        assert all(bucket["results"] for bucket in payload["data"])
        assert len(payload["data"]) < len(client.get(path).json()["data"])


def follow(client: httpx.Client, calls: int) -> list[dict[str, Any]]:
    """Page as a client without any sense would."""
    found: list[dict[str, Any]] = []
    params: dict[str, str] = {}
    for _ in range(calls):
        payload = client.get(USAGE, params=params).json()
        found.append(payload)
        params = {"page": payload["next_page"]} if payload["next_page"] else {}
    return found


@pytest.mark.parametrize(
    ("fault", "tokens"),
    [
        (faults.endless_paging(), ["page_1", "page_2", "page_3", "page_4"]),
        (faults.repeated_token(), ["page_again"] * 4),
        (faults.token_cycle(), ["page_a", "page_b", "page_a", "page_b"]),
        (faults.more_without_token(), [None] * 4),
        (faults.more_with_empty_token(), [""] * 4),
        (faults.empty_page_says_more(), ["page_1", "page_2", "page_3", "page_4"]),
    ],
)
def test_paging_never_ends(
    simulator: AnthropicSimulator, client: httpx.Client, fault: Fault, tokens: list[str | None]
) -> None:
    simulator.faults.add(fault, times=None)

    payloads = follow(client, 4)

    assert [payload["next_page"] for payload in payloads] == tokens
    assert all(payload["has_more"] is True for payload in payloads)


def test_empty_pages_promise_more(simulator: AnthropicSimulator, client: httpx.Client) -> None:
    simulator.faults.add(faults.empty_page_says_more(), times=None)

    assert [payload["data"] for payload in follow(client, 3)] == [[], [], []]


def test_page_ends_early_although_days_are_missing(
    simulator: AnthropicSimulator, client: httpx.Client
) -> None:
    payload = struck(simulator, client, faults.ends_early()).json()

    assert (len(payload["data"]), payload["has_more"], payload["next_page"]) == (1, False, None)


def test_refusals_pass_through_faults_that_damage_right_answers(
    simulator: AnthropicSimulator, client: httpx.Client
) -> None:
    for fault in (faults.duplicate_rows(), faults.endless_paging()):
        simulator.faults.add(fault)
        response = client.get(USAGE, headers={"x-api-key": "sk-ant-nobody"})
        assert response.status_code == 401
        assert response.json()["error"]["message"] == "invalid x-api-key"


class TestOverASocket:
    @pytest.fixture
    def served(self, simulator: AnthropicSimulator) -> Iterator[httpx.Client]:
        with simulator.served_transport() as transport:
            yield httpx.Client(
                base_url=ANTHROPIC, headers=HEADERS, params=WINDOW, transport=transport
            )

    def test_answers_are_the_same_as_in_process(
        self, client: httpx.Client, served: httpx.Client, simulator: AnthropicSimulator
    ) -> None:
        assert served.get(USAGE).content == client.get(USAGE).content
        assert [call.host for call in simulator.calls] == ["api.anthropic.com"] * 2

    def test_serving_gives_a_loopback_address_and_ends_with_the_context(
        self, simulator: AnthropicSimulator
    ) -> None:
        with simulator.serve() as base_url:
            assert base_url.startswith("http://127.0.0.1:")
            response = httpx.get(f"{base_url}/v1/organizations/me", headers=HEADERS)
            assert response.json()["name"] == "Simulated Industries"
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{base_url}/v1/organizations/me", headers=HEADERS)

    @pytest.mark.parametrize("fault", [faults.reset(), faults.breaks_off()])
    def test_connection_is_really_reset(
        self, simulator: AnthropicSimulator, served: httpx.Client, fault: Fault
    ) -> None:
        simulator.faults.add(fault)

        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            served.get(USAGE)
        assert served.get(USAGE).status_code == 200

    def test_body_comes_in_pieces_or_late(
        self, simulator: AnthropicSimulator, served: httpx.Client
    ) -> None:
        right = served.get(USAGE).content
        simulator.faults.add(faults.trickle(pieces=4, pause_seconds=0.02))
        assert served.get(USAGE).content == right

        simulator.faults.add(faults.slow(0.3))
        with pytest.raises(httpx.ReadTimeout):
            served.get(USAGE, timeout=0.05)
