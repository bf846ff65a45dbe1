"""What a sample read, on its way from the vendor's pages into the tables."""

from __future__ import annotations

from array import array
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Date,
    Integer,
    Text,
    bindparam,
    cast,
    delete,
    func,
    insert,
    select,
)

from flask_tokenoffset.errors import MalformedAnswer
from flask_tokenoffset.methodology import TokenCounts
from flask_tokenoffset.models import (
    CostLine,
    DailyCost,
    DailyUsage,
    KeptDay,
    Report,
    UsageSeries,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from uuid import UUID

    from sqlalchemy import Connection, Table
    from sqlalchemy.orm import InstrumentedAttribute, Session

    from flask_tokenoffset.methodology import Stretch
    from flask_tokenoffset.providers import ReportingClient, Window

#: The largest sum of a window. A month of it, a little longer, still fits a 64-bit column.
LARGEST_SUM: Final = 2**62
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

    @property
    def dimension_columns(self) -> list[InstrumentedAttribute[str]]:
        """The columns of the dimensions, in order."""
        return [getattr(self.dimension_model, name) for name in self.dimensions]


USAGE_LAYOUT: Final = _Layout(
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
COST_LAYOUT: Final = _Layout(
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

    def __init__(self, layout: _Layout) -> None:
        self.layout = layout
        self.numbers: Mapping[tuple[str, ...], int] = _Numbers()
        self.days: list[date] = []
        self.day_ordinals = array("l")
        self.keys = array("l")
        self.figures = tuple(array("q") for _ in layout.figures)

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def magnitude(self) -> int:
        """All figures added up, whatever their signs: a bound for every sum of some of them."""
        return sum(sum(map(abs, column)) for column in self.figures)

    def add_day(self, day: date, rows: Sequence[tuple[Any, ...]]) -> None:
        """Append one day.

        :param day: a UTC day that was not added before.
        :param rows: dimension texts followed by integer figures, in the layout's order; each
            combination of dimensions at most once, as the vendor clients give them.
        """
        if not rows:
            return
        self.days.append(day)
        width = len(self.layout.dimensions)
        columns = list(zip(*rows, strict=True))
        numbers = self.numbers
        self.keys.extend([numbers[key] for key in zip(*columns[:width], strict=True)])
        self.day_ordinals.extend([day.toordinal()] * len(rows))
        for column, figures in zip(self.figures, columns[width:], strict=True):
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
    """Everything one sample run read."""

    usage: ReadingColumns
    costs: ReadingColumns

    @classmethod
    def empty(cls) -> Reading:
        """A reading before the first page."""
        return cls(ReadingColumns(USAGE_LAYOUT), ReadingColumns(COST_LAYOUT))

    @classmethod
    def of_vendor(
        cls,
        client: ReportingClient,
        window: Window,
        page_done: Callable[[int, int], None],
    ) -> Reading:
        """Read a whole window page by page.

        :param page_done: called after each page with the pages read and the pages expected; what
            it raises ends the reading.
        :raises ProviderError: at any page; a part of a window is never given back.
        """
        reading = cls.empty()
        expected, done = client.page_count(window), 0
        for columns, pages in (
            (reading.usage, client.usage(window)),
            (reading.costs, client.costs(window)),
        ):
            for page in pages:
                for day, rows in page:
                    columns.add_day(day, rows)
                done += 1
                page_done(done, max(done, expected))
        reading.refuse_absurd_sums()
        return reading

    def refuse_absurd_sums(self) -> None:
        """Refuse figures that are credible one by one and could not be added up and kept.

        :raises MalformedAnswer: the window's sum would not fit a month's column.
        """
        *tokens, _ = self.usage.figures
        (costs,) = self.costs.figures
        if max(sum(map(sum, tokens)), sum(map(abs, costs))) > LARGEST_SUM:
            raise MalformedAnswer(
                "The vendor sent figures that cannot be true when they are added up, so nothing of"
                " them was used."
            )

    def tokens_by_day_and_model(self) -> list[tuple[date, str, TokenCounts]]:
        """Tokens by day and model; tiers, context windows and batches are added up."""
        models = [dimensions[0] for dimensions in self.usage.numbers]
        sums: dict[tuple[int, str], list[int]] = {}
        for ordinal, key, uncached, cached, creation, output, _ in zip(
            self.usage.day_ordinals, self.usage.keys, *self.usage.figures, strict=True
        ):
            cell = sums.setdefault((ordinal, models[key]), [0, 0, 0, 0])
            cell[0] += uncached
            cell[1] += cached
            cell[2] += creation
            cell[3] += output
        return [
            (date.fromordinal(ordinal), model, TokenCounts(*tokens))
            for (ordinal, model), tokens in sums.items()
        ]

    def cost_by_day(self) -> list[tuple[date, int]]:
        """What the vendor charged by day, in nano-US-dollars."""
        (costs,) = self.costs.figures
        sums: dict[int, int] = defaultdict(int)
        for ordinal, cost_nano_usd in zip(self.costs.day_ordinals, costs, strict=True):
            sums[ordinal] += cost_nano_usd
        return [(date.fromordinal(ordinal), cost) for ordinal, cost in sums.items()]


@dataclass(frozen=True, slots=True)
class KeptDays:
    """Days that a later reading no longer showed, by report; what was known of them is kept."""

    usage: set[date]
    costs: set[date]


def store_reading(
    session: Session,
    reading: Reading,
    *,
    account_id: UUID,
    source_id: UUID,
    run_id: UUID,
    window: Stretch,
) -> KeptDays:
    """Write both reports of one sample, replacing what an earlier one said of the same days.

    A day the vendor reports is replaced whole. A day it no longer reports keeps its rows and is
    marked in ``KeptDay``: "no row" is not "zero". Run twice, it changes nothing.

    :param reading: the whole window's rows.
    :param window: the days that were read.
    """
    ids = {"account_id": account_id, "source_id": source_id, "run_id": run_id}
    return KeptDays(
        usage=_store_report(session, reading.usage, window, **ids),
        costs=_store_report(session, reading.costs, window, **ids),
    )


def _store_report(
    session: Session,
    columns: ReadingColumns,
    window: Stretch,
    *,
    account_id: UUID,
    source_id: UUID,
    run_id: UUID,
) -> set[date]:
    layout = columns.layout
    parents = _dimension_rows(session, layout, source_id)
    kept: set[date] = set()
    if parents:
        known = set(_days_with_rows(session, layout, source_id, window))
        _delete_days(session, layout, source_id, known.intersection(columns.days))
        kept = known.difference(columns.days)
        _mark_kept_days(
            session,
            layout.report,
            kept,
            account_id=account_id,
            source_id=source_id,
            run_id=run_id,
            window=window,
        )
    parents |= _new_dimension_rows(
        session,
        layout,
        [dimensions for dimensions in columns.numbers if dimensions not in parents],
        account_id=account_id,
        source_id=source_id,
    )
    for chunk in columns.chunks(parents, ROWS_PER_STATEMENT):
        _insert_rows(session, layout, chunk)
    return kept


def _days_with_rows(
    session: Session, layout: _Layout, source_id: UUID, window: Stretch
) -> Iterable[date]:
    daily, parent = layout.daily_model, layout.dimension_model
    return session.scalars(
        select(daily.day)
        .join(parent, parent.id == getattr(daily, layout.parent_column))
        .where(parent.source_id == source_id, daily.day >= window.start, daily.day < window.end)
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
    window: Stretch,
) -> None:
    session.execute(
        delete(KeptDay)
        .where(
            KeptDay.source_id == source_id,
            KeptDay.report == report,
            KeptDay.day >= window.start,
            KeptDay.day < window.end,
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


def _dimension_rows(
    session: Session, layout: _Layout, source_id: UUID
) -> dict[tuple[str, ...], int]:
    """The dimensions a source has met before, and the ids of their rows."""
    model = layout.dimension_model
    rows = session.execute(
        select(model.id, *layout.dimension_columns).where(model.source_id == source_id)
    )
    return {tuple(row[1:]): row[0] for row in rows}


def _new_dimension_rows(
    session: Session,
    layout: _Layout,
    missing: list[tuple[str, ...]],
    *,
    account_id: UUID,
    source_id: UUID,
) -> dict[tuple[str, ...], int]:
    """Make rows for dimensions that are met for the first time."""
    if not missing:
        return {}
    model = layout.dimension_model
    owner = {"account_id": account_id, "source_id": source_id}
    table = model.__table__
    connection = session.connection(bind_arguments={"mapper": model})
    rows = connection.execute(
        insert(table).returning(table.c.id, *(table.c[name] for name in layout.dimensions)),
        [owner | dict(zip(layout.dimensions, each, strict=True)) for each in missing],
    )
    return {tuple(row[1:]): row[0] for row in rows}


def _insert_rows(session: Session, layout: _Layout, chunk: Sequence[list[int]]) -> None:
    names = (layout.parent_column, "day", *layout.figures)
    connection = session.connection(bind_arguments={"mapper": layout.daily_model})
    if connection.dialect.name == "postgresql":
        _insert_arrays(connection, layout.daily_model.__table__, names, chunk)
        return
    parents, ordinals, *figures = chunk
    days = map(date.fromordinal, ordinals)
    session.execute(
        insert(layout.daily_model),
        [dict(zip(names, row, strict=True)) for row in zip(parents, days, *figures, strict=True)],
    )


def _insert_arrays(
    connection: Connection,
    table: Table,
    names: Sequence[str],
    chunk: Sequence[list[int]],
) -> None:
    """Write a chunk with one statement whose text never grows.

    Each column travels as one PostgreSQL array in its text form, and a day as the number of days
    since the first: several times faster than value lists, and the same for every driver.
    """
    parents, ordinals, *figures = chunk
    first = min(ordinals)
    values = {
        "parents": _array_text(parents),
        "days": _array_text([ordinal - first for ordinal in ordinals]),
        **{name: _array_text(column) for name, column in zip(names[2:], figures, strict=True)},
    }
    columns = {
        name: func.unnest(cast(bindparam(f"array_{name}", type_=Text()), ARRAY(BigInteger())))
        for name in values
    }
    rows = select(*(column.label(name) for name, column in columns.items())).subquery()
    first_day = bindparam("first_day", date.fromordinal(first), type_=Date())
    connection.execute(
        insert(table).from_select(
            names,
            select(
                rows.c.parents,
                cast(first_day, Date()) + cast(rows.c.days, Integer()),
                *(rows.c[name] for name in names[2:]),
            ),
        ),
        {f"array_{name}": text for name, text in values.items()},
    )


def _array_text(numbers: list[int]) -> str:
    # Python writes a list several times faster than a loop over its members could.
    return "{" + str(numbers)[1:-1] + "}"
