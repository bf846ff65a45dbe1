"""Daily usage by model, for a chart that tells the largest few apart."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from sqlalchemy import BigInteger, Executable, bindparam, cast, func, select

from flask_tokenoffset.models import DailyUsage, UsageSeries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from uuid import UUID

    from sqlalchemy.orm import Session

    from flask_tokenoffset.clock import DayRange

#: Models that are told apart; the tokens of all others are added up.
MOST_MODELS: Final = 5


@dataclass(frozen=True, slots=True)
class ModelDays:
    """Tokens a day by model.

    :param models: the vendors' names of those told apart, the most used first; "" is a model that
        was not named.
    :param tokens: of each day with any use, as many as there are models, and those of all others.
    """

    models: tuple[str, ...]
    tokens: Mapping[date, tuple[int, ...]]


def daily_models(
    session: Session, account_id: UUID, source_ids: Sequence[UUID], window: DayRange
) -> ModelDays:
    """Some sources' tokens by day and model; one query.

    :param source_ids: sources of this account; another's ids yield nothing.
    :param window: the days to read.
    """
    of = {
        "account_id": account_id,
        "source_ids": source_ids,
        "start": window.start,
        "end": window.end,
    }
    days: defaultdict[date, Counter[str]] = defaultdict(Counter)
    totals: Counter[str] = Counter()
    for day, model, tokens in session.execute(_by_model(), of):
        days[day][model] += tokens
        totals[model] += tokens
    ranked = sorted(totals, key=lambda model: (-totals[model], model))
    models = tuple(model for model in ranked[:MOST_MODELS] if totals[model])
    return ModelDays(
        models,
        {
            day: (
                *(used[model] for model in models),
                used.total() - sum(used[model] for model in models),
            )
            for day, used in days.items()
        },
    )


@cache
def _by_model() -> Executable:
    total = (
        DailyUsage.uncached_input_tokens
        + DailyUsage.cached_input_tokens
        + DailyUsage.cache_creation_tokens
        + DailyUsage.output_tokens
    )
    return (
        # PostgreSQL would give the sum as a decimal.
        select(DailyUsage.day, UsageSeries.model, cast(func.sum(total), BigInteger()))
        .join(UsageSeries, UsageSeries.id == DailyUsage.series_id)
        .where(
            UsageSeries.account_id == bindparam("account_id"),
            UsageSeries.source_id.in_(bindparam("source_ids", expanding=True)),
            DailyUsage.day >= bindparam("start"),
            DailyUsage.day < bindparam("end"),
        )
        .group_by(DailyUsage.day, UsageSeries.model)
    )
