"""The work behind a change to many plans, a chunk of targets in each transaction.

A chunk takes fewer than twenty statements however many plans it holds. Everything it writes, the
marks on its targets among it, is committed at once; so each plan is changed exactly once, whichever
worker does it and wherever another one died.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import and_, func, select, update

from flask_tokenoffset.host.programmes import from_json
from flask_tokenoffset.models import (
    UNFINISHED_BULK,
    Adoption,
    AuditAction,
    BulkChange,
    BulkChangeTarget,
    BulkStatus,
    Estimate,
    Membership,
    MembershipStatus,
    Organization,
    Payer,
    Person,
    Plan,
    PlanStatus,
    PlanStatusChange,
    Source,
    SourceKind,
)
from flask_tokenoffset.permissions import Permission
from flask_tokenoffset.services.member_plans.bulk_adoptions import Adopter, adopt_for_many
from flask_tokenoffset.services.member_plans.notices import Reader, tell_members
from flask_tokenoffset.services.member_plans.offers import Offer, offer_of
from flask_tokenoffset.services.organizations.organizations import (
    find_organization_membership,
    lock_organization,
)
from flask_tokenoffset.services.plans.payers import cents_per_month, payer_of
from flask_tokenoffset.services.shared.leases import Due, due_in_chunks, work_in_chunks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from flask_tokenoffset.clock import Clock
    from flask_tokenoffset.unit_of_work import UnitOfWork, Units

#: Targets that one transaction works on.
TARGETS_PER_CHUNK: Final = 1_000

#: Why a change was stopped; the codes are documented with the pages that show them.
REQUESTER_MAY_NOT: Final = "requester-may-not"
ORGANIZATION_CLOSED: Final = "organization-closed"
CAP_REACHED: Final = "cap-reached"
PRICE_CHANGED: Final = "price-changed"


class _Target(NamedTuple):
    """A target and all that its change depends on; most of it is missing where the member left."""

    membership_id: UUID
    person_id: UUID | None
    account_id: UUID | None
    status: str | None
    chosen_payer: str | None
    person_account_id: UUID | None
    email: str | None
    email_verified_at: datetime | None
    source_id: UUID | None
    plan_id: UUID | None
    plan_status: str | None
    plan_amount_cents: int | None
    adoptions: int | None
    status_changes: int | None
    source_kind: str | None
    band: str | None
    coverage_percent: int | None
    method_version: str | None
    programmes: dict[str, Any] | None


def continue_change(units: Units, *, change_id: UUID, clock: Clock) -> None:
    """Go on with a change to many plans until it is done, stopped, or held by another worker.

    :param units: opens a unit of work.
    :param change_id: any id; nothing happens where there is nothing left to do.
    """
    work_in_chunks(
        units,
        BulkChange,
        (BulkChange.id == change_id, _is_unfinished()),
        lambda work, change: apply_chunk(work, change, clock.now()),
    )


def due_changes(session: Session, now: datetime) -> list[Due]:
    """Changes with something left to do, the oldest first.

    :param now: the present instant, aware.
    """
    return due_in_chunks(session, BulkChange.id, BulkChange.created_at, _is_unfinished(), now)


def _is_unfinished() -> ColumnElement[bool]:
    return BulkChange.status.in_(UNFINISHED_BULK)


def apply_chunk(work: UnitOfWork, change: BulkChange, now: datetime) -> bool:
    """Work on the next targets of a change.

    :param change: locked, or made in this very transaction.
    :return: whether something may be left.
    """
    session = work.session
    organization = lock_organization(session, change.organization_id)
    if organization is None:
        return _finish(work, change, now, ORGANIZATION_CLOSED)
    if not _requester_may(session, change):
        return _finish(work, change, now, REQUESTER_MAY_NOT)
    offer = offer_of(
        change.band,
        change.coverage_percent,
        change.method_version,
        from_json(change.programmes),
    )
    if offer.amount_cents != change.amount_cents:
        return _finish(work, change, now, PRICE_CHANGED)
    targets = _next_targets(session, change)
    reached = [each for each in targets if _is_meant(each, organization, change, offer)]
    if _passes_cap(session, organization, reached, offer):
        return _finish(work, change, now, CAP_REACHED)
    adopt_for_many(
        work,
        _adopters(reached),
        offer=offer,
        person_id=change.requested_by,
        now=now,
    )
    tell_members(
        session,
        organization,
        _readers(reached),
        but=change.requested_by,
        now=now,
        programmes=offer.programmes,
    )
    _mark_done(session, change, targets)
    change.plans_changed += len(reached)
    change.status = BulkStatus.RUNNING
    if len(targets) < TARGETS_PER_CHUNK:
        return _finish(work, change, now, None)
    session.flush()
    return True


def _requester_may(session: Session, change: BulkChange) -> bool:
    """Whether the person who asked may still change members' plans."""
    current = find_organization_membership(session, change.organization_id, change.requested_by)
    return current is not None and Permission.CHANGE_MEMBER_PLANS in current.permissions


def _next_targets(session: Session, change: BulkChange) -> list[_Target]:
    newest = (
        select(func.max(Adoption.sequence))
        .where(Adoption.plan_id == Plan.id)
        .correlate(Plan)
        .scalar_subquery()
    )
    status_changes = (
        select(func.max(PlanStatusChange.sequence))
        .where(PlanStatusChange.plan_id == Plan.id)
        .correlate(Plan)
        .scalar_subquery()
    )
    rows = session.execute(
        select(
            BulkChangeTarget.membership_id,
            Membership.person_id,
            Membership.account_id,
            Membership.status,
            Membership.chosen_payer,
            Person.account_id,
            Person.email,
            Person.email_verified_at,
            Source.id,
            Plan.id,
            Plan.status,
            Plan.amount_cents,
            Adoption.sequence,
            status_changes,
            Estimate.source_kind,
            Estimate.band,
            Adoption.coverage_percent,
            Adoption.method_version,
            Adoption.programmes,
        )
        .select_from(BulkChangeTarget)
        .outerjoin(Membership, Membership.id == BulkChangeTarget.membership_id)
        .outerjoin(Person, Person.id == Membership.person_id)
        .outerjoin(
            Source,
            and_(Source.account_id == Membership.account_id, Source.kind == SourceKind.BAND),
        )
        .outerjoin(Plan, Plan.account_id == Membership.account_id)
        .outerjoin(Adoption, and_(Adoption.plan_id == Plan.id, Adoption.sequence == newest))
        .outerjoin(Estimate, Estimate.id == Adoption.estimate_id)
        .where(BulkChangeTarget.bulk_change_id == change.id, BulkChangeTarget.done.is_(False))
        .order_by(BulkChangeTarget.membership_id)
        .limit(TARGETS_PER_CHUNK)
    )
    return [_Target._make(row) for row in rows]


def _is_meant(
    target: _Target, organization: Organization, change: BulkChange, offer: Offer
) -> bool:
    """Whether a target is to change still: things may have happened since it was asked for."""
    if target.account_id is None or target.status != MembershipStatus.ACTIVE:
        return False
    if payer_of(organization.payer_rule, target.chosen_payer) is not Payer.ORGANIZATION:
        return False
    says_the_same = (
        target.plan_status not in {None, PlanStatus.ENDED}
        and target.source_kind == SourceKind.BAND
        and target.band == offer.band
        and target.coverage_percent == offer.coverage_percent
        and target.method_version == change.method_version
        and target.programmes == change.programmes
        and target.plan_amount_cents == offer.amount_cents
    )
    return not says_the_same


def _passes_cap(
    session: Session, organization: Organization, reached: Sequence[_Target], offer: Offer
) -> bool:
    cap = organization.cap_cents_per_month
    if cap is None:
        return False
    paid = cents_per_month(session, organization, without=None)
    added = sum(
        offer.amount_cents
        - ((each.plan_amount_cents or 0) if each.plan_status == PlanStatus.ACTIVE else 0)
        for each in reached
        if each.plan_status != PlanStatus.PAUSED
    )
    return paid + added > max(cap, paid)


def _adopters(reached: Sequence[_Target]) -> list[Adopter]:
    return [
        Adopter(
            account_id=each.account_id,
            source_id=each.source_id,
            plan_id=each.plan_id,
            plan_status=each.plan_status,
            adoptions=each.adoptions or 0,
            status_changes=each.status_changes or 0,
        )
        for each in reached
        if each.account_id is not None
    ]


def _readers(reached: Sequence[_Target]) -> list[Reader]:
    return [
        Reader(each.person_id, each.person_account_id, each.email, each.email_verified_at)
        for each in reached
        if each.person_id is not None and each.person_account_id is not None
    ]


def _mark_done(session: Session, change: BulkChange, targets: Sequence[_Target]) -> None:
    if not targets:
        return
    session.execute(
        update(BulkChangeTarget)
        .where(
            BulkChangeTarget.bulk_change_id == change.id,
            # They are the first that were not done, in the order of their ids.
            BulkChangeTarget.membership_id <= targets[-1].membership_id,
            BulkChangeTarget.done.is_(False),
        )
        .values(done=True)
        .execution_options(synchronize_session=False)
    )


def _finish(work: UnitOfWork, change: BulkChange, now: datetime, code: str | None) -> bool:
    change.status = BulkStatus.COMPLETE if code is None else BulkStatus.STOPPED
    change.stopped_code = code
    change.finished_at = now
    work.session.flush()
    work.record(
        AuditAction.BULK_CHANGE_FINISHED,
        account_id=change.account_id,
        subject_type="bulk-change",
        subject_id=change.id,
        status=change.status,
        plans_changed=change.plans_changed,
        reason=code,
    )
    return False
