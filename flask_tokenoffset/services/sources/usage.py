"""Daily usage and cost as a sample left them: for charts, tables and days that were kept."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from sqlalchemy import BigInteger, Executable, Select, bindparam, cast, func, select

from flask_tokenoffset.clock import DayRange
from flask_tokenoffset.methodology import TokenCounts
from flask_tokenoffset.models import (
    CostLine,
    DailyCost,
    DailyUsage,
    KeptDay,
    SampleRun,
    UsageSeries,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import date
    from uuid import UUID

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import InstrumentedAttribute, Session

_TOKEN_COLUMNS: Final = (
    DailyUsage.uncached_input_tokens,
    DailyUsage.cached_input_tokens,
    DailyUsage.cache_creation_tokens,
    DailyUsage.output_tokens,
)


@dataclass(frozen=True, slots=True)
class DayTotals:
    """One UTC day of one or several sources: tokens by kind, and what the vendors charged.

    What is not known is None, which is something else than nothing used or charged.

    :param tokens: of the sources whose use of that day is known; None where that is none of them.
    :param cost_nano_usd: likewise.
    :param is_whole: whether the use of every one of the sources is known.
    :param cost_is_whole: whether the cost of every one is.
    """

    day: date
    tokens: TokenCounts | None
    cost_nano_usd: int | None
    is_whole: bool = True
    cost_is_whole: bool = True


def known_totals(days: Iterable[DayTotals]) -> TokenCounts:
    """The tokens of those days that are known.

    :param days: any days.
    """
    return TokenCounts.sum(each.tokens for each in days if each.tokens is not None)


def known_cost_nano_usd(days: Iterable[DayTotals]) -> int | None:
    """What was charged on those days whose cost is known; None where that is none of them.

    :param days: any days.
    """
    costs = [each.cost_nano_usd for each in days if each.cost_nano_usd is not None]
    return sum(costs) if costs else None


def tokens_of_days(
    session: Session, source_id: UUID, days: Collection[date]
) -> list[tuple[date, str, TokenCounts]]:
    """What is stored of some of a source's days, by day and model; tiers are added up."""
    if not days:
        return []
    rows = session.execute(
        select(DailyUsage.day, UsageSeries.model, *(_sum(column) for column in _TOKEN_COLUMNS))
        .join(UsageSeries, UsageSeries.id == DailyUsage.series_id)
        .where(UsageSeries.source_id == source_id, DailyUsage.day.in_(sorted(days)))
        .group_by(DailyUsage.day, UsageSeries.model)
    )
    return [(row[0], row[1], TokenCounts(row[2], row[3], row[4], row[5])) for row in rows]


def costs_of_days(
    session: Session, source_id: UUID, days: Collection[date]
) -> list[tuple[date, int]]:
    """What is stored of the cost of some of a source's days, in nano-US-dollars.

    What was charged and, apart from it, what was credited: one entry each for a day.
    """
    if not days:
        return []
    is_credit = DailyCost.cost_nano_usd < 0
    rows = session.execute(
        select(DailyCost.day, _sum(DailyCost.cost_nano_usd))
        .join(CostLine, CostLine.id == DailyCost.line_id)
        .where(CostLine.source_id == source_id, DailyCost.day.in_(sorted(days)))
        .group_by(DailyCost.day, is_credit)
    )
    return [(row[0], row[1]) for row in rows]


def _sum(column: InstrumentedAttribute[int]) -> ColumnElement[int]:
    """A sum as the whole number it is: PostgreSQL would give it as a decimal."""
    return cast(func.sum(column), BigInteger())


def daily_totals(
    session: Session,
    account_id: UUID,
    samples: Sequence[SampleRun],
    window: DayRange,
) -> list[DayTotals]:
    """Some sources' usage and cost, day by day, every day of the window present; two queries.

    :param samples: the newest complete run of each source, of this account; another's sources yield
        nothing. It says which days without rows were read.
    """
    of = {
        "account_id": account_id,
        "source_ids": [run.source_id for run in samples],
        "start": window.start,
        "end": window.end,
    }
    tokens: dict[date, dict[UUID, TokenCounts]] = defaultdict(dict)
    for source_id, day, *counts in session.execute(_daily_usage(), of):
        tokens[day][source_id] = TokenCounts(*counts)
    costs: dict[date, dict[UUID, int]] = defaultdict(dict)
    for source_id, day, cost_nano_usd in session.execute(_daily_cost(), of):
        costs[day][source_id] = cost_nano_usd
    read = [
        (run, frozenset(run.unknown_usage_days or ()), frozenset(run.unknown_cost_days or ()))
        for run in samples
    ]
    totals = []
    for day in window:
        use_of, cost_of = tokens[day], costs[day]
        for run, no_usage, no_cost in read:
            if run.window_start <= day < run.window_end:
                if day not in no_usage:
                    use_of.setdefault(run.source_id, TokenCounts.zero())
                if day in no_cost:
                    # A part of a day's cost, such as a credit alone, is not what it cost.
                    cost_of.pop(run.source_id, None)
                else:
                    cost_of.setdefault(run.source_id, 0)
        totals.append(
            DayTotals(
                day,
                TokenCounts.sum(use_of.values()) if use_of else None,
                sum(cost_of.values()) if cost_of else None,
                is_whole=len(use_of) == len(samples),
                cost_is_whole=len(cost_of) == len(samples),
            )
        )
    return totals


@cache
def _daily_usage() -> Executable:
    return (
        select(UsageSeries.source_id, DailyUsage.day, *(_sum(column) for column in _TOKEN_COLUMNS))
        .join(UsageSeries, UsageSeries.id == DailyUsage.series_id)
        .where(
            UsageSeries.account_id == bindparam("account_id"),
            UsageSeries.source_id.in_(bindparam("source_ids", expanding=True)),
            DailyUsage.day >= bindparam("start"),
            DailyUsage.day < bindparam("end"),
        )
        .group_by(UsageSeries.source_id, DailyUsage.day)
    )


@cache
def _daily_cost() -> Select[UUID, date, int]:
    return (
        select(CostLine.source_id, DailyCost.day, _sum(DailyCost.cost_nano_usd))
        .join(CostLine, CostLine.id == DailyCost.line_id)
        .where(
            CostLine.account_id == bindparam("account_id"),
            CostLine.source_id.in_(bindparam("source_ids", expanding=True)),
            DailyCost.day >= bindparam("start"),
            DailyCost.day < bindparam("end"),
        )
        .group_by(CostLine.source_id, DailyCost.day)
    )


@dataclass(frozen=True, slots=True)
class SampledUsage:
    """The days of a source's newest complete sample.

    :param kept_days: days the vendor no longer reports, whose former figures were kept.
    """

    days: list[DayTotals]
    kept_days: list[date]


def read_usage(
    session: Session, account_id: UUID, source_id: UUID, complete: SampleRun | None
) -> SampledUsage:
    """A source's usage over the window of its newest complete run; three queries.

    :param complete: that run; without one there is nothing to show.
    """
    if complete is None:
        return SampledUsage([], [])
    window = DayRange(complete.window_start, complete.window_end)
    kept = session.scalars(
        _kept_days(),
        {
            "account_id": account_id,
            "source_id": source_id,
            "start": window.start,
            "end": window.end,
        },
    )
    return SampledUsage(daily_totals(session, account_id, [complete], window), list(kept))


@cache
def _kept_days() -> Select[date]:
    return (
        select(KeptDay.day)
        .where(
            KeptDay.account_id == bindparam("account_id"),
            KeptDay.source_id == bindparam("source_id"),
            KeptDay.day >= bindparam("start"),
            KeptDay.day < bindparam("end"),
        )
        .distinct()
        .order_by(KeptDay.day)
    )
