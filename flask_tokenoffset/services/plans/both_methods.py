"""What the same use contributes by either method, one beside the other.

One of them prices plans; the other is shown with it, so that nobody adopts an amount without seeing
what the other would be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flask_tokenoffset.methodology import PublishedMethod, amount_cents, method
from flask_tokenoffset.methodology import published as published_method

if TYPE_CHECKING:
    from flask_tokenoffset.methodology import Range
    from flask_tokenoffset.services.estimates.figures import Figures

_ONE_MILLION: Final = 1_000_000
_WHOLE_PERCENT: Final = 100


@dataclass(frozen=True, slots=True)
class Rate:
    """Whole numbers from which the amount at any contribution level follows.

    At ``p`` percent it is ``tokens * cents_per_million * p / 100,000,000``, rounded up to the cent.

    :param tokens: what is counted a month.
    :param cents_per_million: US cents for a million of them at the 1x rate.
    """

    tokens: int
    cents_per_million: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodAmount:
    """What one method makes of a use.

    :param version: of the method.
    :param is_flat: whether it is the flat rate; or else the detailed method.
    :param amount_cents: a month, at the contribution level asked for.
    :param prices_plans: whether it is the one that this partner uses.
    """

    version: str
    is_flat: bool
    amount_cents: int
    prices_plans: bool
    rate: Rate | None


def both_amounts(
    tokens_per_month: int, figures: Figures, coverage_percent: int, method_version: str
) -> tuple[MethodAmount, MethodAmount]:
    """The flat rate's amount and the detailed method's.

    :param figures: what the use means.
    :param coverage_percent: 0 to 1,000.
    :param method_version: the method that prices plans (``TOKENOFFSET_METHOD``).
    :raises InvalidInput: the coverage is out of range.
    """
    flat_is_used = isinstance(method(method_version), PublishedMethod)
    flat = method_version if flat_is_used else published_method().version
    # The ranges that pages show are what the detailed method's amount is computed from.
    ranged = figures.shown_by(method_version)
    detailed, co2e_g = ranged.class_aware_version, ranged.co2e_g

    def amount(version: str) -> MethodAmount:
        return MethodAmount(
            version=version,
            is_flat=version == flat,
            amount_cents=amount_cents(version, tokens_per_month, co2e_g, coverage_percent),
            prices_plans=version == method_version,
            rate=rate_of(tokens_per_month, co2e_g, version),
        )

    return amount(flat), amount(detailed)


def rate_of(tokens_per_month: int, co2e_g: Range, method_version: str) -> Rate | None:
    """From what a browser may compute a method's amount at any level by itself.

    :param method_version: a version of either method.
    :return: ``None`` where the rate is no whole number of cents, so that only the server knows.
    """
    chosen = method(method_version)
    if not isinstance(chosen, PublishedMethod):
        # Its suggestion is rounded to a tidy amount first, and the level counts that.
        suggested = amount_cents(method_version, tokens_per_month, co2e_g, _WHOLE_PERCENT)
        return Rate(_ONE_MILLION, suggested)
    cents = chosen.contribution_cents_per_million_tokens.value
    return Rate(tokens_per_month, int(cents)) if cents == int(cents) else None
