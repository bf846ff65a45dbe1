"""What the dashboard shows, gathered in a fixed number of queries however much there is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from flask_tokenoffset.clock import DayRange
from flask_tokenoffset.models import Estimate, SourceKind
from flask_tokenoffset.services.estimates.reading import newest_by_source, sum_of_all
from flask_tokenoffset.services.plans.charged import Charged, read_charged
from flask_tokenoffset.services.plans.ledger import price_cents
from flask_tokenoffset.services.sources.listing import SampledSource, list_sources
from flask_tokenoffset.services.sources.model_usage import ModelDays, daily_models
from flask_tokenoffset.services.sources.usage import DayTotals, daily_totals

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.orm import Session

    from flask_tokenoffset.models import SampleRun

#: Days the charts show unless fewer are asked for.
CHART_DAYS = 90


@dataclass(frozen=True, slots=True)
class Proposal:
    """A newer estimate that a person may adopt; until then it changes nothing.

    :param amount_cents: what it would cost a month at ``coverage_percent``.
    """

    estimate: Estimate
    coverage_percent: int
    amount_cents: int


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Everything on the page."""

    charged: Charged | None
    proposal: Proposal | None
    sources: list[SampledSource]
    #: Day by day over all connected sources; empty before the first complete sample.
    days: list[DayTotals]
    #: The same by model, where that was asked for.
    models: ModelDays | None


EMPTY = Dashboard(charged=None, proposal=None, sources=[], days=[], models=None)


def read_dashboard(
    session: Session,
    account_id: UUID,
    *,
    method_version: str,
    chart_days: int = CHART_DAYS,
    by_model: bool = False,
) -> Dashboard:
    """Gather an account's dashboard: five queries, whatever there is, and one more by model.

    :param method_version: the method that prices a proposal (``TOKENOFFSET_METHOD``).
    :param chart_days: how many of the newest days the charts show.
    :param by_model: whether they tell models apart.
    """
    charged = read_charged(session, account_id)
    sources = list_sources(session, account_id)
    candidate = _candidate(newest_by_source(session, account_id))
    samples = [each.newest_complete for each in sources if each.newest_complete is not None]
    window = _chart_window(samples, chart_days)
    days: list[DayTotals] = []
    models = None
    if window is not None:
        days = daily_totals(session, account_id, samples, window)
        if by_model:
            sampled = [run.source_id for run in samples]
            models = daily_models(session, account_id, sampled, window)
    return Dashboard(
        charged=charged,
        proposal=_proposal(charged, candidate, method_version),
        sources=sources,
        days=days,
        models=models,
    )


def _candidate(newest: list[Estimate]) -> Estimate | None:
    """The estimate that says most about the account now.

    The sum of all connections where there are several and it is up to date; else the newest
    sampled estimate.
    """
    sampled = [estimate for estimate in newest if estimate.source_kind == SourceKind.SAMPLED]
    return sum_of_all(newest) or max(
        sampled, key=lambda estimate: estimate.created_at, default=None
    )


def _proposal(
    charged: Charged | None, candidate: Estimate | None, method_version: str
) -> Proposal | None:
    if candidate is None:
        return None
    coverage_percent = 100
    if charged is not None:
        if candidate.created_at <= charged.adoption.adopted_at:
            return None
        coverage_percent = charged.adoption.coverage_percent
    return Proposal(
        candidate, coverage_percent, price_cents(candidate, coverage_percent, method_version)
    )


def _chart_window(samples: list[SampleRun], days: int) -> DayRange | None:
    """The newest days that any connection was sampled for; none before the first sample."""
    end = max((run.window_end for run in samples), default=None)
    return None if end is None else DayRange(end - timedelta(days=days), end)
