"""How long things are kept: what tenants shortened, what is held, how far the purge is."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from flask_tokenoffset.models.accounts import Account
from flask_tokenoffset.models.base import Base, primary_key

#: Characters of a rule's name, and of a table's.
LONGEST_RULE: Final = 60
#: Characters of the reason for a hold, for example a file number.
LONGEST_REASON: Final = 120
#: Characters of a place in a run: a number, an instant and an id.
LONGEST_POSITION: Final = 60


class RetentionChoice(Base):
    """A shorter period that an account chose for a rule."""

    __tablename__ = "tokenoffset_retention_choice"

    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), primary_key=True)
    rule: Mapped[str] = mapped_column(String(LONGEST_RULE), primary_key=True)
    days: Mapped[int] = mapped_column(Integer)
    chosen_by: Mapped[UUID | None]
    chosen_at: Mapped[datetime]


class LegalHold(Base):
    """Keeps named records from being purged or erased, for a reason and until an end."""

    __tablename__ = "tokenoffset_legal_hold"
    __table_args__ = (Index(None, "table_name", "account_id"),)

    id: Mapped[UUID] = primary_key()
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), index=True)
    #: Which table the held records stand in, without our prefix.
    table_name: Mapped[str] = mapped_column(String(LONGEST_RULE))
    #: Which record; all of the account's in that table without one.
    record_id: Mapped[UUID | None]
    reason: Mapped[str] = mapped_column(String(LONGEST_REASON))
    placed_at: Mapped[datetime]
    held_until: Mapped[datetime]
    lifted_at: Mapped[datetime | None]


class PurgeProgress(Base):
    """How far the daily purge got with one rule."""

    __tablename__ = "tokenoffset_purge_progress"

    rule: Mapped[str] = mapped_column(String(LONGEST_RULE), primary_key=True)
    started_at: Mapped[datetime]
    #: When nothing was overdue any more, the last time.
    finished_at: Mapped[datetime | None]
    #: Where a run that is under way goes on: the number of the step, and after which row.
    position: Mapped[str | None] = mapped_column(String(LONGEST_POSITION))
    #: Of the present or last run.
    rows_purged: Mapped[int] = mapped_column(default=0)
    #: How much longer than its period the oldest row was kept when last looked at.
    lag_seconds: Mapped[int] = mapped_column(default=0)
