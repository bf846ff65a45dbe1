"""All sampled usage of an account, day by day, to be taken away at any time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import BigInteger, cast, func, null, select, union_all

from flask_tokenoffset.models import (
    Connection,
    CostLine,
    DailyCost,
    DailyUsage,
    Source,
    UsageSeries,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from uuid import UUID

    from sqlalchemy import Select
    from sqlalchemy.orm import InstrumentedAttribute, Session

#: Days that are read at a time.
DAYS_AT_A_TIME: Final = 31

_FIGURES: Final = (
    DailyUsage.uncached_input_tokens,
    DailyUsage.cached_input_tokens,
    DailyUsage.cache_creation_tokens,
    DailyUsage.output_tokens,
    DailyUsage.request_count,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRow:
    """What one source used of one model and service tier on one UTC day, and what was charged.

    Where a vendor charges under another name than it counts under, usage and charge are two rows;
    what it charges under no model has none. A row that only one of its reports holds has nothing of
    the other, which is not the same as zero.
    """

    day: date
    source_id: UUID
    source: str
    provider: str
    model: str
    service_tier: str
    uncached_input_tokens: int | None
    cached_input_tokens: int | None
    cache_creation_tokens: int | None
    output_tokens: int | None
    request_count: int | None
    cost_nano_usd: int | None


def stream_usage(
    open_session: Callable[[], AbstractContextManager[Session]], account_id: UUID
) -> Iterator[UsageRow]:
    """All of an account's sampled days, oldest first, a month at a time.

    Each month is read in a session of its own, so that no connection is held while a slow client
    reads.

    :param open_session: a new session on our database.
    :param account_id: a person's or an organization's account.
    """
    with open_session() as session:
        found = _first_and_last_day(session, account_id)
    if found is None:
        return
    day, last = found
    while day <= last:
        after = day + timedelta(days=DAYS_AT_A_TIME)
        with open_session() as session:
            rows = [
                UsageRow(**row) for row in session.execute(_days(account_id, day, after)).mappings()
            ]
        yield from rows
        day = after


def _first_and_last_day(session: Session, account_id: UUID) -> tuple[date, date] | None:
    days = [
        day
        for daily, parent_id, parent in (
            (DailyUsage, DailyUsage.series_id, UsageSeries),
            (DailyCost, DailyCost.line_id, CostLine),
        )
        for day in session.execute(
            select(func.min(daily.day), func.max(daily.day))
            .join(parent, parent.id == parent_id)
            .where(parent.account_id == account_id)
        ).one()
        if day is not None
    ]
    return (min(days), max(days)) if days else None


def _days(account_id: UUID, start: date, end: date) -> Select[Any]:
    """The rows of some days.

    :param end: the day after the last one.
    """
    # Sums pass over it, and give nothing where they met nothing else.
    nothing = cast(null(), BigInteger())
    usage = (
        select(
            DailyUsage.day,
            UsageSeries.source_id,
            UsageSeries.model,
            UsageSeries.service_tier,
            *_FIGURES,
            nothing.label("cost_nano_usd"),
        )
        .join(UsageSeries, UsageSeries.id == DailyUsage.series_id)
        .where(UsageSeries.account_id == account_id, DailyUsage.day >= start, DailyUsage.day < end)
    )
    cost = (
        select(
            DailyCost.day,
            CostLine.source_id,
            CostLine.model,
            CostLine.service_tier,
            *(nothing.label(figure.key) for figure in _FIGURES),
            DailyCost.cost_nano_usd,
        )
        .join(CostLine, CostLine.id == DailyCost.line_id)
        .where(CostLine.account_id == account_id, DailyCost.day >= start, DailyCost.day < end)
    )
    both = union_all(usage, cost).subquery()
    keys = [both.c[name] for name in ("day", "source_id", "model", "service_tier")]
    sums = [
        cast(func.sum(both.c[name]), BigInteger()).label(name)
        for name in (*(figure.key for figure in _FIGURES), "cost_nano_usd")
    ]
    names: tuple[InstrumentedAttribute[str], ...] = (Source.label, Connection.provider)
    return (
        select(*keys, Source.label.label("source"), Connection.provider, *sums)
        .join(Source, Source.id == both.c.source_id)
        .join(Connection, Connection.source_id == both.c.source_id)
        .group_by(*keys, *names)
        .order_by(*keys)
    )
