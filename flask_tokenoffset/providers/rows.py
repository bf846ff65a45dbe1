"""What both vendors' rows have in common: dimensions that are cleaned once, sums that stay true.

A window holds some fifteen thousand rows, which are read in the time the vendor's own page takes to
decode. So each reader takes a day column by column, and what columns share is here.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from functools import partial
from itertools import count
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from flask_tokenoffset.providers.answers import clean_text
from flask_tokenoffset.providers.base import Columns, CostDay, CostRow, UsageDay, UsageRow
from flask_tokenoffset.providers.money import exact_sums, rounded_nano_usd
from flask_tokenoffset.providers.row_faults import check_figures, malformed_row

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from flask_tokenoffset.providers.money import ExactNanoUSD

#: Longer is no name of a model or a price, but free text in the wrong place; the rest is cut off.
LONGEST_DIMENSION: Final = 200
#: How many of the fields of a row of use are figures: four kinds of tokens, and requests.
_USAGE_FIGURES: Final = 5
#: Ends the type of a cost below zero.
CREDIT: Final = "credit"


class Dimensions(dict[tuple[object, ...], tuple[str, ...]]):
    """The dimensions of a row as the vendor sent them, to the texts a row starts with.

    The same few combinations come again on every day, so each is cleaned when it is first met and
    found here afterwards. An unknown name of a model or tier passes: vendors add them.

    :param arrange: puts the vendor's dimensions, as text, where the row has them.
    :param clean: makes a text of a dimension.
    """

    def __init__(
        self, arrange: Callable[..., tuple[str, ...]], clean: Callable[[object], str]
    ) -> None:
        super().__init__()
        self._arrange = arrange
        self._label = clean

    def of(self, results: list[dict[str, object]], names: tuple[str, ...]) -> list[tuple[str, ...]]:
        """The texts of each row.

        :param results: the rows as the vendor sent them; a dimension may be null or left out.
        :param names: what the vendor calls the dimensions.
        """
        sent = map(itemgetter(*names), results)
        try:
            # Of one name alone the getter gives the value itself.
            keys = sent if len(names) > 1 else ((value,) for value in sent)
            return list(map(self.__getitem__, keys))
        except (KeyError, TypeError):
            # Left out, or no text: then it says nothing, which is no reason to lose the figures.
            return [
                self[tuple(_hashable(result.get(name)) for name in names)] for result in results
            ]

    def __missing__(self, sent: tuple[object, ...]) -> tuple[str, ...]:
        texts = self[sent] = self._arrange(*map(self._label, sent))
        return texts


def name_label(sent: object) -> str:
    """A name of a model or tier as it is kept; see :func:`label`.

    Text that is longer than any name stands in the wrong place and may be a person's; nothing of it
    is kept.

    :param sent: what the vendor sent.
    """
    if isinstance(sent, str) and len(sent) > LONGEST_DIMENSION:
        return ""
    return label(sent)


def label(sent: object) -> str:
    """A label of a vendor as it is kept: one line of visible characters, and not too many.

    Whatever it is, it is no reason to refuse the figures beside it.

    :param sent: what the vendor sent; null and what is no text or number say nothing.
    """
    if isinstance(sent, str):
        return clean_text(sent, LONGEST_DIMENSION)
    if isinstance(sent, bool):
        return "true" if sent else "false"
    return str(sent)[:LONGEST_DIMENSION] if isinstance(sent, int | Decimal) else ""


def _hashable(sent: object) -> object:
    return None if isinstance(sent, dict | list) else sent


def usage_day(title: str, day: date, rows: Sequence[UsageRow]) -> UsageDay:
    """One day of use from rows with names, checked, those of equal dimensions made one.

    The plain way, for a vendor with few rows a day; see :class:`Columns` for the fast one.

    :param title: the vendor's name, for messages.
    :param day: the UTC day.
    :param rows: in any order; a dimension may be ``None`` where the vendor says null.
    :raises MalformedAnswer: a figure is no whole number from zero up.
    """
    texts, fields = len(UsageRow._fields) - _USAGE_FIGURES, len(UsageRow._fields)
    check = partial(check_figures, title, UsageRow._fields[texts:])
    told: Sequence[tuple[Any, ...]] = rows
    figures = tuple([row[place] for row in told] for place in range(texts, fields))
    check(figures)
    return UsageDay(day, merged(_named(rows, texts, name_label), figures, check))


def cost_day(title: str, day: date, rows: Sequence[CostRow]) -> CostDay:
    """One day's cost from rows with names, as :func:`usage_day` makes a day of use.

    :param title: the vendor's name, for messages.
    :param day: the UTC day.
    :param rows: in any order; amounts in billionths of a US dollar, negative for a credit.
    :raises MalformedAnswer: an amount cannot be kept.
    """
    texts = len(CostRow._fields) - 1
    amounts: list[ExactNanoUSD] = [row.cost_nano_usd for row in rows]
    if set(map(type, amounts)) - {int}:
        raise malformed_row(title, "the amount is missing or no whole number")
    return CostDay(day, merged_costs(_named(rows, texts, label), amounts))


def _named(
    rows: Sequence[tuple[Any, ...]], texts: int, clean: Callable[[object], str]
) -> list[tuple[str, ...]]:
    dimensions = Dimensions(lambda *sent: sent, clean)
    return [dimensions[tuple(map(_hashable, row[:texts]))] for row in rows]


def merged(
    dimensions: list[tuple[str, ...]],
    figures: tuple[list[int], ...],
    check_sums: Callable[[Sequence[list[int]]], None],
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
    check_sums(sums)
    return Columns(list(place_of), sums)


def merged_costs(dimensions: list[tuple[str, ...]], exact: list[ExactNanoUSD]) -> Columns:
    """One day's cost as it is kept: rows of equal dimensions are added up, and then rounded.

    :param dimensions: the texts of each row; the second is the type of the cost.
    :param exact: what each row costs, in nano-dollars.
    :raises MalformedAnswer: a sum cannot be kept.
    """
    if exact and min(exact) < 0:
        # A credit must not vanish in the charges of the same day and line.
        dimensions = [
            (texts[0], _credit_of(texts[1]), *texts[2:]) if amount < 0 else texts
            for texts, amount in zip(dimensions, exact, strict=True)
        ]
    if len(set(dimensions)) == len(dimensions):
        return Columns(dimensions, (rounded_nano_usd(exact),))
    sums: dict[tuple[str, ...], ExactNanoUSD] = {}
    with exact_sums():
        for texts, amount in zip(dimensions, exact, strict=True):
            sums[texts] = sums.get(texts, 0) + amount
    return Columns(list(sums), (rounded_nano_usd(list(sums.values())),))


def _credit_of(cost_type: str) -> str:
    """The type of a credit of some type, no longer than a type may be."""
    return f"{cost_type[: LONGEST_DIMENSION - len(CREDIT) - 1]} {CREDIT}".strip()
