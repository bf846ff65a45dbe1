"""Both vendors in one shape, so that a test of one is a test of the other.

The bodies made here are written out from the vendors' documentation and share nothing with the
code under test.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from flask_tokenoffset import providers
from flask_tokenoffset.clock import DayRange
from flask_tokenoffset.providers import Limits, VendorHTTP
from flask_tokenoffset.vault import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from flask_tokenoffset.providers import Provider, ReportingClient

Handler = "Callable[[httpx.Request], httpx.Response]"
FIRST_DAY = date(2026, 8, 1)
NOW = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)


def recorded(name: str) -> Any:
    """A file of data/, decoded as any reader would."""
    return json.loads((Path(__file__).parent / "data" / name).read_text())


class FakeTime:
    """A clock that moves only when a person sleeps."""

    def __init__(self) -> None:
        self.elapsed_seconds = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.elapsed_seconds += seconds

    def monotonic(self) -> float:
        return self.elapsed_seconds

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.elapsed_seconds)


@dataclass(frozen=True)
class Vendor:
    """One vendor's paths, key and bodies."""

    name: str
    key: str
    usage_path: str
    costs_path: str
    usage_row: dict[str, Any]
    cost_row: dict[str, Any]
    days_a_usage_page: int
    days_a_costs_page: int

    @property
    def provider(self) -> Provider:
        return providers.get(self.name)

    def bucket(self, day: date, rows: Sequence[Any]) -> dict[str, Any]:
        start = datetime(day.year, day.month, day.day, tzinfo=UTC)
        end = start + timedelta(days=1)
        if self.name == "anthropic":
            return {
                "starting_at": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "ending_at": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "results": list(rows),
            }
        return {
            "object": "bucket",
            "start_time": int(start.timestamp()),
            "end_time": int(end.timestamp()),
            "results": list(rows),
        }

    def usage(self, **changes: Any) -> dict[str, Any]:
        return {**self.usage_row, **changes}

    def cost(self, **changes: Any) -> dict[str, Any]:
        return {**self.cost_row, **changes}

    def page_of(self, buckets: Sequence[Any], next_page: str | None = None) -> dict[str, Any]:
        return {"data": list(buckets), "has_more": next_page is not None, "next_page": next_page}

    def one_day(self, request: httpx.Request) -> dict[str, Any]:
        """A whole, well-formed answer to any of the vendor's questions."""
        if request.url.path == "/v1/organizations/me":
            return {
                "id": "0b9c8d1e-0000-4000-8000-00000000abcd",
                "type": "organization",
                "name": "Acme",
            }
        row = self.usage_row if request.url.path == self.usage_path else self.cost_row
        return self.page_of([self.bucket(FIRST_DAY, [row])])


ANTHROPIC = Vendor(
    name="anthropic",
    key="sk-ant-admin01-Qz7canaryWx4Ty8Rp2Lm6Vn3Bk9",
    usage_path="/v1/organizations/usage_report/messages",
    costs_path="/v1/organizations/cost_report",
    usage_row={
        "uncached_input_tokens": 100,
        "cache_read_input_tokens": 20,
        "cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4},
        "output_tokens": 50,
        "server_tool_use": {"web_search_requests": 1},
        "model": "claude-opus-5",
        "service_tier": "standard",
        "context_window": "0-200k",
        "api_key_id": None,
        "workspace_id": None,
    },
    cost_row={
        "amount": "123.45",
        "currency": "USD",
        "description": "Claude Opus 5 Usage - Input Tokens",
        "cost_type": "tokens",
        "model": "claude-opus-5",
        "service_tier": "standard",
        "token_type": "uncached_input_tokens",
        "context_window": "0-200k",
        "workspace_id": None,
    },
    days_a_usage_page=31,
    days_a_costs_page=31,
)
OPENAI = Vendor(
    name="openai",
    key="sk-admin-Qz7canaryWx4Ty8Rp2Lm6Vn3Bk9Jd5Hf",
    usage_path="/v1/organization/usage/completions",
    costs_path="/v1/organization/costs",
    usage_row={
        "object": "organization.usage.completions.result",
        "input_tokens": 127,
        "input_cached_tokens": 20,
        "input_cache_write_tokens": 7,
        "output_tokens": 50,
        "num_model_requests": 6,
        "model": "gpt-6",
        "service_tier": "default",
        "batch": False,
        "project_id": None,
        "user_id": None,
    },
    cost_row={
        "object": "organization.costs.result",
        "amount": {"value": 1.2345, "currency": "usd"},
        "line_item": "gpt-6, input",
        "project_id": None,
    },
    days_a_usage_page=31,
    days_a_costs_page=180,
)
VENDORS = [ANTHROPIC, OPENAI]


@dataclass
class Answers:
    """Answers each request by a function and remembers what was asked."""

    answer: Callable[[httpx.Request], httpx.Response]
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.answer(request)


def well_formed(vendor: Vendor) -> Answers:
    """The vendor on a good day."""
    return Answers(lambda request: httpx.Response(200, json=vendor.one_day(request)))


def fixed(status: int = 200, **response: Any) -> Answers:
    """The same answer, whatever is asked."""
    return Answers(lambda _request: httpx.Response(status, **response))


def paged(pages: Sequence[Any]) -> Answers:
    """One page after another, with whatever tokens they carry."""
    left = iter(pages)
    return Answers(lambda _request: httpx.Response(200, json=next(left)))


@contextmanager
def opened(
    vendor: Vendor,
    answers: Callable[[httpx.Request], httpx.Response] | httpx.BaseTransport,
    *,
    time: FakeTime | None = None,
    **options: Any,
) -> Iterator[ReportingClient]:
    """A client of the vendor that is answered from memory, on a clock that stands still."""
    time = time or FakeTime()
    transport = (
        answers if isinstance(answers, httpx.BaseTransport) else httpx.MockTransport(answers)
    )
    key = Secret(vendor.key)
    arguments: dict[str, Any] = {
        "transport": transport,
        "clock": time,
        "sleep": time.sleep,
        "monotonic": time.monotonic,
        "random": lambda: 0.5,
        "limits": Limits(),
        **options,
    }
    with VendorHTTP(vendor.name, vendor.provider.endpoints, key, **arguments) as http:
        yield vendor.provider.open(key, http)


def window_of(days: int, start: date = FIRST_DAY) -> DayRange:
    return DayRange(start, start + timedelta(days=days))
