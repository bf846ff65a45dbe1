"""What others have published, and whether it lies inside our range: computed, never typed."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from flask_tokenoffset.methodology.constants import DataFile, Source, load
from flask_tokenoffset.methodology.descriptions import Quantity
from flask_tokenoffset.methodology.footprint import ModelUsage, class_aware_environment
from flask_tokenoffset.methodology.methods import class_aware
from flask_tokenoffset.methodology.model_classes import ModelClass
from flask_tokenoffset.methodology.ranges import exact_decimals
from flask_tokenoffset.methodology.tokens import TokenCounts

if TYPE_CHECKING:
    from flask_tokenoffset.methodology.ranges import Range

_ELSEWHERE: Final = "elsewhere"
_CURRENT: Final = "2026-12"


class Verdict(StrEnum):
    """Where a published figure lies. Stable codes."""

    INSIDE = "inside"
    OUTSIDE_BELOW = "outside_below"
    OUTSIDE_ABOVE = "outside_above"
    OUTSIDE_BOTH = "outside_both"
    NOT_COMPARED = "not_compared"


@dataclass(frozen=True, slots=True)
class FigureElsewhere:
    """One published figure with what it was published for.

    :param id: stable name.
    :param what: the use it is of, for a reader.
    :param source: who published it.
    :param quantity: what is measured; None where it is nothing that we compute.
    :param unit: of ``low`` and ``high``.
    :param low: the published figure in base units, or the low end of a published range.
    :param high: its high end; the same for a single figure.
    :param usage: the workload; None where nothing of ours can be held against it.
    :param note: why it differs, what was assumed, or empty.
    """

    id: str
    what: str
    source: Source
    quantity: Quantity | None
    unit: str
    low: Decimal
    high: Decimal
    usage: ModelUsage | None
    note: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """A published figure held against one version of the class-aware method.

    :param figure: what was published.
    :param ours: our range for the same workload, in base units; None where we compute none.
    :param model_class: the class that its model counts as; None likewise.
    :param verdict: where it lies. A published range is inside only as a whole.
    :param method_version: of the class-aware method.
    """

    figure: FigureElsewhere
    ours: Range | None
    model_class: ModelClass | None
    verdict: Verdict
    method_version: str

    @property
    def is_inside(self) -> bool | None:
        """Whether it lies inside our range; None where there is nothing to compare."""
        return None if self.verdict is Verdict.NOT_COMPARED else self.verdict is Verdict.INSIDE


@cache
def figures_elsewhere() -> tuple[FigureElsewhere, ...]:
    """Every published figure there is a record of, in the order of the data file."""
    file = load(_ELSEWHERE, _CURRENT)
    return tuple(_figure(file, entry) for entry in file.content["figure"])


def _figure(file: DataFile, entry: dict[str, Any]) -> FigureElsewhere:
    quantity = Quantity[entry["quantity"].upper()] if "quantity" in entry else None
    with exact_decimals():
        times = Decimal(entry.get("times", 1))
        low, high = Decimal(entry["low"]) * times, Decimal(entry["high"]) * times
    usage = None
    if quantity is not None:
        named = entry.get("model_class")
        usage = ModelUsage(
            model=entry.get("model", ""),
            tokens=TokenCounts(*entry["tokens"]),
            model_class=ModelClass(named) if named else None,
            context_tokens=entry.get("context_tokens"),
        )
    return FigureElsewhere(
        id=entry["id"],
        what=entry["what"],
        source=file.sources[entry["source"]],
        quantity=quantity,
        unit=quantity.value[0][0] if quantity is not None else entry["unit"],
        low=low,
        high=high,
        usage=usage,
        note=entry["note"],
    )


@cache
def comparisons(method_version: str | None = None) -> tuple[Comparison, ...]:
    """Every published figure held against a version of the class-aware method.

    :param method_version: the current one unless another is named.
    :raises InvalidInput: nobody published such a version; the field is ``method_version``.
    """
    version = method_version or class_aware().version
    return tuple(_compared(figure, version) for figure in figures_elsewhere())


def _compared(figure: FigureElsewhere, version: str) -> Comparison:
    usage = figure.usage
    if usage is None or figure.quantity is None:
        return Comparison(figure, None, None, Verdict.NOT_COMPARED, version)
    method = class_aware(version)
    computed = class_aware_environment([usage], method)
    ours = {
        Quantity.ENERGY: computed.energy_wh,
        Quantity.CARBON: computed.co2e_g,
        Quantity.WATER: computed.water_ml,
    }[figure.quantity]
    model_class = usage.model_class or method.class_of(usage.model) or method.unknown_model_class
    return Comparison(figure, ours, model_class, _verdict(figure, ours), version)


def _verdict(figure: FigureElsewhere, ours: Range) -> Verdict:
    below, above = figure.low < ours.low, figure.high > ours.high
    if below and above:
        return Verdict.OUTSIDE_BOTH
    if below:
        return Verdict.OUTSIDE_BELOW
    return Verdict.OUTSIDE_ABOVE if above else Verdict.INSIDE
