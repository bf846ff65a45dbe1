"""How figures are written on pages: money, tokens, dates and ranges, in English.

Templates find these functions as ``tokenoffset.display``. They are no Jinja filters, because a
blueprint's filters are the whole application's, and a host has filters of its own.
"""

from __future__ import annotations

from datetime import UTC
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import TYPE_CHECKING, Final

from flask_tokenoffset.methodology import (
    PublishedMethod,
    Quantity,
    TokenKind,
    describe,
    describe_range,
    method,
)

if TYPE_CHECKING:
    import datetime as dt

    from flask_tokenoffset.methodology import Range

_NANO_USD_PER_CENT: Final = 10_000_000
_SMALLEST_SHORTENED: Final = 1_000_000
_THREE_DIGITS: Final = Context(prec=3, rounding=ROUND_HALF_EVEN)
#: Names and short names of thousand to the power of the position.
_SCALES: Final = (
    ("", ""),
    ("thousand", "k"),
    ("million", "M"),
    ("billion", "B"),
    ("trillion", "T"),
    ("quadrillion", "Q"),
)
#: The kinds of token, in the order in which pages list them.
KIND_TITLES: Final = {
    TokenKind.CACHED_INPUT: "Cached input",
    TokenKind.UNCACHED_INPUT: "Uncached input",
    TokenKind.CACHE_CREATION: "Cache creation",
    TokenKind.OUTPUT: "Output",
}
#: Not from strftime: what that prints depends on the locale of the process.
_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def integer(number: int) -> str:
    """A whole number with separators: ``1,500,000``."""
    return f"{number:,}"


def percent(whole_percent: int) -> str:
    """A share in whole percent: ``150 %``, which does not break over two lines."""
    return f"{whole_percent:,}\N{NO-BREAK SPACE}%"


def contribution_level(whole_percent: int) -> str:
    """How many times the rate is contributed: ``1x rate``, ``0.5x rate``, ``2.25x rate``.

    :param whole_percent: 100 is once.
    """
    times = (Decimal(whole_percent) / 100).normalize()
    return f"{times:f}x\N{NO-BREAK SPACE}rate"


def method_name(version: str) -> str:
    """What pages call a method, with its version: ``Flat rate, 2026-05``.

    :param version: of either method.
    """
    is_flat = isinstance(method(version), PublishedMethod)
    return f"{'Flat rate' if is_flat else 'Detailed'}, {version}"


def money_cents(cents: int) -> str:
    """An amount in US cents: ``$12.50``."""
    sign = "-" if cents < 0 else ""
    dollars, rest = divmod(abs(cents), 100)
    return f"{sign}${dollars:,}.{rest:02}"


def nano_usd(amount_nano_usd: int) -> str:
    """A vendor's cost, rounded to the cent: ``$412.80``; a trace is never shown as nothing.

    :param amount_nano_usd: in nano-US-dollars; vendors credit, so it may be negative.
    """
    size = abs(amount_nano_usd)
    if 0 < size < _NANO_USD_PER_CENT:
        return "less than $0.01" if amount_nano_usd > 0 else "a credit of less than $0.01"
    cents = Decimal(size) / _NANO_USD_PER_CENT
    whole = int(cents.to_integral_value(ROUND_HALF_EVEN))
    return money_cents(whole if amount_nano_usd > 0 else -whole)


def nano_usd_if_known(amount_nano_usd: int | None) -> str:
    """A vendor's cost as :func:`nano_usd` says it, or that it is not known, which is not nothing.

    :param amount_nano_usd: in nano-US-dollars; None where it is not known.
    """
    return "not known" if amount_nano_usd is None else nano_usd(amount_nano_usd)


def model_name(model: str) -> str:
    """A model as a person reads it.

    :param model: the vendor's name, or nothing where the vendor named none.
    """
    return model or "no model named"


def tokens(count: int) -> str:
    """A number of tokens as people say it: ``300,000``, ``1.5 billion``, ``140 million``.

    Below a million it is exact; above, it has at most three digits that count.

    :param count: not negative.
    """
    if count < _SMALLEST_SHORTENED:
        return integer(count)
    figure, scale = _scaled(count)
    return f"{figure}\N{NO-BREAK SPACE}{_SCALES[scale][0]}"


def tokens_short(count: int) -> str:
    """The same for the axis of a chart: ``150M``.

    :param count: not negative.
    """
    figure, scale = _scaled(count)
    return f"{figure}{_SCALES[scale][1]}"


def tokens_range(low: int, high: int | None) -> str:
    """A range of tokens: ``up to 2 million``, ``2 to 20 million``, ``over 500 million``.

    :param low: not negative.
    :param high: the last number inside, or ``None`` where there is none.
    """
    if high is None:
        return f"over {tokens(low)}"
    if not low:
        return f"up to {tokens(high)}"
    first, last = tokens(low), tokens(high)
    figure, space, scale = first.partition("\N{NO-BREAK SPACE}")
    # Said once where both have it: “2 to 20 million”.
    return f"{figure if last.endswith(space + scale) else first} to {last}"


def quantity(value: Decimal, of: Quantity | str) -> str:
    """A single environmental figure, such as ``5.0 kWh``.

    :param value: in the quantity's base unit.
    :param of: the quantity, or its name: ``energy``, ``water`` or ``carbon``.
    """
    return _joined(describe(value, _quantity(of)), value, _quantity(of))


def quantity_range(value: Range, of: Quantity | str) -> str:
    """An environmental range, such as ``between 1.3 and 14 kWh, most likely 5.0 kWh``.

    :param value: in the quantity's base unit.
    :param of: the quantity, or its name: ``energy``, ``water`` or ``carbon``.
    """
    return _joined(describe_range(value, _quantity(of)), value.central, _quantity(of))


def date(day: dt.date) -> str:
    """A day: ``5 November 2026``."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def short_date(day: dt.date) -> str:
    """A day where there is little room: ``5 Nov``."""
    return f"{day.day} {_MONTHS[day.month - 1][:3]}"


def month(day: dt.date) -> str:
    """The month of a day: ``November 2026``."""
    return f"{_MONTHS[day.month - 1]} {day.year}"


def datetime_utc(moment: dt.datetime) -> str:
    """A moment: ``5 November 2026, 08:00 UTC``, whose time stays on one line.

    :param moment: aware of its time zone.
    :raises ValueError: it is not, so nobody can say when it was.
    """
    if moment.tzinfo is None:
        raise ValueError("A time without a zone cannot be shown; read it from the database as UTC.")
    in_utc = moment.astimezone(UTC)
    return f"{date(in_utc)}, {in_utc:%H:%M}\N{NO-BREAK SPACE}UTC"


def _quantity(of: Quantity | str) -> Quantity:
    return of if isinstance(of, Quantity) else Quantity[of.upper()]


def _joined(words: str, central: Decimal, of: Quantity) -> str:
    """The same words, but no line ends between a number and its unit."""
    unit, _ = of.unit_for(central)
    return words.replace(f" {unit}", f"\N{NO-BREAK SPACE}{unit}")


def _scaled(count: int) -> tuple[str, int]:
    """Digits and position in :data:`_SCALES`, rounded first: 999.9 million is a billion."""
    shown = _THREE_DIGITS.create_decimal(count)
    scale = min(max(shown.adjusted(), 0) // 3, len(_SCALES) - 1)
    return f"{shown.scaleb(-3 * scale).normalize():,f}", scale
