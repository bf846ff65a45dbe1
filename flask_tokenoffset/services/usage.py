"""Daily usage and cost as tables: written by a sample, read for estimates and charts."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ARRAY, bindparam, delete, func, insert, select

from flask_tokenoffset.methodology import Stretch, TokenCounts
from flask_tokenoffset.models import (
    LONGEST_DIMENSION,
    CostLine,
    DailyCost,
    DailyUsage,
    KeptDay,
    Report,
    SampleRun,
    UsageSeries,
)

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
    from datetime import date
    from uuid import UUID

    from sqlalchemy.orm import InstrumentedAttribute, Session

_TOKEN_COLUMNS: Final = (
    "uncached_input_tokens",
    "cached_input_tokens",
    "cache_creation_tokens",
    "output_tokens",
)
#: Rows handed to the database in one statement; bounds the memory a write needs.
ROWS_PER_STATEMENT: Final = 20_000


@dataclass(frozen=True, slots=True)
class _Layout:
    """How one report is stored: its dimensions once, its figures every day."""

    report: Report
    dimension_model: type[Any]
    daily_model: type[Any]
    #: The column of the daily table that names the dimensions' row.
    parent_column: str
    dimensions: tuple[str, ...]
    figures: tuple[str, ...]


USAGE_LAYOUT: Final = _Layout(
    Report.USAGE,
    UsageSeries,
    DailyUsage,
    "series_id",
    ("model", "service_tier", "context_window", "batch"),
    (*_TOKEN_COLUMNS, "request_count"),
)
COST_LAYOUT: Final = _Layout(
    Report.COST,
    CostLine,
    DailyCost,
    "line_id",
    ("description", "cost_type", "model", "service_tier", "token_type"),
    ("cost_nano_usd",),
)


class ReadingColumns:
    """The rows of one report as compact columns of integers.

    A window may hold a hundred thousand rows; columns keep what waits for the one writing
    transaction to a few bytes a row. Rows that fall together (a dimension cut to its longest
    stored length, say) are added up.

    :param layout: which report this is; it names the dimensions a row starts with and the figures
        it ends with.
    """

    def __init__(self, layout: _Layout) -> None:
        self.layout = layout
        #: Dimension values to the number that stands for them in ``keys``.
        self.numbers: dict[tuple[str, ...], int] = {}
        self.days: list[date] = []
        self._day_indexes = array("l")
        self._keys = array("l")
        self._figures = tuple(array("q") for _ in layout.figures)

    def __len__(self) -> int:
        return len(self._keys)

    def add_day(self, day: date, rows: Sequence[tuple[Any, ...]]) -> None:
        """Append one day.

        :param day: a UTC day that was not added before.
        :param rows: dimension texts followed by integer figures, in the layout's order.
        """
        if not rows:
            return
        day_index = len(self.days)
        self.days.append(day)
        width = len(self.layout.dimensions)
        numbers = self.numbers
        seen: dict[int, int] = {}
        for row in rows:
            dimensions = row[:width]
            number = numbers.get(dimensions)
            if number is None:
                number = self._number_of(dimensions)
            position = seen.get(number)
            if position is None:
                seen[number] = len(self._keys)
                self._keys.append(number)
                self._day_indexes.append(day_index)
                for column, figure in zip(self._figures, row[width:], strict=True):
                    column.append(figure)
            else:
                for column, figure in zip(self._figures, row[width:], strict=True):
                    column[position] += figure

    def _number_of(self, dimensions: tuple[str, ...]) -> int:
        cut = tuple(value[:LONGEST_DIMENSION] for value in dimensions)
        return self.numbers.setdefault(cut, len(self.numbers))

    def chunks(self, parents: Sequence[int], size: int) -> Iterator[list[Sequence[Any]]]:
        """The columns in stretches of at most ``size`` rows, ready for the database.

        :param parents: the row id of each dimension number.
        :return: parent ids, days, then one list for each figure.
        """
        for start in range(0, len(self), size):
            stretch = slice(start, start + size)
            yield [
                [parents[number] for number in self._keys[stretch]],
                [self.days[index] for index in self._day_indexes[stretch]],
                *(column[stretch].tolist() for column in self._figures),
            ]


def store_reading(
    session: Session,
    columns: ReadingColumns,
    *,
    account_id: UUID,
    source_id: UUID,
    run_id: UUID,
    window_start: date,
    window_end: date,
) -> None:
    """Write one report of one sample, replacing what an earlier sample said of the same days.

    A day the vendor reports is replaced whole. A day it no longer reports keeps its rows and is
    marked in ``KeptDay``: "no row" is not "zero". Run twice, it changes nothing.

    :param columns: the whole window's rows.
    :param window_start: the first UTC day that was read.
    :param window_end: the UTC day after the last one.
    """
    layout = columns.layout
    known_days = set(_days_with_rows(session, layout, source_id, window_start, window_end))
    if known_days:
        _delete_days(session, layout, source_id, known_days.intersection(columns.days))
    _mark_kept_days(
        session,
        layout.report,
        known_days.difference(columns.days),
        account_id=account_id,
        source_id=source_id,
        run_id=run_id,
        window=(window_start, window_end),
    )
    parents = _ensure_dimensions(session, columns, account_id=account_id, source_id=source_id)
    for chunk in columns.chunks(parents, ROWS_PER_STATEMENT):
        _insert_rows(session, layout, chunk)


def _days_with_rows(
    session: Session, layout: _Layout, source_id: UUID, start: date, end: date
) -> Iterable[date]:
    daily, parent = layout.daily_model, layout.dimension_model
    return session.scalars(
        select(daily.day)
        .join(parent, parent.id == getattr(daily, layout.parent_column))
        .where(parent.source_id == source_id, daily.day >= start, daily.day < end)
        .distinct()
    )


def _delete_days(session: Session, layout: _Layout, source_id: UUID, days: set[date]) -> None:
    daily, parent = layout.daily_model, layout.dimension_model
    own = select(parent.id).where(parent.source_id == source_id).scalar_subquery()
    session.execute(
        delete(daily)
        .where(getattr(daily, layout.parent_column).in_(own), daily.day.in_(sorted(days)))
        .execution_options(synchronize_session=False)
    )


def _mark_kept_days(
    session: Session,
    report: Report,
    days: set[date],
    *,
    account_id: UUID,
    source_id: UUID,
    run_id: UUID,
    window: tuple[date, date],
) -> None:
    session.execute(
        delete(KeptDay)
        .where(
            KeptDay.source_id == source_id,
            KeptDay.report == report,
            KeptDay.day >= window[0],
            KeptDay.day < window[1],
        )
        .execution_options(synchronize_session=False)
    )
    if days:
        session.execute(
            insert(KeptDay),
            [
                {
                    "source_id": source_id,
                    "day": day,
                    "report": report,
                    "account_id": account_id,
                    "run_id": run_id,
                }
                for day in sorted(days)
            ],
        )


def _ensure_dimensions(
    session: Session, columns: ReadingColumns, *, account_id: UUID, source_id: UUID
) -> list[int]:
    """Row ids of the dimensions, in the order of their numbers; missing rows are made."""
    layout = columns.layout
    model = layout.dimension_model
    known = _dimension_rows(session, layout, source_id)
    missing = [dimensions for dimensions in columns.numbers if dimensions not in known]
    if missing:
        session.execute(
            insert(model),
            [
                {
                    "account_id": account_id,
                    "source_id": source_id,
                    **dict(zip(layout.dimensions, dimensions, strict=True)),
                }
                for dimensions in missing
            ],
        )
        known = _dimension_rows(session, layout, source_id)
    parents = [0] * len(columns.numbers)
    for dimensions, number in columns.numbers.items():
        parents[number] = known[dimensions]
    return parents


def _dimension_rows(session: Session, layout: _Layout, source_id: UUID) -> Mapping[Hashable, int]:
    model = layout.dimension_model
    attributes: list[InstrumentedAttribute[Any]] = [
        getattr(model, name) for name in layout.dimensions
    ]
    rows = session.execute(select(model.id, *attributes).where(model.source_id == source_id))
    return {tuple(row[1:]): row[0] for row in rows}


def _insert_rows(session: Session, layout: _Layout, chunk: list[Sequence[Any]]) -> None:
    names = (layout.parent_column, "day", *layout.figures)
    connection = session.connection(bind_arguments={"mapper": layout.daily_model})
    if connection.dialect.name == "postgresql":
        # One statement with a handful of array parameters instead of thousands of value lists:
        # several times faster, and the statement text never grows.
        table = layout.daily_model.__table__
        arrays = [
            func.unnest(bindparam(f"column_{name}", type_=ARRAY(table.c[name].type))).label(name)
            for name in names
        ]
        connection.execute(
            insert(table).from_select(names, select(*arrays)),
            {f"column_{name}": list(values) for name, values in zip(names, chunk, strict=True)},
        )
    else:
        session.execute(
            insert(layout.daily_model),
            [dict(zip(names, row, strict=True)) for row in zip(*chunk, strict=True)],
        )


@dataclass(frozen=True, slots=True)
class DayTotals:
    """One UTC day of a source: tokens by kind, and what the vendor charged."""

    day: date
    tokens: TokenCounts
    cost_nano_usd: int


def daily_tokens_by_model(
    session: Session, source_id: UUID, window: Stretch
) -> list[tuple[date, str, TokenCounts]]:
    """Tokens of a source by day and model, tiers and context windows added up."""
    rows = session.execute(
        select(
            DailyUsage.day,
            UsageSeries.model,
            *(func.sum(getattr(DailyUsage, name)) for name in _TOKEN_COLUMNS),
        )
        .join(UsageSeries, UsageSeries.id == DailyUsage.series_id)
        .where(
            UsageSeries.source_id == source_id,
            DailyUsage.day >= window.start,
            DailyUsage.day < window.end,
        )
        .group_by(DailyUsage.day, UsageSeries.model)
    )
    return [(row[0], row[1], TokenCounts(*map(int, row[2:]))) for row in rows]


def daily_cost_totals(session: Session, source_id: UUID, window: Stretch) -> list[tuple[date, int]]:
    """What a vendor charged a source's organization, by day, in nano-US-dollars."""
    rows = session.execute(
        select(DailyCost.day, func.sum(DailyCost.cost_nano_usd))
        .join(CostLine, CostLine.id == DailyCost.line_id)
        .where(
            CostLine.source_id == source_id,
            DailyCost.day >= window.start,
            DailyCost.day < window.end,
        )
        .group_by(DailyCost.day)
    )
    return [(day, int(cost)) for day, cost in rows]


def daily_totals(
    session: Session,
    account_id: UUID,
    source_ids: Sequence[UUID],
    window: Stretch,
) -> list[DayTotals]:
    """Some sources' usage and cost, day by day, every day of the window present; two queries.

    :param source_ids: sources of this account; another's ids yield nothing.
    """
    tokens: dict[date, TokenCounts] = {}
    for row in session.execute(
        select(
            DailyUsage.day,
            *(func.sum(getattr(DailyUsage, name)) for name in _TOKEN_COLUMNS),
        )
        .join(UsageSeries, UsageSeries.id == DailyUsage.series_id)
        .where(
            UsageSeries.account_id == account_id,
            UsageSeries.source_id.in_(source_ids),
            DailyUsage.day >= window.start,
            DailyUsage.day < window.end,
        )
        .group_by(DailyUsage.day)
    ):
        tokens[row[0]] = TokenCounts(*map(int, row[1:]))
    costs: dict[date, int] = {}
    for day, cost in session.execute(
        select(DailyCost.day, func.sum(DailyCost.cost_nano_usd))
        .join(CostLine, CostLine.id == DailyCost.line_id)
        .where(
            CostLine.account_id == account_id,
            CostLine.source_id.in_(source_ids),
            DailyCost.day >= window.start,
            DailyCost.day < window.end,
        )
        .group_by(DailyCost.day)
    ):
        costs[day] = int(cost)
    return [
        DayTotals(day, tokens.get(day, TokenCounts.zero()), costs.get(day, 0)) for day in window
    ]


@dataclass(frozen=True, slots=True)
class SampledUsage:
    """The days of a source's newest complete sample.

    :param kept_days: days the vendor no longer reports, whose former figures were kept.
    """

    days: list[DayTotals]
    kept_days: list[date]


def read_usage(
    session: Session, account_id: UUID, source_id: UUID, complete: SampleRun | None
) -> SampledUsage:
    """A source's usage over the window of its newest complete run; three queries.

    :param complete: that run; without one there is nothing to show.
    """
    if complete is None:
        return SampledUsage([], [])
    window = Stretch(complete.window_start, complete.window_end)
    kept = session.scalars(
        select(KeptDay.day)
        .where(
            KeptDay.account_id == account_id,
            KeptDay.source_id == source_id,
            KeptDay.day >= window.start,
            KeptDay.day < window.end,
        )
        .distinct()
        .order_by(KeptDay.day)
    )
    return SampledUsage(daily_totals(session, account_id, [source_id], window), list(kept))
