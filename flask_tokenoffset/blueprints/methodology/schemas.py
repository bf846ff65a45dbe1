"""What the methodology looks like in the API."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Self

from pydantic import Field

from flask_tokenoffset.blueprints.schemas.base import Answer, DecimalText
from flask_tokenoffset.methodology import TokenKind, Verdict

if TYPE_CHECKING:
    from flask_tokenoffset.methodology import (
        ClassAwareMethod,
        Comparison,
        Constant,
        PublishedMethod,
        RangedConstant,
    )


class CitationAnswer(Answer):
    """Where a figure comes from."""

    text: str
    url: str


class BandAnswer(Answer):
    """A published range of monthly use."""

    key: str
    name: str
    description: str
    low_tokens: int = Field(description="Tokens a month; still in the band below.")
    high_tokens: int | None = Field(description="Tokens a month, included; null without an end.")
    midpoint_tokens: int = Field(description="What picking the band assumes, in tokens a month.")
    mix_percent: dict[TokenKind, DecimalText] = Field(description="Share of each kind of token.")
    model_class: str
    version: str
    sources: list[CitationAnswer]


class BandListAnswer(Answer):
    """All bands; the list is short and has no pages."""

    items: list[BandAnswer]


class RangeAnswer(Answer):
    """A figure with its honest range, as decimal texts."""

    low: DecimalText
    central: DecimalText
    high: DecimalText


class ConstantAnswer(Answer):
    """One figure of a method, with its unit and its sources."""

    id: str
    title: str
    unit: str
    value: str | RangeAnswer
    standing: str
    note: str
    sources: list[CitationAnswer]

    @classmethod
    def of(cls, constant: Constant | RangedConstant) -> Self:
        """Show a constant."""
        value = constant.value
        return super().of(constant, value=str(value) if isinstance(value, Decimal) else value)


class MethodAnswer(Answer):
    """One method in one version."""

    version: str
    effective_date: date
    title: str
    boundary: str
    constants: list[ConstantAnswer]

    @classmethod
    def of(cls, method: PublishedMethod | ClassAwareMethod) -> Self:
        """Show a method."""
        return super().of(method, constants=[ConstantAnswer.of(each) for each in method.constants])


class VerdictAnswer(Answer):
    """Where a published figure lies in one version of the class-aware method."""

    method_version: str
    verdict: Verdict
    inside: bool | None = Field(description="Null where we compute no such thing.")
    model_class: str | None
    ours: RangeAnswer | None = Field(description="Our range for the same use.")

    @classmethod
    def of(cls, comparison: Comparison) -> Self:
        """Show a comparison."""
        return super().of(comparison, inside=comparison.is_inside)


class CheckAnswer(Answer):
    """A figure that others have published, held against ours."""

    id: str
    what: str
    unit: str
    low: DecimalText = Field(description="Of a published range; the figure itself otherwise.")
    high: DecimalText
    source: CitationAnswer
    note: str
    verdicts: list[VerdictAnswer] = Field(description="By version, oldest first.")


class OutlookWidthAnswer(Answer):
    """How wide the outlook for the next month is, and how often such a range held."""

    low_factor: DecimalText = Field(description="Times this month, as a whole or a fraction.")
    high_factor: DecimalText
    covered_percent: int
    evidence: str


class MethodologyAnswer(Answer):
    """Both methods side by side."""

    pricing_method: str = Field(description="The version that prices plans here.")
    published: MethodAnswer
    class_aware: MethodAnswer
    published_elsewhere: list[CheckAnswer]
    outlook_of_one: OutlookWidthAnswer
    outlook_of_many: OutlookWidthAnswer
