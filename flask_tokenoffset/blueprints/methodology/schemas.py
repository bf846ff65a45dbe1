"""What the methodology looks like in the API."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from pydantic import Field

from flask_tokenoffset.blueprints.schemas.base import Answer
from flask_tokenoffset.methodology import Constant, TokenKind

if TYPE_CHECKING:
    from flask_tokenoffset.methodology import (
        Band,
        ClassAwareMethod,
        PublishedMethod,
        RangedConstant,
        Source,
    )


class CitationAnswer(Answer):
    """Where a figure comes from."""

    text: str
    url: str

    @classmethod
    def of(cls, source: Source) -> CitationAnswer:
        """Show a source."""
        return cls(text=source.text, url=source.url)


class BandAnswer(Answer):
    """A published range of monthly use."""

    key: str
    name: str
    description: str
    low_tokens: int = Field(description="Tokens a month; still in the band below.")
    high_tokens: int | None = Field(description="Tokens a month, included; null without an end.")
    midpoint_tokens: int = Field(description="What picking the band assumes, in tokens a month.")
    mix_percent: dict[TokenKind, str] = Field(description="Share of each kind of token.")
    model_class: str
    version: str
    sources: list[CitationAnswer]

    @classmethod
    def of(cls, band: Band) -> BandAnswer:
        """Show a band."""
        return cls(
            key=band.key,
            name=band.name,
            description=band.description,
            low_tokens=band.low_tokens,
            high_tokens=band.high_tokens,
            midpoint_tokens=band.midpoint_tokens,
            mix_percent={kind: str(share) for kind, share in band.mix_percent.items()},
            model_class=str(band.model_class),
            version=band.version,
            sources=[CitationAnswer.of(source) for source in band.sources],
        )


class BandListAnswer(Answer):
    """All bands; the list is short and has no pages."""

    items: list[BandAnswer]


class RangeAnswer(Answer):
    """A figure with its honest range, as decimal texts."""

    low: str
    central: str
    high: str


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
    def of(cls, constant: Constant | RangedConstant) -> ConstantAnswer:
        """Show a constant."""
        value: str | RangeAnswer
        if isinstance(constant, Constant):
            value = str(constant.value)
        else:
            ends = constant.value
            value = RangeAnswer(low=str(ends.low), central=str(ends.central), high=str(ends.high))
        return cls(
            id=constant.id,
            title=constant.title,
            unit=constant.unit,
            value=value,
            standing=constant.standing,
            note=constant.note,
            sources=[CitationAnswer.of(source) for source in constant.sources],
        )


class MethodAnswer(Answer):
    """One method in one version."""

    version: str
    effective_date: date
    title: str
    boundary: str
    constants: list[ConstantAnswer]

    @classmethod
    def of(cls, method: PublishedMethod | ClassAwareMethod) -> MethodAnswer:
        """Show a method."""
        return cls(
            version=method.version,
            effective_date=method.effective_date,
            title=method.title,
            boundary=method.boundary,
            constants=[ConstantAnswer.of(constant) for constant in method.constants],
        )


class MethodologyAnswer(Answer):
    """Both methods side by side."""

    pricing_method: str = Field(description="The version that prices plans here.")
    published: MethodAnswer
    class_aware: MethodAnswer
