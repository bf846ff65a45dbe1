"""Plans: adopting an estimate, pausing, resuming, ending, and the ledger behind them.

The amount a person is charged is computed in exactly one place, from what stands in the adoption,
so that replaying the ledger gives the same cents for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from flask_tokenoffset import signals
from flask_tokenoffset.errors import Conflict, InvalidInput
from flask_tokenoffset.host.programmes import to_json
from flask_tokenoffset.methodology import amount_cents, check_coverage
from flask_tokenoffset.models import (
    Adoption,
    AuditAction,
    Estimate,
    Person,
    Plan,
    PlanStatus,
    PlanStatusChange,
    new_id,
)
from flask_tokenoffset.models.records import fetch_rows, record_columns, records
from flask_tokenoffset.services.estimates.reading import carbon_range, read_estimate
from flask_tokenoffset.services.plans.billing import record_due_months
from flask_tokenoffset.services.plans.payers import hold_payer, refuse_over_cap
from flask_tokenoffset.services.plans.shown_terms import refuse_other_terms

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from flask_tokenoffset.host.programmes import Programmes
    from flask_tokenoffset.models import Organization
    from flask_tokenoffset.unit_of_work import UnitOfWork

#: Which status a change may start from, and what to say where it may not.
_CHANGES: Final = {
    PlanStatus.PAUSED: ({PlanStatus.ACTIVE}, "Only an active plan can be paused."),
    PlanStatus.ACTIVE: ({PlanStatus.PAUSED}, "Only a paused plan can be resumed."),
    PlanStatus.ENDED: ({PlanStatus.ACTIVE, PlanStatus.PAUSED}, "This plan has ended already."),
}


@dataclass(frozen=True, slots=True)
class PlanView:
    """A plan with the adoption that is charged."""

    plan: Plan
    adoption: Adoption


@dataclass(frozen=True, slots=True)
class PlanHistory:
    """Everything that ever happened to a plan, newest first."""

    adoptions: list[Adoption]
    status_changes: list[PlanStatusChange]


def price_cents(estimate: Estimate, coverage_percent: int, method_version: str) -> int:
    """What adopting an estimate would cost a month, in US cents, rounded up.

    :param coverage_percent: 0 to 1000; 100 is the whole estimate.
    :param method_version: the method that prices it.
    :raises InvalidInput: the coverage is out of range; the field is ``coverage_percent``.
    """
    return amount_cents(
        method_version,
        estimate.tokens_per_month,
        carbon_range(estimate, method_version),
        coverage_percent,
    )


def adopt(
    work: UnitOfWork,
    *,
    account_id: UUID,
    person: Person,
    estimate_id: UUID,
    coverage_percent: int,
    expected_amount_cents: int | None,
    method_version: str,
    programmes: Programmes,
    now: datetime,
    expected_terms: str | None = None,
) -> Adoption:
    """Adopt an estimate: from now on its amount is what the plan contributes.

    Adopting what is charged already changes nothing and is not noted twice. An adoption after the
    plan has ended begins it anew; a paused plan stays paused.

    :param coverage_percent: 0 to 1000.
    :param expected_amount_cents: the amount that was shown, if one was. Another one is refused.
    :param method_version: the method that prices the plan (``TOKENOFFSET_METHOD``).
    :param programmes: what it is directed to (``TOKENOFFSET_PROGRAMMES``).
    :param expected_terms: a digest of the method and the programmes that were shown, likewise.
    :raises NotFound: the account has no such estimate.
    :raises InvalidInput: the coverage is out of range, or something else was shown.
    :raises Conflict: the plan was changed at the same moment, or an organization would pay more
        than its cap.
    """
    check_coverage(coverage_percent)
    session = work.session
    estimate = read_estimate(session, account_id, estimate_id)
    amount = price_cents(estimate, coverage_percent, method_version)
    _refuse_another_amount(amount, expected_amount_cents)
    refuse_other_terms(expected_terms, method_version, programmes)
    charged = read_plan(session, account_id)
    wanted = Adoption(
        estimate_id=estimate.id,
        source_kind=estimate.source_kind,
        tokens_per_month=estimate.tokens_per_month,
        coverage_percent=coverage_percent,
        method_version=method_version,
        programmes=to_json(programmes),
        amount_cents=amount,
        adopted_by=person.id,
        adopted_at=now,
    )
    if charged is not None and _says_the_same(charged, wanted):
        # A second click, or the page of a second tab: there is nothing to append.
        return charged.adoption
    status = None if charged is None else charged.plan.status
    organization = hold_payer(session, account_id)
    # A paused plan contributes nothing until it is resumed.
    if status != PlanStatus.PAUSED:
        refuse_over_cap(session, organization, account_id, amount)
    try:
        adoption = _append_adoption(session, account_id, person, wanted)
    except (IntegrityError, StaleDataError):
        raise _changed_meanwhile() from None
    _tell_of_adoption(work, adoption, organization, begins_anew=status == PlanStatus.ENDED)
    return adoption


def _refuse_another_amount(amount: int, expected_amount_cents: int | None) -> None:
    if expected_amount_cents is not None and expected_amount_cents != amount:
        raise InvalidInput(
            {
                "amount_cents": "The amount is no longer the one that was shown. Look at the new"
                f" amount, ${amount / 100:,.2f}, and adopt it if it is right."
            }
        )


def _tell_of_adoption(
    work: UnitOfWork, adoption: Adoption, organization: Organization | None, *, begins_anew: bool
) -> None:
    """Note an adoption in the audit log, and tell the host.

    :param organization: which pays, of a member's plan.
    :param begins_anew: whether the plan had ended.
    """
    work.record(
        AuditAction.PLAN_ADOPTED,
        # What happens to a member's plan stands in the organization's log.
        account_id=adoption.account_id if organization is None else organization.account_id,
        subject_type="plan",
        subject_id=adoption.plan_id,
        actor_id=adoption.adopted_by,
        amount_cents=adoption.amount_cents,
        coverage_percent=adoption.coverage_percent,
        source_kind=adoption.source_kind,
        method_version=adoption.method_version,
    )
    work.tell(
        signals.estimate_adopted,
        plan_id=adoption.plan_id,
        account_id=adoption.account_id,
        adoption_id=adoption.id,
        amount_cents=adoption.amount_cents,
    )
    if begins_anew:
        work.tell(
            signals.plan_changed,
            plan_id=adoption.plan_id,
            account_id=adoption.account_id,
            status=str(PlanStatus.ACTIVE),
        )


def _says_the_same(charged: PlanView, wanted: Adoption) -> bool:
    """Whether a plan contributes for exactly this already, to the same programmes."""
    adoption = charged.adoption
    return (
        charged.plan.status != PlanStatus.ENDED
        and adoption.estimate_id == wanted.estimate_id
        and adoption.coverage_percent == wanted.coverage_percent
        and adoption.method_version == wanted.method_version
        and adoption.programmes == wanted.programmes
    )


def _append_adoption(
    session: Session, account_id: UUID, person: Person, adoption: Adoption
) -> Adoption:
    now = adoption.adopted_at
    with session.begin_nested():
        plan = find_plan(session, account_id)
        if plan is None:
            plan = Plan(
                id=new_id(),
                account_id=account_id,
                status=PlanStatus.ACTIVE,
                created_at=now,
            )
            session.add(plan)
            session.flush()
        elif plan.status == PlanStatus.ENDED:
            _append_status(session, plan, PlanStatus.ACTIVE, person, now)
        adoption.id = new_id()
        adoption.account_id = account_id
        adoption.plan_id = plan.id
        adoption.sequence = _next_sequence(session, Adoption, plan.id)
        session.add(adoption)
        plan.amount_cents = adoption.amount_cents
    return adoption


def change_status(
    work: UnitOfWork, *, account_id: UUID, person: Person, status: PlanStatus, now: datetime
) -> Plan:
    """Pause, resume or end the account's plan.

    :param account_id: whose plan it is.
    :param person: who changes it.
    :param status: ``PAUSED``, ``ACTIVE`` (which resumes) or ``ENDED``.
    :raises Conflict: there is no plan, it does not stand where this change starts, or resuming it
        would make an organization pay more than its cap.
    """
    session = work.session
    plan = find_plan(session, account_id)
    if plan is None:
        raise Conflict("There is no plan yet. Adopt an estimate first.")
    allowed_from, sentence = _CHANGES[status]
    if plan.status not in allowed_from:
        raise Conflict(sentence)
    resumes = status is PlanStatus.ACTIVE
    organization = hold_payer(session, account_id)
    if resumes:
        refuse_over_cap(session, organization, account_id, plan.amount_cents)
    try:
        with session.begin_nested():
            _append_status(session, plan, status, person, now)
    except (IntegrityError, StaleDataError):
        raise _changed_meanwhile() from None
    if not resumes:
        # The scheduler looks at active plans only, so what is owed up to here is recorded now; a
        # month whose very first instant this is, is not.
        record_due_months(work, [plan.id], now)
    work.record(
        AuditAction.PLAN_STATUS_CHANGED,
        account_id=account_id if organization is None else organization.account_id,
        subject_type="plan",
        subject_id=plan.id,
        actor_id=person.id,
        status=status,
    )
    work.tell(signals.plan_changed, plan_id=plan.id, account_id=plan.account_id, status=str(status))
    return plan


def _append_status(
    session: Session, plan: Plan, status: PlanStatus, person: Person, now: datetime
) -> None:
    plan.status = status
    session.add(
        PlanStatusChange(
            id=new_id(),
            account_id=plan.account_id,
            plan_id=plan.id,
            sequence=_next_sequence(session, PlanStatusChange, plan.id),
            status=status,
            changed_by=person.id,
            changed_at=now,
        )
    )
    session.flush()


def _next_sequence(
    session: Session, model: type[Adoption | PlanStatusChange], plan_id: UUID
) -> int:
    newest = session.scalar(select(func.max(model.sequence)).where(model.plan_id == plan_id))
    return (newest or 0) + 1


def _changed_meanwhile() -> Conflict:
    return Conflict("The plan was changed at the same moment. Look at it again and repeat.")


def find_plan(session: Session, account_id: UUID) -> Plan | None:
    """The account's plan, if it has one."""
    return session.scalar(_plan(), {"account_id": account_id})


def read_plan(session: Session, account_id: UUID) -> PlanView | None:
    """The account's plan with the adoption that is charged, in one query, as records to show."""
    rows = fetch_rows(session, _plan_with_adoption(), {"account_id": account_id})
    return PlanView(*records(rows[0], Plan, Adoption)) if rows else None


def read_history(session: Session, account_id: UUID) -> PlanHistory:
    """The plan's whole history, newest first."""
    return PlanHistory(
        adoptions=list(session.scalars(_adoptions(), {"account_id": account_id})),
        status_changes=list(session.scalars(_status_changes(), {"account_id": account_id})),
    )


@cache
def _plan() -> Select[Plan]:
    return select(Plan).where(Plan.account_id == bindparam("account_id"))


@cache
def _plan_with_adoption() -> Select[*tuple[Any, ...]]:
    return (
        select(*record_columns(Plan, Adoption))
        .join(Adoption, Adoption.plan_id == Plan.id)
        .where(Plan.account_id == bindparam("account_id"))
        .order_by(Adoption.sequence.desc())
        .limit(1)
    )


@cache
def _adoptions() -> Select[Adoption]:
    return (
        select(Adoption)
        .where(Adoption.account_id == bindparam("account_id"))
        .order_by(Adoption.sequence.desc())
    )


@cache
def _status_changes() -> Select[PlanStatusChange]:
    return (
        select(PlanStatusChange)
        .where(PlanStatusChange.account_id == bindparam("account_id"))
        .order_by(PlanStatusChange.sequence.desc())
    )


def replay(session: Session, account_id: UUID) -> list[tuple[Adoption, int]]:
    """Compute every adoption's amount again from what stands in the ledger.

    :return: each adoption, oldest first, with the cents the replay gives. They are equal to
        ``amount_cents`` unless a row was tampered with.
    """
    rows = session.execute(
        select(Adoption, Estimate)
        .join(Estimate, Estimate.id == Adoption.estimate_id)
        .where(Adoption.account_id == account_id)
        .order_by(Adoption.sequence)
    )
    return [
        (
            adoption,
            amount_cents(
                adoption.method_version,
                adoption.tokens_per_month,
                carbon_range(estimate, adoption.method_version),
                adoption.coverage_percent,
            ),
        )
        for adoption, estimate in rows
    ]
