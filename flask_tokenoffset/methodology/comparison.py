"""The two methods side by side, and one sentence on why they differ."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from flask_tokenoffset.methodology.descriptions import figure, percents
from flask_tokenoffset.methodology.footprint import (
    ClassAwareFigures,
    ModelUsage,
    PublishedFigures,
    class_aware_environment,
    published_environment,
)
from flask_tokenoffset.methodology.methods import (
    ClassAwareMethod,
    PublishedMethod,
    class_aware,
    published,
)
from flask_tokenoffset.methodology.ranges import exact_decimals, rounded
from flask_tokenoffset.methodology.tokens import TokenCounts, TokenKind

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Within this factor of each other, the two figures are said to agree.
_AGREEMENT: Final = Decimal("1.25")


class Driver(StrEnum):
    """What makes the two figures differ most."""

    NO_USE = "no_use"
    AGREEMENT = "agreement"
    CACHE_READS = "cache_reads"
    SMALLER_MODELS = "smaller_models"
    LARGER_MODELS = "larger_models"
    MOSTLY_INPUT = "mostly_input"
    MUCH_OUTPUT = "much_output"


_PUBLISHED_IS_LARGER: Final = {Driver.CACHE_READS, Driver.SMALLER_MODELS, Driver.MOSTLY_INPUT}


@dataclass(frozen=True, slots=True)
class Difference:
    """Why the class-aware energy figure is not the published one.

    :param driver: stable code of the main reason.
    :param times: how many times the smaller figure the larger one is; 1 where there is no use.
    :param share: of the tokens, in words, what the reason speaks of; empty where it does of none.
    """

    driver: Driver
    times: Decimal = Decimal(1)
    share: str = ""

    @property
    def published_is_larger(self) -> bool:
        """Whether the published figure is notably the larger one."""
        return self.driver in _PUBLISHED_IS_LARGER

    @property
    def sentence(self) -> str:
        """All of it, with the names that the methods have in data."""
        return self.say("published", "class-aware")

    def say(self, published: str, class_aware: str, *, assumed: bool = False) -> str:
        """All of it in a sentence.

        :param published: what to call the published method.
        :param class_aware: likewise.
        :param assumed: whether the split into kinds of token is only assumed.
        """
        if self.driver is Driver.NO_USE:
            return "There is no use yet, so there is nothing to compare."
        if self.driver is Driver.AGREEMENT:
            return (
                f"The {class_aware} energy figure and the {published} one agree to within a quarter"
                " of each other."
            )
        larger, smaller = (
            (published, class_aware) if self.published_is_larger else (class_aware, published)
        )
        return (
            f"The {larger} energy figure is about {figure(self.times)} times the {smaller} one,"
            f" mostly because {self.reason(assumed=assumed)}."
        )

    def reason(self, *, assumed: bool = False) -> str:
        """The main reason, to stand after “because”; empty where the figures agree.

        :param assumed: whether the split into kinds of token is only assumed.
        """
        tokens = f"{self.share} of these tokens{', we assume,' if assumed else ''} were"
        return {
            Driver.CACHE_READS: f"{tokens} read from a cache, which takes far less energy than"
            " reading them afresh",
            Driver.SMALLER_MODELS: "the models used are smaller than the largest ones, and a token"
            " of theirs takes less energy",
            Driver.MOSTLY_INPUT: f"{tokens} input, which takes less energy than output",
            Driver.LARGER_MODELS: "very large models were used, and a token of theirs takes more"
            " energy",
            Driver.MUCH_OUTPUT: f"{tokens} output, which takes more energy than input",
        }.get(self.driver, "")


@dataclass(frozen=True)
class Environment:
    """Everything a month's tokens are said to cause.

    :param tokens: all of them, by kind.
    :param published: the published figures.
    :param class_aware: the figures with a range.
    :param difference: what makes the two differ.
    """

    tokens: TokenCounts
    published: PublishedFigures
    class_aware: ClassAwareFigures
    difference: Difference


def estimate_environment(
    usages: Sequence[ModelUsage],
    published_method: PublishedMethod | None = None,
    class_aware_method: ClassAwareMethod | None = None,
) -> Environment:
    """Both methods' figures for a month's tokens.

    :param usages: the month's tokens by model.
    :param published_method: the current one unless another is passed.
    :param class_aware_method: likewise.
    """
    tokens = TokenCounts.sum(usage.tokens for usage in usages)
    flat = published_environment(tokens, published_method or published())
    ranged = class_aware_environment(usages, class_aware_method or class_aware())
    return Environment(
        tokens=tokens, published=flat, class_aware=ranged, difference=difference(flat, ranged)
    )


def difference(flat: PublishedFigures, ranged: ClassAwareFigures) -> Difference:
    """What drives the difference between the two energy figures, most of all.

    A candidate's weight is by how much the class-aware figure would change without it: cached
    tokens read afresh, or every model a large one.

    :param flat: the published figures.
    :param ranged: the class-aware figures of the same tokens.
    """
    central = ranged.energy_wh.central
    if not central or not flat.energy_wh:
        return Difference(Driver.NO_USE)
    with exact_decimals():
        if central * _AGREEMENT < flat.energy_wh:
            return _why_smaller(rounded(flat.energy_wh / central), ranged)
        if flat.energy_wh * _AGREEMENT < central:
            return _why_larger(rounded(central / flat.energy_wh), ranged)
        larger, smaller = max(central, flat.energy_wh), min(central, flat.energy_wh)
        return Difference(Driver.AGREEMENT, rounded(larger / smaller))


def _why_smaller(times: Decimal, ranged: ClassAwareFigures) -> Difference:
    cache, large = ranged.without_cache_factor, ranged.as_large_factor
    if cache > _AGREEMENT and cache >= large:
        return Difference(Driver.CACHE_READS, times, _share(ranged, TokenKind.CACHED_INPUT))
    if large > _AGREEMENT:
        return Difference(Driver.SMALLER_MODELS, times)
    output = ranged.token_share_by_kind.get(TokenKind.OUTPUT, Decimal(0))
    return Difference(Driver.MOSTLY_INPUT, times, percents([1 - output, output])[0])


def _why_larger(times: Decimal, ranged: ClassAwareFigures) -> Difference:
    # Without very large models the figure would fall to this share of itself.
    if ranged.as_large_factor * _AGREEMENT < 1:
        return Difference(Driver.LARGER_MODELS, times)
    return Difference(Driver.MUCH_OUTPUT, times, _share(ranged, TokenKind.OUTPUT))


def _share(ranged: ClassAwareFigures, kind: TokenKind) -> str:
    """How many of the tokens are of a kind, as a table of all kinds says it."""
    shares = ranged.token_share_by_kind
    kinds = list(TokenKind)
    return percents([shares.get(each, Decimal(0)) for each in kinds])[kinds.index(kind)]
