"""Plans, the ledger of adoptions behind them, and simulated billing records."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Integer,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from flask_tokenoffset.models.accounts import Account, Person
from flask_tokenoffset.models.base import Base, primary_key
from flask_tokenoffset.models.estimates import Estimate


class PlanStatus(StrEnum):
    """Where a plan stands."""

    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"


class Plan(Base):
    """An account's monthly contribution. One an account; its history is the ledger."""

    __tablename__ = "tokenoffset_plan"

    id: Mapped[UUID] = primary_key()
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), unique=True)
    status: Mapped[str] = mapped_column(String(20))
    #: The newest adoption's, so that an organization's total need not read every ledger.
    amount_cents: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    #: The newest month that was ever recorded; no record is made for it or one before it, because
    #: those that were kept long enough are gone.
    billed_until: Mapped[date | None]
    #: Raised by every change; the guard against two changes at once.
    version: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[datetime]

    __mapper_args__ = {"version_id_col": version}


class Adoption(Base):
    """A person's act of adopting an estimate. Appended, never changed; the newest is charged.

    Everything the amount was computed from stands in the row, so that the ledger can be replayed
    to the same cent.
    """

    __tablename__ = "tokenoffset_adoption"
    __table_args__ = (
        UniqueConstraint("plan_id", "sequence"),
        CheckConstraint("coverage_percent BETWEEN 0 AND 1000", name="coverage_range"),
        CheckConstraint("amount_cents >= 0", name="amount_not_negative"),
    )

    id: Mapped[UUID] = primary_key()
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), index=True)
    plan_id: Mapped[UUID] = mapped_column(ForeignKey(Plan.id))
    sequence: Mapped[int] = mapped_column(Integer)
    estimate_id: Mapped[UUID] = mapped_column(ForeignKey(Estimate.id), index=True)
    source_kind: Mapped[str] = mapped_column(String(20))
    tokens_per_month: Mapped[int]
    coverage_percent: Mapped[int] = mapped_column(Integer)
    method_version: Mapped[str] = mapped_column(String(20))
    #: What it is directed to, as ``TOKENOFFSET_PROGRAMMES`` said then; empty where it named none.
    programmes: Mapped[dict[str, Any]] = mapped_column(JSON)
    amount_cents: Mapped[int]
    adopted_by: Mapped[UUID] = mapped_column(ForeignKey(Person.id))
    adopted_at: Mapped[datetime]


class PlanStatusChange(Base):
    """A plan was paused, resumed or ended. Appended, never changed."""

    __tablename__ = "tokenoffset_plan_status_change"
    __table_args__ = (UniqueConstraint("plan_id", "sequence"),)

    id: Mapped[UUID] = primary_key()
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), index=True)
    plan_id: Mapped[UUID] = mapped_column(ForeignKey(Plan.id))
    sequence: Mapped[int] = mapped_column(Integer)
    status: Mapped[str] = mapped_column(String(20))
    changed_by: Mapped[UUID] = mapped_column(ForeignKey(Person.id))
    changed_at: Mapped[datetime]


class BillingRecord(Base):
    """What one month of a plan would have been charged. Simulated: no payment is ever taken."""

    __tablename__ = "tokenoffset_billing_record"
    __table_args__ = (UniqueConstraint("plan_id", "month"),)

    id: Mapped[UUID] = primary_key()
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), index=True)
    plan_id: Mapped[UUID] = mapped_column(ForeignKey(Plan.id))
    #: The first day of the month.
    month: Mapped[date]
    adoption_id: Mapped[UUID] = mapped_column(ForeignKey(Adoption.id))
    amount_cents: Mapped[int]
    #: Who pays it: a person for their own account, an organization, or its member.
    payer: Mapped[str] = mapped_column(String(20), default="person", server_default="person")
    tokens_per_month: Mapped[int]
    coverage_percent: Mapped[int] = mapped_column(Integer)
    method_version: Mapped[str] = mapped_column(String(20))
    #: What it is directed to, as ``TOKENOFFSET_PROGRAMMES`` said then; empty where it named none.
    programmes: Mapped[dict[str, Any]] = mapped_column(JSON)
    #: When the month fell due under the plan's ledger.
    due_at: Mapped[datetime] = mapped_column(index=True)
    created_at: Mapped[datetime]
