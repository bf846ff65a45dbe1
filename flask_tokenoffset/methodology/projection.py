"""From ninety daily samples to tokens a month.

The central value is what was measured in the last four complete weeks. Whole weeks, because thirty
days hold two weekdays five times and the others four times, so that a steady user's month would
move with the weekday of sampling. Nothing is extrapolated: on the few ledgers of single people that
were tried, no trend or seasonal method forecast the next month notably better than the trailing
month did, and nobody is to be charged for growth that has not happened. What was not read is never
filled in and never averaged over.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from flask_tokenoffset.clock import DayRange
from flask_tokenoffset.methodology.projection_notes import Notes
from flask_tokenoffset.methodology.tokens import TokenCounts, rounded_together

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from flask_tokenoffset.methodology.daily_series import DailySeries
    from flask_tokenoffset.methodology.projection_notes import Note

#: The mean month: 365.25 days over 12, to two decimals.
DAYS_PER_MONTH: Final = Fraction("30.44")
#: How many days the central value is measured over: whole weeks, each weekday as often as another.
BASIS_DAYS: Final = 28
#: With fewer days of use than this there is no estimate.
MIN_DAYS: Final = 14
#: With fewer days on which anything was used there is no estimate.
MIN_ACTIVE_DAYS: Final = 3
#: With a smaller share of the window known there is no estimate.
MIN_KNOWN_SHARE: Final = Fraction(9, 10)
#: The basis ends at most so many days before the window does; older use says nothing of today.
MAX_BASIS_AGE_DAYS: Final = 30
_WEEK: Final = 7


class QualityTier(StrEnum):
    """How the monthly value was come by. Stable codes, stored with every estimate."""

    MEASURED_28_DAYS = "measured_28_days"
    #: Estimates made before a month was measured in whole weeks; nothing yields it any more.
    MEASURED_30_DAYS = "measured_30_days"
    SHORT_HISTORY = "short_history"


class NoProjectionReason(StrEnum):
    """Why there is no monthly value. Stable codes."""

    UNKNOWN_DAYS = "unknown-days"
    NO_USE = "no-use"
    TOO_FEW_DAYS = "too-few-days"
    TOO_FEW_ACTIVE_DAYS = "too-few-active-days"


@dataclass(frozen=True, slots=True)
class NoProjection:
    """There is no honest monthly value; the published bands are the way to choose instead.

    :param reason_code: stable code.
    :param sentence: the same for a person, with what to do.
    """

    reason_code: NoProjectionReason
    sentence: str


@dataclass(frozen=True, slots=True)
class RollingSums:
    """All sums of so many days in a row within the history.

    :param smallest_tokens: the least of them.
    :param median_tokens: the middle one, half to even between two.
    :param largest_tokens: the greatest of them.
    :param count: how many there are.
    :param days: how many days each adds up; 30 in estimates from before months of whole weeks.
    """

    smallest_tokens: int
    median_tokens: int
    largest_tokens: int
    count: int
    days: int = 30


@dataclass(frozen=True)
class Projection:
    """Tokens a month, as measured.

    :param tokens_per_month: by kind; always adds up, and to the models' sum too.
    :param tokens_per_month_by_model: by model and kind; models with no tokens are left out.
    :param quality_tier: how the value was come by.
    :param basis_start: first day the value was measured over.
    :param basis_end: the day after the last.
    :param basis_tokens: what was used on those days, by kind.
    :param basis_cost_nano_usd: what the vendor charged for them, credits left out; None where that
        is not known.
    :param cost_nano_usd_per_month: the same, scaled like the tokens; of as many days a little
        earlier where the cost of the newest is not known yet, which a note says.
    :param rolling: sums of 28 days in a row; None where the history holds none.
    :param last_week_tokens: what was used in the last seven days of the basis.
    :param mean_tokens_per_month: mean of all days since first use, times 30.44; None where some of
        them are unknown.
    :param window_start: first day of the window that was read.
    :param window_end: the day after its last.
    :param first_use: the first day with any use in the window.
    :param days_covered: days from first use to the window's end.
    :param active_days: days among them on which anything was used.
    :param unknown_days: days of the window that could not be read.
    :param notes: what a reader should know, most important first.
    """

    tokens_per_month: TokenCounts
    tokens_per_month_by_model: Mapping[str, TokenCounts]
    quality_tier: QualityTier
    basis_start: date
    basis_end: date
    basis_tokens: TokenCounts
    basis_cost_nano_usd: int | None
    cost_nano_usd_per_month: int | None
    rolling: RollingSums | None
    last_week_tokens: int
    mean_tokens_per_month: int | None
    window_start: date
    window_end: date
    first_use: date
    days_covered: int
    active_days: int
    unknown_days: tuple[date, ...]
    notes: tuple[Note, ...]


def project(series: DailySeries) -> Projection | NoProjection:
    """Tokens a month from a window of settled days, or the reason why there is no such number.

    :param series: the window and what is known of its days. It ends with the last settled day.
    """
    known_share = Fraction(len(series.known), len(series.window))
    if known_share < MIN_KNOWN_SHARE:
        return _too_many_unknown(series)
    active = series.active_days
    if not active:
        return NoProjection(NoProjectionReason.NO_USE, _no_use(series))
    # Days before the first use are days before this account was a user, not days of no use.
    history = DayRange(active[0], series.window.end)
    if len(history) < MIN_DAYS:
        return NoProjection(NoProjectionReason.TOO_FEW_DAYS, _too_few_days(series, history))
    if len(active) < MIN_ACTIVE_DAYS:
        return NoProjection(
            NoProjectionReason.TOO_FEW_ACTIVE_DAYS,
            f"There was use on {len(active)} of {len(history)} days only, and a monthly value needs"
            f" {MIN_ACTIVE_DAYS}. Choose a band instead.",
        )
    basis = _basis(series.known_stretches(history), history.end)
    if basis is None:
        return _too_many_unknown(series)
    return _projection(series, history, basis)


def _no_use(series: DailySeries) -> str:
    sentence = f"No use was reported in these {len(series.window)} days."
    if charged := len(series.charged_without_use):
        sentence += (
            f" Yet the vendor charged for {charged} of them, so there may be use that its report of"
            " tokens does not hold."
        )
    return f"{sentence} Choose a band instead."


def _too_few_days(series: DailySeries, history: DayRange) -> str:
    if len(series.window) < MIN_DAYS and history == series.window:
        return (
            f"Only {len(series.window)} days of usage are kept and read, and a monthly value needs"
            f" {MIN_DAYS} days. Keep usage for longer, or choose a band instead."
        )
    return (
        f"Use began {len(history)} days ago, and a monthly value needs {MIN_DAYS} days. Choose a"
        " band until then."
    )


def _too_many_unknown(series: DailySeries) -> NoProjection:
    return NoProjection(
        NoProjectionReason.UNKNOWN_DAYS,
        f"{len(series.unknown)} of {len(series.window)} days could not be read, too many for a"
        f" monthly value.{_charged_unread(series)} What is missing is not guessed. Sample again, or"
        " choose a band.",
    )


def _charged_unread(series: DailySeries) -> str:
    charged = len(series.charged_unread)
    return f" The vendor charged for {charged} of them." if charged else ""


def _basis(stretches: Sequence[DayRange], end: date) -> DayRange | None:
    """The days the central value is measured over, all of them known.

    The latest 28 in a row; where there are none, the latest whole weeks in a row, two at least.
    """
    recent = [
        stretch for stretch in reversed(stretches) if (end - stretch.end).days <= MAX_BASIS_AGE_DAYS
    ]
    for stretch in recent:
        if len(stretch) >= BASIS_DAYS:
            return stretch.last(BASIS_DAYS)
    for stretch in recent:
        if len(stretch) >= MIN_DAYS:
            return stretch.last(len(stretch) // _WEEK * _WEEK)
    return None


def _projection(series: DailySeries, history: DayRange, basis: DayRange) -> Projection:
    factor = DAYS_PER_MONTH / len(basis)
    by_model = series.tokens_by_model(basis)
    basis_tokens = TokenCounts.sum(by_model.values())
    charged = series.charged_stretch(basis, history)
    charged_nano_usd = None if charged is None else series.cost_nano_usd(charged)
    monthly_by_model = _scaled_by_model(by_model, factor)
    is_measured = len(basis) == BASIS_DAYS
    notes = Notes(series, history, basis)
    if not is_measured:
        notes.say_short_history()
    notes.say_early_end()
    notes.say_unknown_days()
    notes.say_outlier_days()
    notes.say_no_recent_use()
    notes.say_cost_without_use()
    notes.say_unknown_cost(charged)
    notes.say_credits()
    return Projection(
        tokens_per_month=TokenCounts.sum(monthly_by_model.values()),
        tokens_per_month_by_model=monthly_by_model,
        quality_tier=QualityTier.MEASURED_28_DAYS if is_measured else QualityTier.SHORT_HISTORY,
        basis_start=basis.start,
        basis_end=basis.end,
        basis_tokens=basis_tokens,
        basis_cost_nano_usd=series.cost_nano_usd(basis),
        cost_nano_usd_per_month=None
        if charged_nano_usd is None
        else round(charged_nano_usd * factor),
        rolling=_rolling(series, series.known_stretches(history)),
        last_week_tokens=sum(map(series.total_tokens, basis.last(_WEEK))),
        mean_tokens_per_month=_mean_per_month(series, history),
        window_start=series.window.start,
        window_end=series.window.end,
        first_use=history.start,
        days_covered=len(history),
        active_days=len(series.active_days),
        unknown_days=series.unknown,
        notes=notes.said,
    )


def _scaled_by_model(
    by_model: Mapping[str, TokenCounts], factor: Fraction
) -> dict[str, TokenCounts]:
    """Scale every cell, rounding the total once so that kinds and models both add up to it."""
    scaled = iter(
        rounded_together(
            [count * factor for counts in by_model.values() for count in counts.counts()]
        )
    )
    return {
        model: TokenCounts(next(scaled), next(scaled), next(scaled), next(scaled))
        for model in by_model
    }


def _rolling(series: DailySeries, stretches: Iterable[DayRange]) -> RollingSums | None:
    sums: list[int] = []
    for stretch in stretches:
        totals = [series.total_tokens(day) for day in stretch]
        sums.extend(sum(totals[at : at + BASIS_DAYS]) for at in range(len(totals) - BASIS_DAYS + 1))
    if not sums:
        return None
    sums.sort()
    middle = len(sums) // 2
    median = Fraction(sums[middle] + sums[-1 - middle], 2)
    return RollingSums(sums[0], round(median), sums[-1], len(sums), BASIS_DAYS)


def _mean_per_month(series: DailySeries, history: DayRange) -> int | None:
    if any(day not in series.known for day in history):
        return None
    return round(sum(map(series.total_tokens, history)) * DAYS_PER_MONTH / len(history))
