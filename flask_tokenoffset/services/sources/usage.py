"""Daily usage and cost as a sample left them: for charts, tables and days that were kept."""

from __future__ import annotations

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
    from collections.abc import Collection, Sequence
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
    """One UTC day of a source: tokens by kind, and what the vendor charged."""

    day: date
    tokens: TokenCounts
    cost_nano_usd: int


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
    """What is stored of the cost of some of a source's days, in nano-US-dollars."""
    if not days:
        return []
    rows = session.execute(
        select(DailyCost.day, _sum(DailyCost.cost_nano_usd))
        .join(CostLine, CostLine.id == DailyCost.line_id)
        .where(CostLine.source_id == source_id, DailyCost.day.in_(sorted(days)))
        .group_by(DailyCost.day)
    )
    return [(row[0], row[1]) for row in rows]


def _sum(column: InstrumentedAttribute[int]) -> ColumnElement[int]:
    """A sum as the whole number it is: PostgreSQL would give it as a decimal."""
    return cast(func.sum(column), BigInteger())


def daily_totals(
    session: Session,
    account_id: UUID,
    source_ids: Sequence[UUID],
    window: DayRange,
) -> list[DayTotals]:
    """Some sources' usage and cost, day by day, every day of the window present; two queries.

    :param source_ids: sources of this account; another's ids yield nothing.
    """
    of = {
        "account_id": account_id,
        "source_ids": source_ids,
        "start": window.start,
        "end": window.end,
    }
    usage = session.execute(_daily_usage(), of)
    tokens = {row[0]: TokenCounts(row[1], row[2], row[3], row[4]) for row in usage}
    costs = {row[0]: row[1] for row in session.execute(_daily_cost(), of)}
    nothing = TokenCounts.zero()
    return [DayTotals(day, tokens.get(day, nothing), costs.get(day, 0)) for day in window]


@cache
def _daily_usage() -> Executable:
    return (
        select(DailyUsage.day, *(_sum(column) for column in _TOKEN_COLUMNS))
        .join(UsageSeries, UsageSeries.id == DailyUsage.series_id)
        .where(
            UsageSeries.account_id == bindparam("account_id"),
            UsageSeries.source_id.in_(bindparam("source_ids", expanding=True)),
            DailyUsage.day >= bindparam("start"),
            DailyUsage.day < bindparam("end"),
        )
        .group_by(DailyUsage.day)
    )


@cache
def _daily_cost() -> Select[date, int]:
    return (
        select(DailyCost.day, _sum(DailyCost.cost_nano_usd))
        .join(CostLine, CostLine.id == DailyCost.line_id)
        .where(
            CostLine.account_id == bindparam("account_id"),
            CostLine.source_id.in_(bindparam("source_ids", expanding=True)),
            DailyCost.day >= bindparam("start"),
            DailyCost.day < bindparam("end"),
        )
        .group_by(DailyCost.day)
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
    return SampledUsage(daily_totals(session, account_id, [source_id], window), list(kept))


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
