"""Figures as people say them: two digits, a unit of the right size, and a range in words."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from enum import Enum
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from flask_tokenoffset.methodology.ranges import exact_decimals
from flask_tokenoffset.methodology.tokens import rounded_together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask_tokenoffset.methodology.ranges import Range

_SIGNIFICANT_DIGITS: Final = 2


class Quantity(Enum):
    """What is measured, with its units: each name, and how many base units make one of it."""

    #: From watt-hours.
    ENERGY = (("Wh", 0), ("kWh", 3), ("MWh", 6), ("GWh", 9))
    #: From millilitres.
    WATER = (("mL", 0), ("L", 3), ("m³", 6))
    #: From grams.
    CARBON = (("g", 0), ("kg", 3), ("t", 6))

    def unit_for(self, value: Decimal) -> tuple[str, Decimal]:
        """The largest unit a value fills at least once, and that unit's size in base units.

        :param value: in base units; what would be shown as 1,000 already counts as the next one.
        """
        shown = significant(value)
        name, power = self.value[0]
        for candidate, its_power in self.value:
            if shown >= Decimal(1).scaleb(its_power):
                name, power = candidate, its_power
        return name, Decimal(1).scaleb(power)


def significant(value: Decimal, digits: int = _SIGNIFICANT_DIGITS) -> Decimal:
    """A value rounded to significant digits, half to even.

    :param value: any finite value.
    :param digits: how many to keep, at least 1.
    """
    if not value:
        return Decimal(0)
    # First rounded, then padded: rounding 99.6 carries into another digit.
    shown = Context(prec=digits, rounding=ROUND_HALF_EVEN).plus(value)
    with exact_decimals():
        return shown.quantize(Decimal(1).scaleb(shown.adjusted() - digits + 1))


def figure(value: Decimal) -> str:
    """A value with two significant digits, written out: ``0.089``, ``5.0``, ``14``, ``1,500``.

    :param value: any finite value.
    """
    return f"{significant(value):,f}"


def percent(share: Decimal) -> str:
    """A share as whole percent; what is not all or nothing is never said to be so.

    :param share: 0 to 1.
    """
    with exact_decimals():
        return _percent(int((share * 100).to_integral_value(ROUND_HALF_EVEN)), share)


def percents(parts: Sequence[Decimal | int]) -> tuple[str, ...]:
    """Shares of a whole as whole percent that add up to 100, as the largest remainders have it.

    :param parts: what the whole is made of, none negative; all 0 where there is none.
    """
    whole = sum(map(Fraction, parts), Fraction(0))
    if not whole:
        return ("0 %",) * len(parts)
    exact = [Fraction(part) * 100 / whole for part in parts]
    counted = rounded_together(exact)
    return tuple(_percent(each, of / 100) for each, of in zip(counted, exact, strict=True))


def _percent(whole: int, share: Fraction | Decimal) -> str:
    if whole == 0 and share > 0:
        return "less than 1 %"
    if whole == 100 and share < 1:  # noqa: PLR2004 - a whole in percent
        return "more than 99 %"
    return f"{whole} %"


def describe(value: Decimal, quantity: Quantity) -> str:
    """A single figure in words, for example ``5.0 kWh``.

    :param value: in the base unit of the quantity.
    :param quantity: what is measured.
    """
    unit, size = quantity.unit_for(value)
    with exact_decimals():
        return f"{figure(value / size)} {unit}"


def describe_range(value: Range, quantity: Quantity) -> str:
    """A range in words, for example ``between 1.3 and 14 kWh, most likely 5.0 kWh``.

    The central value chooses the unit, so that all three can be compared at a glance.

    :param value: in the base unit of the quantity.
    :param quantity: what is measured.
    """
    unit, size = quantity.unit_for(value.central)
    with exact_decimals():
        low, central, high = (figure(end / size) for end in (value.low, value.central, value.high))
    if low == high:
        return f"about {central} {unit}"
    return f"between {low} and {high} {unit}, most likely {central} {unit}"
