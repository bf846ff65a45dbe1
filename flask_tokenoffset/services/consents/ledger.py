"""The consent ledger: who agreed to what, when, where and how.

Events are appended and never changed. The digest of each one is written into the audit log of its
account in the same transaction (:mod:`flask_tokenoffset.services.consents.witness`). Where an act
came from stands beside the audit event and is forgotten in time. Which decisions hold now says
:mod:`flask_tokenoffset.services.consents.holding`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Final

from sqlalchemy import Select, bindparam, func, select

from flask_tokenoffset.data_map.enforcement import enforces
from flask_tokenoffset.data_map.purposes import ASKED, NOTICES, OBJECTABLE, Purpose
from flask_tokenoffset.errors import Conflict
from flask_tokenoffset.models import (
    Account,
    ConsentEvent,
    ConsentEventType,
    ConsentMethod,
    MessageKind,
    RightsRequestKind,
    RightsRequestStatus,
    new_id,
)
from flask_tokenoffset.services.consents.holding import newest_decisions
from flask_tokenoffset.services.consents.notices import Notice, keep_notice, notice_of
from flask_tokenoffset.services.consents.witness import digest_of_event, witness
from flask_tokenoffset.services.mail.outbox import notify
from flask_tokenoffset.services.rights_requests import requests as rights_requests
from flask_tokenoffset.services.sources.cancelling import stop_sampling

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from flask_tokenoffset.models import Person
    from flask_tokenoffset.settings import Settings
    from flask_tokenoffset.unit_of_work import UnitOfWork

#: Which layout the records have that are written now.
SCHEMA_VERSION: Final = 1
#: Decisions of which the person gets a receipt by mail. An objection is a request under their
#: rights, and is answered as such.
TOLD_BY_MAIL: Final = frozenset({ConsentEventType.GIVEN, ConsentEventType.WITHDRAWN})


class Decision(StrEnum):
    """What a person may say to a purpose."""

    GIVE = "give"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    OBJECT = "object"


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """How a person decides about a purpose.

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
    event = ConsentEvent(
        id=new_id(),
        schema_version=SCHEMA_VERSION,
        account_id=account_id,
        person_id=person.id,
        sequence=_next_sequence(session, account_id),
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


def _next_sequence(session: Session, account_id: UUID) -> int:
    """The number of the next event. Writers to one ledger wait here for each other.

    So its sequence has no gap and no double.
    """
    session.execute(_account_locked(), {"account_id": account_id})
    last = session.scalar(_last_sequence(), {"account_id": account_id})
    return (last or 0) + 1


@cache
def _account_locked() -> Select[UUID]:
    locked = select(Account.id).where(Account.id == bindparam("account_id"))
    return locked.with_for_update(key_share=True)


@cache
def _last_sequence() -> Select[int]:
    return select(func.max(ConsentEvent.sequence)).where(
        ConsentEvent.account_id == bindparam("account_id")
    )


def decide(
    work: UnitOfWork, person: Person, purpose: Purpose, decision: Decision, how: Circumstances
) -> ConsentEvent:
    """Record what a person says to a purpose.

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
