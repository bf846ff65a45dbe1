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
from flask_tokenoffset.services.sources.usage import DayTotals, daily_totals

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.orm import Session

#: Days the chart shows at most.
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


EMPTY = Dashboard(charged=None, proposal=None, sources=[], days=[])


def read_dashboard(session: Session, account_id: UUID, *, method_version: str) -> Dashboard:
    """Gather an account's dashboard: five queries, whatever there is.

    :param method_version: the method that prices a proposal (``TOKENOFFSET_METHOD``).
    """
    charged = read_charged(session, account_id)
    sources = list_sources(session, account_id)
    candidate = _candidate(newest_by_source(session, account_id))
    return Dashboard(
        charged=charged,
        proposal=_proposal(charged, candidate, method_version),
        sources=sources,
        days=_days(session, account_id, sources),
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


def _days(session: Session, account_id: UUID, sources: list[SampledSource]) -> list[DayTotals]:
    samples = [each.newest_complete for each in sources if each.newest_complete is not None]
    if not samples:
        return []
    end = max(run.window_end for run in samples)
    window = DayRange(end - timedelta(days=CHART_DAYS), end)
    return daily_totals(session, account_id, samples, window)
