"""The two methods side by side, and one sentence on why they differ."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from flask_tokenoffset.methodology.descriptions import figure, percent
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
from flask_tokenoffset.methodology.ranges import exact_decimals
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


@dataclass(frozen=True, slots=True)
class Difference:
    """Why the class-aware figure is not the published one.

    :param driver: stable code of the main reason.
    :param sentence: the same in plain words.
    """

    driver: Driver
    sentence: str


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
        return Difference(Driver.NO_USE, "There is no use yet, so there is nothing to compare.")
    with exact_decimals():
        if central * _AGREEMENT < flat.energy_wh:
            return _why_smaller(flat.energy_wh / central, ranged)
        if flat.energy_wh * _AGREEMENT < central:
            return _why_larger(central / flat.energy_wh, ranged)
    return Difference(
        Driver.AGREEMENT,
        "The class-aware figure and the published one agree to within a quarter of each other.",
    )


def _why_smaller(times: Decimal, ranged: ClassAwareFigures) -> Difference:
    start = (
        f"The published figure is about {figure(times)} times the class-aware one, mostly because"
    )
    shares = ranged.token_share_by_kind
    cache, large = ranged.without_cache_factor, ranged.as_large_factor
    if cache > _AGREEMENT and cache >= large:
        share = percent(shares.get(TokenKind.CACHED_INPUT, Decimal(0)))
        return Difference(
            Driver.CACHE_READS,
            f"{start} {share} of these tokens were read from a cache, which takes far less energy"
            " than reading them afresh.",
        )
    if large > _AGREEMENT:
        return Difference(
            Driver.SMALLER_MODELS,
            f"{start} the models used are smaller than the largest ones, and a token of theirs"
            " takes less energy.",
        )
    share = percent(1 - shares.get(TokenKind.OUTPUT, Decimal(0)))
    return Difference(
        Driver.MOSTLY_INPUT,
        f"{start} {share} of these tokens were input, which takes less energy than output.",
    )


def _why_larger(times: Decimal, ranged: ClassAwareFigures) -> Difference:
    start = (
        f"The class-aware figure is about {figure(times)} times the published one, mostly because"
    )
    # Without very large models the figure would fall to this share of itself.
    if ranged.as_large_factor * _AGREEMENT < 1:
        return Difference(
            Driver.LARGER_MODELS,
            f"{start} very large models were used, and a token of theirs takes more energy.",
        )
    share = percent(ranged.token_share_by_kind.get(TokenKind.OUTPUT, Decimal(0)))
    return Difference(
        Driver.MUCH_OUTPUT,
        f"{start} {share} of these tokens were output, which takes more energy than input.",
    )
