"""A band and a coverage for the plans of many members: looked at first, then applied.

Which plans change is fixed when the change is asked for (:class:`BulkChangeTarget`), and every
chunk of it is one transaction: a worker that dies leaves whole chunks, and the next one goes on
with what is not marked as done. At every chunk it is looked at again whether the person who asked
still may, and whether the organization still pays for each member.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Uuid, false, insert, literal, select

from flask_tokenoffset.errors import Conflict, InvalidInput, NotFound
from flask_tokenoffset.host.programmes import to_json
from flask_tokenoffset.models import (
    UNFINISHED_BULK,
    AuditAction,
    BulkChange,
    BulkChangeTarget,
    BulkStatus,
    Membership,
    new_id,
)
from flask_tokenoffset.permissions import Permission
from flask_tokenoffset.services.member_plans.bulk_previews import (
    PlanFilter,
    Preview,
    changes_of,
    plans_of_members,
    preview_change,
)
from flask_tokenoffset.services.member_plans.bulk_worker import apply_chunk
from flask_tokenoffset.services.organizations.organizations import lock_membership
from flask_tokenoffset.services.plans.shown_terms import refuse_other_terms
from flask_tokenoffset.unit_of_work import Task

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from flask_tokenoffset.host.programmes import Programmes
    from flask_tokenoffset.models import Organization, Person
    from flask_tokenoffset.unit_of_work import UnitOfWork

#: Up to so many plans are changed while the person waits; more are changed by a worker.
MOST_AT_ONCE: Final = 100


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
    programmes: Programmes,
    now: datetime,
    expected_terms: str | None = None,
) -> BulkChange:
    """Apply a band and a coverage to the plans that a filter finds, as a preview showed it.

    A few plans are changed at once; many are left to a worker.

    :param person: who asks, and adopts.
    :param programmes: what contributions are directed to (``TOKENOFFSET_PROGRAMMES``).
    :param expected_plans: how many plans change, as it was shown.
    :param expected_difference_cents: by how much in all, as it was shown.
    :param expected_terms: the digest of the method and the programmes it was shown with.
    :raises NotPermitted: the person may not change members' plans.
    :raises InvalidInput: something cannot be, no plan would change, or what was shown does not
        hold any more (the field ``plans_to_change`` or ``shown_terms``).
    :raises Conflict: the cap would be passed, or another such change is under way.
    """
    refuse_other_terms(expected_terms, method_version, programmes)
    session = work.session
    current = lock_membership(session, organization_id, person, Permission.CHANGE_MEMBER_PLANS)
    organization = current.organization
    _refuse_second(session, organization)
    preview = preview_change(
        session,
        organization,
        wanted,
        key=key,
        coverage_percent=coverage_percent,
        method_version=method_version,
        programmes=programmes,
    )
    _refuse_unlike(preview, expected_plans, expected_difference_cents)
    if preview.over_cap is not None:
        raise Conflict(preview.over_cap)
    change = _new_change(organization, person, preview, now)
    session.add(change)
    session.flush()
    _fix_targets(session, change, wanted, preview)
    _record_request(work, change)
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


def _new_change(
    organization: Organization, person: Person, preview: Preview, now: datetime
) -> BulkChange:
    return BulkChange(
        id=new_id(),
        organization_id=organization.id,
        account_id=organization.account_id,
        requested_by=person.id,
        status=BulkStatus.QUEUED,
        band=preview.offer.band,
        coverage_percent=preview.offer.coverage_percent,
        method_version=preview.offer.method_version,
        programmes=to_json(preview.offer.programmes),
        amount_cents=preview.offer.amount_cents,
        difference_cents=preview.difference_cents,
        plans_to_change=preview.plans_to_change,
        plans_changed=0,
        created_at=now,
    )


def _record_request(work: UnitOfWork, change: BulkChange) -> None:
    work.record(
        AuditAction.BULK_CHANGE_REQUESTED,
        account_id=change.account_id,
        subject_type="bulk-change",
        subject_id=change.id,
        band=change.band,
        coverage_percent=change.coverage_percent,
        amount_cents=change.amount_cents,
        plans_to_change=change.plans_to_change,
        difference_cents=change.difference_cents,
    )


def _fix_targets(
    session: Session, change: BulkChange, wanted: PlanFilter, preview: Preview
) -> None:
    """Write down which members are meant, all in the database."""
    changes = changes_of(preview.offer)
    chosen = plans_of_members(
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
        # A person's name changed between the two statements, and the search finds it no more.
        raise Conflict(
            "The members changed at this very moment, so nothing was changed. Look at the figures"
            " again and apply it then."
        )
