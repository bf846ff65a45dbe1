"""What estimate sources look like in the API. There is no field that could hold a key."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Final, Self
from uuid import UUID

from pydantic import Field

from flask_tokenoffset.blueprints.schemas.base import Answer, Body
from flask_tokenoffset.models import ConnectionStatus, RunStatus, RunTrigger

if TYPE_CHECKING:
    from flask_tokenoffset.services.sources.listing import SampledSource
    from flask_tokenoffset.services.sources.usage import DayTotals


class ConnectBody(Body):
    """A vendor to connect."""

    provider: Annotated[str, Field(min_length=1, max_length=40)] = Field(
        description="The vendor's name, for example `anthropic`."
    )
    key: Annotated[str, Field(max_length=2000)] = Field(
        description="The admin key. It is checked with the vendor, sealed, and never shown again.",
        repr=False,
        json_schema_extra={"writeOnly": True, "format": "password"},
    )
    label: Annotated[str, Field(max_length=400)] | None = Field(
        None, description="Your own words for it; else the vendor's name for the organization."
    )


class KeyBody(Body):
    """A new key for a connection."""

    key: Annotated[str, Field(max_length=2000)] = Field(
        description="The admin key. It is checked with the vendor, sealed, and never shown again.",
        repr=False,
        json_schema_extra={"writeOnly": True, "format": "password"},
    )


class LabelBody(Body):
    """What a connection is to be called."""

    label: Annotated[str, Field(max_length=400)] = Field(
        description="Your own words, by which you tell connections apart."
    )


class RunAnswer(Answer):
    """One attempt to read a window of days."""

    id: UUID
    source_id: UUID
    trigger: RunTrigger
    status: RunStatus
    window_start: date = Field(description="The first UTC day read.")
    window_end: date = Field(description="The UTC day after the last one read.")
    pages_done: int
    pages_expected: int
    reason_code: str | None = Field(
        description="Why it failed, waits, or yields no estimate; a stable code."
    )
    reason: str | None = Field(description="The same as a sentence for a person.")
    unknown_usage_days: list[date] | None = Field(
        description="Days of the window of which the vendor said nothing and nothing was known"
        " before. On any other day without tokens nothing was used. Null until it is complete."
    )
    unknown_cost_days: list[date] | None = Field(
        description="Likewise, days whose cost is not known."
    )
    cost_fault: str | None = Field(
        description="What was wrong with the vendor's cost report; use was read all the same."
    )
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class SourceAnswer(Answer):
    """A connected vendor."""

    id: UUID
    provider: str
    label: str
    status: ConnectionStatus
    paused_code: str | None
    paused_reason: str | None
    key_prefix: str = Field(description="The first six characters of the key; no more is shown.")
    organization_name: str | None
    connected_at: datetime
    disconnected_at: datetime | None
    newest_run: RunAnswer | None
    newest_complete_run: RunAnswer | None = Field(
        description="The run that what is shown rests on."
    )

    @classmethod
    def of(cls, sampled: SampledSource) -> Self:
        """Show a source."""
        return super().of(
            sampled, sampled.source, sampled.connection, newest_complete_run=sampled.newest_complete
        )


class SourceListAnswer(Answer):
    """An account's connected vendors; at most twenty, so there are no pages."""

    items: list[SourceAnswer]


class UsageDayAnswer(Answer):
    """One UTC day: tokens by kind, and what the vendor charged."""

    day: date
    uncached_input_tokens: int | None = Field(
        description="Null, as the other kinds are, where nothing is known of the day."
    )
    cached_input_tokens: int | None
    cache_creation_tokens: int | None
    output_tokens: int | None
    cost_usd: str | None = Field(
        description="A decimal text in US dollars, exact to nine places; null where the cost of the"
        " day is not known."
    )

    @classmethod
    def of(cls, totals: DayTotals) -> Self:
        """Show a day."""
        cost = totals.cost_nano_usd
        return super().of(
            totals.tokens or _UNREAD,
            day=totals.day,
            cost_usd=None if cost is None else usd_text(cost),
        )


class UsageAnswer(Answer):
    """The days of a source's newest complete sample."""

    source_id: UUID
    run_id: UUID | None = Field(description="The sample; null before the first complete one.")
    window_start: date | None
    window_end: date | None
    kept_days: list[date] = Field(
        description="Days the vendor no longer reports; the figures known before are kept."
    )
    items: list[UsageDayAnswer]


class _Unread:
    """The tokens of a day of which nothing is known."""

    uncached_input_tokens = cached_input_tokens = cache_creation_tokens = output_tokens = None


_UNREAD: Final = _Unread()


def usd_text(cost_nano_usd: int) -> str:
    """Nano-US-dollars as a decimal text in dollars, never rounded."""
    return f"{Decimal(cost_nano_usd).scaleb(-9):.9f}"
