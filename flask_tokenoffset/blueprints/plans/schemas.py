"""What plans look like in the API."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal, Self
from uuid import UUID

from pydantic import Field

from flask_tokenoffset.blueprints.schemas.base import Answer, Body
from flask_tokenoffset.blueprints.schemas.programmes import ProgrammeList
from flask_tokenoffset.methodology import MAX_COVERAGE_PERCENT
from flask_tokenoffset.models import PlanStatus, SourceKind

if TYPE_CHECKING:
    from flask_tokenoffset.services.plans.ledger import PlanView


class AdoptBody(Body):
    """An estimate to adopt."""

    estimate_id: Annotated[UUID, Field(strict=False)]
    coverage_percent: Annotated[int, Field(ge=0, le=MAX_COVERAGE_PERCENT)] = Field(
        100, description="The contribution level: 100 is the 1x rate, and more is allowed."
    )
    amount_cents: Annotated[int, Field(ge=0)] | None = Field(
        None,
        description="The amount the person was shown. If it is not the amount that would be"
        " adopted, nothing is.",
    )
    shown_terms: Annotated[str, Field(max_length=64)] | None = Field(
        None,
        description="The digest of what the amount was shown with. If the method that prices plans"
        " or the programmes have changed since, nothing is adopted.",
    )


class AdoptionAnswer(Answer):
    """A person's act of adopting an estimate."""

    id: UUID
    estimate_id: UUID
    source_kind: SourceKind
    tokens_per_month: int
    coverage_percent: int
    method_version: str
    programmes: ProgrammeList
    amount_cents: int
    currency: Literal["USD"] = "USD"
    adopted_at: datetime


class PlanAnswer(Answer):
    """The account's monthly contribution."""

    id: UUID
    status: PlanStatus
    adoption: AdoptionAnswer = Field(description="The newest one; its amount is what is charged.")
    created_at: datetime

    @classmethod
    def of(cls, view: PlanView) -> Self:
        """Show a plan."""
        return super().of(view, view.plan)
