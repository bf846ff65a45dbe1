"""What the export of usage is asked with, and what it answers."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Literal, Self
from uuid import UUID

from pydantic import Field

from flask_tokenoffset.blueprints.schemas.base import Answer, Query
from flask_tokenoffset.blueprints.sources.schemas import usd_text

if TYPE_CHECKING:
    from flask_tokenoffset.services.sources.usage_export import UsageRow


class UsageExportQuery(Query):
    """As what the usage is wanted."""

    format: Literal["csv", "json"] = Field("json", description="`csv` for spreadsheets.")


class UsageRowAnswer(Answer):
    """What one source used of one model and service tier on one UTC day."""

    day: date
    source_id: UUID
    source: str = Field(description="What you call the source.")
    provider: str
    model: str = Field(description="In the vendor's words; empty where it names none.")
    service_tier: str = Field(description="In the vendor's words; empty where it names none.")
    uncached_input_tokens: int | None = Field(
        description="Null, as the other counts are, in a row that the vendor's cost report alone"
        " holds."
    )
    cached_input_tokens: int | None
    cache_creation_tokens: int | None
    output_tokens: int | None
    request_count: int | None
    cost_usd: str | None = Field(
        description="A decimal text in US dollars, exact to nine places; null in a row that the"
        " vendor's usage report alone holds."
    )

    @classmethod
    def of(cls, row: UsageRow) -> Self:
        """Show a row."""
        cost = row.cost_nano_usd
        return super().of(row, cost_usd=None if cost is None else usd_text(cost))


class UsageExportAnswer(Answer):
    """All sampled usage of the account, oldest first."""

    items: list[UsageRowAnswer]
