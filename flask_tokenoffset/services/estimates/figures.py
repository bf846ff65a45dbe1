"""An estimate's figures between arithmetic and the database: written once, read back typed.

Decimals travel as texts, so that no database or JSON reader can change a digit. Units stand in the
names.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from flask_tokenoffset.methodology import (
    Difference,
    Driver,
    Environment,
    ModelClass,
    ModelUsage,
    Projection,
    PublishedFigures,
    Range,
    RollingSums,
    TokenCounts,
    class_aware,
    class_aware_environment,
    class_aware_versions,
    difference,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class ProjectionFigures:
    """What a projection says beside its central value."""

    basis_start: date
    basis_end: date
    basis_tokens: TokenCounts
    basis_cost_nano_usd: int | None
    rolling: RollingSums | None
    mean_tokens_per_month: int | None
    last_week_tokens: int | None
    first_use: date
    days_covered: int
    active_days: int


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one estimate, typed.

    :param models: the tokens a month by model or class that everything else follows from.
    :param published: what the published method says.
    :param energy_wh: low, central and high of the class-aware method, in watt-hours.
    :param water_ml: likewise, in millilitres.
    :param co2e_g: likewise, in grams.
    :param unknown_models: models counted as large ones because we do not know them.
    :param difference: why the two methods differ, from which sentences are made.
    :param projection: for estimates that rest on sampled days.
    :param notes: what a reader should know, as stable codes and sentences.
    :param class_aware_version: the version that the ranges were computed with.
    """

    models: tuple[ModelUsage, ...]
    published: PublishedFigures
    energy_wh: Range
    water_ml: Range
    co2e_g: Range
    unknown_models: tuple[str, ...]
    difference: Difference
    projection: ProjectionFigures | None
    notes: tuple[tuple[str, str], ...]
    class_aware_version: str

    def shown_by(self, method_version: str) -> Figures:
        """The figures with the ranges that belong beside an amount.

        A partner may price by another version of the class-aware method than the one that made the
        estimate. Beside the flat rate stand the ranges that the estimate was made with.

        :param method_version: what prices the amount, a version of either method.
        """
        if method_version == self.class_aware_version or (
            method_version not in class_aware_versions()
        ):
            return self
        ranged = class_aware_environment(self.models, class_aware(method_version))
        return replace(
            self,
            energy_wh=ranged.energy_wh,
            water_ml=ranged.water_ml,
            co2e_g=ranged.co2e_g,
            unknown_models=ranged.unknown_models,
            difference=difference(self.published, ranged),
            class_aware_version=ranged.method_version,
        )


def to_json(
    models: Sequence[ModelUsage],
    environment: Environment,
    *,
    projection: Projection | None = None,
    notes: Sequence[tuple[str, str]] = (),
) -> dict[str, Any]:
    """The figures as they are stored.

    :param models: the tokens a month that the rest follows from.
    :param projection: for an estimate that rests on sampled days; what it notes is stored too.
    :param notes: what else a reader should know, as codes and sentences.
    """
    said = [*notes]
    if projection is not None:
        said += [(note.code, note.sentence) for note in projection.notes]
    flat, ranged = environment.published, environment.class_aware
    return {
        "models": [_model_to_json(usage) for usage in models],
        "published": {
            "energy_wh": str(flat.energy_wh),
            "water_ml": str(flat.water_ml),
            "co2e_g": str(flat.co2e_g),
            "version": flat.method_version,
        },
        "class_aware": {
            "energy_wh": _range_to_json(ranged.energy_wh),
            "water_ml": _range_to_json(ranged.water_ml),
            "co2e_g": _range_to_json(ranged.co2e_g),
            "unknown_models": list(ranged.unknown_models),
            "version": ranged.method_version,
            "names_version": ranged.names_version,
        },
        "difference": _difference_to_json(environment.difference),
        "projection": _projection_to_json(projection),
        "notes": [{"code": code, "sentence": sentence} for code, sentence in said],
    }


def from_json(figures: Mapping[str, Any]) -> Figures:
    """Stored figures, typed again."""
    flat, ranged = figures["published"], figures["class_aware"]
    models = tuple(_model_from_json(entry) for entry in figures["models"])
    published = PublishedFigures(
        energy_wh=Decimal(flat["energy_wh"]),
        water_ml=Decimal(flat["water_ml"]),
        co2e_g=Decimal(flat["co2e_g"]),
        method_version=flat["version"],
    )
    said = figures["difference"]
    if isinstance(said, str):
        # Estimates from before sentences were made from parts keep a whole one.
        version = ranged["version"]
        method = class_aware(version, ranged.get("names_version", version))
        why = difference(published, class_aware_environment(models, method))
    else:
        why = Difference(Driver(said["driver"]), Decimal(said["times"]), said["share"])
    return Figures(
        models=models,
        published=published,
        energy_wh=_range_from_json(ranged["energy_wh"]),
        water_ml=_range_from_json(ranged["water_ml"]),
        co2e_g=_range_from_json(ranged["co2e_g"]),
        unknown_models=tuple(ranged["unknown_models"]),
        difference=why,
        projection=_projection_from_json(figures["projection"]),
        notes=tuple((note["code"], note["sentence"]) for note in figures["notes"]),
        class_aware_version=ranged["version"],
    )


def _difference_to_json(why: Difference) -> dict[str, str]:
    return {"driver": why.driver, "times": str(why.times), "share": why.share}


def _model_to_json(usage: ModelUsage) -> dict[str, Any]:
    return {
        "model": usage.model,
        "class": usage.model_class,
        "tokens_per_month": list(usage.tokens.counts()),
    }


def _model_from_json(entry: Mapping[str, Any]) -> ModelUsage:
    model_class = entry["class"]
    return ModelUsage(
        model=entry["model"],
        tokens=TokenCounts(*entry["tokens_per_month"]),
        model_class=ModelClass(model_class) if model_class is not None else None,
    )


def _range_to_json(value: Range) -> dict[str, str]:
    return {"low": str(value.low), "central": str(value.central), "high": str(value.high)}


def _range_from_json(value: Mapping[str, str]) -> Range:
    return Range(Decimal(value["low"]), Decimal(value["central"]), Decimal(value["high"]))


def _projection_to_json(projection: Projection | None) -> dict[str, Any] | None:
    if projection is None:
        return None
    rolling = projection.rolling
    return {
        "basis_start": projection.basis_start.isoformat(),
        "basis_end": projection.basis_end.isoformat(),
        "basis_tokens": list(projection.basis_tokens.counts()),
        "basis_cost_nano_usd": projection.basis_cost_nano_usd,
        "rolling": None
        if rolling is None
        else [
            rolling.smallest_tokens,
            rolling.median_tokens,
            rolling.largest_tokens,
            rolling.count,
            rolling.days,
        ],
        "mean_tokens_per_month": projection.mean_tokens_per_month,
        "last_week_tokens": projection.last_week_tokens,
        "first_use": projection.first_use.isoformat(),
        "days_covered": projection.days_covered,
        "active_days": projection.active_days,
    }


def _projection_from_json(stored: Mapping[str, Any] | None) -> ProjectionFigures | None:
    if stored is None:
        return None
    return ProjectionFigures(
        basis_start=date.fromisoformat(stored["basis_start"]),
        basis_end=date.fromisoformat(stored["basis_end"]),
        basis_tokens=TokenCounts(*stored["basis_tokens"]),
        basis_cost_nano_usd=stored["basis_cost_nano_usd"],
        rolling=RollingSums(*stored["rolling"]) if stored["rolling"] is not None else None,
        mean_tokens_per_month=stored["mean_tokens_per_month"],
        # Estimates from before months of whole weeks did not note it.
        last_week_tokens=stored.get("last_week_tokens"),
        first_use=date.fromisoformat(stored["first_use"]),
        days_covered=stored["days_covered"],
        active_days=stored["active_days"],
    )
