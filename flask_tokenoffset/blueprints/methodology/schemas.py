"""What the methodology looks like in the API."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Self

from pydantic import Field

from flask_tokenoffset.blueprints.schemas.base import Answer, DecimalText
from flask_tokenoffset.methodology import TokenKind

if TYPE_CHECKING:
    from flask_tokenoffset.methodology import (
        ClassAwareMethod,
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


class MethodologyAnswer(Answer):
    """Both methods side by side."""

    pricing_method: str = Field(description="The version that prices plans here.")
    published: MethodAnswer
    class_aware: MethodAnswer
