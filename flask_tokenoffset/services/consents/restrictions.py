"""Restriction: a person's data is stored and nothing else is done with it, until they say so.

Restricted is the person who asked for it (GDPR Art. 18), and one who asked for the deletion of
their account and may still take that back. For them no vendor is called, nothing is counted into
any insight, no optional mail leaves, no billing record is made and no organization is shown their
use. What they do themselves still works, so that they can read, take away, correct and leave.

Sampling ends as well for anyone who withdrew their consent to it, and for nothing else.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import and_, bindparam, exists, or_, select, true

from flask_tokenoffset.data_map.enforcement import enforces
from flask_tokenoffset.data_map.purposes import Purpose
from flask_tokenoffset.errors import Conflict, Restricted
from flask_tokenoffset.models import (
    Account,
    AuditAction,
    Person,
    RightsRequestKind,
    RightsRequestStatus,
)
from flask_tokenoffset.services.consents.holding import declined
from flask_tokenoffset.services.rights_requests import requests as rights_requests
from flask_tokenoffset.services.sources.cancelling import stop_sampling

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement, Select
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
    request = rights_requests.receive(work, person, RightsRequestKind.RESTRICTION, now)
    rights_requests.close(
        work,
        request,
        RightsRequestStatus.DONE,
        now,
        reply="From now on your data is stored and nothing else. You can lift that at any time.",
    )
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


def is_restricted(person: Person) -> bool:
    """Whether nothing but storage may be done with a person's data.

    :param person: the person.
    """
    return person.restricted_at is not None or person.deletion_due_at is not None


@enforces("no-vendor-is-asked-while-restricted", "TO-050", off=False)
def is_restricted_account(session: Session, account_id: UUID) -> bool:
    """Whether an account belongs to a person who is restricted.

    :param account_id: any account; an organization is never restricted.
    """
    restricted = select(Person.id).where(Person.account_id == account_id, ~processable())
    return session.execute(restricted).first() is not None


@enforces("no-vendor-is-asked-against-a-withdrawal", "TO-052", off=False)
def has_declined_sampling(session: Session, account_id: UUID) -> bool:
    """Whether the newest word on sampling in an account is a no.

    :param account_id: any account, an organization's as well.
    """
    return bool(session.scalar(_sampling_declined(), {"account_id": account_id}))


@cache
def _sampling_declined() -> Select[bool]:
    # Building it takes longer than asking it.
    return select(declined(Purpose.SAMPLING, bindparam("account_id", type_=Account.id.type)))


def may_sample(session: Session, account_id: UUID) -> bool:
    """Whether a vendor may be asked about an account at this moment.

    :param account_id: any account.
    """
    return not (
        is_restricted_account(session, account_id) or has_declined_sampling(session, account_id)
    )


def refuse_if_restricted(session: Session, account_id: UUID) -> None:
    """Refuse what would ask a vendor about an account whose person is restricted.

    :param account_id: the account it is done for.
    :raises Restricted: they are.
    """
    if is_restricted_account(session, account_id):
        raise Restricted


def refuse_sampling(session: Session, account_id: UUID) -> None:
    """Refuse to sample an account where that is restricted, or consent to it was withdrawn.

    :param account_id: the account it is done for.
    :raises Restricted: its person is restricted.
    :raises Conflict: consent was withdrawn, or refused.
    """
    refuse_if_restricted(session, account_id)
    if has_declined_sampling(session, account_id):
        raise Conflict(
            "Consent to reading the use from vendors was withdrawn here, so no vendor is asked and"
            " nothing was changed. Give it again on the page of your consents first."
        )


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


@enforces("no-run-is-scheduled-against-a-withdrawal", "TO-052", off=true())
def may_be_sampled(account: InstrumentedAttribute[UUID]) -> ColumnElement[bool]:
    """The condition that a vendor may be asked about the account that a row names.

    :param account: the column that names the account.
    """
    return and_(unrestricted(account), ~declined(Purpose.SAMPLING, account))


def processable() -> ColumnElement[bool]:
    """The condition on :class:`Person` that they are not restricted."""
    return and_(Person.restricted_at.is_(None), Person.deletion_due_at.is_(None))


def _record(work: UnitOfWork, action: AuditAction, person: Person) -> None:
    work.record(action, account_id=person.account_id, subject_type="person", subject_id=person.id)
