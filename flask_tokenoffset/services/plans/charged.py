"""What an account is charged at the moment, and why."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import Select, and_, bindparam, func, select

from flask_tokenoffset.models import Adoption, BillingRecord, Estimate, Plan

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Charged:
    """The plan, the adoption that is charged, what it was adopted from, and its newest record."""

    plan: Plan
    adoption: Adoption
    estimate: Estimate
    newest_record: BillingRecord | None


def read_charged(session: Session, account_id: UUID) -> Charged | None:
    """The account's plan with what is charged and why, in one query."""
    row = session.execute(_charged(), {"account_id": account_id}).one_or_none()
    return Charged(row[0], row[1], row[2], row[3]) if row is not None else None


@cache
def _charged() -> Select[Plan, Adoption, Estimate, BillingRecord]:
    newest_month = (
        select(func.max(BillingRecord.month))
        .where(BillingRecord.plan_id == Plan.id)
        .correlate(Plan)
        .scalar_subquery()
    )
    return (
        select(Plan, Adoption, Estimate, BillingRecord)
        .join(Adoption, Adoption.plan_id == Plan.id)
        .join(Estimate, Estimate.id == Adoption.estimate_id)
        .outerjoin(
            BillingRecord,
            and_(BillingRecord.plan_id == Plan.id, BillingRecord.month == newest_month),
        )
        .where(Plan.account_id == bindparam("account_id"))
        .order_by(Adoption.sequence.desc())
        .limit(1)
    )
