"""What a reader of a projection should know, in stable codes and whole sentences."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from statistics import median_low
from typing import TYPE_CHECKING, Final

from flask_tokenoffset.clock import DAY
from flask_tokenoffset.methodology.descriptions import percent
from flask_tokenoffset.methodology.ranges import decimal_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from flask_tokenoffset.clock import DayRange
    from flask_tokenoffset.methodology.daily_series import DailySeries

#: A day is named when it alone made up so much of the basis ...
_OUTLIER_SHARE: Final = Fraction(1, 10)
#: ... and so many times the median active day; otherwise a person who works eight days a month
#: would have eight of them.
_OUTLIER_TIMES_MEDIAN: Final = 3
_DAYS_WRITTEN_OUT: Final = 5
#: Faults of a report that are told; the first few say what to look for.
_FAULTS_TOLD: Final = 3
_NANO_USD_PER_CENT: Final = 10_000_000


class NoteCode(StrEnum):
    """What a note is about. Stable codes, stored with every estimate."""

    SHORT_HISTORY = "short_history"
    BASIS_ENDS_EARLY = "basis_ends_early"
    UNKNOWN_DAYS = "unknown_days"
    OUTLIER_DAYS = "outlier_days"
    NO_RECENT_USE = "no_recent_use"
    COST_UNKNOWN = "cost_unknown"
    COST_INCOMPLETE = "cost_incomplete"
    COST_WITHOUT_USE = "cost_without_use"
    CREDITS = "credits"


@dataclass(frozen=True, slots=True)
class Note:
    """One thing to know.

    :param code: stable code.
    :param sentence: the same for a person.
    :param days: the days it is about, oldest first.
    """

    code: NoteCode
    sentence: str
    days: tuple[date, ...] = ()


class Notes:
    """Gathers what there is to say of one projection.

    :param series: all that was read.
    :param history: from first use to the end of the window.
    :param basis: the days the central value was measured over.
    """

    def __init__(self, series: DailySeries, history: DayRange, basis: DayRange) -> None:
        self._series = series
        self._history = history
        self._basis = basis
        self._said: list[Note] = []

    @property
    def said(self) -> tuple[Note, ...]:
        """The notes so far."""
        return tuple(self._said)

    def say_short_history(self) -> None:
        """The value rests on fewer than four weeks in a row."""
        weeks = len(self._basis) // 7
        self._say(
            NoteCode.SHORT_HISTORY,
            f"Short history: this rests on {weeks} whole weeks, not on a month, and may change"
            " much as more days are read.",
        )

    def say_early_end(self) -> None:
        """The newest days are not part of the basis."""
        days = (self._history.end - self._basis.end).days
        if days:
            subject = "1 day is" if days == 1 else f"{days} days are"
            self._say(
                NoteCode.BASIS_ENDS_EARLY,
                f"The newest {subject} left out, because the days from {written(self._basis.start)}"
                f" to {written(max(self._basis))} are the latest in a row that could all be read.",
            )

    def say_unknown_days(self) -> None:
        """Some days of the window could not be read."""
        unknown = self._series.unknown
        if unknown:
            subject = "1 day" if len(unknown) == 1 else f"{len(unknown)} days"
            self._say(
                NoteCode.UNKNOWN_DAYS,
                f"{subject} of {len(self._series.window)} could not be read ({_listed(unknown)})."
                " What is missing was neither guessed nor counted as no use.",
                unknown,
            )

    def say_outlier_days(self) -> None:
        """A few days made up much of the value. They stay in: the tokens were used."""
        series = self._series
        active = [day for day in self._basis if series.total_tokens(day)]
        if not active:
            return
        whole = sum(map(series.total_tokens, active))
        usual = median_low(map(series.total_tokens, active))
        outliers = tuple(
            day
            for day in active
            if series.total_tokens(day) >= whole * _OUTLIER_SHARE
            and series.total_tokens(day) >= usual * _OUTLIER_TIMES_MEDIAN
        )
        if outliers:
            share = percent(decimal_of(Fraction(sum(map(series.total_tokens, outliers)), whole)))
            subject = "1 day" if len(outliers) == 1 else f"{len(outliers)} days"
            self._say(
                NoteCode.OUTLIER_DAYS,
                f"{subject} made up {share} of this estimate ({_listed(outliers)}).",
                outliers,
            )

    def say_no_recent_use(self) -> None:
        """Nothing was used on the days of the basis, although something was before."""
        if not any(map(self._series.total_tokens, self._basis)):
            self._say(
                NoteCode.NO_RECENT_USE,
                f"Nothing was used in the last {len(self._basis)} days that were read; the use"
                " before that is not counted.",
            )

    def say_cost_without_use(self) -> None:
        """The vendor charged for days on which it reported no tokens, or did not report at all."""
        series = self._series
        for days, what in (
            (series.charged_unread, "but says nothing of what was used on"),
            (series.charged_without_use, "but reports no tokens on"),
        ):
            if days:
                subject = "1 day" if len(days) == 1 else f"{len(days)} days"
                self._say(
                    NoteCode.COST_WITHOUT_USE,
                    f"The vendor charged for {subject} {what} {_it_or_them(days)}"
                    f" ({_listed(days)}): its two reports contradict each other, or this is use"
                    " that its report of tokens does not hold. No tokens were made up for it.",
                    days,
                )

        if days := series.partly_used:
            subject = "1 day" if len(days) == 1 else f"{len(days)} days"
            self._say(
                NoteCode.COST_WITHOUT_USE,
                f"On {subject} ({_listed(days)}) the vendor charged for something that it usually"
                " reports and did not report there, so some use may be missing. None was made up"
                " for it.",
                days,
            )

    def say_unknown_cost(self, charged: DayRange | None) -> None:
        """What the vendor charged is not known, or not for all days.

        :param charged: the days that the cost a month is measured over; None where there are none.
        """
        series = self._series
        if partly := series.partly_charged:
            of = "1 day" if len(partly) == 1 else f"{len(partly)} days"
            self._say(
                NoteCode.COST_INCOMPLETE,
                f"On {of} ({_listed(partly)}) something was used that the vendor's cost report does"
                " not charge for, so the cost a month may be too low.",
                partly,
            )
        days = series.cost_unknown
        if not days and not series.cost_faults:
            return
        faults = "".join(f" {fault}" for fault in series.cost_faults[:_FAULTS_TOLD])
        subject = "1 day" if len(days) == 1 else f"{len(days)} days"
        if charged is None:
            self._say(
                NoteCode.COST_UNKNOWN,
                f"What the vendor charged is not known for {subject} ({_listed(days)}), so no cost"
                f" a month is shown.{faults}",
                days,
            )
            return
        if not days:
            sentence = f"What the vendor charged was partly known from an earlier sample.{faults}"
        elif charged == self._basis:
            sentence = (
                f"The vendor does not say what it charged for {subject} ({_listed(days)}). The cost"
                f" a month is measured on other days.{faults}"
            )
        else:
            sentence = (
                f"The vendor does not say yet what it charged for {subject} ({_listed(days)}). The"
                f" cost a month is measured from {written(charged.start)} to"
                f" {written(max(charged))}.{faults}"
            )
        self._say(NoteCode.COST_INCOMPLETE, sentence, days)

    def say_credits(self) -> None:
        """The vendor gave something back, which says nothing of what a month costs."""
        known = self._series.known
        days = tuple(
            day for day in self._series.window if day in known and known[day].credit_nano_usd
        )
        if days:
            total = sum(known[day].credit_nano_usd for day in days)
            self._say(
                NoteCode.CREDITS,
                f"The vendor credited {_dollars(-total)} ({_listed(days)}). A credit comes once, so"
                " it is left out of the cost a month.",
                days,
            )

    def _say(self, code: NoteCode, sentence: str, days: tuple[date, ...] = ()) -> None:
        self._said.append(Note(code, sentence, days))


def written(day: date) -> str:
    """A date that reads the same everywhere, for example ``5 September 2026``.

    :param day: a UTC date.
    """
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


# Not strftime("%B"): that follows the locale of whatever process runs us.
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


def _it_or_them(days: Sequence[date]) -> str:
    return "it" if len(days) == 1 else "them"


def _dollars(nano_usd: int) -> str:
    if nano_usd < _NANO_USD_PER_CENT:
        return "less than $0.01"
    return f"${Decimal(nano_usd) / (_NANO_USD_PER_CENT * 100):,.2f}"


def _listed(days: Sequence[date]) -> str:
    if len(days) <= _DAYS_WRITTEN_OUT:
        return ", ".join(map(written, days))
    stretches: list[list[date]] = []
    for day in days:
        if stretches and day - stretches[-1][-1] == DAY:
            stretches[-1].append(day)
        else:
            stretches.append([day])
    told = [
        written(stretch[0])
        if len(stretch) == 1
        else f"{written(stretch[0])} to {written(stretch[-1])}"
        for stretch in stretches
    ]
    more = len(told) - _DAYS_WRITTEN_OUT
    if more <= 0:
        return ", ".join(told)
    return f"{', '.join(told[:_DAYS_WRITTEN_OUT])}, and later ones up to {written(days[-1])}"
