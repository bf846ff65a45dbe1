"""What holds now: the newest decision of an account about each purpose and each document.

Every answer is computed from the ledger when it is asked for, so that a consent that was withdrawn
counts no more from the next statement on.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Select, bindparam, func, or_, select, true
from sqlalchemy.orm import aliased

from flask_tokenoffset.data_map.enforcement import enforces
from flask_tokenoffset.models import Account, ConsentEvent, ConsentEventType

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import InstrumentedAttribute, Session

#: What decides whether a consent holds: the newest event of these kinds. To be shown something
#: changes nothing.
DECIDING: Final = (
    ConsentEventType.GIVEN,
    ConsentEventType.REFUSED,
    ConsentEventType.WITHDRAWN,
    ConsentEventType.OBJECTED,
)


@enforces("consent-holds", "TO-050", "TO-052", off=True)
def holds(session: Session, account_id: UUID, purpose: str, now: datetime | None = None) -> bool:
    """Whether an account's newest decision about a purpose is a consent that is still valid.

    :param account_id: whose.
    :param purpose: a purpose that people are asked about.
    :param now: the present instant, aware; without it the database's.
    """
    found = session.execute(
        select(Account.id).where(Account.id == account_id, holding(purpose, Account.id, now))
    )
    return found.first() is not None


@enforces("only-holding-consents-count", "TO-050", "TO-052", off=true())
def holding(
    purpose: str, account: InstrumentedAttribute[UUID], now: datetime | None = None
) -> ColumnElement[bool]:
    """The condition that the account a row names has a consent that holds.

    :param purpose: a purpose that people are asked about.
    :param account: the column that names the account.
    :param now: the present instant, aware; without it the database's.
    """
    given, later = aliased(ConsentEvent), aliased(ConsentEvent)
    return (
        select(given.id)
        .where(
            given.purpose == purpose,
            given.account_id == account,
            given.event_type == ConsentEventType.GIVEN,
            or_(
                given.valid_until.is_(None),
                given.valid_until > (func.now() if now is None else now),
            ),
            ~select(later.id)
            .where(
                later.purpose == given.purpose,
                later.account_id == given.account_id,
                later.sequence > given.sequence,
                later.event_type.in_(DECIDING),
            )
            .exists(),
        )
        .exists()
    )


def declined(
    purpose: str, account: ColumnElement[UUID] | InstrumentedAttribute[UUID]
) -> ColumnElement[bool]:
    """The condition that an account's newest decision about a purpose is a no.

    Not the opposite of :func:`holding`: a person who was never asked has not declined.

    :param purpose: a purpose that people are asked about.
    :param account: the account's id, as a column or a value.
    """
    decided, later = aliased(ConsentEvent), aliased(ConsentEvent)
    return (
        select(decided.id)
        .where(
            decided.purpose == purpose,
            decided.account_id == account,
            decided.event_type.in_(set(DECIDING) - {ConsentEventType.GIVEN}),
            ~select(later.id)
            .where(
                later.purpose == decided.purpose,
                later.account_id == decided.account_id,
                later.sequence > decided.sequence,
                later.event_type.in_(DECIDING),
            )
            .exists(),
        )
        .exists()
    )


def accepted_version_ids(session: Session, account_id: UUID) -> set[UUID]:
    """The document versions whose newest decision in an account is an acceptance.

    :param account_id: whose.
    """
    accepted = session.scalars(_accepted_versions(), {"account_id": account_id})
    return {each for each in accepted if each is not None}


def newest_decisions(session: Session, account_id: UUID) -> dict[str, ConsentEvent]:
    """An account's newest decision about each purpose it ever decided about.

    :param account_id: whose.
    """
    events = session.scalars(_newest_decisions(), {"account_id": account_id})
    return {each.purpose: each for each in events if each.purpose is not None}


@cache
def _accepted_versions() -> Select[UUID | None]:
    return select(ConsentEvent.document_version_id).where(
        ConsentEvent.account_id == bindparam("account_id"),
        ConsentEvent.sequence.in_(_newest(ConsentEvent.document_version_id)),
        ConsentEvent.event_type == ConsentEventType.GIVEN,
    )


@cache
def _newest_decisions() -> Select[ConsentEvent]:
    return select(ConsentEvent).where(
        ConsentEvent.account_id == bindparam("account_id"),
        ConsentEvent.sequence.in_(_newest(ConsentEvent.purpose)),
    )


def _newest(about: InstrumentedAttribute[Any]) -> Select[int]:
    """The sequences of an account's newest decisions, one about each value of a column."""
    return (
        select(func.max(ConsentEvent.sequence))
        .where(
            ConsentEvent.account_id == bindparam("account_id"),
            about.is_not(None),
            ConsentEvent.event_type.in_(DECIDING),
        )
        .group_by(about)
    )
