"""Restriction: a person's data is stored and nothing else is done with it, until they say so.

Restricted is whoever asked for it (GDPR Art. 18), and whoever asked for the deletion of their
account and may still take that back. For them no vendor is called, nothing is counted into any
insight, no optional mail leaves, no billing record is made and no organization is shown their use.
What they do themselves still works, so that they can read, take away, correct and leave.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, exists, or_, select, true, update

from flask_tokenoffset.enforcement import enforces
from flask_tokenoffset.errors import Restricted
from flask_tokenoffset.models import UNFINISHED, AuditAction, Person, RunStatus, SampleRun

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import InstrumentedAttribute, Session

    from flask_tokenoffset.unit_of_work import UnitOfWork


def restrict(work: UnitOfWork, person: Person, now: datetime) -> bool:
    """Do nothing but store from now on. Samples under way end at their next step.

    :param person: the person who asks for it.
    :param now: the present instant, aware.
    :return: whether that is new; a second time changes nothing.
    """
    if person.restricted_at is not None:
        return False
    person.restricted_at = now
    stop_sampling(work.session, person.account_id, now)
    _record(work, AuditAction.PROCESSING_RESTRICTED, person)
    return True


def lift(work: UnitOfWork, person: Person) -> bool:
    """Go on as before; only the person themselves can say so.

    :param person: the person who asks for it.
    :return: whether they were restricted.
    """
    if person.restricted_at is None:
        return False
    person.restricted_at = None
    _record(work, AuditAction.RESTRICTION_LIFTED, person)
    return True


def stop_sampling(session: Session, account_id: UUID, now: datetime) -> None:
    """End the samples of an account that wait or are under way; the latter stop at their next step.

    :param account_id: whose sources.
    :param now: the present instant, aware.
    """
    session.execute(
        update(SampleRun)
        .where(SampleRun.account_id == account_id, SampleRun.status.in_(UNFINISHED))
        .values(status=RunStatus.CANCELLED, finished_at=now, lease_expires_at=None)
        .execution_options(synchronize_session=False)
    )


def is_restricted(person: Person) -> bool:
    """Whether nothing but storage may be done with somebody's data.

    :param person: the person.
    """
    return person.restricted_at is not None or person.deletion_due_at is not None


@enforces("no-vendor-is-asked-while-restricted", "TO-050", off=True)
def may_sample(session: Session, account_id: UUID) -> bool:
    """Whether a vendor may be asked about an account at this moment.

    :param account_id: any account; an organization is never restricted.
    """
    restricted = select(Person.id).where(Person.account_id == account_id, ~processable())
    return session.execute(restricted).first() is None


def refuse_if_restricted(session: Session, account_id: UUID) -> None:
    """Refuse what would ask a vendor about an account whose person is restricted.

    :param account_id: the account it is done for.
    :raises Restricted: they are.
    """
    if not may_sample(session, account_id):
        raise Restricted


@enforces("no-run-is-scheduled-for-the-restricted", "TO-050", off=true())
def unrestricted(account: InstrumentedAttribute[UUID]) -> ColumnElement[bool]:
    """The condition that a row belongs to nobody who is restricted.

    Organizations are never restricted; what they hold is theirs.

    :param account: the column that names the account.
    """
    return ~exists().where(
        Person.account_id == account,
        or_(Person.restricted_at.is_not(None), Person.deletion_due_at.is_not(None)),
    )


def processable() -> ColumnElement[bool]:
    """The condition on :class:`Person` that they are not restricted."""
    return and_(Person.restricted_at.is_(None), Person.deletion_due_at.is_(None))


def _record(work: UnitOfWork, action: AuditAction, person: Person) -> None:
    work.record(action, account_id=person.account_id, subject_type="person", subject_id=person.id)
