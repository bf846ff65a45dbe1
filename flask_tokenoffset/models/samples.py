"""Sample runs: the attempts to read a window of days from a vendor."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from flask_tokenoffset.models.accounts import Account
from flask_tokenoffset.models.base import Base, primary_key
from flask_tokenoffset.models.sources import Connection


class RunTrigger(StrEnum):
    """Why a run was made."""

    #: The key was just connected.
    CONNECTED = "connected"
    #: A person asked for a new sample.
    REQUESTED = "requested"
    #: The weekly refresh.
    WEEKLY = "weekly"


class RunStatus(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETE = "complete"
    FAILED = "failed"
    #: Stopped because the connection was disconnected while it waited or ran.
    CANCELLED = "cancelled"


#: A source has at most one run in one of these.
UNFINISHED: Final = (RunStatus.QUEUED, RunStatus.RUNNING)
_IS_UNFINISHED = text("status IN ('queued', 'running')")


class SampleRun(Base):
    """One attempt to read a window of days.

    The row is the truth about what is due; a job in a queue only carries its id. A worker claims
    it by compare-and-set, which raises ``fence`` and sets a lease; anyone who holds an older fence
    can write nothing any more.
    """

    __tablename__ = "tokenoffset_sample_run"
    __table_args__ = (
        # At most one run of a source is under way at any time.
        Index(
            "uq_tokenoffset_sample_run_unfinished",
            "source_id",
            unique=True,
            postgresql_where=_IS_UNFINISHED,
            sqlite_where=_IS_UNFINISHED,
        ),
        # Two schedulers make one weekly run.
        UniqueConstraint("source_id", "scheduled_for"),
        Index("ix_tokenoffset_sample_run_due", "status", "available_at"),
    )

    id: Mapped[UUID] = primary_key()
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), index=True)
    source_id: Mapped[UUID] = mapped_column(ForeignKey(Connection.source_id), index=True)
    provider: Mapped[str] = mapped_column(String(40))
    trigger: Mapped[str] = mapped_column(String(20))
    #: The Sunday 08:00 UTC a weekly run belongs to.
    scheduled_for: Mapped[datetime | None]
    #: The first UTC day read.
    window_start: Mapped[date]
    #: The UTC day after the last one read.
    window_end: Mapped[date]
    status: Mapped[str] = mapped_column(String(20))
    #: Why it failed, or why it waits: a stable code and a sentence for the person.
    reason_code: Mapped[str | None] = mapped_column(String(60))
    reason: Mapped[str | None] = mapped_column(Text)
    #: How often a worker has started it.
    attempt: Mapped[int] = mapped_column(Integer, default=0)
    fence: Mapped[int] = mapped_column(Integer, default=0)
    pages_done: Mapped[int] = mapped_column(Integer, default=0)
    pages_expected: Mapped[int] = mapped_column(Integer, default=0)
    requested_at: Mapped[datetime]
    #: Not to be started before this instant.
    available_at: Mapped[datetime]
    #: When it was last enqueued; renewed if the queue seems to have lost it.
    enqueued_at: Mapped[datetime | None] = mapped_column(index=True)
    lease_expires_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None] = mapped_column(index=True)
    #: What of the window is not known, by name; set when the run is complete.
    gaps: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))

    @property
    def unknown_usage_days(self) -> list[date] | None:
        """Days of the window of which nothing is known; None before the run is complete.

        A day that is neither here nor among the rows was read, and nothing was used on it.
        """
        return self._days("unknown_usage_days")

    @property
    def unknown_cost_days(self) -> list[date] | None:
        """Likewise, days whose cost is not known."""
        return self._days("unknown_cost_days")

    @property
    def cost_fault(self) -> str | None:
        """What was wrong with the cost report, as a sentence; use was read all the same."""
        return None if self.gaps is None else self.gaps["cost_fault"]

    def _days(self, name: str) -> list[date] | None:
        return None if self.gaps is None else list(map(date.fromisoformat, self.gaps[name]))
