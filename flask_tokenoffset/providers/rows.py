"""What both vendors' rows have in common: dimensions that are checked once, sums that stay true.

A window holds some fifteen thousand rows, which are read in the time the vendor's own page takes to
decode. So each reader is one loop without a call for each field, and what rows share is here.
"""

from __future__ import annotations

from typing import Final

from flask_tokenoffset.errors import MalformedAnswer
from flask_tokenoffset.providers.base import CostRow, UsageRow
from flask_tokenoffset.providers.money import within_column

#: Longer is no name of a model or a price, but free text in the wrong place.
LONGEST_DIMENSION: Final = 200
#: Figures are kept as signed 64-bit integers; no figure has a bit from this one on.
FIGURE_BITS: Final = 63


class Dimensions(dict[tuple[object, ...], tuple[str, ...]]):
    """The dimensions of a row as the vendor sent them, to the same as text.

    The same few combinations come again on every day, so each is checked when it is first met and
    found here afterwards. An unknown name of a model or tier passes: vendors add them.

    :param title: the vendor's name, for messages.
    """

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title

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
        texts = tuple("" if value is None else str(value) for value in sent)
        self[sent] = texts
        return texts


def malformed_row(title: str) -> MalformedAnswer:
    """The error for a row that is not what the vendor documents; it shows nothing of the row.

    :param title: the vendor's name.
    """
    return MalformedAnswer(
        f"{title} sent a row with a figure that is missing, no whole number, negative, or in"
        " contradiction with another, so nothing of the report was used."
    )


def cost_rows(keys: list[tuple[str, ...]], costs_nano_usd: list[int]) -> list[CostRow]:
    """Cost rows of one day; those of the same dimensions become one.

    :param keys: the dimensions of each row as text.
    :param costs_nano_usd: the amount of each row.
    :raises MalformedAnswer: where a sum is too large to keep.
    """
    if len(set(keys)) < len(keys):
        sums: dict[tuple[str, ...], int] = dict.fromkeys(keys, 0)
        for key, cost_nano_usd in zip(keys, costs_nano_usd, strict=True):
            sums[key] += cost_nano_usd
        keys, costs_nano_usd = list(sums), list(map(within_column, sums.values()))
    # Each amount was checked when it was read. The constructor is passed by: it would take longer
    # than everything else that happens to a row.
    new = tuple.__new__
    return [
        new(CostRow, (*key, cost_nano_usd))
        for key, cost_nano_usd in zip(keys, costs_nano_usd, strict=True)
    ]


def usage_rows(keys: list[tuple[str, ...]], rows: list[UsageRow], title: str) -> list[UsageRow]:
    """Usage rows of one day; those of the same dimensions become one.

    :param keys: the dimensions of each row, in the same order.
    :param title: the vendor's name, for the message.
    :raises MalformedAnswer: where a sum is too large to keep.
    """
    if len(set(keys)) == len(keys):
        return rows
    merged: dict[tuple[str, ...], UsageRow] = {}
    for key, row in zip(keys, rows, strict=True):
        merged[key] = added(merged[key], row, title) if key in merged else row
    return list(merged.values())


def added(one: UsageRow, other: UsageRow, title: str) -> UsageRow:
    """Two rows of the same dimensions as one, which is what dropping a dimension means.

    :param one: a row.
    :param other: a row with the same dimensions.
    :param title: the vendor's name, for the message.
    :raises MalformedAnswer: where a sum is too large to keep.
    """
    total = UsageRow(
        one.model,
        one.service_tier,
        one.context_window,
        one.batch,
        one.uncached_input_tokens + other.uncached_input_tokens,
        one.cached_input_tokens + other.cached_input_tokens,
        one.cache_creation_tokens + other.cache_creation_tokens,
        one.output_tokens + other.output_tokens,
        one.request_count + other.request_count,
    )
    if max(total[4:]) >> FIGURE_BITS:
        raise malformed_row(title)
    return total
