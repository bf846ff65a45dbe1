"""Changes to the plans of many members at once."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import JSON, Boolean, ForeignKey, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column

from flask_tokenoffset.models.accounts import Account, Person
from flask_tokenoffset.models.base import Base, primary_key
from flask_tokenoffset.models.organizations import Membership, Organization


class BulkStatus(StrEnum):
    """Where a change to many plans stands."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETE = "complete"
    #: Stopped for good before the end, for example because the person who asked lost the right to.
    STOPPED = "stopped"


#: What a worker still has to do.
UNFINISHED_BULK: Final = (BulkStatus.QUEUED, BulkStatus.RUNNING)


class BulkChange(Base):
    """A band and a coverage that a person adopted for many members at once."""

    __tablename__ = "tokenoffset_bulk_change"
    __table_args__ = (
        Index(None, "organization_id", "created_at"),
        # The sweep looks only at what is unfinished.
        Index(
            "ix_tokenoffset_bulk_change_unfinished",
            "created_at",
            postgresql_where=text("status IN ('queued', 'running')"),
            sqlite_where=text("status IN ('queued', 'running')"),
        ),
    )

    id: Mapped[UUID] = primary_key()
    organization_id: Mapped[UUID] = mapped_column(ForeignKey(Organization.id))
    #: The organization's account.
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), index=True)
    requested_by: Mapped[UUID] = mapped_column(ForeignKey(Person.id), index=True)
    status: Mapped[str] = mapped_column(String(20))
    band: Mapped[str] = mapped_column(String(40))
    coverage_percent: Mapped[int] = mapped_column(Integer)
    method_version: Mapped[str] = mapped_column(String(20))
    #: What each plan's contribution is directed to afterwards, as it was shown.
    programmes: Mapped[dict[str, Any]] = mapped_column(JSON)
    #: What each plan contributes afterwards, and by how much all of them change together.
    amount_cents: Mapped[int]
    difference_cents: Mapped[int]
    plans_to_change: Mapped[int] = mapped_column(Integer)
    plans_changed: Mapped[int] = mapped_column(Integer, default=0)
    #: Why it was stopped: a stable code.
    stopped_code: Mapped[str | None] = mapped_column(String(60))
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class BulkChangeTarget(Base):
    """One member's plan that a change is to reach; fixed when it was asked for."""

    __tablename__ = "tokenoffset_bulk_change_target"
    __table_args__ = (Index(None, "bulk_change_id", "done"),)

    bulk_change_id: Mapped[UUID] = mapped_column(ForeignKey(BulkChange.id), primary_key=True)
    membership_id: Mapped[UUID] = mapped_column(
        ForeignKey(Membership.id, ondelete="CASCADE"), primary_key=True
    )
    done: Mapped[bool] = mapped_column(Boolean, default=False)
