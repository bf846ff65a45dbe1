"""A figure with its honest width: low, central and high instead of one number.

Every result here is rounded to :data:`FIGURE_PLACES` decimals with arithmetic that does not depend
on the machine (decimal, fixed precision, correctly rounded logarithms), so that a stored result can
be computed again, digit for digit, years later.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager
    from fractions import Fraction

#: Decimals every computed figure is rounded to, half to even.
FIGURE_PLACES: Final = 6

_QUANTUM: Final = Decimal(1).scaleb(-FIGURE_PLACES)
_DIGITS: Final = 60


def exact_decimals() -> AbstractContextManager[Context]:
    """Set aside whatever precision the host has chosen, for a ``with`` block of ours."""
    return localcontext(Context(prec=_DIGITS, rounding=ROUND_HALF_EVEN))


def decimal_of(ratio: Fraction) -> Decimal:
    """An exact ratio as a decimal, at the precision we compute with.

    :param ratio: any fraction.
    """
    with exact_decimals():
        return Decimal(ratio.numerator) / Decimal(ratio.denominator)


def rounded(value: Decimal) -> Decimal:
    """A figure at the precision we store.

    :param value: any decimal below 10^50.
    """
    with exact_decimals():
        return value.quantize(_QUANTUM)


@dataclass(frozen=True, slots=True)
class Range:
    """Low, central and high, read as the 10th, 50th and 90th percentile of what we do not know.

    :param low: the low end.
    :param central: the best single value.
    :param high: the high end.
    :raises ValueError: the three are not in order.
    """

    low: Decimal
    central: Decimal
    high: Decimal

    def __post_init__(self) -> None:
        ends = (self.low, self.central, self.high)
        if not all(end.is_finite() for end in ends) or not self.low <= self.central <= self.high:
            written = ", ".join(map(str, ends))
            raise ValueError(f"A range runs from low to high, but {written} does not.")

    @classmethod
    def exactly(cls, value: Decimal) -> Range:
        """A range without width."""
        return cls(value, value, value)

    def __add__(self, other: Range) -> Range:
        """Add figures that move together: their ends meet, as they do for parts of one estimate."""
        with exact_decimals():
            return Range(self.low + other.low, self.central + other.central, self.high + other.high)

    def __mul__(self, factor: Decimal | int) -> Range:
        """Scale by an amount that is known, such as a number of tokens."""
        if factor < 0:
            raise ValueError("A range cannot be scaled by a negative factor.")
        with exact_decimals():
            return Range(self.low * factor, self.central * factor, self.high * factor)

    __rmul__ = __mul__

    def rounded(self) -> Range:
        """The same range at the precision we store."""
        return Range(rounded(self.low), rounded(self.central), rounded(self.high))

    def widened(self, *, low_factor: Decimal, high_factor: Decimal) -> Range:
        """Take in one more thing we do not know, independent of what the range holds already.

        :param low_factor: how far down that alone could move the figure, above 0 and at most 1.
        :param high_factor: how far up, at least 1.
        """
        if not self.central:
            return self
        with exact_decimals():
            # A low end that was rounded to nothing has no logarithm, and can fall no further.
            own_low = self.low / self.central if self.low else Decimal(1)
            wide = combined(
                self.central, [(own_low, self.high / self.central), (low_factor, high_factor)]
            )
        return wide if self.low else Range(self.low, wide.central, wide.high)


def combined(central: Decimal, factors: Iterable[tuple[Decimal, Decimal]]) -> Range:
    """The range of a figure that several independent factors move.

    The factors' logarithms are added like the sides of a right angle: the geometric form of the
    root-sum-of-squares (GHG Protocol uncertainty guidance; IPCC 2006 Guidelines, volume 1, chapter
    3). Multiplying all high ends together would claim that everything is worst at once.

    :param central: the figure with every factor at its central value.
    :param factors: for each factor, by how much its low and its high end alone multiply the figure;
        the first at most 1 and above 0, the second at least 1.
    """
    with exact_decimals():
        if not central:
            return Range.exactly(Decimal(0)).rounded()
        low_squares = high_squares = Decimal(0)
        for low, high in factors:
            low_squares += low.ln() ** 2
            high_squares += high.ln() ** 2
        return Range(
            central * (-low_squares.sqrt()).exp(), central, central * high_squares.sqrt().exp()
        ).rounded()
