"""Estimates: immutable statements of tokens a month and what they mean."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from flask_tokenoffset.models.accounts import Account, Person
from flask_tokenoffset.models.base import Base, primary_key
from flask_tokenoffset.models.samples import SampleRun
from flask_tokenoffset.models.sources import Source


class Estimate(Base):
    """Tokens a month by kind, and what they mean under dated methods. Never edited.

    ``figures`` holds, as decimal texts with units in the names, the published figures and the
    low, central and high of the class-aware estimate, so that the page shows for ever what it
    showed on the day; a test recomputes stored figures from the named versions.
    """

    __tablename__ = "tokenoffset_estimate"
    __table_args__ = (
        # A run yields one estimate, however often its job is delivered.
        UniqueConstraint("run_id"),
        Index("ix_tokenoffset_estimate_newest", "account_id", "source_id", "created_at"),
    )

    id: Mapped[UUID] = primary_key()
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id))
    source_id: Mapped[UUID] = mapped_column(ForeignKey(Source.id))
    #: The source's kind, copied: what an estimate came from does not change with its source.
    source_kind: Mapped[str] = mapped_column(String(20))
    #: The band that was picked, or that this volume falls into.
    band: Mapped[str] = mapped_column(String(20))
    run_id: Mapped[UUID | None] = mapped_column(ForeignKey(SampleRun.id))
    #: Who made it; nobody for a weekly refresh.
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey(Person.id))
    created_at: Mapped[datetime] = mapped_column(index=True)
    #: The days the estimate rests on, half-open; none for a band or a typed amount.
    window_start: Mapped[date | None]
    window_end: Mapped[date | None]
    quality: Mapped[str] = mapped_column(String(40))
    uncached_input_tokens_per_month: Mapped[int]
    cached_input_tokens_per_month: Mapped[int]
    cache_creation_tokens_per_month: Mapped[int]
    output_tokens_per_month: Mapped[int]
    #: What the vendor charged, as a month, where a source tells it.
    cost_nano_usd_per_month: Mapped[int | None]
    published_version: Mapped[str] = mapped_column(String(20))
    class_aware_version: Mapped[str] = mapped_column(String(20))
    bands_version: Mapped[str] = mapped_column(String(20))
    figures: Mapped[dict[str, Any]] = mapped_column(JSON)

    @property
    def tokens_per_month(self) -> int:
        """Tokens a month, all kinds added."""
        return (
            self.uncached_input_tokens_per_month
            + self.cached_input_tokens_per_month
            + self.cache_creation_tokens_per_month
            + self.output_tokens_per_month
        )
