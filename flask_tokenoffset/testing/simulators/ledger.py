"""The simulator's own books: what a client that reads everything right must end up with."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from flask_tokenoffset.testing.simulators.truth import CostTruth, TokenCounts, UsageTruth

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flask_tokenoffset.testing.simulators.profiles import DimensionValue
    from flask_tokenoffset.testing.simulators.truth import History

__all__ = ["CostTruth", "Ledger", "TokenCounts", "Totals", "UsageTruth"]


class Totals(NamedTuple):
    """Sums over some days; tokens by disjoint kinds, money in whole nano-dollars."""

    uncached_input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_creation_tokens: int = 0
    output_tokens: int = 0
    request_count: int = 0
    cost_nano_usd: int = 0

    @property
    def tokens(self) -> int:
        """Tokens of all four kinds together."""
        return (
            self.uncached_input_tokens
            + self.cached_input_tokens
            + self.cache_creation_tokens
            + self.output_tokens
        )


class Ledger:
    """Exact figures for each UTC day, as the simulated vendor would state them now.

    Windows are half-open: ``start`` is in, ``end`` is out. The ledger adds the same days the
    answers are made from, but shares no code with how answers are grouped, paged or written.

    :param bills_open_day: whether the vendor already shows costs of the day that is still open.
    """

    def __init__(self, history: History, *, bills_open_day: bool) -> None:
        self._history = history
        self._bills_open_day = bills_open_day

    def usage(self, start: date, end: date) -> list[UsageTruth]:
        """Every stream of every day, ungrouped, oldest day first."""
        return [row for day in _days(start, end) for row in self._history.usage(day)]

    def costs(self, start: date, end: date) -> list[CostTruth]:
        """Every line of every day's bill, ungrouped, oldest day first."""
        today = self._history.today
        return [
            line
            for day in _days(start, end)
            if day < today or (day == today and self._bills_open_day)
            for line in self._history.costs(day)
        ]

    def totals(self, start: date, end: date) -> Totals:
        """The sums over a window."""
        return _totals(self.usage(start, end), self.costs(start, end))

    def by_day(self, start: date, end: date) -> dict[date, Totals]:
        """The sums for each day of a window, days without any use included."""
        return {day: self.totals(day, day + timedelta(days=1)) for day in _days(start, end)}

    def usage_by(
        self, start: date, end: date, *dimensions: str
    ) -> dict[tuple[DimensionValue, ...], Totals]:
        """Token sums over a window for each combination of the named dimensions."""
        groups: defaultdict[tuple[DimensionValue, ...], list[UsageTruth]] = defaultdict(list)
        for row in self.usage(start, end):
            groups[tuple(row.dimensions[name] for name in dimensions)].append(row)
        return {key: _totals(rows, ()) for key, rows in groups.items()}

    def costs_by(
        self, start: date, end: date, *dimensions: str
    ) -> dict[tuple[DimensionValue, ...], int]:
        """Nano-dollars over a window for each combination of the named dimensions."""
        groups: defaultdict[tuple[DimensionValue, ...], int] = defaultdict(int)
        for line in self.costs(start, end):
            groups[tuple(line.dimensions[name] for name in dimensions)] += line.cost_nano_usd
        return dict(groups)


def _days(start: date, end: date) -> Iterator[date]:
    for number in range((end - start).days):
        yield start + timedelta(days=number)


def _totals(usage: Iterable[UsageTruth], costs: Iterable[CostTruth]) -> Totals:
    uncached = cached = creation = output = requests = 0
    for row in usage:
        uncached += row.counts.uncached_input_tokens
        cached += row.counts.cached_input_tokens
        creation += row.counts.cache_creation_tokens
        output += row.counts.output_tokens
        requests += row.counts.request_count
    cost = sum(line.cost_nano_usd for line in costs)
    return Totals(uncached, cached, creation, output, requests, cost)
