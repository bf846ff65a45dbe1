"""From a vendor's amount to billionths of a US dollar, exactly.

Anthropic sends cents as text, OpenAI sends dollars as a number or as text. Taking one for the other
is wrong by a factor of a hundred, so there is one function for each unit and it is named for it.

A nano-dollar is the smallest amount kept. Vendors send up to seventeen digits; what lies below
a nano-dollar is rounded half to even, row by row.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal
from typing import Final, cast

from flask_tokenoffset.errors import MalformedAnswer

#: Enough digits for every amount that `_NUMBER` and `_nano_usd` let through, so nothing is rounded
#: before the one rounding at the end.
_EXACT: Final = Context(prec=80)
_CENTS_TO_NANO_DIGITS: Final = 7
_DOLLARS_TO_NANO_DIGITS: Final = 9
#: A signed 64-bit column holds nine thousand million dollars in nano-dollars.
_LARGEST_NANO_USD: Final = 2**63 - 1
_LARGEST_EXPONENT: Final = 12
_NUMBER: Final = re.compile(r"-?[0-9]{1,16}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,2})?")
#: Amounts on lines of their own, with few enough digits to fit the column whatever they are: it is
#: exact to move the point in the text, and far faster than arithmetic.
_PLAIN_LINES: Final = re.compile(r"(?:-?+[0-9]{1,11}+(?:\.[0-9]{1,7}+)?+\n)*+")
_ZEROS: Final = tuple("0" * (_CENTS_TO_NANO_DIGITS - n) for n in range(_CENTS_TO_NANO_DIGITS + 1))
_CURRENCIES: Final = frozenset({"USD", "usd"})


def nano_usd_from_cents_texts(amounts: list[object]) -> list[int]:
    """The same as :func:`nano_usd_from_cents_text` for each of many, in a third of the time.

    :param amounts: the vendor's values.
    :raises MalformedAnswer: where one of them is missing, not decimal text, or absurdly large.
    """
    try:
        lines = "\n".join(cast("list[str]", amounts)) + "\n"
    except TypeError:  # one that is no text
        return list(map(nano_usd_from_cents_text, amounts))
    # Nearly always every line is a plain amount, and every amount a line.
    if lines.count("\n") != len(amounts) or _PLAIN_LINES.fullmatch(lines) is None:
        return list(map(nano_usd_from_cents_text, amounts))
    parts = [amount.partition(".") for amount in lines.split()]
    return [int(whole + fraction + _ZEROS[len(fraction)]) for whole, _, fraction in parts]


def nano_usd_from_cents_text(cents: object) -> int:
    """Billionths of a dollar from cents written as text: ``"123.45"`` is $1.2345.

    Anthropic's documentation of the cost report gives ``"123.45"`` as the decimal form of cents.

    :param cents: the vendor's value; anything but decimal text is refused.
    :raises MalformedAnswer: where it is missing, not decimal text, or absurdly large.
    """
    if type(cents) is not str or _NUMBER.fullmatch(cents) is None:
        raise MalformedAnswer("The cost report holds an amount that is not a decimal text.")
    return _nano_usd(Decimal(cents), _CENTS_TO_NANO_DIGITS)


def nano_usd_from_dollars(dollars: object) -> int:
    """Billionths of a dollar from dollars, as a number or as the same number in quotes.

    :param dollars: an ``int``, a ``Decimal`` or decimal text. A ``float`` is refused, because it
        has already lost digits.
    :raises MalformedAnswer: where it is missing, not a number, or absurdly large.
    """
    if isinstance(dollars, Decimal):
        return _nano_usd(dollars, _DOLLARS_TO_NANO_DIGITS)
    if isinstance(dollars, str) and _NUMBER.fullmatch(dollars) is not None:
        return _nano_usd(Decimal(dollars), _DOLLARS_TO_NANO_DIGITS)
    # A bool is an int to isinstance; True dollars is a mistake, not an amount.
    if isinstance(dollars, int) and not isinstance(dollars, bool):
        return within_column(dollars * 10**_DOLLARS_TO_NANO_DIGITS)
    raise MalformedAnswer("The cost report holds an amount that is not a number.")


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
        raise MalformedAnswer("The cost report holds an amount that cannot be true.")
    return cost_nano_usd


def check_costs(costs_nano_usd: list[int]) -> None:
    """Refuse amounts or sums that cannot be kept.

    :param costs_nano_usd: in billionths of a dollar.
    :raises MalformedAnswer: as :func:`within_column` does.
    """
    within_column(max(costs_nano_usd, key=abs, default=0))


def _nano_usd(amount: Decimal, digits: int) -> int:
    # The exponent is looked at first: turning 1e999999999 into an integer would fill the memory.
    if not amount.is_finite() or amount.adjusted() > _LARGEST_EXPONENT:
        raise MalformedAnswer("The cost report holds an amount that cannot be true.")
    return within_column(round(amount.scaleb(digits, _EXACT)))
