"""The consent ledger: who agreed to what, when, where and how, and what holds now.

Events are appended and never changed. The digest of each one is written into the audit log of its
account in the same transaction, and that log is a keyed chain; so whatever is done to the ledger
afterwards shows (:mod:`flask_tokenoffset.services.consents.verification`). Where an act came from
stands beside the audit event and is forgotten in time.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, or_, select, true
from sqlalchemy.orm import aliased

from flask_tokenoffset.data_map.enforcement import enforces
from flask_tokenoffset.data_map.purposes import ASKED, NOTICES, OBJECTABLE, Purpose
from flask_tokenoffset.errors import Conflict
from flask_tokenoffset.models import (
    Account,
    AuditAction,
    ConsentEvent,
    ConsentEventType,
    ConsentMethod,
    DocumentVersion,
    MessageKind,
    RightsRequestKind,
    RightsRequestStatus,
    new_id,
)
from flask_tokenoffset.services.audit.chain import canonical
from flask_tokenoffset.services.consents.notices import Notice, keep_notice, notice_of
from flask_tokenoffset.services.mail.outbox import notify
from flask_tokenoffset.services.rights_requests import requests as rights_requests
from flask_tokenoffset.services.sources.cancelling import stop_sampling

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import InstrumentedAttribute, Session

    from flask_tokenoffset.models import Person
    from flask_tokenoffset.settings import Settings
    from flask_tokenoffset.unit_of_work import UnitOfWork

#: Which layout the records have that are written now.
SCHEMA_VERSION: Final = 1
#: What the digest of an event covers, in order: every column but the digest itself.
SIGNED: Final = (
    "id",
    "schema_version",
    "account_id",
    "person_id",
    "sequence",
    "event_type",
    "document_version_id",
    "purpose",
    "notice_digest",
    "language",
    "place",
    "method",
    "actor_id",
    "occurred_at",
    "valid_until",
)
#: What decides whether a consent holds: the newest event of these kinds. To be shown something
#: changes nothing.
DECIDING: Final = (
    ConsentEventType.GIVEN,
    ConsentEventType.REFUSED,
    ConsentEventType.WITHDRAWN,
    ConsentEventType.OBJECTED,
)
#: The action under which each kind of event stands in the audit log.
ACTIONS: Final[Mapping[ConsentEventType, AuditAction]] = {
    ConsentEventType.SHOWN: AuditAction.CONSENT_SHOWN,
    ConsentEventType.GIVEN: AuditAction.CONSENT_GIVEN,
    ConsentEventType.REFUSED: AuditAction.CONSENT_REFUSED,
    ConsentEventType.WITHDRAWN: AuditAction.CONSENT_WITHDRAWN,
    ConsentEventType.OBJECTED: AuditAction.CONSENT_OBJECTED,
}
#: Decisions of which the person gets a receipt by mail. An objection is a request under their
#: rights, and is answered as such.
TOLD_BY_MAIL: Final = frozenset({ConsentEventType.GIVEN, ConsentEventType.WITHDRAWN})
#: What the audit log calls an event of the ledger.
SUBJECT: Final = "consent"


class Decision(StrEnum):
    """What a person may say to a purpose."""

    GIVE = "give"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    OBJECT = "object"


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """How somebody decides about a purpose.

    :param now: the present instant, aware.
    :param place: where in the product, for example ``consents-page``.
    :param method: how they say it.
    :param settings: say what they are told.
    :param language: the language they are told it in.
    :param signal: whether their browser sends Global Privacy Control with it.
    """

    now: datetime
    place: str
    method: ConsentMethod
    settings: Settings
    language: str = "en"
    signal: bool = False


def record_event(
    work: UnitOfWork,
    *,
    person: Person,
    event_type: ConsentEventType,
    now: datetime,
    place: str,
    method: ConsentMethod,
    language: str = "en",
    purpose: str | None = None,
    document_version_id: UUID | None = None,
    account_id: UUID | None = None,
    actor_id: UUID | None = None,
    valid_until: datetime | None = None,
    notice: Notice | None = None,
) -> ConsentEvent:
    """Append one act upon one purpose or one document version to the ledger.

    :param person: who decided.
    :param event_type: what they did.
    :param now: the present instant, aware.
    :param place: where in the product.
    :param method: how they said it.
    :param language: the language they were told it in.
    :param purpose: which purpose; exactly one of this and the next.
    :param document_version_id: which version of which document.
    :param account_id: whose ledger, where it is not the person's own: an organization's.
    :param actor_id: who acted, where it was not the person themselves.
    :param valid_until: until when it holds; without an end until it is taken back.
    :param notice: what they were told; a document is a notice itself.
    :raises TypeError: neither or both were named, or it is not said what they were told.
    """
    if (purpose is None) == (document_version_id is None):
        raise TypeError("An event is about a purpose or about a document version.")
    if purpose is not None and notice is None:
        raise TypeError("An event about a purpose needs the notice of what was told.")
    session = work.session
    account_id = account_id or person.account_id
    # Writers to one ledger wait for each other, so that its sequence has no gap and no double.
    session.execute(
        select(Account.id).where(Account.id == account_id).with_for_update(key_share=True)
    )
    last = session.scalar(
        select(func.max(ConsentEvent.sequence)).where(ConsentEvent.account_id == account_id)
    )
    event = ConsentEvent(
        id=new_id(),
        schema_version=SCHEMA_VERSION,
        account_id=account_id,
        person_id=person.id,
        sequence=(last or 0) + 1,
        event_type=event_type,
        document_version_id=document_version_id,
        purpose=purpose,
        notice_digest=None if notice is None else keep_notice(session, notice, now),
        language=language,
        place=place,
        method=method,
        actor_id=actor_id or person.id,
        occurred_at=now,
        valid_until=valid_until,
    )
    event.digest = digest_of_event(vars(event))
    session.add(event)
    session.flush()
    witness(work, event)
    return event


def digest_of_event(values: Mapping[str, Any]) -> str:
    """SHA-256 over everything an event says.

    :param values: its columns by name; the digest itself and others are passed over.
    """
    said = [str(each) if isinstance(each, str) else each for each in map(values.get, SIGNED)]
    text = canonical(["flask-tokenoffset consent event v1", *said])
    return hashlib.sha256(text).hexdigest()


@enforces("a-consent-has-its-witness", "TO-014", "TO-052", off=None)
def witness(work: UnitOfWork, event: ConsentEvent) -> None:
    """Have the audit log of the account say that this event was written, and what it says.

    :param work: the transaction the event belongs to.
    :param event: one that was flushed.
    """
    about: dict[str, str | None] = {"purpose": event.purpose}
    if event.document_version_id is not None:
        about = {
            "document_digest": work.session.scalar(
                select(DocumentVersion.digest).where(
                    DocumentVersion.id == event.document_version_id
                )
            )
        }
    work.record(
        ACTIONS[ConsentEventType(event.event_type)],
        account_id=event.account_id,
        subject_type=SUBJECT,
        subject_id=event.id,
        actor_id=event.actor_id,
        sequence=event.sequence,
        digest=event.digest,
        **about,
    )


def decide(
    work: UnitOfWork, person: Person, purpose: Purpose, decision: Decision, how: Circumstances
) -> ConsentEvent:
    """Take down what a person says to a purpose.

    :raises Conflict: that cannot be said to it at the moment; see :func:`give` and the others.
    """
    act = {
        Decision.GIVE: give,
        Decision.REFUSE: refuse,
        Decision.WITHDRAW: withdraw,
        Decision.OBJECT: object_to,
    }[decision]
    return act(work, person, purpose, how)


def give(work: UnitOfWork, person: Person, purpose: Purpose, how: Circumstances) -> ConsentEvent:
    """Agree to a purpose. Nothing else is agreed to with it.

    :raises Conflict: nobody is asked about this purpose, or the browser objects to it at the same
        moment.
    """
    _refuse_unasked(purpose)
    refuse_against_signal(purpose, how)
    return _decide(work, person, purpose, ConsentEventType.GIVEN, how)


def refuse(work: UnitOfWork, person: Person, purpose: Purpose, how: Circumstances) -> ConsentEvent:
    """Say no to a purpose. It costs nothing else.

    To say no to what was given is to withdraw it, and an objection stays one.

    :raises Conflict: nobody is asked about this purpose.
    """
    _refuse_unasked(purpose)
    newest = newest_decisions(work.session, person.account_id).get(purpose)
    if newest is not None and newest.event_type == ConsentEventType.GIVEN:
        return _decide(work, person, purpose, ConsentEventType.WITHDRAWN, how)
    if newest is not None and newest.event_type == ConsentEventType.OBJECTED:
        return newest
    return _decide(work, person, purpose, ConsentEventType.REFUSED, how)


def withdraw(
    work: UnitOfWork, person: Person, purpose: Purpose, how: Circumstances
) -> ConsentEvent:
    """Take a consent back. It counts from the next request and the next step of a job.

    :raises Conflict: it was not given.
    """
    _refuse_unasked(purpose)
    newest = newest_decisions(work.session, person.account_id).get(purpose)
    if newest is None or newest.event_type not in {
        ConsentEventType.GIVEN,
        ConsentEventType.WITHDRAWN,
    }:
        raise Conflict(
            f"You have not agreed to «{NOTICES[purpose].title}», so there is nothing to withdraw."
            " Nothing is done for it."
        )
    return _decide(work, person, purpose, ConsentEventType.WITHDRAWN, how)


def object_to(
    work: UnitOfWork, person: Person, purpose: Purpose, how: Circumstances
) -> ConsentEvent:
    """Object to a purpose, whatever was said before. It ends only when the person agrees again.

    It is a request under one's rights, done in the moment in which it comes in.

    :raises Conflict: it is no purpose that one objects to.
    """
    about = NOTICES[purpose]
    if purpose not in OBJECTABLE:
        raise Conflict(
            f"«{about.title}» is nothing to object to, so nothing was changed. {about.withdrawal}"
        )
    newest = newest_decisions(work.session, person.account_id).get(purpose)
    event = _decide(work, person, purpose, ConsentEventType.OBJECTED, how)
    if newest is None or newest.event_type != ConsentEventType.OBJECTED:
        request = rights_requests.receive(work, person, RightsRequestKind.OBJECTION, how.now)
        rights_requests.close(
            work,
            request,
            RightsRequestStatus.DONE,
            how.now,
            reply=f"Your data is not used for «{about.title}» any more.",
        )
    return event


@enforces("a-privacy-signal-is-kept", "TO-054", off=None)
def keep_signal(work: UnitOfWork, person: Person, how: Circumstances) -> None:
    """Keep the objection that a person's browser sends, unless it is kept already.

    :param how: the circumstances; without the signal nothing is done.
    """
    if not how.signal:
        return
    newest = newest_decisions(work.session, person.account_id)
    for purpose in OBJECTABLE:
        event = newest.get(purpose)
        if event is None or event.event_type != ConsentEventType.OBJECTED:
            _append(work, person, purpose, ConsentEventType.OBJECTED, how)


@enforces("no-consent-against-a-privacy-signal", "TO-054", off=None)
def refuse_against_signal(purpose: Purpose, how: Circumstances) -> None:
    """Refuse a yes that comes together with a general no.

    :raises Conflict: the browser sends Global Privacy Control, which objects to this purpose.
    """
    if how.signal and purpose in OBJECTABLE:
        raise Conflict(
            "Your browser sends Global Privacy Control, which we honour as an objection to"
            f" «{NOTICES[purpose].title}», so your yes was not taken. To agree all the same, switch"
            " that signal off for this site and try again."
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

    Not the opposite of :func:`holding`: somebody who was never asked has not declined.

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
    accepted = session.scalars(
        select(ConsentEvent.document_version_id).where(
            ConsentEvent.account_id == account_id,
            ConsentEvent.sequence.in_(_newest(account_id, ConsentEvent.document_version_id)),
            ConsentEvent.event_type == ConsentEventType.GIVEN,
        )
    )
    return {each for each in accepted if each is not None}


def newest_decisions(session: Session, account_id: UUID) -> dict[str, ConsentEvent]:
    """An account's newest decision about each purpose it ever decided about.

    :param account_id: whose.
    """
    events = session.scalars(
        select(ConsentEvent).where(
            ConsentEvent.account_id == account_id,
            ConsentEvent.sequence.in_(_newest(account_id, ConsentEvent.purpose)),
        )
    )
    return {each.purpose: each for each in events if each.purpose is not None}


def _newest(account_id: UUID, about: InstrumentedAttribute[Any]) -> Select[Any]:
    """The sequences of an account's newest decisions, one about each value of a column."""
    return (
        select(func.max(ConsentEvent.sequence))
        .where(
            ConsentEvent.account_id == account_id,
            about.is_not(None),
            ConsentEvent.event_type.in_(DECIDING),
        )
        .group_by(about)
    )


def _refuse_unasked(purpose: Purpose) -> None:
    if purpose not in ASKED:
        raise Conflict(
            f"«{NOTICES[purpose].title}» rests on the contract and not on consent, so there is"
            f" nothing to agree to and nothing to withdraw. {NOTICES[purpose].refusal}"
        )


def _decide(
    work: UnitOfWork,
    person: Person,
    purpose: Purpose,
    event_type: ConsentEventType,
    how: Circumstances,
) -> ConsentEvent:
    """Append a decision, unless it is the newest one already and the same was told."""
    newest = newest_decisions(work.session, person.account_id).get(purpose)
    if newest is not None and newest.event_type == event_type:
        told = notice_of(purpose, how.settings, how.language).digest
        still_holds = newest.valid_until is None or newest.valid_until > how.now
        if still_holds and newest.notice_digest == told:
            return newest
    if purpose == Purpose.SAMPLING and event_type != ConsentEventType.GIVEN:
        stop_sampling(work.session, person.account_id, how.now)
    event = _append(work, person, purpose, event_type, how)
    if event_type in TOLD_BY_MAIL:
        notify(
            work,
            person,
            MessageKind.CONSENT_RECEIPT,
            how.now,
            purpose=NOTICES[purpose].title,
            decision=str(event_type),
            receipt=str(event.id),
        )
    return event


def _append(
    work: UnitOfWork,
    person: Person,
    purpose: Purpose,
    event_type: ConsentEventType,
    how: Circumstances,
) -> ConsentEvent:
    return record_event(
        work,
        person=person,
        event_type=event_type,
        now=how.now,
        place=how.place,
        method=how.method,
        language=how.language,
        purpose=purpose,
        notice=notice_of(purpose, how.settings, how.language),
    )
