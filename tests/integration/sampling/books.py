"""What stands in our tables, in the same words as a simulated vendor's ledger."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from flask_tokenoffset.models import (
    Base,
    Connection,
    CostLine,
    Credential,
    DailyCost,
    DailyUsage,
    Estimate,
    KeptDay,
    SampleRun,
    UsageSeries,
)

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from flask_tokenoffset.testing import Simulator
    from tests.support.world import World

#: Everything that a sample may write, but for the run itself.
SAMPLED: tuple[type[Base], ...] = (
    UsageSeries,
    DailyUsage,
    CostLine,
    DailyCost,
    KeptDay,
    Estimate,
    Credential,
)

Books = dict[tuple[Any, ...], Any]

USAGE_DIMENSIONS = {
    "anthropic": ("model", "service_tier", "context_window", None),
    "openai": ("model", "service_tier", None, "batch"),
}
COST_DIMENSIONS = {
    "anthropic": ("description", "cost_type", "model", "service_tier", "token_type"),
    "openai": ("line_item", None, None, None, None),
}


def stored_usage(world: World, source_id: UUID) -> Books:
    """Tokens by kind, for each day and combination of dimensions."""
    with world.app.app_context():
        rows = world.state.session.execute(
            select(DailyUsage, UsageSeries)
            .join(UsageSeries, UsageSeries.id == DailyUsage.series_id)
            .where(UsageSeries.source_id == source_id)
        )
        return {
            (usage.day, series.model, series.service_tier, series.context_window, series.batch): (
                usage.uncached_input_tokens,
                usage.cached_input_tokens,
                usage.cache_creation_tokens,
                usage.output_tokens,
            )
            for usage, series in rows
        }


def stored_costs(world: World, source_id: UUID) -> Books:
    """Nano-dollars, for each day and line of the bill."""
    with world.app.app_context():
        rows = world.state.session.execute(
            select(DailyCost, CostLine)
            .join(CostLine, CostLine.id == DailyCost.line_id)
            .where(CostLine.source_id == source_id)
        )
        return {
            (
                cost.day,
                line.description,
                line.cost_type,
                line.model,
                line.service_tier,
                line.token_type,
            ): cost.cost_nano_usd
            for cost, line in rows
        }


def true_usage(vendor: Simulator, start: date, end: date) -> Books:
    """What the vendor counted, ungrouped figures added up by what we group by."""
    sums: dict[tuple[Any, ...], Counter[int]] = {}
    for row in vendor.ledger.usage(start, end):
        key = (row.day, *_said(row.dimensions, USAGE_DIMENSIONS[vendor.name]))
        counts = row.counts
        sums.setdefault(key, Counter()).update(
            {
                0: counts.uncached_input_tokens,
                1: counts.cached_input_tokens,
                2: counts.cache_creation_tokens,
                3: counts.output_tokens,
            }
        )
    return {key: tuple(kinds[number] for number in range(4)) for key, kinds in sums.items()}


def true_costs(vendor: Simulator, start: date, end: date) -> Books:
    """What the vendor billed, likewise."""
    sums: Counter[tuple[Any, ...]] = Counter()
    for line in vendor.ledger.costs(start, end):
        key = (line.day, *_said(line.dimensions, COST_DIMENSIONS[vendor.name]))
        sums[key] += line.cost_nano_usd
    return dict(sums)


def _said(dimensions: Any, names: tuple[str | None, ...]) -> tuple[str, ...]:
    values = (None if name is None else dimensions[name] for name in names)
    return tuple(
        "" if value is None else str(value).lower() if isinstance(value, bool) else value
        for value in values
    )


def runs(world: World) -> list[SampleRun]:
    """Every run, oldest first."""
    with world.app.app_context():
        return list(world.state.session.scalars(select(SampleRun).order_by(SampleRun.requested_at)))


def connection_of(world: World, source_id: UUID) -> Connection:
    """A source's connection as it stands."""
    with world.app.app_context():
        return world.state.session.get_one(Connection, source_id)


def estimates(world: World) -> list[Estimate]:
    """Every estimate, oldest first."""
    with world.app.app_context():
        return list(world.state.session.scalars(select(Estimate).order_by(Estimate.created_at)))
