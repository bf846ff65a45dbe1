"""How well a month foretells the next: ``python -m tools.backtest``.

Goes through the real series in ``docs/data/usage-series/`` as if each day were today, asks for the
month and its outlook with nothing but the days before, and compares with the days that came.
"""

# ruff: noqa: INP001 - a folder of scripts

from __future__ import annotations

import csv
import math
import sys
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from statistics import mean, median
from typing import TYPE_CHECKING, Final

from flask_tokenoffset.clock import DayRange
from flask_tokenoffset.methodology import (
    DailySeries,
    NoProjection,
    Projection,
    RecentUse,
    TokenCounts,
    next_month,
    outlook,
    project,
)
from flask_tokenoffset.methodology.projection import DAYS_PER_MONTH

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DATA: Final = Path(__file__).parents[1] / "docs" / "data" / "usage-series"
WINDOW_DAYS: Final = 90
TARGET_DAYS: Final = 30
_WEEK: Final = 7
_MONTH: Final = float(DAYS_PER_MONTH)
#: How many groups of clients are drawn of each size; the drawing is by digest, hence repeatable.
DRAWS: Final = 500


@dataclass(frozen=True)
class Case:
    """One held-out period.

    :param actual: tokens that came.
    :param forecasts: what each rule said, in the order of :data:`RULES`.
    :param low: the low end of the stated outlook.
    :param high: its high end.
    """

    actual: float
    forecasts: tuple[float, ...]
    low: float
    high: float

    @property
    def is_covered(self) -> bool:
        """Whether what came lay inside."""
        return self.low <= self.actual <= self.high


RULES: Final = ("ours", "last 30 days", "90-day mean", "median of days")
WEEK_RULES: Final = ("last week", "mean of days", "median of days")


def ledger() -> list[tuple[date, int]]:
    """The days of the one ledger."""
    with (DATA / "individual-a-daily.csv").open(encoding="utf-8", newline="") as file:
        return [
            (date.fromisoformat(row["date"]), int(row["total_tokens"]))
            for row in csv.DictReader(file)
        ]


def clients() -> dict[str, list[int]]:
    """Fourteen days of each client, by its model group and name."""
    days: dict[str, list[int]] = defaultdict(lambda: [0] * 14)
    path = DATA / "servegen-clients-daily-half-a.csv"
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            name = f"{row['model_group']}/{row['client']}"
            days[name][int(row["day"])] += int(row["input_tokens"]) + int(row["output_tokens"])
    return dict(days)


def month_cases(days: Sequence[tuple[date, int]]) -> tuple[list[Case], int]:
    """Every day of a ledger as an origin, and the thirty days after it as what came.

    :return: the cases, and how many origins fell on a silent month, where words take a range's
        place.
    """
    cases, silent = [], 0
    for at in range(14, len(days) - TARGET_DAYS + 1):
        known = days[max(0, at - WINDOW_DAYS) : at]
        projection = _projected(known)
        if isinstance(projection, NoProjection):
            continue
        central = projection.tokens_per_month.total
        if not central:
            silent += 1
            continue
        recent = RecentUse.of_window(
            projection.last_week_tokens,
            projection.rolling,
            basis_days=(projection.basis_end - projection.basis_start).days,
        )
        stated = outlook(central, None, recent)
        counts = [tokens for _, tokens in known]
        came = sum(tokens for _, tokens in days[at : at + TARGET_DAYS]) * _MONTH / TARGET_DAYS
        cases.append(
            Case(
                came,
                (
                    float(central),
                    mean(counts[-TARGET_DAYS:]) * _MONTH,
                    mean(counts) * _MONTH,
                    median(counts) * _MONTH,
                ),
                stated.low_tokens,
                stated.high_tokens,
            )
        )
    return cases, silent


def _projected(known: Sequence[tuple[date, int]]) -> Projection | NoProjection:
    window = DayRange(known[0][0], known[-1][0] + timedelta(1))
    rows = [(day, "unnamed", TokenCounts(tokens)) for day, tokens in known]
    return project(DailySeries.from_rows(window, [day for day, _ in known], rows))


def week_cases(days: dict[str, list[int]], size: int) -> list[Case]:
    """One week against the next, for groups of so many clients; silent first weeks left out."""
    width = next_month.MANY_PEOPLE if size >= next_month.MANY_SEATS else next_month.ONE_PERSON
    cases = []
    for group in _groups(days, size):
        added = [sum(day) for day in zip(*(days[name] for name in group), strict=True)]
        first, second = added[:_WEEK], sum(added[_WEEK:])
        if sum(first):
            low = sum(first) * float(width.low_factor)
            high = sum(first) * float(width.high_factor)
            forecasts = (float(sum(first)), mean(first) * _WEEK, median(first) * _WEEK)
            cases.append(Case(second, forecasts, low, high))
    return cases


def _groups(days: dict[str, list[int]], size: int) -> Iterator[list[str]]:
    if size == 1:
        yield from ([name] for name in days)
        return
    for draw in range(DRAWS):
        yield sorted(days, key=lambda name: sha256(f"{draw}:{name}".encode()).digest())[:size]


def covered_percent(cases: Sequence[Case]) -> int:
    """The share of periods inside the stated outlook, in whole percent, rounded down."""
    return 100 * sum(case.is_covered for case in cases) // len(cases)


def typical_factor(cases: Sequence[Case], rule: int) -> float:
    """By what factor a rule is typically off: the median, either way; a miss by all is endless."""

    def off(case: Case) -> float:
        forecast = case.forecasts[rule]
        return abs(math.log(forecast / case.actual)) if forecast and case.actual else math.inf

    return math.exp(median(map(off, cases)))


def mape(cases: Sequence[Case], rule: int) -> float:
    """The mean absolute error in percent of what came; periods without use have none."""
    return 100 * mean(
        abs(case.forecasts[rule] - case.actual) / case.actual for case in cases if case.actual
    )


def by_group(days: dict[str, list[int]], size: int) -> list[tuple[str, int]]:
    """The stated outlook held against the clients of each model group alone.

    Each group has its own week on week change that its clients share, so a range fitted to one of
    them fails on another; this shows whether the stated one holds on each.

    :return: the model group, and the percent of its weeks inside.
    """
    found = []
    for held in sorted({name.partition("/")[0] for name in days}):
        inside = {name: days[name] for name in days if name.startswith(f"{held}/")}
        if len(inside) >= size:
            found.append((held, covered_percent(week_cases(inside, size))))
    return found


def report() -> str:
    """All of it as text, the same on every machine."""
    months, silent = month_cases(ledger())
    services = clients()
    weeks = week_cases(services, next_month.MANY_SEATS)
    single = week_cases(services, 1)
    lines = [
        (
            f"One person's ledger of {len(ledger())} days, {len(months)} overlapping months held"
            f" out, {silent} after a silent month:"
        ),
        _coverage(months, next_month.ONE_PERSON),
        *_table(months, RULES),
        "",
        (
            f"Random groups of {next_month.MANY_SEATS} among {len(services)} API clients, which"
            f" share members, {len(weeks)} weeks held out:"
        ),
        _coverage(weeks, next_month.MANY_PEOPLE),
        *_table(weeks, WEEK_RULES),
        "",
        f"Single API clients, {len(single)} weeks held out (many of them start or stop):",
        _coverage(single, next_month.ONE_PERSON),
        *_table(single, WEEK_RULES),
        "",
        f"Groups of {next_month.MANY_SEATS} clients of one model group, the stated outlook:",
    ]
    lines += [
        f"  {held:<9} {percent} % inside"
        for held, percent in by_group(services, next_month.MANY_SEATS)
    ]
    return "\n".join(lines) + "\n"


def _coverage(cases: Sequence[Case], width: next_month.Width) -> str:
    below = sum(case.actual < case.low for case in cases)
    above = sum(case.actual > case.high for case in cases)
    return (
        f"  stated outlook, 1/{1 / width.low_factor} to {width.high_factor} times:"
        f" {covered_percent(cases)} % inside, {below} below, {above} above"
    )


def _table(cases: Sequence[Case], rules: Sequence[str]) -> list[str]:
    return [f"  {'rule':<15} {'typical factor':>14} {'MAPE':>10}"] + [
        f"  {name:<15} {typical_factor(cases, at):>14,.1f} {mape(cases, at):>8,.0f} %"
        for at, name in enumerate(rules)
    ]


if __name__ == "__main__":
    sys.stdout.write(report())
