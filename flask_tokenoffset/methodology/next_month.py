"""How far next month may be from this one. Shown beside an estimate, never charged."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from flask_tokenoffset.methodology.descriptions import figure
from flask_tokenoffset.methodology.projection import BASIS_DAYS, DAYS_PER_MONTH
from flask_tokenoffset.methodology.ranges import decimal_of

if TYPE_CHECKING:
    from flask_tokenoffset.methodology.projection import RollingSums
    from flask_tokenoffset.methodology.ranges import Range

#: From so many active seats on, ups and downs of single people begin to cancel out.
MANY_SEATS: Final = 20
#: A pace of the last week so many times above or below the weeks before is told apart.
STEP: Final = 3


@dataclass(frozen=True, slots=True)
class Width:
    """How wide an outlook is, and how much of what came such a width has held.

    :param low_factor: the low end as a fraction of this month, below 1.
    :param high_factor: the high end as a multiple of it.
    :param covered_percent: what share of the held-out periods lay inside, in whole percent.
    :param evidence: which periods those were, and how many; ``tools/backtest.py`` counts both.
    """

    low_factor: Fraction
    high_factor: Fraction
    covered_percent: int
    evidence: str


#: The outer tenths over four ledgers of single people, of which one can be published with this
#: program, were 0.31 and 11.4 times the month before; both ends stand further out, because ledgers
#: that were not measured move differently again. The months of one ledger that begin a day apart
#: are almost the same month: 86 of them are not 86 witnesses.
ONE_PERSON: Final = Width(
    Fraction(1, 6), Fraction(16), 91, "86 overlapping months of one ledger of 133 days"
)
#: Random groups of twenty API clients, one week against the next; they share members. Clients are
#: services, not people, and a month is longer than a week, so the range is wider than those groups
#: needed.
MANY_PEOPLE: Final = Width(
    Fraction(1, 3),
    Fraction(4),
    99,
    "500 random groups of twenty among 129 clients of a model vendor, one week against the next",
)


@dataclass(frozen=True, slots=True)
class RecentUse:
    """What the sampled days say of the account itself, in tokens a month.

    :param last_week_tokens_per_month: the pace of the last seven days.
    :param smallest_tokens_per_month: the least four weeks in a row of the window; None without any.
    :param largest_tokens_per_month: the most, likewise.
    :param basis_days: how many days the month was measured over, the last seven among them.
    """

    last_week_tokens_per_month: int
    smallest_tokens_per_month: int | None = None
    largest_tokens_per_month: int | None = None
    basis_days: int = BASIS_DAYS

    @classmethod
    def of_window(
        cls, last_week_tokens: int, rolling: RollingSums | None, *, basis_days: int
    ) -> RecentUse:
        """From sums as a projection holds them.

        :param last_week_tokens: of the last seven days.
        :param rolling: the sums of so many days in a row; None where the history holds none.
        :param basis_days: how many days the month was measured over.
        """
        weekly = round(last_week_tokens * DAYS_PER_MONTH / 7)
        if rolling is None:
            return cls(weekly, basis_days=basis_days)
        factor = DAYS_PER_MONTH / rolling.days
        return cls(
            weekly,
            round(rolling.smallest_tokens * factor),
            round(rolling.largest_tokens * factor),
            basis_days,
        )


@dataclass(frozen=True, slots=True)
class Outlook:
    """Where next month's use may lie.

    :param low_tokens: the low end, in tokens a month.
    :param high_tokens: the high end.
    :param low_factor: the low end as a fraction of this month, below 1.
    :param high_factor: the high end as a multiple of it.
    :param covered_percent: the share of held-out periods such a range has held, in whole percent;
        None where nothing was measured of a case like this.
    :param sentence: the same for a person. It reports what happened to others; it is no forecast.
    """

    low_tokens: int
    high_tokens: int
    low_factor: Fraction
    high_factor: Fraction
    covered_percent: int | None
    sentence: str

    def widen(self, figures: Range) -> Range:
        """A physical figure's range, with the change from month to month taken in.

        Only for an outlook: an estimate of what *was* used has nothing to do with next month.

        :param figures: energy, water or carbon of this month.
        """
        return figures.widened(
            low_factor=decimal_of(self.low_factor), high_factor=decimal_of(self.high_factor)
        )


def outlook(
    tokens_per_month: int, active_seats: int | None = None, recent: RecentUse | None = None
) -> Outlook:
    """Where next month's use may lie, given this month's.

    :param tokens_per_month: this month's tokens, of all kinds together.
    :param active_seats: how many people use the account; None where nobody knows.
    :param recent: what the window says of this account, where it was sampled. The range reaches as
        far as the account itself went within the window.
    """
    if tokens_per_month < 0:
        raise ValueError("Nobody uses fewer than no tokens a month.")
    many = active_seats is not None and active_seats >= MANY_SEATS
    width = MANY_PEOPLE if many else ONE_PERSON
    if not tokens_per_month:
        return _after_silence(width, recent)
    low_tokens = round(tokens_per_month * width.low_factor)
    high_tokens = round(tokens_per_month * width.high_factor)
    step = ""
    if recent is not None:
        paces = [recent.last_week_tokens_per_month]
        if recent.smallest_tokens_per_month is not None:
            paces.append(recent.smallest_tokens_per_month)
        if recent.largest_tokens_per_month is not None:
            paces.append(recent.largest_tokens_per_month)
        low_tokens, high_tokens = min(low_tokens, *paces), max(high_tokens, *paces)
        step = _step(tokens_per_month, recent)
    whose = f"an organization of {active_seats} people" if many else "one person"
    return Outlook(
        low_tokens=low_tokens,
        high_tokens=high_tokens,
        low_factor=width.low_factor,
        high_factor=width.high_factor,
        covered_percent=width.covered_percent,
        sentence=(
            f"The use of {whose} may move this far from one month to the next: to between"
            f" {figure(Decimal(low_tokens))} and {figure(Decimal(high_tokens))} tokens. Ranges like"
            f" this held {width.covered_percent} % of {width.evidence}.{step}"
        ),
    )


def _after_silence(width: Width, recent: RecentUse | None) -> Outlook:
    """Nothing times a factor is nothing, which would claim a certainty that no one has."""
    largest = (recent.largest_tokens_per_month if recent is not None else None) or 0
    back = (
        f" In the largest four weeks of the window it ran at {figure(Decimal(largest))} tokens a"
        " month."
        if largest
        else ""
    )
    return Outlook(
        low_tokens=0,
        high_tokens=largest,
        low_factor=width.low_factor,
        high_factor=width.high_factor,
        covered_percent=None,
        sentence=(
            "Nothing was used in the latest month, so nothing can be said of the next one by"
            f" comparison: use may stay away or come back.{back}"
        ),
    )


def _step(tokens_per_month: int, recent: RecentUse) -> str:
    """A sentence on a last week unlike the weeks before it; empty where it is like them."""
    last_week = recent.last_week_tokens_per_month
    # What the last week of the basis does not hold fell on the days before it.
    held = recent.basis_days * tokens_per_month - 7 * last_week
    before = max(0, round(Fraction(held, recent.basis_days - 7)))
    if last_week >= STEP * before or before >= STEP * last_week:
        way = "above" if last_week > before else "below"
        return (
            f" The last seven days ran far {way} the weeks before: at"
            f" {figure(Decimal(last_week))} tokens a month, against {figure(Decimal(before))}. If"
            " that pace stays, next month is like those days and not like the estimate."
        )
    return ""
