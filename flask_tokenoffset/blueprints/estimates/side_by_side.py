"""Both methods side by side as pages show them: their amounts, their figures, and how they compare.

The method that sets the amount always stands first, and every figure says which method it is of.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from flask_tokenoffset import formatting
from flask_tokenoffset.methodology import (
    PublishedMethod,
    amount_cents,
    bands,
    class_aware,
    figure,
    method,
    published,
)
from flask_tokenoffset.services.estimates.estimates import preview_band
from flask_tokenoffset.services.plans.both_methods import (
    MethodAmount,
    Rate,
    both_amounts,
    rate_of,
)

if TYPE_CHECKING:
    from flask_tokenoffset.methodology import Band, ClassAwareMethod, Range
    from flask_tokenoffset.services.estimates.figures import Figures

_WHOLE_PERCENT: Final = 100
#: Within this factor of each other, two figures are said to be about the same.
_ABOUT_THE_SAME: Final = Decimal("1.25")


def price_sentence(method_version: str) -> str:
    """How a method comes from an estimate to an amount, in a sentence.

    :param method_version: ``TOKENOFFSET_METHOD``.
    """
    chosen = method(method_version)
    if isinstance(chosen, PublishedMethod):
        return f"The flat rate: {_flat_price(chosen)} at the 1x rate, rounded up to the cent."
    return (
        f"The detailed method: {_detailed_price(chosen)}, rounded up to an amount people would"
        " name. The high end is a deliberate margin."
    )


def _flat_price(chosen: PublishedMethod) -> str:
    cents = chosen.contribution_cents_per_million_tokens.value
    return f"{formatting.money_cents(int(cents))} per million tokens"


def _detailed_price(chosen: ClassAwareMethod) -> str:
    price = chosen.carbon_price_usd_per_tonne.value
    return f"the high end of the carbon range at ${price} a tonne"


def difference_of(figures: Figures, *, assumed: bool = False) -> str:
    """Why the figures of the two methods differ, with the names that pages give the methods.

    :param assumed: whether the split into kinds of token is only assumed.
    """
    return figures.difference.say("flat-rate", "detailed", assumed=assumed)


@dataclass(frozen=True, slots=True)
class BothMethods:
    """The amounts of both methods, in words and on one axis.

    :param flat: what the flat rate gives.
    :param detailed: what the detailed method gives.
    :param difference: why their figures differ, in a sentence.
    :param in_dollars: how many times one amount the other is, and why, in a sentence.
    """

    flat: MethodAmount
    detailed: MethodAmount
    difference: str
    in_dollars: str

    @classmethod
    def of(
        cls,
        tokens_per_month: int,
        figures: Figures,
        coverage_percent: int,
        method_version: str,
        *,
        assumed: bool = False,
    ) -> BothMethods:
        """Price a use twice.

        :param figures: what it means.
        :param method_version: ``TOKENOFFSET_METHOD``.
        :param assumed: whether the split into kinds of token is only assumed.
        :raises InvalidInput: the coverage is out of range.
        """
        flat, detailed = both_amounts(tokens_per_month, figures, coverage_percent, method_version)
        shown = figures.shown_by(method_version)
        return cls(
            flat,
            detailed,
            difference_of(shown, assumed=assumed),
            # At the 1x rate, so that the sentence holds wherever the slider stands.
            _in_dollars(
                *both_amounts(tokens_per_month, figures, _WHOLE_PERCENT, method_version),
                shown,
                assumed=assumed,
            ),
        )

    @classmethod
    def of_band(cls, key: str, coverage_percent: int, method_version: str) -> BothMethods:
        """Price the middle of a band twice.

        :param key: the band's.
        """
        preview = preview_band(key)
        return cls.of(
            preview.tokens.total,
            preview.figures,
            coverage_percent,
            method_version,
            assumed=True,
        )

    @property
    def used(self) -> MethodAmount:
        """The one that prices plans here."""
        return self.flat if self.flat.prices_plans else self.detailed

    @property
    def other(self) -> MethodAmount:
        """The one that is shown beside it."""
        return self.detailed if self.flat.prices_plans else self.flat

    @property
    def why(self) -> str:
        """Why the one that prices plans does."""
        if self.used.is_flat:
            return (
                "The operator of this site chose the flat rate: it is the same for every token, and"
                " anyone can check it."
            )
        return (
            "The operator of this site chose the detailed method: it counts smaller models, and"
            " what is read from a cache, for less."
        )

    def name_of(self, amount: MethodAmount) -> str:
        """What pages call a method."""
        return "flat rate" if amount.is_flat else "detailed"

    def sentence_of(self, amount: MethodAmount) -> str:
        """How a method comes to its amount."""
        return price_sentence(amount.version)


def _in_dollars(
    flat: MethodAmount, detailed: MethodAmount, figures: Figures, *, assumed: bool
) -> str:
    """How many times one amount the other is, and mostly why.

    :param figures: what the detailed amount was computed from.
    """
    less, more = sorted((flat, detailed), key=lambda amount: amount.amount_cents)
    if not less.amount_cents:
        return "There is no use yet, so both methods give nothing."
    times = Decimal(more.amount_cents) / less.amount_cents
    if times <= _ABOUT_THE_SAME:
        return "The amount in dollars is about the same by both methods."
    by = ("the flat rate", "the detailed method")
    larger, smaller = by if more.is_flat else by[::-1]
    return (
        f"The amount in dollars is about {figure(times)} times as high by {larger} as by {smaller},"
        f" mostly because {_why_dollars_differ(more, figures, assumed=assumed)}."
    )


def _why_dollars_differ(more: MethodAmount, figures: Figures, *, assumed: bool) -> str:
    """The reason, to stand after “because”: what drives the figures, or else the prices."""
    chosen = class_aware(figures.class_aware_version)
    floor_cents = int(chosen.floor_cents.value)
    if not more.is_flat and more.amount_cents == floor_cents:
        return (
            f"the detailed method suggests at least {formatting.money_cents(floor_cents)} for any"
            " use at all"
        )
    why = figures.difference
    if why.reason() and why.published_is_larger == more.is_flat:
        return why.reason(assumed=assumed)
    return (
        f"they ask different prices: the flat rate {_flat_price(published())}, the detailed method"
        f" {_detailed_price(chosen)}"
    )


class QuantityByBoth(NamedTuple):
    """One thing that a month of use takes, by both methods.

    :param title: what it is.
    :param quantity: the name of its :class:`~flask_tokenoffset.methodology.Quantity`.
    :param flat: the flat rate's figure, in base units.
    :param detailed: the detailed method's range.
    :param compared: how many times one figure the other is, in a sentence.
    """

    title: str
    quantity: str
    flat: Decimal
    detailed: Range
    compared: str


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a month of use means, by both methods.

    :param flat_first: whether the flat rate sets the amount, or else the detailed method does.
    :param quantities: energy, water and carbon.
    :param difference: why the methods differ, in a sentence.
    :param unknown_models: what was counted as large, as people read it.
    """

    flat_first: bool
    quantities: tuple[QuantityByBoth, ...]
    difference: str
    unknown_models: tuple[str, ...]

    @classmethod
    def of(cls, figures: Figures, method_version: str, *, assumed: bool = False) -> Meaning:
        """Put an estimate's figures side by side.

        :param method_version: what sets the amount, a version of either method.
        :param assumed: whether the split into kinds of token is only assumed.
        """
        shown = figures.shown_by(method_version)
        flat = shown.published
        return cls(
            isinstance(method(method_version), PublishedMethod),
            (
                _by_both("Energy a month", "energy", flat.energy_wh, shown.energy_wh),
                _by_both("Water a month", "water", flat.water_ml, shown.water_ml),
                _by_both("CO2e a month", "carbon", flat.co2e_g, shown.co2e_g),
            ),
            difference_of(shown, assumed=assumed),
            tuple(map(formatting.model_name, shown.unknown_models)),
        )


def _by_both(title: str, quantity: str, flat: Decimal, detailed: Range) -> QuantityByBoth:
    return QuantityByBoth(title, quantity, flat, detailed, _compared(flat, detailed.central))


def _compared(flat: Decimal, central: Decimal) -> str:
    if not flat or not central:
        return ""
    if max(flat, central) <= min(flat, central) * _ABOUT_THE_SAME:
        return "The two methods come to about the same."
    if flat > central:
        return (
            f"By the flat rate it is about {figure(flat / central)} times the most likely figure."
        )
    return f"The most likely figure is about {figure(central / flat)} times that by the flat rate."


class BandCard(NamedTuple):
    """A band to choose, with what it contributes.

    :param amount_cents: a month, at the level that was asked for.
    :param rate: from which a browser computes it at another level.
    """

    band: Band
    amount_cents: int
    rate: Rate | None


def band_cards(coverage_percent: int, method_version: str) -> list[BandCard]:
    """All bands with their prices, in order.

    :param method_version: ``TOKENOFFSET_METHOD``.
    """
    cards = []
    for each in bands():
        preview = preview_band(each.key)
        tokens, carbon = preview.tokens.total, preview.figures.shown_by(method_version).co2e_g
        amount = amount_cents(method_version, tokens, carbon, coverage_percent)
        cards.append(BandCard(each, amount, rate_of(tokens, carbon, method_version)))
    return cards
