"""The two methods, as typed and frozen constants.

``published`` is a flat rate for every token. ``class-aware`` is a second opinion that tells classes
of model and kinds of token apart and gives a range. Both stay computable in every version for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from flask_tokenoffset.methodology.constants import (
    Constant,
    DataFile,
    RangedConstant,
    Source,
    load,
    unknown_version,
    versions,
)
from flask_tokenoffset.methodology.model_classes import (
    ModelClass,
    ModelNames,
    ModelPattern,
    ModelSize,
)
from flask_tokenoffset.methodology.ranges import exact_decimals

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

_PUBLISHED: Final = "published"
_CLASS_AWARE: Final = "class-aware"
_MODEL_NAMES: Final = "model-names"
#: The list of names of models that new estimates go by.
CURRENT_NAMES_VERSION: Final = "2026.12"


@dataclass(frozen=True)
class PublishedMethod:
    """One version of the flat rate.

    :param version: for example ``2026-05``; stored with every result.
    :param effective_date: from when it holds.
    :param title: for a reader.
    :param boundary: what the figures cover, in a sentence.
    :param energy_wh_per_1000_tokens: electricity.
    :param water_ml_per_1000_tokens: water.
    :param co2e_g_per_1000_tokens: carbon dioxide equivalent.
    :param contribution_cents_per_million_tokens: at 100 % coverage.
    :param words_per_1000_tokens: a picture for readers; nothing is computed from it.
    """

    version: str
    effective_date: date
    title: str
    boundary: str
    energy_wh_per_1000_tokens: Constant
    water_ml_per_1000_tokens: Constant
    co2e_g_per_1000_tokens: Constant
    contribution_cents_per_million_tokens: Constant
    words_per_1000_tokens: Constant

    @property
    def constants(self) -> tuple[Constant, ...]:
        """Every figure, for a page to print."""
        return (
            self.energy_wh_per_1000_tokens,
            self.water_ml_per_1000_tokens,
            self.co2e_g_per_1000_tokens,
            self.contribution_cents_per_million_tokens,
            self.words_per_1000_tokens,
        )


@dataclass(frozen=True, slots=True)
class ClassEnergy:
    """What a token takes in one class of model.

    :param model_class: which class.
    :param typical_members: for a reader.
    :param uncached_input: Wh per million tokens of fresh input.
    :param output: Wh per million tokens of output; reasoning counts as output.
    """

    model_class: ModelClass
    typical_members: str
    uncached_input: RangedConstant
    output: RangedConstant


@dataclass(frozen=True, slots=True)
class ContextFactor:
    """What a token costs more in a long context.

    :param reference_tokens: length of context up to which the rates hold as they are.
    :param uncached_input: times the rate of fresh input, for each doubling beyond that.
    :param output: likewise for output.
    """

    reference_tokens: RangedConstant
    uncached_input: RangedConstant
    output: RangedConstant

    @property
    def constants(self) -> tuple[RangedConstant, ...]:
        """Its figures, for a page to print."""
        return (self.reference_tokens, self.uncached_input, self.output)

    def doublings(self, context_tokens: int | None) -> Decimal:
        """How often the reference has to be doubled to reach a context; 0 where it is unknown.

        :param context_tokens: tokens of context of one request.
        """
        reference = self.reference_tokens.value.central
        if context_tokens is None or context_tokens <= reference:
            return Decimal(0)
        with exact_decimals():
            return (context_tokens / reference).ln() / Decimal(2).ln()


@dataclass(frozen=True, slots=True)
class CarbonPrice:
    """What a tonne of carbon dioxide may be said to cost, by one reckoning.

    :param id: stable name.
    :param title: for a reader.
    :param value: per tonne CO2e.
    :param currency: of ``value``, ISO 4217.
    :param as_of: the date of the price.
    :param sources: where it comes from.
    :param note: a sentence on it.
    """

    id: str
    title: str
    value: Decimal
    currency: str
    as_of: date
    sources: tuple[Source, ...]
    note: str


@dataclass(frozen=True, slots=True)
class TidyStep:
    """Amounts up to an edge are rounded up to a multiple of a step (US cents)."""

    up_to_cents: int
    step_cents: int


@dataclass(frozen=True)
class ClassAwareMethod:
    """One version of the estimate by model class and kind of token.

    :param version: for example ``2026.11``; stored with every result.
    :param effective_date: from when it holds.
    :param review_date: by when every figure is to be looked at again.
    :param title: for a reader.
    :param boundary: what the figures cover, in a sentence.
    :param bands_version: the bands whose mix stands in where a vendor does not split input.
    :param unknown_model_class: the class of a model we do not know; never nothing.
    :param energy: by class.
    :param cached_input_ratio: reading cached input, as a share of fresh input's energy.
    :param cache_creation_ratio: writing a cache, likewise.
    :param water_l_per_kwh: at data centres and power stations together; the one we use.
    :param onsite_water_l_per_kwh: at data centres alone; for comparison only.
    :param grid_co2e_g_per_kwh: carbon of electricity.
    :param embodied_co2e_g_per_kwh: carbon of making the hardware.
    :param context: what a long context adds to a token; None in versions without it.
    :param uncertainty_sources: how low and high are combined.
    :param carbon_price_usd_per_tonne: behind the suggested contribution.
    :param carbon_price_anchors: the price used and those beside it.
    :param floor_cents: the smallest suggestion for any use at all.
    :param tidy_steps: how a suggestion is rounded up, smallest first.
    :param tidy_digits_beyond: significant digits kept above the last step.
    :param names: which class a model is of, told from its name.
    """

    version: str
    effective_date: date
    review_date: date
    title: str
    boundary: str
    bands_version: str
    unknown_model_class: ModelClass
    energy: Mapping[ModelClass, ClassEnergy]
    cached_input_ratio: RangedConstant
    cache_creation_ratio: RangedConstant
    water_l_per_kwh: RangedConstant
    onsite_water_l_per_kwh: RangedConstant
    grid_co2e_g_per_kwh: RangedConstant
    embodied_co2e_g_per_kwh: RangedConstant
    context: ContextFactor | None
    uncertainty_sources: tuple[Source, ...]
    carbon_price_usd_per_tonne: Constant
    carbon_price_anchors: tuple[CarbonPrice, ...]
    floor_cents: Constant
    tidy_steps: tuple[TidyStep, ...]
    tidy_digits_beyond: int
    names: ModelNames

    @property
    def constants(self) -> tuple[Constant | RangedConstant, ...]:
        """Every figure, for a page to print."""
        return (
            *(
                figure
                for energy in self.energy.values()
                for figure in (energy.uncached_input, energy.output)
            ),
            self.cached_input_ratio,
            self.cache_creation_ratio,
            *(self.context.constants if self.context else ()),
            self.water_l_per_kwh,
            self.onsite_water_l_per_kwh,
            self.grid_co2e_g_per_kwh,
            self.embodied_co2e_g_per_kwh,
            self.carbon_price_usd_per_tonne,
            self.floor_cents,
        )

    def class_of(self, model: str) -> ModelClass | None:
        """The class of a model by its name, or None where the name is not known.

        :param model: the vendor's name, with whatever prefix and date it carries.
        """
        return self.names.class_of(model)


def published_versions() -> tuple[str, ...]:
    """The versions of the published method, oldest first."""
    return versions(_PUBLISHED)


def class_aware_versions() -> tuple[str, ...]:
    """The versions of the class-aware method, oldest first."""
    return versions(_CLASS_AWARE)


def method(version: str) -> PublishedMethod | ClassAwareMethod:
    """The method a version belongs to, of whichever kind.

    :param version: for example ``2026-05`` or ``2026.11``.
    :raises InvalidInput: nobody published such a version; the field is ``method_version``.
    """
    if version in published_versions():
        return published(version)
    if version in class_aware_versions():
        return class_aware(version)
    raise unknown_version(version, (*published_versions(), *class_aware_versions()))


@cache
def published(version: str = "2026-05") -> PublishedMethod:
    """The published flat rate.

    :param version: one of :func:`published_versions`.
    :raises InvalidInput: nobody published such a version; the field is ``method_version``.
    """
    file = load(_PUBLISHED, version)
    return PublishedMethod(
        version=file.content["version"],
        effective_date=file.content["effective_date"],
        title=file.content["title"],
        boundary=file.content["boundary"],
        energy_wh_per_1000_tokens=file.constant("energy_wh_per_1000_tokens"),
        water_ml_per_1000_tokens=file.constant("water_ml_per_1000_tokens"),
        co2e_g_per_1000_tokens=file.constant("co2e_g_per_1000_tokens"),
        contribution_cents_per_million_tokens=file.constant(
            "contribution_cents_per_million_tokens"
        ),
        words_per_1000_tokens=file.constant("words_per_1000_tokens"),
    )


def _context(file: DataFile) -> ContextFactor | None:
    if "context_reference_tokens" not in file.content["constants"]:
        return None
    return ContextFactor(
        file.ranged_constant("context_reference_tokens"),
        file.ranged_constant("context_input_factor"),
        file.ranged_constant("context_output_factor"),
    )


@cache
def class_aware(
    version: str = "2026.12", names_version: str = CURRENT_NAMES_VERSION
) -> ClassAwareMethod:
    """The estimate by model class and kind of token.

    :param version: one of :func:`class_aware_versions`.
    :param names_version: which list of names of models; the method's own version for the list that
        its first version came with.
    :raises InvalidInput: nobody published such a version; the field is ``method_version``.
    """
    file = load(_CLASS_AWARE, version)
    content = file.content
    return ClassAwareMethod(
        version=content["version"],
        effective_date=content["effective_date"],
        review_date=content["review_date"],
        title=content["title"],
        boundary=content["boundary"],
        bands_version=content["bands_version"],
        unknown_model_class=ModelClass(content["unknown_model_class"]),
        energy=_energy(file),
        cached_input_ratio=file.ranged_constant("cached_input_ratio"),
        cache_creation_ratio=file.ranged_constant("cache_creation_ratio"),
        water_l_per_kwh=file.ranged_constant("water_l_per_kwh"),
        onsite_water_l_per_kwh=file.ranged_constant("onsite_water_l_per_kwh"),
        grid_co2e_g_per_kwh=file.ranged_constant("grid_co2e_g_per_kwh"),
        embodied_co2e_g_per_kwh=file.ranged_constant("embodied_co2e_g_per_kwh"),
        context=_context(file),
        uncertainty_sources=file.cited(content.get("uncertainty_sources", ["GHGProtocol"])),
        carbon_price_usd_per_tonne=file.constant("carbon_price_usd_per_tonne"),
        carbon_price_anchors=_carbon_prices(file),
        floor_cents=file.constant("floor_cents"),
        tidy_steps=tuple(
            TidyStep(step["up_to_cents"], step["step_cents"]) for step in content["tidy"]["step"]
        ),
        tidy_digits_beyond=content["tidy"]["significant_digits_beyond"],
        names=_model_names(content, names_version),
    )


def _model_names(content: Mapping[str, Any], version: str) -> ModelNames:
    # The first version of the method listed its names itself.
    of_method = version == content["version"] and "model_pattern" in content
    found = content if of_method else load(_MODEL_NAMES, version).content
    return ModelNames(
        version=version,
        patterns=tuple(
            ModelPattern(entry["pattern"], ModelClass(entry["model_class"]))
            for entry in (*content.get("model_pattern_before", ()), *found["model_pattern"])
        ),
        sizes=tuple(
            ModelSize(entry.get("up_to_billion_parameters"), ModelClass(entry["model_class"]))
            for entry in found["model_size"]
        ),
        whole_segments=not of_method,
    )


def _energy(file: DataFile) -> Mapping[ModelClass, ClassEnergy]:
    by_class = {}
    for name, entry in file.content["energy"].items():
        by_class[ModelClass(name)] = ClassEnergy(
            model_class=ModelClass(name),
            typical_members=entry["typical_members"],
            uncached_input=file.ranged(
                f"{name}_uncached_input_wh_per_million_tokens", entry["uncached_input"]
            ),
            output=file.ranged(f"{name}_output_wh_per_million_tokens", entry["output"]),
        )
    return MappingProxyType(by_class)


def _carbon_prices(file: DataFile) -> tuple[CarbonPrice, ...]:
    return tuple(
        CarbonPrice(
            id=entry["id"],
            title=entry["title"],
            value=Decimal(entry["value"]),
            currency=entry["currency"],
            as_of=entry["as_of"],
            sources=file.cited(entry["sources"]),
            note=entry["note"],
        )
        for entry in file.content["carbon_price_anchor"]
    )
