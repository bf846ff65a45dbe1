"""What a sample read, in compact columns, until it is stored or projected."""

from __future__ import annotations

from array import array
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final

from flask_tokenoffset.errors import (
    EndpointNotAllowed,
    KeyRefused,
    MalformedAnswer,
    OutboundDisabled,
    ProviderError,
    RateLimited,
    VendorUnavailable,
    WrongKeyKind,
)
from flask_tokenoffset.methodology import TokenCounts
from flask_tokenoffset.models import CostLine, DailyCost, DailyUsage, Report, UsageSeries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sqlalchemy.orm import InstrumentedAttribute

    from flask_tokenoffset.clock import DayRange
    from flask_tokenoffset.providers import Columns, ReportingClient

#: The most tokens, and the most nano-US-dollars, that one window may add up to. Nobody uses or pays
#: as much, and below it a month of as many connections as an account may have, however short their
#: histories, still fits the database's whole numbers.
LARGEST_SUM: Final = 2 * 10**17

#: Whatever the report holds, these end the whole reading: the key or our own set-up is at fault.
_NO_FAULT_OF_THE_REPORT: Final = (EndpointNotAllowed, KeyRefused, OutboundDisabled, WrongKeyKind)
#: What a vendor may be over with a little later.
_MAY_PASS: Final = (RateLimited, VendorUnavailable)


@dataclass(frozen=True, slots=True)
class ReportLayout:
    """How one report is stored: its dimensions once, its figures every day."""

    report: Report
    dimension_model: type[Any]
    daily_model: type[Any]
    #: The column of the daily table that names the dimensions' row.
    parent_column: str
    dimensions: tuple[str, ...]
    figures: tuple[str, ...]

    @property
    def dimension_columns(self) -> list[InstrumentedAttribute[str]]:
        """The columns of the dimensions, in order."""
        return [getattr(self.dimension_model, name) for name in self.dimensions]


USAGE_LAYOUT: Final = ReportLayout(
    Report.USAGE,
    UsageSeries,
    DailyUsage,
    "series_id",
    ("model", "service_tier", "context_window", "batch"),
    (
        "uncached_input_tokens",
        "cached_input_tokens",
        "cache_creation_tokens",
        "output_tokens",
        "request_count",
    ),
)
COST_LAYOUT: Final = ReportLayout(
    Report.COST,
    CostLine,
    DailyCost,
    "line_id",
    ("description", "cost_type", "model", "service_tier", "token_type"),
    ("cost_nano_usd",),
)


class _Numbers(dict[tuple[str, ...], int]):
    """Dimension values to the number that stands for them, handed out as they come."""

    def __missing__(self, dimensions: tuple[str, ...]) -> int:
        number = self[dimensions] = len(self)
        return number


class ReadingColumns:
    """The rows of one report as compact columns of integers.

    A window may hold a hundred thousand rows; columns keep what waits for the one writing
    transaction to a few bytes a row, and a day is added column by column, because a call for each
    figure would take longer than the vendor's own page does.

    :param layout: which report this is; it names the dimensions a row starts with and the figures
        it ends with.
    """

    def __init__(self, layout: ReportLayout) -> None:
        self.layout = layout
        self.numbers: Mapping[tuple[str, ...], int] = _Numbers()
        #: The days that came, those without a row as well.
        self.reported: set[date] = set()
        #: The days with rows.
        self.days: list[date] = []
        self.day_ordinals = array("l")
        self.keys = array("l")
        self.figures = tuple(array("q") for _ in layout.figures)

    def __len__(self) -> int:
        return len(self.keys)

    def add_day(self, day: date, columns: Columns) -> None:
        """Append one day.

        :param day: a UTC day that was not added before.
        :param columns: dimensions and figures in the layout's order.
        """
        self.reported.add(day)
        if not columns.dimensions:
            return
        self.days.append(day)
        self.keys.extend(map(self.numbers.__getitem__, columns.dimensions))
        self.day_ordinals.extend(repeat(day.toordinal(), len(columns.dimensions)))
        for column, figures in zip(self.figures, columns.figures, strict=True):
            column.extend(figures)

    def chunks(
        self, parents: Mapping[tuple[str, ...], int], size: int
    ) -> Iterator[list[list[int]]]:
        """The columns in stretches of at most ``size`` rows.

        :param parents: the row id of each combination of dimensions.
        :return: parent ids, proleptic ordinals of the days, then one column for each figure.
        """
        identifiers = [parents[dimensions] for dimensions in self.numbers]
        for start in range(0, len(self), size):
            stretch = slice(start, start + size)
            yield [
                [identifiers[number] for number in self.keys[stretch]],
                self.day_ordinals[stretch].tolist(),
                *(column[stretch].tolist() for column in self.figures),
            ]


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything one sample run read.

    :param cost_faults: what is wrong with the cost report, in whole sentences; none where it is
        sound. Use stands whatever they say.
    """

    usage: ReadingColumns
    costs: ReadingColumns
    cost_faults: tuple[str, ...] = ()

    @classmethod
    def empty(cls) -> Reading:
        """A reading before the first page."""
        return cls(ReadingColumns(USAGE_LAYOUT), ReadingColumns(COST_LAYOUT))

    @classmethod
    def of_vendor(
        cls,
        client: ReportingClient,
        window: DayRange,
        page_done: Callable[[int, int], None],
        *,
        may_wait_for_costs: bool = False,
    ) -> Reading:
        """Read a whole window page by page.

        Use is whole or refused. What is wrong with the cost is said in :attr:`cost_faults` instead,
        because use is worth knowing without it.

        :param page_done: called after each page with the pages read and the pages expected; what
            it raises ends the reading.
        :param may_wait_for_costs: whether to raise where the cost report may be had a little later.
        :raises ProviderError: at any page; a part of a window is never given back.
        """
        usage, costs = ReadingColumns(USAGE_LAYOUT), ReadingColumns(COST_LAYOUT)
        expected, done = client.page_count(window), 0

        def count() -> None:
            nonlocal done
            done += 1
            page_done(done, max(done, expected))

        for usage_page in client.usage(window):
            for day, reported in usage_page:
                usage.add_day(day, reported)
            count()
        _refuse_absurd_sums(usage)
        faults: list[str] = []
        try:
            for cost_page in client.costs(window):
                for day, reported, fault in cost_page:
                    if fault is None:
                        costs.add_day(day, reported)
                    else:
                        faults.append(fault)
                count()
            _refuse_absurd_sums(costs)
        except ProviderError as error:
            if isinstance(error, _NO_FAULT_OF_THE_REPORT) or (
                may_wait_for_costs and isinstance(error, _MAY_PASS)
            ):
                raise
            # A part of the report is not taken for the whole: what was known before stands.
            costs, faults = ReadingColumns(COST_LAYOUT), [error.message]
        return cls(usage, costs, tuple(faults))

    def tokens_by_day_and_model(self) -> list[tuple[date, str, TokenCounts]]:
        """Tokens by day and model; tiers, context windows and batches are added up."""
        models = [dimensions[0] for dimensions in self.usage.numbers]
        sums: dict[tuple[int, str], list[int]] = {}
        for ordinal, key, uncached, cached, creation, output, _ in zip(
            self.usage.day_ordinals, self.usage.keys, *self.usage.figures, strict=True
        ):
            place = (ordinal, models[key])
            cell = sums.get(place)
            if cell is None:
                sums[place] = [uncached, cached, creation, output]
                continue
            cell[0] += uncached
            cell[1] += cached
            cell[2] += creation
            cell[3] += output
        return [
            (date.fromordinal(ordinal), model, TokenCounts(*tokens))
            for (ordinal, model), tokens in sums.items()
        ]

    def cost_by_day(self) -> list[tuple[date, int]]:
        """What the vendor charged by day, in nano-US-dollars, and apart from it its credits."""
        (costs,) = self.costs.figures
        sums: dict[tuple[int, bool], int] = defaultdict(int)
        for ordinal, cost_nano_usd in zip(self.costs.day_ordinals, costs, strict=True):
            sums[ordinal, cost_nano_usd < 0] += cost_nano_usd
        return [(date.fromordinal(ordinal), cost) for (ordinal, _), cost in sums.items()]


def _refuse_absurd_sums(columns: ReadingColumns) -> None:
    """Refuse figures that are credible one by one and could not be added up and kept.

    :raises MalformedAnswer: the window's sum would not fit a month's column.
    """
    # The number of requests is kept by day alone.
    added_up = [
        column
        for column, name in zip(columns.figures, columns.layout.figures, strict=True)
        if name != "request_count"
    ]
    if sum(sum(map(abs, column)) for column in added_up) > LARGEST_SUM:
        raise MalformedAnswer(
            f"The vendor's report of {columns.layout.report} holds figures that cannot be true when"
            " they are added up, so nothing of it was used."
        )
