"""What estimate sources look like in the API. There is no field that could hold a key."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from pydantic import Field

from flask_tokenoffset.blueprints.schemas.base import Answer, Body
from flask_tokenoffset.models import ConnectionStatus, RunStatus, RunTrigger

if TYPE_CHECKING:
    from flask_tokenoffset.models import SampleRun
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
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, run: SampleRun) -> RunAnswer:
        """Show a run."""
        return cls(
            id=run.id,
            source_id=run.source_id,
            trigger=RunTrigger(run.trigger),
            status=RunStatus(run.status),
            window_start=run.window_start,
            window_end=run.window_end,
            pages_done=run.pages_done,
            pages_expected=run.pages_expected,
            reason_code=run.reason_code,
            reason=run.reason,
            requested_at=run.requested_at,
            started_at=run.started_at,
            finished_at=run.finished_at,
        )


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
    def of(cls, sampled: SampledSource) -> SourceAnswer:
        """Show a source."""
        connection = sampled.connection
        return cls(
            id=sampled.source.id,
            provider=connection.provider,
            label=sampled.source.label,
            status=ConnectionStatus(connection.status),
            paused_code=connection.paused_code,
            paused_reason=connection.paused_reason,
            key_prefix=connection.key_prefix,
            organization_name=connection.organization_name,
            connected_at=connection.connected_at,
            disconnected_at=connection.disconnected_at,
            newest_run=RunAnswer.of(sampled.newest_run) if sampled.newest_run else None,
            newest_complete_run=RunAnswer.of(sampled.newest_complete)
            if sampled.newest_complete
            else None,
        )


class SourceListAnswer(Answer):
    """An account's connected vendors; at most twenty, so there are no pages."""

    items: list[SourceAnswer]


class UsageDayAnswer(Answer):
    """One UTC day: tokens by kind, and what the vendor charged."""

    day: date
    uncached_input_tokens: int
    cached_input_tokens: int
    cache_creation_tokens: int
    output_tokens: int
    cost_usd: str = Field(description="A decimal text in US dollars, exact to nine places.")

    @classmethod
    def of(cls, totals: DayTotals) -> UsageDayAnswer:
        """Show a day."""
        return cls(
            day=totals.day,
            uncached_input_tokens=totals.tokens.uncached_input_tokens,
            cached_input_tokens=totals.tokens.cached_input_tokens,
            cache_creation_tokens=totals.tokens.cache_creation_tokens,
            output_tokens=totals.tokens.output_tokens,
            cost_usd=usd_text(totals.cost_nano_usd),
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


def usd_text(cost_nano_usd: int) -> str:
    """Nano-US-dollars as a decimal text in dollars, never rounded."""
    return f"{Decimal(cost_nano_usd).scaleb(-9):.9f}"
