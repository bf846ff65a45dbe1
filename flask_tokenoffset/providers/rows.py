"""What both vendors' rows have in common: dimensions that are checked once, sums that stay true.

A window holds some fifteen thousand rows, which are read in the time the vendor's own page takes to
decode. So each reader takes a day column by column, and what columns share is here.
"""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from itertools import count
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from flask_tokenoffset.errors import MalformedAnswer
from flask_tokenoffset.providers.base import Columns, CostDay, CostRow, UsageDay, UsageRow
from flask_tokenoffset.providers.money import check_costs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

#: Longer is no name of a model or a price, but free text in the wrong place.
LONGEST_DIMENSION: Final = 200
#: Figures are kept as signed 64-bit integers; no figure has a bit from this one on.
FIGURE_BITS: Final = 63
#: How many of the fields of a row of use are figures: four kinds of tokens, and requests.
_USAGE_FIGURES: Final = 5


class Dimensions(dict[tuple[object, ...], tuple[str, ...]]):
    """The dimensions of a row as the vendor sent them, to the texts a row starts with.

    The same few combinations come again on every day, so each is checked when it is first met and
    found here afterwards. An unknown name of a model or tier passes: vendors add them.

    :param title: the vendor's name, for messages.
    :param arrange: puts the vendor's dimensions, as text, where the row has them.
    """

    def __init__(self, title: str, arrange: Callable[..., tuple[str, ...]]) -> None:
        super().__init__()
        self._title = title
        self._arrange = arrange

    def of(
        self, results: list[dict[str, object]], names: tuple[str, str, *tuple[str, ...]]
    ) -> list[tuple[str, ...]]:
        """The texts of each row.

        :param results: the rows as the vendor sent them; a dimension may be null or left out.
        :param names: what the vendor calls the dimensions.
        :raises MalformedAnswer: for one that is no short text.
        :raises TypeError: for one that is a list or an object, or a row that is no object.
        """
        try:
            return list(map(self.__getitem__, map(itemgetter(*names), results)))
        except KeyError:
            return [self[tuple(map(result.get, names))] for result in results]

    def __missing__(self, sent: tuple[object, ...]) -> tuple[str, ...]:
        # Not printable are, for example, NUL and half of a character, which no database keeps.
        if any(
            value is not None
            and not (
                isinstance(value, str) and len(value) <= LONGEST_DIMENSION and value.isprintable()
            )
            for value in sent
        ):
            raise malformed_row(self._title)
        texts = self[sent] = self._arrange(*("" if value is None else value for value in sent))
        return texts


def usage_day(title: str, day: date, rows: Sequence[UsageRow]) -> UsageDay:
    """One day of use from rows with names, checked, those of equal dimensions made one.

    The plain way, for a vendor with few rows a day; see :class:`Columns` for the fast one.

    :param title: the vendor's name, for messages.
    :param day: the UTC day.
    :param rows: in any order; a dimension may be ``None`` where the vendor says null.
    :raises MalformedAnswer: a dimension is no short text, or a figure no whole number from zero up.
    """
    texts = len(UsageRow._fields) - _USAGE_FIGURES
    check = partial(check_figures, title)
    return UsageDay(day, _columns(title, rows, texts, len(UsageRow._fields), check))


def cost_day(title: str, day: date, rows: Sequence[CostRow]) -> CostDay:
    """One day's cost from rows with names, as :func:`usage_day` makes a day of use.

    :param title: the vendor's name, for messages.
    :param day: the UTC day.
    :param rows: in any order; amounts in billionths of a US dollar, negative for a credit.
    :raises MalformedAnswer: a dimension is no short text, or an amount cannot be kept.
    """
    texts = len(CostRow._fields) - 1

    def check(amounts: list[int]) -> None:
        if set(map(type, amounts)) - {int}:
            raise malformed_row(title)
        check_costs(amounts)

    return CostDay(day, _columns(title, rows, texts, len(CostRow._fields), check))


def _columns(
    title: str,
    rows: Sequence[tuple[Any, ...]],
    texts: int,
    fields: int,
    check: Callable[..., None],
) -> Columns:
    dimensions = Dimensions(title, lambda *sent: sent)
    named = [dimensions[row[:texts]] for row in rows]
    figures = tuple([row[place] for row in rows] for place in range(texts, fields))
    check(*figures)
    return merged(named, figures, check)


def malformed_row(title: str) -> MalformedAnswer:
    """The error for a row that is not what the vendor documents; it shows nothing of the row.

    :param title: the vendor's name.
    """
    return MalformedAnswer(
        f"{title} sent a row with a figure that is missing, no whole number, negative, or in"
        " contradiction with another, so nothing of the report was used."
    )


def check_figures(title: str, *columns: list[int]) -> None:
    """Refuse whatever is not a whole number from zero to the largest that is kept.

    :param title: the vendor's name, for the message.
    :param columns: a list for each figure.
    :raises MalformedAnswer: for such a figure.
    """
    for column in columns:
        if column and (
            # The type itself and not isinstance(), because True is an int.
            set(map(type, column)) != {int} or min(column) < 0 or max(column) >> FIGURE_BITS
        ):
            raise malformed_row(title)


def merged(
    dimensions: list[tuple[str, ...]],
    figures: tuple[list[int], ...],
    check_sums: Callable[..., None],
) -> Columns:
    """The rows of one day; those of equal dimensions become one, which is what dropping one means.

    :param dimensions: the texts of each row.
    :param figures: a list for each figure.
    :param check_sums: takes the columns of sums and refuses what is too large to keep; the figures
        themselves were checked before.
    """
    if len(set(dimensions)) == len(dimensions):
        return Columns(dimensions, figures)
    # A combination that is new takes the next place.
    place_of: dict[tuple[str, ...], int] = defaultdict(count().__next__)
    places = list(map(place_of.__getitem__, dimensions))
    sums = tuple([0] * len(place_of) for _ in figures)
    for column, column_of_sums in zip(figures, sums, strict=True):
        for place, figure in zip(places, column, strict=True):
            column_of_sums[place] += figure
    check_sums(*sums)
    return Columns(list(place_of), sums)
