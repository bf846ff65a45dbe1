"""What the dashboard says: where each connection stands, what is new, and old beside new."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flask_tokenoffset import formatting
from flask_tokenoffset.blueprints.access.urls import operation_url
from flask_tokenoffset.blueprints.estimates.presentation import EstimateView
from flask_tokenoffset.methodology import PublishedMethod, method
from flask_tokenoffset.models import UNFINISHED, ConnectionStatus, RunStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from decimal import Decimal

    from flask_tokenoffset.blueprints.estimates.side_by_side import BothMethods
    from flask_tokenoffset.methodology import Range
    from flask_tokenoffset.models import SampleRun
    from flask_tokenoffset.providers import Provider
    from flask_tokenoffset.services.dashboard import Dashboard, Proposal
    from flask_tokenoffset.services.plans.charged import Charged
    from flask_tokenoffset.services.sources.listing import SampledSource

#: The newest things that happened; the plan page has all of them.
_MOST_NEWS: Final = 5
_UNKNOWN: Final = "not known"


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A connection as the dashboard shows it.

    :param badge: what its state is called, and the kind of badge.
    :param sentence: what to know about that state, if anything.
    :param running: the run under way, if one is.
    :param poll_url: where a script asks how far it has come.
    """

    sampled: SampledSource
    provider: str
    badge: tuple[str, str]
    sentence: str | None
    running: SampleRun | None
    poll_url: str | None

    @classmethod
    def of(cls, sampled: SampledSource, vendor: Provider) -> SourceLine:
        """Show a connection of a vendor."""
        run = sampled.newest_run
        running = run if run is not None and run.status in UNFINISHED else None
        badge, sentence = _standing(sampled)
        return cls(
            sampled,
            vendor.title,
            badge,
            sentence,
            running,
            operation_url("read_sample", source_id=sampled.source.id, run_id=running.id)
            if running
            else None,
        )


@dataclass(frozen=True, slots=True)
class News:
    """Something that happened, and when."""

    at: datetime
    sentence: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """A newer estimate beside what is charged now.

    :param view: the newer estimate.
    :param both: what it would contribute, by either method.
    :param rows: what is compared, now, and if it is adopted.
    """

    view: EstimateView
    both: BothMethods
    rows: list[tuple[str, str, str]]


def _standing(sampled: SampledSource) -> tuple[tuple[str, str], str | None]:
    run, complete = sampled.newest_run, sampled.newest_complete
    if sampled.connection.status == ConnectionStatus.PAUSED:
        return ("Paused", "warning"), sampled.connection.paused_reason
    if run is not None and run.status == RunStatus.RUNNING:
        return ("Reading", "info"), None
    if run is not None and run.status == RunStatus.QUEUED:
        # A reason here is why the attempt before failed and this one waits.
        return ("Waiting", "info"), run.reason
    if run is not None and run.status == RunStatus.FAILED:
        return ("Last sample failed", "error"), run.reason
    if complete is not None and complete.reason is not None:
        return ("No estimate yet", "warning"), complete.reason
    return ("Up to date", "success"), None


def labels_of(shown: Dashboard) -> dict[str, str]:
    """What the person calls each connection, by the source's id."""
    return {str(each.source.id): each.source.label for each in shown.sources}


def compare(
    charged: Charged, proposal: Proposal, labels: Mapping[str, str], method_version: str
) -> Comparison:
    """A newer estimate beside what is charged now, row by row.

    :param labels: from :func:`labels_of`.
    :param method_version: the method that prices plans (``TOKENOFFSET_METHOD``).
    """
    before = EstimateView.of(
        charged.estimate,
        labels.get(str(charged.estimate.source_id)),
        charged.adoption.method_version,
    )
    after = EstimateView.of(
        proposal.estimate, labels.get(str(proposal.estimate.source_id)), method_version
    )
    coverage = formatting.contribution_level(charged.adoption.coverage_percent)
    return Comparison(
        after,
        after.both_methods(proposal.coverage_percent),
        [
            (
                "Contribution a month",
                formatting.money_cents(charged.adoption.amount_cents),
                formatting.money_cents(proposal.amount_cents),
            ),
            (
                "Contribution level",
                coverage,
                formatting.contribution_level(proposal.coverage_percent),
            ),
            _row("Tokens a month", before, after, _tokens),
            _row("Energy", before, after, _energy),
            _row("CO2e", before, after, _carbon),
            _row("Charged by the vendor", before, after, _cost),
            _row("From", before, after, _origin),
            _row("Days it rests on", before, after, _window),
        ],
    )


def news_of(shown: Dashboard) -> list[News]:
    """What changed lately, newest first."""
    found = [
        News(each.newest_complete.finished_at, f"{each.source.label} was sampled.")
        for each in shown.sources
        if each.newest_complete is not None and each.newest_complete.finished_at is not None
    ]
    if shown.charged is not None:
        adoption = shown.charged.adoption
        found.append(
            News(
                adoption.adopted_at,
                f"{formatting.money_cents(adoption.amount_cents)} a month was adopted.",
            )
        )
        if (record := shown.charged.newest_record) is not None:
            found.append(
                News(
                    record.created_at,
                    f"{formatting.month(record.month)} was recorded:"
                    f" {formatting.money_cents(record.amount_cents)}, simulated.",
                )
            )
    return sorted(found, key=lambda news: news.at, reverse=True)[:_MOST_NEWS]


def _row(
    label: str, before: EstimateView, after: EstimateView, words: Callable[[EstimateView], str]
) -> tuple[str, str, str]:
    return label, words(before), words(after)


def _tokens(view: EstimateView) -> str:
    return formatting.tokens(view.estimate.tokens_per_month)


def _energy(view: EstimateView) -> str:
    return _by_method(view, view.figures.published.energy_wh, view.figures.energy_wh, "energy")


def _carbon(view: EstimateView) -> str:
    return _by_method(view, view.figures.published.co2e_g, view.figures.co2e_g, "carbon")


def _by_method(view: EstimateView, flat: Decimal, detailed: Range, of: str) -> str:
    """The figure of the method that sets the amount, with its name."""
    if isinstance(method(view.method_version), PublishedMethod):
        return f"{formatting.quantity(flat, of)} by the flat rate"
    return f"{formatting.quantity_range(detailed, of)}, by the detailed method"


def _cost(view: EstimateView) -> str:
    return view.cost or _UNKNOWN


def _origin(view: EstimateView) -> str:
    return view.origin


def _window(view: EstimateView) -> str:
    return view.window or "none"
