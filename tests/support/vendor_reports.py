"""Reports of both vendors, written out day by day, which a simulator answers with as they stand.

A steady customer: 1,100,000 tokens and $2.50 a day, so 33,484,000 tokens and $76.10 a month.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from flask_tokenoffset.clock import DayRange
from flask_tokenoffset.testing.simulators.http import Answer

if TYPE_CHECKING:
    from flask_tokenoffset.testing import Fault, Simulator

#: What a sample reads on the day every world of the tests begins.
WINDOW: Final = DayRange(date(2026, 8, 22), date(2026, 11, 20))
DAYS: Final = tuple(WINDOW)
TOKENS_A_MONTH: Final = 33_484_000
COST_A_MONTH: Final = Decimal("76.10")
COST_NANO_USD_A_MONTH: Final = 76_100_000_000

USAGE_ROWS: Final[dict[str, dict[str, Any]]] = {
    "anthropic": {
        "uncached_input_tokens": 300_000,
        "cache_read_input_tokens": 600_000,
        "cache_creation": {
            "ephemeral_5m_input_tokens": 70_000,
            "ephemeral_1h_input_tokens": 30_000,
        },
        "output_tokens": 100_000,
        "server_tool_use": {"web_search_requests": 0},
        "model": "claude-sonnet-4-5",
        "service_tier": "standard",
        "context_window": "0-200k",
    },
    "openai": {
        "object": "organization.usage.completions.result",
        "input_tokens": 1_000_000,
        "input_cached_tokens": 600_000,
        "output_tokens": 100_000,
        "num_model_requests": 3,
        "model": "gpt-5.5",
        "service_tier": "default",
        "batch": False,
    },
}
COST_ROWS: Final[dict[str, dict[str, Any]]] = {
    "anthropic": {
        "amount": "250.00",
        "currency": "USD",
        "description": "Claude Sonnet 4.5 Usage - Input Tokens",
        "cost_type": "tokens",
        "model": "claude-sonnet-4-5",
        "service_tier": "standard",
        "token_type": "uncached_input_tokens",
    },
    "openai": {
        "object": "organization.costs.result",
        "amount": {"value": 2.5, "currency": "usd"},
        "line_item": "gpt-5.5, input",
        "project_id": None,
    },
}
PATHS: Final = {
    "anthropic": {"usage": "*usage_report*", "costs": "*cost_report"},
    "openai": {"usage": "*usage/completions", "costs": "*costs"},
}


@dataclass
class Reports:
    """What a vendor says of the window; a day that is taken out of a report has no bucket.

    :param provider: ``anthropic`` or ``openai``.
    """

    provider: str
    usage: dict[date, list[Any]] = field(init=False)
    costs: dict[date, list[Any]] = field(init=False)

    def __post_init__(self) -> None:
        self.usage = {day: [deepcopy(USAGE_ROWS[self.provider])] for day in DAYS}
        self.costs = {day: [deepcopy(COST_ROWS[self.provider])] for day in DAYS}

    def page(self, report: str) -> dict[str, Any]:
        """One report as a single page."""
        days: dict[date, list[Any]] = getattr(self, report)
        return {
            "data": [self._bucket(day, rows) for day, rows in days.items()],
            "has_more": False,
            "next_page": None,
        }

    def answer_from(self, vendor: Simulator) -> None:
        """Let a simulator answer with these reports from now on."""
        for report in ("usage", "costs"):
            plant(vendor, report, self.page(report))

    def _bucket(self, day: date, rows: list[Any]) -> dict[str, Any]:
        start = datetime(day.year, day.month, day.day, tzinfo=UTC)
        end = start + timedelta(days=1)
        times: dict[str, Any]
        if self.provider == "openai":
            times = {"start_time": int(start.timestamp()), "end_time": int(end.timestamp())}
        else:
            times = {"starting_at": start.isoformat(), "ending_at": end.isoformat()}
        return {**times, "results": rows}


def plant(vendor: Simulator, report: str, page: Any, status: int = 200) -> None:
    """Let a simulator answer every call for a report with one page."""
    answer = page if isinstance(page, Answer) else Answer.of_json(page, status)
    fault: Fault = lambda _incoming, _answer_of: answer  # noqa: E731 - a fault is a function
    vendor.faults.add(fault, path=PATHS[vendor.name][report], times=None)
