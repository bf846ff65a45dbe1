"""A band and a coverage for the plans of many members: looked at first, then applied.

Which plans change is fixed when the change is asked for (:class:`BulkChangeTarget`), and every
chunk of it is one transaction: a worker that dies leaves whole chunks, and the next one goes on
with what is not marked as done. At every chunk it is looked at again whether whoever asked still
may, and whether the organization still pays for each member.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Uuid, and_, case, false, func, insert, literal, or_, select

from flask_tokenoffset.errors import Conflict, InvalidInput, NotFound
from flask_tokenoffset.methodology import band
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
    Plan,
    PlanStatus,
    SourceKind,
    new_id,
)
from flask_tokenoffset.permissions import Permission
from flask_tokenoffset.services.bulk_chunks import apply_chunk
from flask_tokenoffset.services.member_lists import MemberFilter
from flask_tokenoffset.services.member_offers import Offer, offer_of
from flask_tokenoffset.services.organizations import lock_place
from flask_tokenoffset.services.payers import cents_per_month, organization_pays, over_cap
from flask_tokenoffset.unit_of_work import Task

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import InstrumentedAttribute, Session

    from flask_tokenoffset.models import Person
    from flask_tokenoffset.unit_of_work import UnitOfWork

#: A filter's word for members who have no plan that runs.
NO_PLAN: Final = "none"
#: Up to so many plans are changed while the person waits; more are changed by a worker.
MOST_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFilter:
    """Which members' plans to change.

    :param members: as the list of members is filtered.
    :param current_band: only those whose plan is of this band, or :data:`NO_PLAN`.
    """

    members: MemberFilter = field(default_factory=MemberFilter)
    current_band: str | None = None

    def check(self) -> None:
        """Refuse a band that there is not.

        :raises InvalidInput: the field is ``current_band``.
        """
        if self.current_band not in {None, NO_PLAN}:
            try:
                band(str(self.current_band))
            except InvalidInput as error:
                raise InvalidInput({"current_band": error.message}) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a change to many plans would do, counted exactly.

    :param offer: what each plan contributes afterwards.
    :param members: how many the filter finds.
    :param members_paying: of these, those who pay themselves and are left out.
    :param members_suspended: of these, those who are suspended and left out.
    :param plans_to_change: those that change, plans that begin included.
    :param plans_paused: of these, those that stay paused and contribute nothing until resumed.
    :param difference_cents: by how much the organization's monthly total changes.
    :param cents_per_month: what it pays a month now.
    """

    offer: Offer
    members: int
    members_paying: int
    members_suspended: int
    plans_to_change: int
    plans_paused: int
    difference_cents: int
    cents_per_month: int
    cap_cents_per_month: int | None

    @property
    def cents_per_month_afterwards(self) -> int:
        """What the organization pays a month if the change is applied."""
        return self.cents_per_month + self.difference_cents

    @property
    def plans_unchanged(self) -> int:
        """Plans that contribute for exactly this already."""
        left_out = self.members_paying + self.members_suspended
        return self.members - left_out - self.plans_to_change

    @property
    def over_cap(self) -> str | None:
        """Why the cap forbids it, if it does."""
        cap = self.cap_cents_per_month
        if cap is None or self.cents_per_month_afterwards <= max(cap, self.cents_per_month):
            return None
        return over_cap(self.cents_per_month_afterwards, cap)


def preview_change(
    session: Session,
    organization: Organization,
    wanted: PlanFilter,
    *,
    key: str,
    coverage_percent: int,
    method_version: str,
) -> Preview:
    """Count what a change would do, without doing it.

    :param key: the band's.
    :param method_version: the method that prices plans (``TOKENOFFSET_METHOD``).
    :raises InvalidInput: the filter, the band or the coverage cannot be.
    """
    wanted.check()
    offer = offer_of(key, coverage_percent, method_version)
    active = Membership.status == MembershipStatus.ACTIVE
    changes = _changes(offer, method_version)
    paid_now = case((Plan.status == PlanStatus.ACTIVE, Plan.amount_cents), else_=0)
    is_paused = func.coalesce(Plan.status, PlanStatus.ACTIVE) == PlanStatus.PAUSED
    row = session.execute(
        _plans_of_members(
            wanted,
            organization.id,
            func.count(),
            _sum(and_(active, ~organization_pays()), 1),
            _sum(~active, 1),
            _sum(changes, 1),
            _sum(and_(changes, is_paused), 1),
            _sum(and_(changes, ~is_paused), offer.amount_cents - paid_now),
        )
    ).one()
    members, paying, suspended, to_change, paused, difference = (int(each) for each in row)
    return Preview(
        offer=offer,
        members=members,
        members_paying=paying,
        members_suspended=suspended,
        plans_to_change=to_change,
        plans_paused=paused,
        difference_cents=difference,
        cents_per_month=cents_per_month(session, organization, without=None),
        cap_cents_per_month=organization.cap_cents_per_month,
    )


def request_change(
    work: UnitOfWork,
    *,
    organization_id: UUID,
    person: Person,
    wanted: PlanFilter,
    key: str,
    coverage_percent: int,
    expected_plans: int,
    expected_difference_cents: int,
    method_version: str,
    now: datetime,
) -> BulkChange:
    """Apply a band and a coverage to the plans that a filter finds, as a preview showed it.

    A few plans are changed at once; many are left to a worker.

    :param person: who asks, and adopts.
    :param expected_plans: how many plans change, as it was shown.
    :param expected_difference_cents: by how much in all, as it was shown.
    :raises NotPermitted: the person may not change members' plans.
    :raises InvalidInput: something cannot be, no plan would change, or what was shown does not
        hold any more (the field ``plans_to_change``).
    :raises Conflict: the cap would be passed, or another such change is under way.
    """
    session = work.session
    place = lock_place(session, organization_id, person, Permission.CHANGE_MEMBER_PLANS)
    organization = place.organization
    _refuse_second(session, organization)
    preview = preview_change(
        session,
        organization,
        wanted,
        key=key,
        coverage_percent=coverage_percent,
        method_version=method_version,
    )
    _refuse_unlike(preview, expected_plans, expected_difference_cents)
    if preview.over_cap is not None:
        raise Conflict(preview.over_cap)
    change = BulkChange(
        id=new_id(),
        organization_id=organization.id,
        account_id=organization.account_id,
        requested_by=person.id,
        status=BulkStatus.QUEUED,
        band=key,
        coverage_percent=coverage_percent,
        method_version=method_version,
        amount_cents=preview.offer.amount_cents,
        difference_cents=preview.difference_cents,
        plans_to_change=preview.plans_to_change,
        plans_changed=0,
        created_at=now,
    )
    session.add(change)
    session.flush()
    _fix_targets(session, change, wanted, preview)
    work.record(
        AuditAction.BULK_CHANGE_REQUESTED,
        account_id=organization.account_id,
        subject_type="bulk-change",
        subject_id=change.id,
        band=key,
        coverage_percent=coverage_percent,
        amount_cents=preview.offer.amount_cents,
        plans_to_change=preview.plans_to_change,
        difference_cents=preview.difference_cents,
    )
    if preview.plans_to_change <= MOST_AT_ONCE:
        apply_chunk(work, change, now)
    else:
        work.enqueue(Task.BULK_CHANGE, change.id)
    return change


def read_change(session: Session, organization: Organization, change_id: UUID) -> BulkChange:
    """A change to many plans.

    :raises NotFound: the organization has no such one.
    """
    change = session.scalar(
        select(BulkChange).where(
            BulkChange.id == change_id, BulkChange.organization_id == organization.id
        )
    )
    if change is None:
        raise NotFound("There is no such thing here.")
    return change


def newest_changes(session: Session, organization: Organization, *, limit: int) -> list[BulkChange]:
    """The changes to many plans that were asked for last, newest first.

    :param limit: how many at most.
    """
    return list(
        session.scalars(
            select(BulkChange)
            .where(BulkChange.organization_id == organization.id)
            .order_by(BulkChange.created_at.desc(), BulkChange.id)
            .limit(limit)
        )
    )


def _refuse_second(session: Session, organization: Organization) -> None:
    unfinished = select(BulkChange.id).where(
        BulkChange.organization_id == organization.id, BulkChange.status.in_(UNFINISHED_BULK)
    )
    if session.scalar(unfinished.limit(1)) is not None:
        raise Conflict(
            "Another change to many plans is under way, so nothing was changed. Wait until it is"
            " done, look at the new figures, and apply it then."
        )


def _refuse_unlike(preview: Preview, plans: int, difference_cents: int) -> None:
    if not preview.plans_to_change:
        raise InvalidInput(
            {"plans_to_change": "No plan would change, so there is nothing to apply."}
        )
    if (preview.plans_to_change, preview.difference_cents) != (plans, difference_cents):
        raise InvalidInput(
            {
                "plans_to_change": "What was shown does not hold any more, so nothing was changed."
                f" Now {preview.plans_to_change:,} plans would change, by"
                f" {_signed(preview.difference_cents)} a month in all. Apply it if that is right."
            }
        )


def _signed(cents: int) -> str:
    sign = "+" if cents > 0 else "\N{MINUS SIGN}" if cents < 0 else ""
    return f"{sign}${abs(cents) / 100:,.2f}"


def _fix_targets(
    session: Session, change: BulkChange, wanted: PlanFilter, preview: Preview
) -> None:
    """Write down which members are meant, all in the database."""
    changes = _changes(preview.offer, change.method_version)
    chosen = _plans_of_members(
        wanted,
        change.organization_id,
        literal(change.id, Uuid()),
        Membership.id,
        false(),
    ).where(changes)
    result: Any = session.execute(
        insert(BulkChangeTarget)
        .from_select(["bulk_change_id", "membership_id", "done"], chosen)
        # SQLAlchemy forgets an INSERT's on some drivers unless told not to.
        .execution_options(preserve_rowcount=True)
    )
    if result.rowcount != preview.plans_to_change:
        # Somebody's name changed between the two statements, and the search finds it no more.
        raise Conflict(
            "The members changed at this very moment, so nothing was changed. Look at the figures"
            " again and apply it then."
        )


def _plans_of_members(
    wanted: PlanFilter,
    organization_id: UUID,
    *columns: ColumnElement[Any] | InstrumentedAttribute[Any],
) -> Select[Any]:
    """The members that a filter finds, each with their plan and what it contributes for."""
    newest = (
        select(func.max(Adoption.sequence))
        .where(Adoption.plan_id == Plan.id)
        .correlate(Plan)
        .scalar_subquery()
    )
    query = (
        select(*columns)
        .select_from(Membership)
        .join(Organization, Organization.id == Membership.organization_id)
        .outerjoin(Plan, Plan.account_id == Membership.account_id)
        .outerjoin(Adoption, and_(Adoption.plan_id == Plan.id, Adoption.sequence == newest))
        .outerjoin(Estimate, Estimate.id == Adoption.estimate_id)
        .where(*wanted.members.conditions(organization_id))
    )
    if wanted.current_band == NO_PLAN:
        return query.where(or_(Plan.id.is_(None), Plan.status == PlanStatus.ENDED))
    if wanted.current_band is not None:
        return query.where(Plan.status != PlanStatus.ENDED, Estimate.band == wanted.current_band)
    return query


def _changes(offer: Offer, method_version: str) -> ColumnElement[bool]:
    """Whether a member's plan changes: the organization pays, and it is not this already."""
    says_the_same = and_(
        Plan.status != PlanStatus.ENDED,
        Estimate.source_kind == SourceKind.BAND,
        Estimate.band == offer.band,
        Adoption.coverage_percent == offer.coverage_percent,
        Adoption.method_version == method_version,
        Adoption.amount_cents == offer.amount_cents,
    )
    return and_(
        Membership.status == MembershipStatus.ACTIVE,
        organization_pays(),
        # Where there is no plan, the comparison is neither true nor false.
        case((says_the_same, 0), else_=1) == 1,
    )


def _sum(condition: ColumnElement[bool], value: Any) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, value), else_=0)), 0)
