"""What estimates look like in the API."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Literal, Self
from uuid import UUID

from pydantic import Field

from flask_tokenoffset.blueprints.estimates.presentation import outlook_of
from flask_tokenoffset.blueprints.methodology.schemas import RangeAnswer
from flask_tokenoffset.blueprints.schemas.base import Answer, Body, DecimalText, Query
from flask_tokenoffset.blueprints.schemas.programmes import ProgrammeList
from flask_tokenoffset.blueprints.sources.schemas import usd_text
from flask_tokenoffset.formatting import model_name
from flask_tokenoffset.methodology import MAX_COVERAGE_PERCENT, TokenKind
from flask_tokenoffset.models import SourceKind
from flask_tokenoffset.services.estimates.estimates import MOST_TOKENS_PER_MONTH
from flask_tokenoffset.services.estimates.figures import from_json
from flask_tokenoffset.services.plans.both_methods import MethodAmount, both_amounts
from flask_tokenoffset.services.plans.ledger import price_cents
from flask_tokenoffset.services.plans.shown_terms import digest_of_terms

if TYPE_CHECKING:
    from flask_tokenoffset.models import Estimate
    from flask_tokenoffset.services.estimates.figures import ProjectionFigures
    from flask_tokenoffset.settings import Settings


class EstimateBody(Body):
    """What to estimate from: the kind, and the one field that it needs."""

    kind: Literal["band", "custom", "sampled", "combined"] = Field(
        description="`combined` adds up all connected sources and needs no field."
    )
    band: Annotated[str, Field(max_length=40)] | None = Field(
        None, description="For `band`: the band's key, for example `worker`."
    )
    tokens_per_month: Annotated[int, Field(gt=0, le=MOST_TOKENS_PER_MONTH)] | None = Field(
        None, description="For `custom`: tokens a month, all kinds together."
    )
    source_id: Annotated[UUID, Field(strict=False)] | None = Field(
        None, description="For `sampled`: the source whose newest sample is meant."
    )


class CoverageQuery(Query):
    """How much of an estimate a person thinks of contributing for."""

    coverage_percent: Annotated[int, Field(ge=0, le=MAX_COVERAGE_PERCENT)] = Field(
        100, description="The contribution level: 100 is the 1x rate, and more is allowed."
    )


class MethodAmountAnswer(Answer):
    """What one method makes of an estimate."""

    method: Literal["flat-rate", "detailed"]
    version: str
    amount_cents: int
    prices_plans: bool = Field(description="Whether it is the one that is charged here.")

    @classmethod
    def of_amount(cls, amount: MethodAmount) -> Self:
        """Show an amount."""
        return super().of(amount, method="flat-rate" if amount.is_flat else "detailed")


class ContributionAnswer(Answer):
    """What adopting the estimate would contribute each month."""

    coverage_percent: int
    amount_cents: int = Field(
        description="Hand it over when adopting, so that nothing else than what was shown counts."
    )
    currency: Literal["USD"] = "USD"
    method_version: str
    methods: list[MethodAmountAnswer] = Field(description="The same use by both methods.")
    programmes: ProgrammeList
    shown_terms: str = Field(
        description="A digest of the method and the programmes. Hand it over when adopting, so that"
        " they count too."
    )

    @classmethod
    def of(cls, estimate: Estimate, coverage_percent: int, settings: Settings) -> Self:
        """Price an estimate, and say what the amount is directed to.

        :param settings: say the method that prices plans, and the programmes.
        """
        return super().of(
            settings,
            coverage_percent=coverage_percent,
            amount_cents=price_cents(estimate, coverage_percent, settings.method),
            method_version=settings.method,
            shown_terms=digest_of_terms(settings.method, settings.programmes),
            methods=[
                MethodAmountAnswer.of_amount(each)
                for each in both_amounts(
                    estimate.tokens_per_month,
                    from_json(estimate.figures),
                    coverage_percent,
                    settings.method,
                )
            ],
        )


class TokensAnswer(Answer):
    """Tokens by kind. The kinds are disjoint."""

    uncached_input: int
    cached_input: int
    cache_creation: int
    output: int
    total: int


class PublishedAnswer(Answer):
    """What the published method says, as decimal texts."""

    version: str
    energy_wh: DecimalText
    water_ml: DecimalText
    co2e_g: DecimalText


class ClassAwareAnswer(Answer):
    """What the class-aware method says, with its range, as decimal texts."""

    version: str
    energy_wh: RangeAnswer
    water_ml: RangeAnswer
    co2e_g: RangeAnswer
    unknown_models: list[str] = Field(
        description="Counted as large models; `no model named` where the vendor named none."
    )
    difference: str = Field(description="Why the two methods differ, in a sentence.")


class ModelAnswer(Answer):
    """The tokens a month that go through one model."""

    model: str
    tokens_per_month: int


class RollingAnswer(Answer):
    """All sums of so many days in a row within the sampled days."""

    smallest_tokens: int
    median_tokens: int
    largest_tokens: int
    count: int
    days: int = Field(description="How many days in a row each sum holds.")


class ProjectionAnswer(Answer):
    """What a sampled estimate rests on."""

    basis_start: date
    basis_end: date
    basis_cost_usd: str | None
    rolling: RollingAnswer | None
    mean_tokens_per_month: int | None
    first_use: date
    days_covered: int
    active_days: int

    @classmethod
    def of(cls, projection: ProjectionFigures) -> Self:
        """Show a projection."""
        cost = projection.basis_cost_nano_usd
        return super().of(projection, basis_cost_usd=None if cost is None else usd_text(cost))


class OutlookAnswer(Answer):
    """How far next month may be from this one. Nothing is charged by it."""

    low_tokens: int
    high_tokens: int
    covered_percent: int | None = Field(
        description="The share of held-out periods that such a range held; null where nothing was"
        " measured of a case like this."
    )
    sentence: str


class NoteAnswer(Answer):
    """Something a reader should know."""

    code: str
    sentence: str


class EstimateAnswer(Answer):
    """Tokens a month and what they mean. It never changes; only its price is asked for."""

    id: UUID
    source_id: UUID
    source_kind: SourceKind
    band: str = Field(description="The band that was picked, or that this volume falls into.")
    quality: str
    created_at: datetime
    window_start: date | None
    window_end: date | None
    tokens_per_month: TokensAnswer
    cost_usd_per_month: str | None = Field(
        description="What the vendor charged, as a month; a decimal text in US dollars."
    )
    contribution: ContributionAnswer
    published: PublishedAnswer
    class_aware: ClassAwareAnswer
    models: list[ModelAnswer]
    projection: ProjectionAnswer | None
    outlook: OutlookAnswer | None = Field(description="Null for what nobody measured.")
    notes: list[NoteAnswer]

    @classmethod
    def of(
        cls,
        estimate: Estimate,
        settings: Settings,
        coverage_percent: int = 100,
        active_seats: int | None = None,
    ) -> Self:
        """Show an estimate, and what it would cost.

        :param settings: say the method that prices plans here, and the programmes.
        :param active_seats: how many people use the account; None for one person.
        """
        figures = from_json(estimate.figures).shown_by(settings.method)
        cost = estimate.cost_nano_usd_per_month
        stated = outlook_of(estimate, figures, active_seats)
        return super().of(
            estimate,
            tokens_per_month={
                "total": estimate.tokens_per_month,
                **{kind: getattr(estimate, f"{kind}_tokens_per_month") for kind in TokenKind},
            },
            cost_usd_per_month=None if cost is None else usd_text(cost),
            contribution=ContributionAnswer.of(estimate, coverage_percent, settings),
            published=PublishedAnswer.of(
                figures.published, version=figures.published.method_version
            ),
            class_aware=ClassAwareAnswer.of(
                figures,
                version=figures.class_aware_version,
                difference=figures.difference.sentence,
                unknown_models=list(map(model_name, figures.unknown_models)),
            ),
            models=[
                ModelAnswer(model=model_name(usage.model), tokens_per_month=usage.tokens.total)
                for usage in figures.models
                # A band has a class of model and no name.
                if usage.model or usage.model_class is None
            ],
            projection=figures.projection and ProjectionAnswer.of(figures.projection),
            outlook=stated and OutlookAnswer.of(stated),
            notes=[NoteAnswer(code=code, sentence=sentence) for code, sentence in figures.notes],
        )
