"""Where a vendor's two reports contradict each other: use not charged for, or a charge without use.

A series of use, such as the output of one model at one tier, and the line it is charged on are told
apart by names that only the vendor knows for sure. So a pair counts from the days on which both
were there: a later or earlier day with one of the two and not the other lacks something. It is said
and changes no figure.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from itertools import compress
from typing import TYPE_CHECKING, Final

from flask_tokenoffset.providers.rows import CREDIT

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

#: By provider, tiers that are charged for elsewhere than in the cost report.
_CHARGED_ELSEWHERE: Final = {"anthropic": frozenset({"priority", "priority_on_demand"})}
#: The day a model is of, at the end of its name, which one report may say and the other not.
_DATE: Final = re.compile(r"[-@]20\d\d(?:-?\d\d){2}$", re.ASCII)

#: Model, tier and kind.
_Pair = tuple[str, str, int]
#: Stands for all that is charged for elsewhere.
_ELSEWHERE: Final[_Pair] = ("", "", 0)


@dataclass(frozen=True, slots=True)
class Contradictions:
    """Days on which one report lacks what the other has, oldest first.

    :param partly_charged: something was used that the cost report does not charge for on these.
    :param partly_used: something was charged for that was used on other days, and not on these.
    """

    partly_charged: tuple[date, ...]
    partly_used: tuple[date, ...]


def contradictions_in(reading: Reading, provider: str) -> Contradictions:
    """Compare the two reports of a reading, day by day.

    :param reading: of which days without any row are told by other means.
    :param provider: the stable name of whose reports they are.
    """
    elsewhere = _CHARGED_ELSEWHERE.get(provider, frozenset())
    used = _days_by_pair(
        reading.usage,
        [
            _of_use(texts, kind, elsewhere)
            for kind in range(_KINDS)
            for texts in reading.usage.numbers
        ],
        range(_KINDS),
    )
    charged = _days_by_pair(
        reading.costs, [_of_cost(texts) for texts in reading.costs.numbers], [0]
    )
    both = [pair for pair in used.keys() & charged.keys() if used[pair] & charged[pair]]
    with_use, with_cost = (
        {day.toordinal() for day in columns.days} for columns in (reading.usage, reading.costs)
    )
    lacking = [used[pair] - charged[pair] for pair in both]
    lacking.append(used.get(_ELSEWHERE, set()))
    days, (amounts,) = reading.costs.day_ordinals, reading.costs.figures
    if min(amounts, default=1) <= 0:
        with_charge = set(compress(days, map((0).__lt__, amounts)))
        free = set(compress(days, map((0).__eq__, amounts))) - with_charge
        lacking.append(free & _days_with_tokens(reading.usage))
        # A day with a credit alone is as one without any cost.
        with_cost = with_charge | free
    return Contradictions(
        _dates(days & with_cost for days in lacking),
        _dates((charged[pair] - used[pair]) & with_use for pair in both),
    )


def _days_with_tokens(usage: ReadingColumns) -> set[int]:
    return set().union(*(compress(usage.day_ordinals, kind) for kind in usage.figures[:_KINDS]))


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


def _of_use(texts: tuple[str, ...], kind: int, elsewhere: frozenset[str]) -> _Pair | None:
    model, tier, _, batch = texts
    if tier in elsewhere:
        return _ELSEWHERE
    if not model or batch == "true":
        return None
    return _DATE.sub("", model), "" if tier in _PLAIN_TIERS else tier, kind


def _of_cost(texts: tuple[str, ...]) -> _Pair | None:
    description, cost_type, model, tier, token_type = texts
    if cost_type.endswith(CREDIT):
        return None
    if model:
        kind = _KIND_OF_TYPE.get(token_type)
        return None if kind is None else (_DATE.sub("", model), tier, kind)
    name, _, item = description.rpartition(", ")
    kind = _KIND_OF_ITEM.get(item)
    return None if kind is None or not name else (_DATE.sub("", name), "", kind)


def _dates(days: Iterable[set[int]]) -> tuple[date, ...]:
    return tuple(map(date.fromordinal, sorted(set().union(*days))))
