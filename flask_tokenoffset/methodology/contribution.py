"""From tokens or carbon to an amount in US cents, rounded up to the cent."""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, Final

from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.methodology.methods import ClassAwareMethod, PublishedMethod, method

if TYPE_CHECKING:
    from decimal import Decimal

    from flask_tokenoffset.methodology.ranges import Range

#: The most a person may choose to contribute for, in percent of their estimate.
MAX_COVERAGE_PERCENT: Final = 1000


def check_coverage(coverage_percent: int) -> None:
    """Refuse a coverage that is not a whole number of percent from 0 to 1,000.

    :param coverage_percent: 100 is the whole estimate at the published rate.
    :raises InvalidInput: it is anything else; the field is ``coverage_percent``.
    """
    # A bool is an int to Python, and never a percentage to us.
    if type(coverage_percent) is int and 0 <= coverage_percent <= MAX_COVERAGE_PERCENT:
        return
    raise InvalidInput(
        {
            "coverage_percent": "The contribution level is a whole number of percent from 0 to"
            f" {MAX_COVERAGE_PERCENT:,}, where 100 is the 1x rate."
        }
    )


def published_amount_cents(
    tokens_per_month: int, coverage_percent: int, method: PublishedMethod
) -> int:
    """The monthly contribution by the published rate.

    Whole-number arithmetic throughout, rounded up once, at the end: never less than the rate says,
    and never a whole cent more.

    :param tokens_per_month: tokens of all kinds together, not negative.
    :param coverage_percent: 0 to 1,000.
    :param method: from :func:`~flask_tokenoffset.methodology.methods.published`.
    :raises InvalidInput: the coverage is out of range.
    """
    check_coverage(coverage_percent)
    if tokens_per_month < 0:
        raise ValueError("Nobody uses fewer than no tokens a month.")
    rate = Fraction(method.contribution_cents_per_million_tokens.value)
    return ceil(tokens_per_month * rate * coverage_percent / (1_000_000 * 100))


def class_aware_amount_cents(co2e_g: Range, coverage_percent: int, method: ClassAwareMethod) -> int:
    """The suggested monthly contribution by the class-aware method.

    The high end of the carbon, at the method's price of a tonne, rounded up to an amount people
    would name, and at least the floor. The high end is a deliberate margin, and so is the floor;
    both must be shown as such. No carbon at all suggests nothing.

    :param co2e_g: carbon of the month, in grams.
    :param coverage_percent: 0 to 1,000.
    :param method: from :func:`~flask_tokenoffset.methodology.methods.class_aware`.
    :raises InvalidInput: the coverage is out of range.
    """
    check_coverage(coverage_percent)
    if co2e_g.low < 0:
        raise ValueError("Carbon cannot be negative.")
    if not co2e_g.high:
        return 0
    cents_per_gram = Fraction(method.carbon_price_usd_per_tonne.value) * 100 / 1_000_000
    exact_cents = Fraction(co2e_g.high) * cents_per_gram
    suggested = max(int(method.floor_cents.value), tidy_cents(exact_cents, method))
    return ceil(Fraction(suggested * coverage_percent, 100))


def tidy_cents(cents: Fraction | Decimal | int, method: ClassAwareMethod) -> int:
    """Round an amount up to one that people would name.

    Up to 10 dollars: whole dollars. Up to 100: steps of 5 dollars. Beyond: two significant digits.
    (The edges and steps are the method's; these are those of version 2026.11.)

    :param cents: the exact amount in US cents, not negative.
    :param method: whose steps to take.
    """
    exact = Fraction(cents)
    for step in method.tidy_steps:
        if exact <= step.up_to_cents:
            return ceil(exact / step.step_cents) * step.step_cents
    whole = ceil(exact)
    unit: int = 10 ** (len(str(whole)) - method.tidy_digits_beyond)
    return ceil(exact / unit) * unit


def amount_cents(
    method_version: str,
    tokens_per_month: int,
    co2e_g: Range | None,
    coverage_percent: int,
) -> int:
    """The monthly amount by whichever method a plan names.

    :param method_version: a version of either method.
    :param tokens_per_month: what the published method prices.
    :param co2e_g: what the class-aware method prices, in grams; may be None for the published one.
    :param coverage_percent: 0 to 1,000.
    :raises InvalidInput: the version is unknown, or the coverage is out of range.
    :raises ValueError: the class-aware method was asked for without a range of carbon.
    """
    chosen = method(method_version)
    if isinstance(chosen, PublishedMethod):
        return published_amount_cents(tokens_per_month, coverage_percent, chosen)
    if co2e_g is None:
        raise ValueError(f"Method {method_version} prices carbon, and no range of it was given.")
    return class_aware_amount_cents(co2e_g, coverage_percent, chosen)
