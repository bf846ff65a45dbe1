"""From tokens to energy, water and carbon: the published figures, and a range beside them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Self, TypeVar

from flask_tokenoffset.methodology.published_bands import band_for
from flask_tokenoffset.methodology.ranges import Range, combined, exact_decimals, rounded
from flask_tokenoffset.methodology.tokens import TokenCounts, TokenKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from flask_tokenoffset.methodology.methods import ClassAwareMethod, PublishedMethod
    from flask_tokenoffset.methodology.model_classes import ModelClass

Key = TypeVar("Key")

_PER_MILLION: Final = Decimal("0.000001")
_PER_THOUSAND: Final = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class ModelUsage:
    """The tokens that went through one model, or one class of models.

    :param model: the vendor's name for it; empty where only the class is known.
    :param tokens: how many, by kind.
    :param model_class: says the class outright; otherwise the name decides.
    :param context_tokens: how long the context of one request was; None where nobody knows, and the
        rates then hold as they are.
    :param cache_split_known: False where the vendor does not tell cached input from fresh input;
        ``tokens`` then counts all input as fresh.
    """

    model: str
    tokens: TokenCounts
    model_class: ModelClass | None = None
    cache_split_known: bool = True
    context_tokens: int | None = None

    @classmethod
    def of_class(cls, model_class: ModelClass, tokens: TokenCounts) -> Self:
        """Use that is known by class only, as that of a band is."""
        return cls(model="", tokens=tokens, model_class=model_class)


@dataclass(frozen=True, slots=True)
class PublishedFigures:
    """What the published method says; single figures, as published.

    :param energy_wh: electricity.
    :param water_ml: water.
    :param co2e_g: carbon dioxide equivalent.
    :param method_version: the version they were computed with.
    """

    energy_wh: Decimal
    water_ml: Decimal
    co2e_g: Decimal
    method_version: str


@dataclass(frozen=True)
class ClassAwareFigures:
    """What the class-aware method says, with its range.

    :param energy_wh: electricity.
    :param water_ml: water, at data centres and power stations.
    :param co2e_g: carbon dioxide equivalent, making the hardware included.
    :param energy_share_by_class: each class's share of the central energy, 0 to 1.
    :param energy_share_by_kind: each kind of token's share of it, 0 to 1.
    :param token_share_by_kind: each kind of token's share of the tokens, 0 to 1.
    :param unknown_models: names we could not place; they were counted as a large model.
    :param cache_split_assumed: whether some input was split into fresh and cached by assumption.
    :param without_cache_factor: what the central energy would be multiplied by, were every token of
        input read afresh; at least 1 in every version so far.
    :param as_large_factor: what it would be multiplied by, were every model a large one.
    :param method_version: the version they were computed with.
    :param names_version: the version of the names of models they were computed with.
    """

    energy_wh: Range
    water_ml: Range
    co2e_g: Range
    energy_share_by_class: Mapping[ModelClass, Decimal]
    energy_share_by_kind: Mapping[TokenKind, Decimal]
    token_share_by_kind: Mapping[TokenKind, Decimal]
    unknown_models: tuple[str, ...]
    cache_split_assumed: bool
    without_cache_factor: Decimal
    as_large_factor: Decimal
    method_version: str
    names_version: str


@dataclass(frozen=True, slots=True)
class _Placed:
    """Use whose class is settled. ``fresh`` counts input as fresh where nobody knows better."""

    model_class: ModelClass
    tokens: TokenCounts
    fresh: TokenCounts
    context_tokens: int | None


@dataclass(frozen=True, slots=True)
class _Ends:
    """Which end of each factor to compute with: ``low``, ``central`` or ``high``."""

    every_rate: str = "central"
    cached_input: str = "central"
    cache_creation: str = "central"
    context: str = "central"


_CENTRAL: Final = _Ends()


def published_environment(tokens: TokenCounts, method: PublishedMethod) -> PublishedFigures:
    """What the published flat rate says about some tokens.

    :param tokens: how many; their kind makes no difference here.
    :param method: from :func:`~flask_tokenoffset.methodology.methods.published`.
    """
    with exact_decimals():
        thousands = tokens.total * _PER_THOUSAND
        return PublishedFigures(
            energy_wh=rounded(thousands * method.energy_wh_per_1000_tokens.value),
            water_ml=rounded(thousands * method.water_ml_per_1000_tokens.value),
            co2e_g=rounded(thousands * method.co2e_g_per_1000_tokens.value),
            method_version=method.version,
        )


def class_aware_environment(
    usages: Sequence[ModelUsage], method: ClassAwareMethod
) -> ClassAwareFigures:
    """What the class-aware method says about a month's tokens.

    The central figure multiplies central values. The range moves one factor at a time to its end
    and combines the effects in log space (:func:`~flask_tokenoffset.methodology.ranges.combined`):
    the energy of a token, with all classes and kinds moving together; the two cache ratios; and
    then the grid and the hardware for carbon, or the water of a kilowatt-hour for water.

    :param usages: the month's tokens by model.
    :param method: from :func:`~flask_tokenoffset.methodology.methods.class_aware`.
    """
    placed = _place(usages, method)
    with exact_decimals():
        by_part = _energy_by_part(placed, method, _CENTRAL)
        central_wh = sum(by_part.values(), Decimal(0))
        factors = _energy_factors(placed, method, central_wh) if central_wh else []
        grid, embodied = method.grid_co2e_g_per_kwh.value, method.embodied_co2e_g_per_kwh.value
        carbon = grid.central + embodied.central
        carbon_factors = [
            ((grid.low + embodied.central) / carbon, (grid.high + embodied.central) / carbon),
            ((grid.central + embodied.low) / carbon, (grid.central + embodied.high) / carbon),
        ]
        water = method.water_l_per_kwh.value
        water_factors = [(water.low / water.central, water.high / water.central)]
        tokens = TokenCounts.sum(usage.tokens for usage in placed)
        return ClassAwareFigures(
            energy_wh=combined(central_wh, factors),
            # A litre per kilowatt-hour is a millilitre per watt-hour.
            water_ml=combined(central_wh * water.central, factors + water_factors),
            co2e_g=combined(central_wh * carbon * _PER_THOUSAND, factors + carbon_factors),
            energy_share_by_class=_shares((cls, wh) for (cls, _), wh in by_part.items()),
            energy_share_by_kind=_shares((kind, wh) for (_, kind), wh in by_part.items()),
            token_share_by_kind=_shares((kind, Decimal(tokens.of(kind))) for kind in TokenKind),
            unknown_models=_unknown_models(usages, method),
            cache_split_assumed=any(usage.tokens != usage.fresh for usage in placed),
            without_cache_factor=_ratio(_energy(_all_fresh(placed), method), central_wh),
            as_large_factor=_ratio(_energy(_all_large(placed, method), method), central_wh),
            method_version=method.version,
            names_version=method.names.version,
        )


def _place(usages: Iterable[ModelUsage], method: ClassAwareMethod) -> list[_Placed]:
    usages = list(usages)
    mix = band_for(
        TokenCounts.sum(usage.tokens for usage in usages).total, method.bands_version
    ).mix_percent
    placed = []
    for usage in usages:
        tokens = usage.tokens
        if not usage.cache_split_known:
            # The input is spread over its kinds the way such a month typically is.
            inputs: dict[TokenKind, Decimal] = {
                kind: share for kind, share in mix.items() if kind != TokenKind.OUTPUT
            }
            split = TokenCounts.split(tokens.uncached_input_tokens, inputs)
            tokens = replace(tokens, uncached_input_tokens=0) + split
        model_class = usage.model_class or method.class_of(usage.model)
        placed.append(
            _Placed(
                model_class or method.unknown_model_class,
                tokens,
                usage.tokens,
                usage.context_tokens,
            )
        )
    return placed


def _unknown_models(usages: Iterable[ModelUsage], method: ClassAwareMethod) -> tuple[str, ...]:
    return tuple(
        sorted(
            {
                usage.model
                for usage in usages
                if usage.model_class is None and method.class_of(usage.model) is None
            }
        )
    )


def _energy_by_part(
    placed: Iterable[_Placed], method: ClassAwareMethod, ends: _Ends
) -> dict[tuple[ModelClass, TokenKind], Decimal]:
    """Watt-hours by class and kind, with each factor at the end that is asked for."""
    parts: dict[tuple[ModelClass, TokenKind], Decimal] = {}
    cached_input = _at(method.cached_input_ratio.value, ends.cached_input)
    cache_creation = _at(method.cache_creation_ratio.value, ends.cache_creation)
    for usage in placed:
        energy = method.energy[usage.model_class]
        fresh = _at(energy.uncached_input.value, ends.every_rate)
        output = _at(energy.output.value, ends.every_rate)
        longer_in, longer_out = _context_factors(usage, method, ends.context)
        rates = (
            fresh * longer_in,
            # Its share of fresh input was reckoned for long contexts already.
            fresh * cached_input,
            fresh * longer_in * cache_creation,
            output * longer_out,
        )
        for kind, count, rate in zip(TokenKind, usage.tokens.counts(), rates, strict=True):
            part = (usage.model_class, kind)
            parts[part] = parts.get(part, Decimal(0)) + count * rate * _PER_MILLION
    return parts


def _context_factors(usage: _Placed, method: ClassAwareMethod, end: str) -> tuple[Decimal, Decimal]:
    """What a long context multiplies fresh input and output by."""
    if method.context is None:
        return Decimal(1), Decimal(1)
    doublings = method.context.doublings(usage.context_tokens)
    return (
        _at(method.context.uncached_input.value, end) ** doublings,
        _at(method.context.output.value, end) ** doublings,
    )


def _energy(placed: Iterable[_Placed], method: ClassAwareMethod, ends: _Ends = _CENTRAL) -> Decimal:
    return sum(_energy_by_part(placed, method, ends).values(), Decimal(0))


def _energy_factors(
    placed: Sequence[_Placed], method: ClassAwareMethod, central_wh: Decimal
) -> list[tuple[Decimal, Decimal]]:
    """By how much each thing we do not know about energy moves it, alone."""
    pairs = [
        (_Ends(every_rate="low"), _Ends(every_rate="high")),
        (_Ends(cached_input="low"), _Ends(cached_input="high")),
        (_Ends(cache_creation="low"), _Ends(cache_creation="high")),
        (_Ends(context="low"), _Ends(context="high")),
    ]
    factors = [
        (_energy(placed, method, low) / central_wh, _energy(placed, method, high) / central_wh)
        for low, high in pairs
    ]
    # Where the vendor does not split input, all of it may have been fresh.
    unsplit = _energy([replace(usage, tokens=usage.fresh) for usage in placed], method)
    return [*factors, (Decimal(1), max(Decimal(1), unsplit / central_wh))]


def _all_fresh(placed: Iterable[_Placed]) -> list[_Placed]:
    """The same use, had every token of input been read afresh."""
    return [
        replace(
            usage,
            tokens=TokenCounts(
                uncached_input_tokens=usage.tokens.total - usage.tokens.output_tokens,
                output_tokens=usage.tokens.output_tokens,
            ),
        )
        for usage in placed
    ]


def _all_large(placed: Iterable[_Placed], method: ClassAwareMethod) -> list[_Placed]:
    """The same use, had every model been of the class that stands in for an unknown one."""
    return [replace(usage, model_class=method.unknown_model_class) for usage in placed]


def _at(value: Range, end: str) -> Decimal:
    return {"low": value.low, "central": value.central, "high": value.high}[end]


def _ratio(part: Decimal, whole: Decimal) -> Decimal:
    return rounded(part / whole) if whole else Decimal(1)


def _shares(parts: Iterable[tuple[Key, Decimal]]) -> Mapping[Key, Decimal]:
    """Add amounts up by key, as shares of their sum; keys without any are left out."""
    sums: dict[Key, Decimal] = {}
    for key, amount in parts:
        sums[key] = sums.get(key, Decimal(0)) + amount
    whole = sum(sums.values(), Decimal(0))
    return MappingProxyType(
        {key: rounded(amount / whole) for key, amount in sums.items() if amount}
    )
