"""Simulated billing: one record a month for each plan, and never a payment.

A month falls due for a plan at the first instant of it at which the plan is active: its first
moment, or the adoption or resumption that began it. The amount is the one in force at that instant;
a later adoption in the same month counts from the next. A scheduler that was away makes up every
month it missed, from the ledger, with the amounts that were in force then.

Who pays a month stands in its record. What is owed already is recorded before anyone changes who
pays (:func:`record_owed`), so that a change counts from the next record on.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from sqlalchemy import Select, and_, bindparam, or_, select, update
from sqlalchemy.exc import IntegrityError

from flask_tokenoffset import signals
from flask_tokenoffset.clock import first_of_month, next_month, utc_midnight
from flask_tokenoffset.data_map.enforcement import enforces
from flask_tokenoffset.models import (
    Adoption,
    BillingRecord,
    Payer,
    Plan,
    PlanStatus,
    PlanStatusChange,
    new_id,
)
from flask_tokenoffset.services.consents.restrictions import unrestricted
from flask_tokenoffset.services.plans.payers import payers_of_plans
from flask_tokenoffset.services.retention.rules import find_rule
from flask_tokenoffset.services.shared.periods import period_end

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from flask_tokenoffset.unit_of_work import UnitOfWork

#: Plans looked at in one call; the next scheduler run goes on.
PLANS_PER_CALL: Final = 500


@dataclass(frozen=True, slots=True)
class DueMonth:
    """A month that a plan owes a record for."""

    month: date
    due_at: datetime
    adoption: Adoption


def due_months(
    adoptions: Sequence[Adoption], changes: Sequence[PlanStatusChange], now: datetime
) -> list[DueMonth]:
    """Every month of a plan that has fallen due up to now, oldest first.

    :param adoptions: the plan's whole ledger, oldest first, not empty.
    :param changes: its status changes, oldest first.
    :param now: the present instant, aware.
    """
    due: list[DueMonth] = []
    month = first_of_month(adoptions[0].adopted_at.date())
    while utc_midnight(month) <= now:
        following = next_month(month)
        begins = max(adoptions[0].adopted_at, utc_midnight(month))
        due_at = _first_active_instant(changes, begins)
        if due_at is not None and due_at <= now and due_at < utc_midnight(following):
            in_force = [adoption for adoption in adoptions if adoption.adopted_at <= due_at]
            due.append(DueMonth(month, due_at, in_force[-1]))
        month = following
    return due


def _first_active_instant(
    changes: Sequence[PlanStatusChange], instant: datetime
) -> datetime | None:
    """The first instant from a given one on at which the plan is active, if it ever is."""
    status = PlanStatus.ACTIVE
    for change in changes:
        if change.changed_at > instant and status is PlanStatus.ACTIVE:
            break
        instant = max(instant, change.changed_at)
        status = PlanStatus(change.status)
    return instant if status is PlanStatus.ACTIVE else None


def create_due_records(work: UnitOfWork, now: datetime) -> list[BillingRecord]:
    """Make the records that are due and not there yet.

    Two schedulers at once make one record a month: the second finds the constraint.

    :param now: the present instant, aware.
    """
    return record_due_months(
        work, _plans_without_record(work.session, first_of_month(now.date())), now
    )


def record_owed(work: UnitOfWork, accounts: ColumnElement[bool], now: datetime) -> None:
    """Make the records that some accounts owe, before it changes who pays.

    Mostly there is none: the schedule makes them within a minute.

    :param accounts: a condition on :class:`~flask_tokenoffset.models.Plan`.
    :param now: the present instant, aware.
    """
    month = first_of_month(now.date())
    while record_due_months(work, _plans_without_record(work.session, month, accounts), now):
        pass


def record_due_months(work: UnitOfWork, plans: list[UUID], now: datetime) -> list[BillingRecord]:
    """Make the records that some plans owe and do not have yet.

    :param plans: ids of plans.
    :param now: the present instant, aware.
    """
    session = work.session
    billed_until = _billed_until(session, plans)
    adoptions, changes = _ledgers(session, plans)
    recorded = _recorded_months(session, plans)
    payers = payers_of_plans(session, plans)
    created: list[BillingRecord] = []
    for plan_id in plans:
        for due in due_months(adoptions[plan_id], changes[plan_id], now):
            if due.month in recorded[plan_id]:
                continue
            if not may_be_recorded(due.month, due.due_at, billed_until.get(plan_id), now):
                continue
            record = _record(due, payers[plan_id], now)
            try:
                with session.begin_nested():
                    session.add(record)
            except IntegrityError:
                continue
            created.append(record)
            _note_billed(session, plan_id, due.month)
            work.tell(
                signals.billing_record_created,
                billing_record_id=record.id,
                plan_id=record.plan_id,
                account_id=record.account_id,
                month=record.month,
                amount_cents=record.amount_cents,
            )
    return created


@enforces("purged-months-are-not-billed-again", "TB-005", off=True)
def may_be_recorded(
    month: date, due_at: datetime, billed_until: date | None, now: datetime
) -> bool:
    """Whether a month without a record is one that was never made, and may still be kept.

    A month is recorded once every earlier one is. So one before the newest that was ever recorded
    is missing only because it was kept long enough.

    :param month: the first day of a month that fell due.
    :param due_at: when it did.
    :param billed_until: the newest month of the plan that was ever recorded, if any was.
    :param now: the present instant, aware.
    """
    if billed_until is not None and month <= billed_until:
        return False
    return due_at > period_end(now, find_rule("billing").days or 0)


def _billed_until(session: Session, plans: list[UUID]) -> dict[UUID, date]:
    rows = session.execute(
        select(Plan.id, Plan.billed_until).where(Plan.id.in_(plans), Plan.billed_until.is_not(None))
    )
    return {plan_id: month for plan_id, month in rows if month is not None}


def _note_billed(session: Session, plan_id: UUID, month: date) -> None:
    """Note the newest month; the plan's version is left alone, because nobody changed the plan."""
    session.execute(
        update(Plan.__table__)  # type: ignore[arg-type]  # a table, not just any selectable
        .where(
            Plan.id == plan_id,
            or_(Plan.billed_until.is_(None), Plan.billed_until < month),
        )
        .values(billed_until=month),
        bind_arguments={"mapper": Plan},
    )


def _plans_without_record(
    session: Session, month: date, *conditions: ColumnElement[bool]
) -> list[UUID]:
    """Active plans that have no record for this month."""
    return list(
        session.scalars(
            select(Plan.id)
            .outerjoin(
                BillingRecord,
                and_(BillingRecord.plan_id == Plan.id, BillingRecord.month == month),
            )
            .where(
                Plan.status == PlanStatus.ACTIVE,
                BillingRecord.id.is_(None),
                # What falls due meanwhile is made up for, should the restriction be lifted.
                unrestricted(Plan.account_id),
                *conditions,
            )
            .order_by(Plan.created_at, Plan.id)
            .limit(PLANS_PER_CALL)
        )
    )


def _ledgers(
    session: Session, plans: list[UUID]
) -> tuple[dict[UUID, list[Adoption]], dict[UUID, list[PlanStatusChange]]]:
    adoptions: dict[UUID, list[Adoption]] = defaultdict(list)
    changes: dict[UUID, list[PlanStatusChange]] = defaultdict(list)
    if not plans:
        return adoptions, changes
    for adoption in session.scalars(
        select(Adoption).where(Adoption.plan_id.in_(plans)).order_by(Adoption.sequence)
    ):
        adoptions[adoption.plan_id].append(adoption)
    for change in session.scalars(
        select(PlanStatusChange)
        .where(PlanStatusChange.plan_id.in_(plans))
        .order_by(PlanStatusChange.sequence)
    ):
        changes[change.plan_id].append(change)
    return adoptions, changes


def _recorded_months(session: Session, plans: list[UUID]) -> dict[UUID, set[date]]:
    recorded: dict[UUID, set[date]] = defaultdict(set)
    if plans:
        for plan_id, month in session.execute(
            select(BillingRecord.plan_id, BillingRecord.month).where(
                BillingRecord.plan_id.in_(plans)
            )
        ):
            recorded[plan_id].add(month)
    return recorded


def _record(due: DueMonth, payer: Payer, now: datetime) -> BillingRecord:
    adoption = due.adoption
    return BillingRecord(
        id=new_id(),
        account_id=adoption.account_id,
        plan_id=adoption.plan_id,
        month=due.month,
        adoption_id=adoption.id,
        amount_cents=adoption.amount_cents,
        payer=payer,
        tokens_per_month=adoption.tokens_per_month,
        coverage_percent=adoption.coverage_percent,
        method_version=adoption.method_version,
        programmes=adoption.programmes,
        due_at=due.due_at,
        created_at=now,
    )


def list_records(
    session: Session, account_id: UUID, *, before_month: date | None = None, limit: int = 24
) -> list[BillingRecord]:
    """The account's billing records, newest month first.

    :param before_month: go on after this month, for the next page.
    """
    of = {"account_id": account_id, "most": limit}
    if before_month is None:
        return list(session.scalars(_records(), of))
    return list(session.scalars(_records_before(), {**of, "month": before_month}))


@cache
def _records() -> Select[BillingRecord]:
    return (
        select(BillingRecord)
        .where(BillingRecord.account_id == bindparam("account_id"))
        .order_by(BillingRecord.month.desc())
        .limit(bindparam("most"))
    )


@cache
def _records_before() -> Select[BillingRecord]:
    return _records().where(BillingRecord.month < bindparam("month"))
