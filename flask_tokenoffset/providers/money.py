"""From a vendor's amount to billionths of a US dollar, exactly.

Anthropic sends cents as text, OpenAI sends dollars as a number or as text. Taking one for the other
is wrong by a factor of a hundred, so there is one function for each unit and it is named for it.

A nano-dollar is the smallest amount kept. Amounts come in any decimal notation, as long as it says
one exact number: ``1.25``, ``.5``, ``0E-6176``, thirty digits. **Sum first, round last**: rows of
one day and one line are added up as the vendor wrote them, and only their sum is rounded, half to
even, to the nano-dollar that is kept.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal, localcontext
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from flask_tokenoffset.errors import MalformedAnswer

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

#: An amount in nano-dollars before it is rounded.
ExactNanoUSD: TypeAlias = "int | Decimal"

_CENTS_TO_NANO_DIGITS: Final = 7
_DOLLARS_TO_NANO_DIGITS: Final = 9
#: A signed 64-bit column holds nine thousand million dollars in nano-dollars.
_LARGEST_NANO_USD: Final = 2**63 - 1
_LARGEST_EXPONENT: Final = 12
#: What is smaller by so many places never adds up to anything that is kept.
_SMALLEST_EXPONENT: Final = -60
#: No vendor needs more characters to say what a row costs.
_LONGEST_TEXT: Final = 140
#: More digits than any sum of amounts within these bounds has, so that the rounding at the end is
#: the only one.
_EXACT: Final = Context(prec=300)
#: Sign, digits with or without a point, and a power of ten.
_NUMBER: Final = re.compile(
    r"[+-]?(?P<digits>[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,30})?", re.ASCII
)
#: Amounts on lines of their own, with few enough digits to fit the column whatever they are: it is
#: exact to move the point in the text, and far faster than arithmetic.
_PLAIN_LINES: Final = re.compile(r"(?:-?+[0-9]{1,11}+(?:\.[0-9]{1,7}+)?+\n)*+")
_ZEROS: Final = tuple("0" * (_CENTS_TO_NANO_DIGITS - n) for n in range(_CENTS_TO_NANO_DIGITS + 1))
_CURRENCIES: Final = frozenset({"USD", "usd"})


def exact_nano_usd_from_cents_texts(amounts: list[object]) -> list[ExactNanoUSD]:
    """Nano-dollars from cents written as text, not yet rounded.

    :param amounts: the vendor's values.
    :raises MalformedAnswer: where one of them is missing, not decimal text, or absurdly large.
    """
    try:
        lines = "\n".join(cast("list[str]", amounts)) + "\n"
    except TypeError:  # one that is no text
        return list(map(_exact_from_cents_text, amounts))
    # Nearly always every line is a plain amount, and every amount a line.
    if lines.count("\n") != len(amounts) or _PLAIN_LINES.fullmatch(lines) is None:
        return list(map(_exact_from_cents_text, amounts))
    parts = [amount.partition(".") for amount in lines.split()]
    return [int(whole + fraction + _ZEROS[len(fraction)]) for whole, _, fraction in parts]


def exact_nano_usd_from_dollars(dollars: object) -> ExactNanoUSD:
    """Nano-dollars from dollars, not yet rounded.

    :param dollars: an ``int``, a ``Decimal`` or decimal text. A ``float`` is refused, because it
        has already lost digits.
    :raises MalformedAnswer: where it is missing, not a number, or absurdly large.
    """
    if type(dollars) is Decimal:
        return _exact_nano_usd(dollars, _DOLLARS_TO_NANO_DIGITS)
    if type(dollars) is str:
        return _exact_nano_usd(_decimal_in(dollars), _DOLLARS_TO_NANO_DIGITS)
    # A bool is an int to isinstance; True dollars is a mistake, not an amount.
    if type(dollars) is int:
        return dollars * 10**_DOLLARS_TO_NANO_DIGITS
    raise _no_amount(dollars)


def nano_usd_from_cents_text(cents: object) -> int:
    """Billionths of a dollar from cents written as text: ``"123.45"`` is $1.2345.

    Anthropic's documentation of the cost report gives ``"123.45"`` as the decimal form of cents.

    :param cents: the vendor's value; anything but decimal text is refused.
    :raises MalformedAnswer: where it is missing, not decimal text, or absurdly large.
    """
    return within_column(round(_exact_from_cents_text(cents)))


def nano_usd_from_dollars(dollars: object) -> int:
    """Billionths of a dollar from dollars, as a number or as the same number in quotes.

    :param dollars: an ``int``, a ``Decimal`` or decimal text. A ``float`` is refused, because it
        has already lost digits.
    :raises MalformedAnswer: where it is missing, not a number, or absurdly large.
    """
    return within_column(round(exact_nano_usd_from_dollars(dollars)))


def rounded_nano_usd(exact: list[ExactNanoUSD]) -> list[int]:
    """Exact sums as they are kept, each rounded half to even.

    :param exact: in nano-dollars.
    :raises MalformedAnswer: as :func:`within_column` does.
    """
    costs_nano_usd = list(map(round, exact))
    check_costs(costs_nano_usd)
    return costs_nano_usd


def exact_sums() -> AbstractContextManager[Context]:
    """Within it, exact amounts are added up without losing a digit."""
    return localcontext(_EXACT)


def require_usd(currency: object) -> None:
    """Refuse any currency but US dollars; nothing is ever converted.

    :param currency: the vendor's currency code.
    :raises MalformedAnswer: where it is missing or another one.
    """
    if type(currency) is not str or currency not in _CURRENCIES:
        raise MalformedAnswer(
            "The cost report holds an amount that is not in US dollars. Amounts in other"
            " currencies are not added up."
        )


def within_column(cost_nano_usd: int) -> int:
    """The same amount, if it can be kept.

    :param cost_nano_usd: an amount or a sum, in billionths of a dollar.
    :raises MalformedAnswer: beyond nine thousand million dollars, which no organization owes.
    """
    if abs(cost_nano_usd) > _LARGEST_NANO_USD:
        raise _too_large()
    return cost_nano_usd


def check_costs(costs_nano_usd: list[int]) -> None:
    """Refuse amounts or sums that cannot be kept.

    :param costs_nano_usd: in billionths of a dollar.
    :raises MalformedAnswer: as :func:`within_column` does.
    """
    within_column(max(costs_nano_usd, key=abs, default=0))


def _exact_from_cents_text(cents: object) -> ExactNanoUSD:
    if type(cents) is not str:
        raise _no_amount(cents)
    return _exact_nano_usd(_decimal_in(cents), _CENTS_TO_NANO_DIGITS)


def _decimal_in(text: str) -> Decimal:
    number = _NUMBER.fullmatch(text) if len(text) <= _LONGEST_TEXT else None
    if number is None:
        raise _no_amount(text)
    if not number["digits"].strip("0."):
        return Decimal(0)  # whatever the power of ten
    try:
        return Decimal(text)
    except ArithmeticError:  # a power of ten that not even Decimal takes
        raise _too_large() from None


def _exact_nano_usd(amount: Decimal, digits: int) -> ExactNanoUSD:
    if not amount:
        return 0
    # The exponent is looked at first: turning 1e999999999 into an integer would fill the memory.
    if not amount.is_finite() or amount.adjusted() > _LARGEST_EXPONENT:
        raise _too_large()
    if amount.adjusted() < _SMALLEST_EXPONENT:
        return 0
    return amount.scaleb(digits, _EXACT)


def _no_amount(sent: object) -> MalformedAnswer:
    if sent is None:
        return MalformedAnswer("The cost report holds a row without an amount.")
    return MalformedAnswer("The cost report holds an amount that is not a decimal number.")


def _too_large() -> MalformedAnswer:
    return MalformedAnswer("The cost report holds an amount that cannot be true.")
