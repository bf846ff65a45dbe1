"""What is known of a window of days: which were read, and what was used on them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from flask_tokenoffset.clock import DAY, DayRange
from flask_tokenoffset.methodology.tokens import TokenCounts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

#: What a month costs is measured at most so many days before what it uses.
_LATEST_COST_DAYS: Final = 7


@dataclass(frozen=True, slots=True)
class DayUsage:
    """One day that was read in full.

    :param tokens_by_model: empty where nothing was used: that is a known nothing.
    :param cost_nano_usd: what the vendor charged that day, credits left out; None where it is not
        known.
    :param credit_nano_usd: what the vendor gave back that day, zero or below.
    """

    tokens_by_model: Mapping[str, TokenCounts] = field(default_factory=dict)
    cost_nano_usd: int | None = None
    credit_nano_usd: int = 0


@dataclass(frozen=True)
class DailySeries:
    """A window of settled UTC days.

    :param window: the days that were asked for.
    :param known: those that were read, whether or not anything was used. A day that is left out is
        unknown, which is something else than a day without use.
    :param cost_of_unread: what the vendor charged on unknown days, as far as it says, credits left
        out.
    :param cost_faults: what is wrong with the vendor's cost report, in whole sentences.
    :param partly_charged: days on which the cost report charges nothing for some of what was used.
    :param partly_used: days on which some of what was charged for is not in the report of use.
    :raises ValueError: a day outside the window is given.
    """

    window: DayRange
    known: Mapping[date, DayUsage]
    cost_of_unread: Mapping[date, int] = field(default_factory=dict)
    cost_faults: tuple[str, ...] = ()
    partly_charged: tuple[date, ...] = ()
    partly_used: tuple[date, ...] = ()

    def __post_init__(self) -> None:
        for day in self.known:
            if day not in self.window:
                raise ValueError(
                    f"{day} is outside the window from {self.window.start} up to {self.window.end}."
                )

    @classmethod
    def from_rows(
        cls,
        window: DayRange,
        known_days: Iterable[date],
        usage: Iterable[tuple[date, str, TokenCounts]],
        costs: Iterable[tuple[date, int]] | None = None,
        *,
        cost_days: Iterable[date] | None = None,
        cost_faults: Iterable[str] = (),
        partly_charged: Iterable[date] = (),
        partly_used: Iterable[date] = (),
    ) -> DailySeries:
        """Gather a series from rows as a database holds them.

        :param window: the days that were asked for.
        :param known_days: the days that were read in full; rows of other days are left out.
        :param usage: day, model and tokens; any number of rows for the same day and model.
        :param costs: day and nano-US-dollars, any number of rows for a day, those below zero being
            credits. None where cost is not known at all.
        :param cost_days: the days whose cost was read. A known day of these without a row and
            without use cost nothing; of any other without a row the cost is not known. All known
            days without it.
        :param cost_faults: what is wrong with the cost report, in whole sentences.
        :param partly_charged: as of the series, and ``partly_used`` likewise.
        """
        gathered: dict[date, dict[str, list[TokenCounts]]] = {
            day: defaultdict(list) for day in known_days
        }
        for day, model, tokens in usage:
            if day in gathered:
                gathered[day][model].append(tokens)
        charges: dict[date, int] = {}
        credits_: dict[date, int] = defaultdict(int)
        for day, cost_nano_usd in costs or ():
            if cost_nano_usd < 0:
                credits_[day] += cost_nano_usd
            else:
                charges[day] = charges.get(day, 0) + cost_nano_usd
        of_cost = set(gathered if cost_days is None else cost_days) if costs is not None else set()
        unread = of_cost - gathered.keys()
        known = {}
        for day, by_model in gathered.items():
            tokens_by_model = {
                model: counts[0] if len(counts) == 1 else TokenCounts.sum(counts)
                for model, counts in by_model.items()
            }
            used = any(tokens.total for tokens in tokens_by_model.values())
            charge = charges.get(day, None if used else 0) if day in of_cost else None
            known[day] = DayUsage(tokens_by_model, charge, credits_.get(day, 0))
        return cls(
            window,
            MappingProxyType(known),
            MappingProxyType(
                {day: charge for day, charge in charges.items() if day in unread and day in window}
            ),
            tuple(dict.fromkeys(cost_faults)),
            tuple(partly_charged),
            tuple(partly_used),
        )

    @cached_property
    def unknown(self) -> tuple[date, ...]:
        """The days of the window that were not read, oldest first."""
        return tuple(day for day in self.window if day not in self.known)

    def cost_of(self, day: date) -> int | None:
        """What the vendor charged on a day, credits left out; None where it is not known."""
        known = self.known.get(day)
        return self.cost_of_unread.get(day) if known is None else known.cost_nano_usd

    @cached_property
    def cost_unknown(self) -> tuple[date, ...]:
        """The days whose cost is not known, oldest first."""
        return tuple(day for day in self.window if self.cost_of(day) is None)

    @cached_property
    def charged_unread(self) -> tuple[date, ...]:
        """Unknown days that the vendor charged for all the same, oldest first."""
        return tuple(day for day in self.unknown if self.cost_of(day))

    @cached_property
    def charged_without_use(self) -> tuple[date, ...]:
        """Known days without use that the vendor charged for, oldest first."""
        return tuple(
            day
            for day in self.window
            if day in self.known and self.cost_of(day) and not self.total_tokens(day)
        )

    @cached_property
    def active_days(self) -> tuple[date, ...]:
        """The days with any use, oldest first."""
        return tuple(day for day in self.window if day in self.known and self.total_tokens(day))

    @cached_property
    def _totals(self) -> Mapping[date, int]:
        return {
            day: sum(tokens.total for tokens in usage.tokens_by_model.values())
            for day, usage in self.known.items()
        }

    def total_tokens(self, day: date) -> int:
        """Tokens of all kinds and models on a known day."""
        return self._totals[day]

    def known_stretches(self, within: DayRange) -> tuple[DayRange, ...]:
        """The longest stretches without an unknown day, oldest first.

        :param within: where to look.
        """
        found: list[DayRange] = []
        start: date | None = None
        for day in within:
            if day in self.known:
                start = start or day
            elif start is not None:
                found.append(DayRange(start, day))
                start = None
        if start is not None:
            found.append(DayRange(start, within.end))
        return tuple(found)

    def tokens_by_model(self, stretch: Iterable[date]) -> dict[str, TokenCounts]:
        """What was used on some known days, by model in order of name; none with nothing.

        :param stretch: days that are all known.
        """
        gathered: dict[str, list[TokenCounts]] = defaultdict(list)
        for day in stretch:
            for model, tokens in self.known[day].tokens_by_model.items():
                gathered[model].append(tokens)
        sums = {model: TokenCounts.sum(gathered[model]) for model in sorted(gathered)}
        return {model: tokens for model, tokens in sums.items() if tokens.total}

    def cost_nano_usd(self, stretch: DayRange) -> int | None:
        """What the vendor charged for some days, credits left out; None where it is not known.

        A cost report with a fault that no earlier reading fills is not trusted in part.

        :param stretch: days of the window.
        """
        if self.cost_faults and self.cost_unknown:
            return None
        costs = [self.cost_of(day) for day in stretch]
        return None if None in costs else sum(cost for cost in costs if cost is not None)

    def charged_stretch(self, basis: DayRange, history: DayRange) -> DayRange | None:
        """The latest days in a row, as many as a basis, whose cost is known; None without any.

        A vendor says what the newest days cost some hours or days after what was used on them.

        :param basis: the days that use was measured over.
        :param history: where to look.
        """
        for days in range(_LATEST_COST_DAYS + 1):
            stretch = DayRange(basis.start - days * DAY, basis.end - days * DAY)
            if stretch.start < history.start:
                return None
            if self.cost_nano_usd(stretch) is not None:
                return stretch
        return None
