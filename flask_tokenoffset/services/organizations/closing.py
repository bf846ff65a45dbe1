"""Closing an organization: what ends with it, and who is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import or_, select, update

from flask_tokenoffset.models import (
    AuditAction,
    Connection,
    ConnectionStatus,
    Invitation,
    Membership,
    MessageKind,
    Organization,
    Person,
    Plan,
    PlanStatus,
)
from flask_tokenoffset.permissions import Permission
from flask_tokenoffset.services.mail.outbox import Recipient, queue_messages
from flask_tokenoffset.services.organizations.organizations import lock_membership
from flask_tokenoffset.services.plans.bulk_statuses import stop_many
from flask_tokenoffset.services.sampling.connections import disconnect

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from flask_tokenoffset.clock import Clock
    from flask_tokenoffset.unit_of_work import UnitOfWork


def close_organization(
    work: UnitOfWork, *, organization_id: UUID, person: Person, clock: Clock
) -> None:
    """Close an organization for good: nobody can see or do anything in it any more.

    Its plan and its members' plans in it end, its vendors are disconnected, its invitations are
    cancelled, and its members are told by mail. What was recorded stays for the books.

    :param person: who does, an owner.
    :raises NotFound: the person does not belong to it, or it is closed already.
    :raises NotPermitted: the person is no owner.
    """
    session = work.session
    now = clock.now()
    current = lock_membership(session, organization_id, person, Permission.OWN_ORGANIZATION)
    organization = current.organization
    for source_id in _connected_sources(session, organization.account_id):
        disconnect(work, account_id=organization.account_id, source_id=source_id, clock=clock)
    plans_ended = _end_all_plans(work, organization, person, now)
    session.execute(
        update(Invitation)
        .where(
            Invitation.organization_id == organization.id,
            Invitation.accepted_at.is_(None),
            Invitation.cancelled_at.is_(None),
        )
        .values(cancelled_at=now)
    )
    organization.closed_at = now
    session.flush()
    _tell_members(work, organization, now)
    work.record(
        AuditAction.ORGANIZATION_CLOSED,
        account_id=organization.account_id,
        subject_type="organization",
        subject_id=organization.id,
        plans_ended=plans_ended,
    )


def _connected_sources(session: Session, account_id: UUID) -> Sequence[UUID]:
    return session.scalars(
        select(Connection.source_id).where(
            Connection.account_id == account_id,
            Connection.status != ConnectionStatus.DISCONNECTED,
        )
    ).all()


def _tell_members(work: UnitOfWork, organization: Organization, now: datetime) -> None:
    """Tell everyone who belongs to an organization, as :func:`.mail.notify` tells one."""
    members = work.session.execute(
        select(Person.id, Person.email)
        .join(Membership, Membership.person_id == Person.id)
        .where(
            Membership.organization_id == organization.id,
            Person.email.is_not(None),
            Person.email_verified_at.is_not(None),
        )
    )
    queue_messages(
        work,
        [
            Recipient(email, None, {"organization": organization.name}, person_id)
            for person_id, email in members
            if email is not None
        ],
        kind=MessageKind.MEMBERSHIP_ENDED,
        account_id=organization.account_id,
        now=now,
    )


def _end_all_plans(
    work: UnitOfWork, organization: Organization, person: Person, now: datetime
) -> int:
    """End every plan of an organization, its own and its members', a few statements a batch."""
    session = work.session
    members = select(Membership.account_id).where(Membership.organization_id == organization.id)
    running = session.execute(
        select(Plan.id, Plan.account_id)
        .where(
            or_(Plan.account_id == organization.account_id, Plan.account_id.in_(members)),
            Plan.status != PlanStatus.ENDED,
        )
        .order_by(Plan.id)
        .with_for_update()
    ).all()
    stop_many(work, dict(running), status=PlanStatus.ENDED, person=person, now=now)
    return len(running)
