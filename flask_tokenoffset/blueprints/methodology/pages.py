"""The public page on the methodology. It prints the very objects the arithmetic computes with."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from flask_tokenoffset.blueprints.html.page_routes import page_routes
from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.methodology import (
    Constant,
    ModelUsage,
    PublishedMethod,
    RangedConstant,
    Verdict,
    band_for,
    bands,
    class_aware,
    class_aware_amount_cents,
    class_aware_versions,
    comparisons,
    estimate_environment,
    figures_elsewhere,
    method,
    next_month,
    projection,
    published,
    published_amount_cents,
    significant,
)
from flask_tokenoffset.methodology.contribution import MAX_COVERAGE_PERCENT
from flask_tokenoffset.methodology.ranges import decimal_of
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from flask_tokenoffset.methodology import (
        Band,
        ClassAwareMethod,
        Comparison,
        Environment,
        Source,
        TokenCounts,
    )

#: Tokens a month of the worked example: not a round number, so that the rounding shows.
EXAMPLE_TOKENS: Final = 12_345_678
_WHOLE: Final = 100


@dataclass(frozen=True, slots=True)
class Figure:
    """One constant as the page prints it: every number in full, none rounded.

    :param low: empty for a figure without a range, like ``high``.
    """

    id: str
    title: str
    low: str
    central: str
    high: str
    unit: str
    standing: str
    note: str
    sources: tuple[Source, ...]

    @classmethod
    def of(cls, constant: Constant | RangedConstant) -> Figure:
        """Print a constant."""
        value = constant.value
        low, central, high = (
            ("", value, "")
            if isinstance(value, Decimal)
            else (in_full(value.low), value.central, in_full(value.high))
        )
        return cls(
            id=constant.id,
            title=constant.title,
            low=low,
            central=in_full(central),
            high=high,
            unit=constant.unit,
            standing=constant.standing,
            note=constant.note,
            sources=constant.sources,
        )


@dataclass(frozen=True, slots=True)
class Example:
    """A month's tokens taken through both methods.

    :param tokens: by kind, split the way the band they fall into does.
    :param exact_cents: the published contribution before it is rounded up.
    """

    band: Band
    tokens: TokenCounts
    environment: Environment
    exact_cents: str
    published_cents: int
    class_aware_cents: int

    @classmethod
    def of(
        cls, band: Band, tokens_per_month: int, flat: PublishedMethod, ranged: ClassAwareMethod
    ) -> Example:
        """Compute it, with the functions that compute estimates and plans."""
        tokens = band.split(tokens_per_month)
        environment = estimate_environment(
            [ModelUsage.of_class(band.model_class, tokens)], flat, ranged
        )
        rate = flat.contribution_cents_per_million_tokens.value
        return cls(
            band=band,
            tokens=tokens,
            environment=environment,
            exact_cents=in_full((tokens_per_month * rate / 1_000_000).normalize()),
            published_cents=published_amount_cents(tokens_per_month, _WHOLE, flat),
            class_aware_cents=class_aware_amount_cents(
                environment.class_aware.co2e_g, _WHOLE, ranged
            ),
        )


@dataclass(frozen=True, slots=True)
class Check:
    """What others have published, beside our range for the same use.

    :param published: the figure or range, in full.
    :param ours: low, central and high; empty where we compute no such thing.
    :param verdicts: by version of the class-aware method, oldest first, in words.
    """

    what: str
    source: Source
    published: str
    unit: str
    ours: str
    verdicts: tuple[tuple[str, str], ...]
    note: str

    @classmethod
    def every(cls, version: str) -> list[Check]:
        """All of them, held against every version.

        :param version: whose range is shown.
        """
        by_version = [comparisons(each) for each in class_aware_versions()]
        return [
            cls._of(shown, each)
            for shown, *each in zip(comparisons(version), *by_version, strict=True)
        ]

    @classmethod
    def _of(cls, shown: Comparison, by_version: Sequence[Comparison]) -> Check:
        figure, ours = shown.figure, shown.ours
        ends = {figure.low: in_short(figure.low), figure.high: in_short(figure.high)}
        return cls(
            what=figure.what,
            source=figure.source,
            published=" to ".join(ends.values()),
            unit=figure.unit,
            ours=" / ".join(in_short(end) for end in (ours.low, ours.central, ours.high))
            if ours
            else "",
            verdicts=tuple((each.method_version, _VERDICTS[each.verdict]) for each in by_version),
            note=figure.note,
        )


@requires(Permission.READ_PUBLISHED)
def methodology() -> str:
    """Both methods with every constant, the bands, the projection, and an example."""
    flat, ranged, all_bands = published(), explained(), bands()
    return render(
        "methodology/methodology.html",
        published=flat,
        published_figures=[Figure.of(each) for each in flat.constants],
        class_aware=ranged,
        energy_figures=[Figure.of(each) for each in _energy(ranged)],
        other_figures=[
            Figure.of(each)
            for each in ranged.constants
            if isinstance(each, RangedConstant) and each not in _energy(ranged)
        ],
        suggestion_figures=[
            Figure.of(each) for each in ranged.constants if isinstance(each, Constant)
        ],
        pricing_method=current_state().settings.method,
        bands=[Example.of(band, band.midpoint_tokens, flat, ranged) for band in all_bands],
        example=Example.of(band_for(EXAMPLE_TOKENS), EXAMPLE_TOKENS, flat, ranged),
        checks=Check.every(ranged.version),
        outlook_of_one=next_month.ONE_PERSON,
        outlook_of_many=next_month.MANY_PEOPLE,
        many_seats=next_month.MANY_SEATS,
        method_versions=class_aware_versions(),
        projection=projection,
        days_per_month=in_full(decimal_of(projection.DAYS_PER_MONTH)),
        least_known_percent=in_full((decimal_of(projection.MIN_KNOWN_SHARE) * _WHOLE).normalize()),
        sample_days=current_state().settings.sample_days,
        settling_hours=current_state().settings.settling_hours,
        most_coverage_percent=MAX_COVERAGE_PERCENT,
        references=_references(flat, ranged, all_bands),
        in_full=in_full,
    )


def explained() -> ClassAwareMethod:
    """The version of the class-aware method that plans are priced by, or else the one in force."""
    chosen = method(current_state().settings.method)
    return class_aware() if isinstance(chosen, PublishedMethod) else chosen


_VERDICTS: Final[Mapping[Verdict, str]] = {
    Verdict.INSIDE: "inside",
    Verdict.OUTSIDE_BELOW: "outside, below",
    Verdict.OUTSIDE_ABOVE: "outside, above",
    Verdict.OUTSIDE_BOTH: "outside, on both ends",
    Verdict.NOT_COMPARED: "not compared",
}

register = page_routes(
    ("/methodology", methodology),
)


def in_short(value: Decimal) -> str:
    """A decimal at three digits at most, without trailing zeros: ``0.24``, ``89,700``."""
    return f"{significant(value, 3).normalize():,f}"


def in_full(value: Decimal) -> str:
    """A decimal with every digit it was published with: ``0.50``, ``2,400``."""
    return f"{value:,f}"


def _energy(method: ClassAwareMethod) -> list[RangedConstant]:
    return [
        figure for each in method.energy.values() for figure in (each.uncached_input, each.output)
    ]


@dataclass(frozen=True, slots=True)
class _Cites:
    """Sources that no constant names."""

    sources: tuple[Source, ...]


def _references(
    flat: PublishedMethod, ranged: ClassAwareMethod, all_bands: Iterable[Band]
) -> Mapping[tuple[str, str], int]:
    """Every source by text and address, numbered in the order in which the page cites them."""

    def cited() -> Iterator[Source]:
        for cites in (
            *flat.constants,
            *_energy(ranged),
            *ranged.constants,
            *ranged.carbon_price_anchors,
            *(_Cites((each.source,)) for each in figures_elsewhere()),
            _Cites(ranged.uncertainty_sources),
            *all_bands,
        ):
            yield from cites.sources

    numbers: dict[tuple[str, str], int] = {}
    for source in cited():
        numbers.setdefault((source.text, source.url), len(numbers) + 1)
    return numbers
