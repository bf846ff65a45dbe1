"""What is known of a window of days: which were read, and what was used on them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from flask_tokenoffset.clock import DayRange
from flask_tokenoffset.methodology.tokens import TokenCounts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date


@dataclass(frozen=True, slots=True)
class DayUsage:
    """One day that was read in full.

    :param tokens_by_model: empty where nothing was used: that is a known nothing.
    :param cost_nano_usd: what the vendor charged that day; None where it is not known.
    """

    tokens_by_model: Mapping[str, TokenCounts] = field(default_factory=dict)
    cost_nano_usd: int | None = None


@dataclass(frozen=True)
class DailySeries:
    """A window of settled UTC days.

    :param window: the days that were asked for.
    :param known: those that were read, whether or not anything was used. A day that is left out is
        unknown, which is something else than a day without use.
    :raises ValueError: a day outside the window is given.
    """

    window: DayRange
    known: Mapping[date, DayUsage]

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
    ) -> DailySeries:
        """Gather a series from rows as a database holds them.

        :param window: the days that were asked for.
        :param known_days: the days that were read in full; rows of other days are left out.
        :param usage: day, model and tokens; any number of rows for the same day and model.
        :param costs: day and nano-US-dollars, any number of rows for a day; a known day without a
            row cost nothing. None where cost is not known at all.
        """
        gathered: dict[date, dict[str, list[TokenCounts]]] = {
            day: defaultdict(list) for day in known_days
        }
        for day, model, tokens in usage:
            if day in gathered:
                gathered[day][model].append(tokens)
        cost_by_day: dict[date, int] = defaultdict(int)
        for day, cost_nano_usd in costs or ():
            cost_by_day[day] += cost_nano_usd
        known = {
            day: DayUsage(
                {
                    model: counts[0] if len(counts) == 1 else TokenCounts.sum(counts)
                    for model, counts in by_model.items()
                },
                None if costs is None else cost_by_day[day],
            )
            for day, by_model in gathered.items()
        }
        return cls(window, MappingProxyType(known))

    @cached_property
    def unknown(self) -> tuple[date, ...]:
        """The days of the window that were not read, oldest first."""
        return tuple(day for day in self.window if day not in self.known)

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

    def tokens_by_model(self, stretch: DayRange) -> dict[str, TokenCounts]:
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
        """What the vendor charged for some known days; None where one day's cost is not known.

        :param stretch: days that are all known.
        """
        total = 0
        for day in stretch:
            cost = self.known[day].cost_nano_usd
            if cost is None:
                return None
            total += cost
        return total
