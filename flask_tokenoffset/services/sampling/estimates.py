"""Estimates that rest on samples: of one connection, and of all of an account's together."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING

from flask_tokenoffset.clock import DayRange
from flask_tokenoffset.methodology import (
    DailySeries,
    ModelUsage,
    NoProjection,
    TokenCounts,
    band_for,
    project,
)
from flask_tokenoffset.models import Estimate, Source, SourceKind
from flask_tokenoffset.services.estimates import figures
from flask_tokenoffset.services.estimates.estimates import (
    QUALITY_COMBINED,
    own_source,
    store_estimate,
)
from flask_tokenoffset.services.estimates.reading import newest_by_source, newest_of_kind
from flask_tokenoffset.services.sources.contradictions import contradictions_in
from flask_tokenoffset.services.sources.usage import costs_of_days, tokens_of_days

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from flask_tokenoffset.services.sources.daily_rows import KeptDays
    from flask_tokenoffset.services.sources.readings import Reading


def series_of_sample(
    session: Session,
    reading: Reading,
    kept: KeptDays,
    source_id: UUID,
    provider: str,
    window: DayRange,
) -> DailySeries:
    """What is known of each day of a freshly stored sample.

    :param reading: what was read; it is not read back from the tables.
    :param kept: days the vendor no longer reported, whose stored figures count. Any other day that
        it did not report is unknown.
    :param provider: the stable name of the provider that was read.
    """
    found = contradictions_in(reading, provider)
    return DailySeries.from_rows(
        window,
        reading.usage.reported | kept.usage,
        chain(reading.tokens_by_day_and_model(), tokens_of_days(session, source_id, kept.usage)),
        chain(reading.cost_by_day(), costs_of_days(session, source_id, kept.costs)),
        cost_days=reading.costs.reported | kept.costs,
        cost_faults=reading.cost_faults,
        partly_charged=found.partly_charged,
        partly_used=found.partly_used,
    )


def estimate_from_sample(
    session: Session, series: DailySeries, *, source_id: UUID, run_id: UUID, now: datetime
) -> Estimate | NoProjection:
    """Project a freshly stored sample to a month.

    :param series: from :func:`series_of_sample`.
    :return: the estimate, or the reason why there is no honest monthly value.
    """
    source = session.get_one(Source, source_id)
    projection = project(series)
    if isinstance(projection, NoProjection):
        return projection
    models = tuple(
        ModelUsage(model, tokens) for model, tokens in projection.tokens_per_month_by_model.items()
    )
    estimate = store_estimate(
        session,
        source=source,
        created_by=None,
        band_key=band_for(projection.tokens_per_month.total).key,
        quality=projection.quality_tier,
        models=models,
        now=now,
        run_id=run_id,
        window=series.window,
        projection=projection,
        cost_nano_usd_per_month=projection.cost_nano_usd_per_month,
    )
    _combine_if_several(session, source.account_id, source.created_by, now)
    return estimate


def _combine_if_several(session: Session, account_id: UUID, person_id: UUID, now: datetime) -> None:
    """Add up the newest estimates of an account's connections, where it has more than one."""
    parts = [
        estimate
        for estimate in newest_by_source(session, account_id)
        if estimate.source_kind == SourceKind.SAMPLED
    ]
    if len(parts) < 2:  # noqa: PLR2004 - one alone is its own sum
        return
    source = own_source(session, account_id, person_id, SourceKind.COMBINED, now)
    former = newest_of_kind(session, account_id, SourceKind.COMBINED)
    if former is not None:
        # Workers' clocks differ a little, and a sum that lacks this sample must not look newer.
        now = max(now, former.created_at + timedelta(microseconds=1))
    by_model: dict[str, list[TokenCounts]] = defaultdict(list)
    # A sum lacks what its parts lack, so it says what they say. A dict keeps each once, in order.
    notes: dict[tuple[str, str], None] = {}
    for part in parts:
        of_part = figures.from_json(part.figures)
        for usage in of_part.models:
            by_model[usage.model].append(usage.tokens)
        for code, sentence in of_part.notes:
            notes[code, f"Of one connection: {sentence}"] = None
    models = tuple(
        ModelUsage(model, TokenCounts.sum(by_model[model])) for model in sorted(by_model)
    )
    costs = [part.cost_nano_usd_per_month for part in parts]
    starts = [part.window_start for part in parts if part.window_start is not None]
    ends = [part.window_end for part in parts if part.window_end is not None]
    store_estimate(
        session,
        source=source,
        created_by=None,
        band_key=band_for(sum(part.tokens_per_month for part in parts)).key,
        quality=QUALITY_COMBINED,
        models=models,
        now=now,
        window=DayRange(min(starts), max(ends)),
        cost_nano_usd_per_month=None
        if None in costs
        else sum(cost for cost in costs if cost is not None),
        notes=tuple(notes),
    )
