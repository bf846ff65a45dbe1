"""Where a vendor's two reports contradict each other: use not charged for, or a charge without use.

A series of use, such as the output of one model at one tier, and the line it is charged on are told
apart by names that only the vendor knows for sure. So a pair counts from the days on which both
were there: a later or earlier day with one of the two and not the other lacks something. It is said
and changes no figure.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from itertools import compress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flask_tokenoffset.services.sources.readings import Reading, ReadingColumns

#: What is charged on a line of Anthropic's, by the kinds of a row of use. The written caches have a
#: line each, of which either will do.
_KIND_OF_TYPE: Final = {
    "uncached_input_tokens": 0,
    "cache_read_input_tokens": 1,
    "cache_creation.ephemeral_5m_input_tokens": 2,
    "cache_creation.ephemeral_1h_input_tokens": 2,
    "output_tokens": 3,
}
#: The same at the end of a line item of OpenAI's, behind the model's name.
_KIND_OF_ITEM: Final = {"input": 0, "cached input": 1, "cache write": 2, "output": 3}
_KINDS: Final = 4
#: The tiers without a name of their own in a line item.
_PLAIN_TIERS: Final = ("", "default")

#: Model, tier and kind.
_Pair = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Contradictions:
    """Days on which one report lacks what the other has, oldest first.

    :param partly_charged: something was used that is charged for on other days, and not on these.
    :param partly_used: something was charged for that was used on other days, and not on these.
    """

    partly_charged: tuple[date, ...]
    partly_used: tuple[date, ...]


def contradictions_in(reading: Reading) -> Contradictions:
    """Compare the two reports of a reading, day by day.

    :param reading: of which days without any row are told by other means.
    """
    used = _days_by_pair(
        reading.usage,
        [_of_use(texts, kind) for kind in range(_KINDS) for texts in reading.usage.numbers],
        range(_KINDS),
    )
    charged = _days_by_pair(
        reading.costs, [_of_cost(texts) for texts in reading.costs.numbers], [0]
    )
    both = [pair for pair in used.keys() & charged.keys() if used[pair] & charged[pair]]
    with_use, with_cost = (
        {day.toordinal() for day in columns.days} for columns in (reading.usage, reading.costs)
    )
    return Contradictions(
        _dates((used[pair] - charged[pair]) & with_cost for pair in both),
        _dates((charged[pair] - used[pair]) & with_use for pair in both),
    )


def _days_by_pair(
    columns: ReadingColumns, pairs: list[_Pair | None], kinds: Iterable[int]
) -> dict[_Pair, set[int]]:
    """On which days there was something other than zero of each pair.

    :param pairs: of each combination of dimensions, for one kind after the other.
    :param kinds: the figures that count.
    """
    days: dict[_Pair, set[int]] = defaultdict(set)
    count = len(columns.numbers)
    for kind in kinds:
        by_key: dict[int, set[int]] = defaultdict(set)
        for key, day in compress(
            zip(columns.keys, columns.day_ordinals, strict=True), columns.figures[kind]
        ):
            by_key[key].add(day)
        for key, found in by_key.items():
            pair = pairs[kind * count + key]
            if pair is not None:
                days[pair] |= found
    return days


def _of_use(texts: tuple[str, ...], kind: int) -> _Pair | None:
    model, tier, _, batch = texts
    if not model or batch == "true":
        return None
    return model, "" if tier in _PLAIN_TIERS else tier, kind


def _of_cost(texts: tuple[str, ...]) -> _Pair | None:
    description, _, model, tier, token_type = texts
    if model:
        kind = _KIND_OF_TYPE.get(token_type)
        return None if kind is None else (model, tier, kind)
    name, _, item = description.rpartition(", ")
    kind = _KIND_OF_ITEM.get(item)
    return None if kind is None or not name else (name, "", kind)


def _dates(days: Iterable[set[int]]) -> tuple[date, ...]:
    return tuple(map(date.fromordinal, sorted(set().union(*days))))
