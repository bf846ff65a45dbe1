"""How far next month may be from this one. Shown beside an estimate, never charged."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from flask_tokenoffset.methodology.descriptions import figure
from flask_tokenoffset.methodology.ranges import decimal_of

if TYPE_CHECKING:
    from flask_tokenoffset.methodology.ranges import Range

#: From so many active seats on, ups and downs of single people begin to cancel out.
_MANY_SEATS: Final = 20
# Fractions of this month: trailing-month forecasts of five individual ledgers (78 origins), where
# a half to four times held 72 % of what came, and weekly sums of many clients.
_ONE_PERSON: Final = (Fraction(1, 2), Fraction(4))
_MANY_PEOPLE: Final = (Fraction(2, 3), Fraction(2))


@dataclass(frozen=True, slots=True)
class Outlook:
    """Where next month's use may lie.

    :param low_tokens: the low end, in tokens a month.
    :param high_tokens: the high end.
    :param low_factor: the low end as a fraction of this month, below 1.
    :param high_factor: the high end as a multiple of it.
    :param sentence: the same for a person. It reports what happened to others; it is no forecast.
    """

    low_tokens: int
    high_tokens: int
    low_factor: Fraction
    high_factor: Fraction
    sentence: str

    def widen(self, figures: Range) -> Range:
        """A physical figure's range, with the change from month to month taken in.

        Only for an outlook: an estimate of what *was* used has nothing to do with next month.

        :param figures: energy, water or carbon of this month.
        """
        return figures.widened(
            low_factor=decimal_of(self.low_factor), high_factor=decimal_of(self.high_factor)
        )


def outlook(tokens_per_month: int, active_seats: int | None = None) -> Outlook:
    """Where next month's use may lie, given this month's.

    :param tokens_per_month: this month's tokens, of all kinds together.
    :param active_seats: how many people use the account; None where nobody knows.
    """
    if tokens_per_month < 0:
        raise ValueError("Nobody uses fewer than no tokens a month.")
    many = active_seats is not None and active_seats >= _MANY_SEATS
    low_factor, high_factor = _MANY_PEOPLE if many else _ONE_PERSON
    low_tokens = round(tokens_per_month * low_factor)
    high_tokens = round(tokens_per_month * high_factor)
    return Outlook(
        low_tokens=low_tokens,
        high_tokens=high_tokens,
        low_factor=low_factor,
        high_factor=high_factor,
        sentence=(
            "Use like yours has moved this much from one month to the next: to between"
            f" {figure(Decimal(low_tokens))} and {figure(Decimal(high_tokens))} tokens."
        ),
    )
