"""Reading the consent ledger: where each purpose stands, what was decided, and the receipts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, func, select

from flask_tokenoffset.data_map.purposes import NOTICES, OBJECTABLE, Basis, Purpose
from flask_tokenoffset.errors import NotFound
from flask_tokenoffset.models import (
    AuditEvent,
    AuditOrigin,
    ConsentEvent,
    ConsentEventType,
    ConsentNotice,
    DocumentVersion,
)
from flask_tokenoffset.services.consents.holding import DECIDING, newest_decisions
from flask_tokenoffset.services.consents.ledger import Decision
from flask_tokenoffset.services.consents.notices import notice_of
from flask_tokenoffset.services.consents.witness import SUBJECT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from flask_tokenoffset.data_map.purposes import PurposeNotice
    from flask_tokenoffset.settings import Settings

#: How a purpose stands that a person never decided about.
NOT_ASKED: Final = "not-asked"
#: How one stands that rests on the contract.
CONTRACT: Final = "contract"
#: How a consent stands whose time is over.
EXPIRED: Final = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a purpose stands for a person.

    :param purpose: which one.
    :param told: what a person who decides now is told, by the names of the particulars.
    :param state: a :class:`ConsentEventType`, :data:`EXPIRED`, :data:`NOT_ASKED` or
        :data:`CONTRACT`.
    :param since: when that was decided.
    :param event_id: the event that decided it.
    :param by_signal: whether the browser objects at this moment, whatever was decided.
    """

    purpose: Purpose
    told: Mapping[str, Any]
    state: str
    since: datetime | None = None
    event_id: UUID | None = None
    by_signal: bool = False

    @property
    def about(self) -> PurposeNotice:
        """The purpose in words."""
        return NOTICES[self.purpose]

    @property
    def is_on(self) -> bool:
        """Whether data is used for it."""
        return self.state in {CONTRACT, ConsentEventType.GIVEN} and not self.by_signal

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """What the person may decide now."""
        if self.state == CONTRACT:
            return ()
        objection = (Decision.OBJECT,) if self.purpose in OBJECTABLE else ()
        match self.state:
            case ConsentEventType.GIVEN:
                return (Decision.WITHDRAW, *objection)
            case ConsentEventType.OBJECTED:
                return (Decision.GIVE,)
            case ConsentEventType.REFUSED | ConsentEventType.WITHDRAWN:
                return (Decision.GIVE, *objection)
        return (Decision.GIVE, Decision.REFUSE, *objection)


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of a ledger, and the title of what it is about."""

    event: ConsentEvent
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Everything that is known of one event.

    :param event: what stands in the ledger.
    :param state: where the same purpose or document stands now, as in :class:`Standing`.
    :param told: what the person was told, by the names of the particulars; none where the document
        says it.
    :param document: the version that was accepted, if it is about one.
    :param address: the network address the act came from, while that is kept.
    :param user_agent: what the client called itself, while that is kept.
    :param audit_sequence: the event of the audit log that bears witness.
    """

    event: ConsentEvent
    state: str
    told: Mapping[str, Any] | None
    document: DocumentVersion | None
    address: str | None
    user_agent: str | None
    audit_sequence: int | None

    @property
    def title(self) -> str:
        """What it is about."""
        return _title(self.event, self.document, self.told)


def list_standings(
    session: Session,
    account_id: UUID | None,
    *,
    settings: Settings,
    now: datetime,
    signal: bool = False,
) -> list[Standing]:
    """Where every purpose stands, in the order in which pages show them.

    :param account_id: whose; none before a person's first change.
    :param settings: say what a person who decides now is told.
    :param now: the present instant, aware.
    :param signal: whether the browser sends Global Privacy Control with this request.
    """
    newest = {} if account_id is None else newest_decisions(session, account_id)
    standings = []
    for purpose, about in NOTICES.items():
        event = newest.get(purpose)
        state = CONTRACT if about.basis is Basis.CONTRACT else _state(event, now)
        standings.append(
            Standing(
                purpose=purpose,
                told=notice_of(purpose, settings).particulars,
                state=state,
                since=None if event is None else event.occurred_at,
                event_id=None if event is None else event.id,
                by_signal=signal and purpose in OBJECTABLE,
            )
        )
    return standings


def list_entries(
    session: Session, account_id: UUID, *, before_sequence: int | None = None, limit: int
) -> list[Entry]:
    """A page of a ledger, newest first.

    :param account_id: whose.
    :param before_sequence: go on behind this event.
    :param limit: how many at most.
    """
    conditions = [ConsentEvent.account_id == account_id]
    if before_sequence is not None:
        conditions.append(ConsentEvent.sequence < before_sequence)
    rows = session.execute(
        select(ConsentEvent, DocumentVersion)
        .outerjoin(DocumentVersion, DocumentVersion.id == ConsentEvent.document_version_id)
        .where(*conditions)
        .order_by(ConsentEvent.sequence.desc())
        .limit(limit)
    )
    return [Entry(event, _title(event, document, None)) for event, document in rows]


def read_receipt(session: Session, account_id: UUID, event_id: UUID, now: datetime) -> Receipt:
    """The receipt of one event.

    :param account_id: whose.
    :param event_id: which one.
    :param now: the present instant, aware.
    :raises NotFound: the account has no such event.
    """
    row = session.execute(
        select(ConsentEvent, DocumentVersion, ConsentNotice.particulars, AuditEvent, AuditOrigin)
        .outerjoin(DocumentVersion, DocumentVersion.id == ConsentEvent.document_version_id)
        .outerjoin(ConsentNotice, ConsentNotice.digest == ConsentEvent.notice_digest)
        .outerjoin(
            AuditEvent,
            and_(
                AuditEvent.account_id == ConsentEvent.account_id,
                AuditEvent.subject_type == SUBJECT,
                AuditEvent.subject_id == ConsentEvent.id,
            ),
        )
        .outerjoin(AuditOrigin, AuditOrigin.event_id == AuditEvent.id)
        .where(ConsentEvent.account_id == account_id, ConsentEvent.id == event_id)
    ).one_or_none()
    if row is None:
        raise NotFound("There is no such thing here.")
    event, document, told, witness, origin = row
    return Receipt(
        event=event,
        state=_state(_newest_about_the_same(session, event), now),
        told=told,
        document=document,
        address=None if origin is None else origin.address,
        user_agent=None if origin is None else origin.user_agent,
        audit_sequence=None if witness is None else witness.sequence,
    )


def _newest_about_the_same(session: Session, event: ConsentEvent) -> ConsentEvent | None:
    same = (
        ConsentEvent.account_id == event.account_id,
        ConsentEvent.purpose == event.purpose
        if event.purpose is not None
        else ConsentEvent.document_version_id == event.document_version_id,
        ConsentEvent.event_type.in_(DECIDING),
    )
    newest = select(func.max(ConsentEvent.sequence)).where(*same).scalar_subquery()
    return session.scalar(select(ConsentEvent).where(*same, ConsentEvent.sequence == newest))


def _state(event: ConsentEvent | None, now: datetime) -> str:
    if event is None:
        return NOT_ASKED
    over = event.valid_until is not None and event.valid_until <= now
    if event.event_type == ConsentEventType.GIVEN and over:
        return EXPIRED
    return event.event_type


def _title(
    event: ConsentEvent, document: DocumentVersion | None, told: Mapping[str, Any] | None
) -> str:
    if document is not None:
        return f"{document.title} ({document.version})"
    if told is not None:
        return str(told["title"])
    known = {str(each): about.title for each, about in NOTICES.items()}
    return known.get(event.purpose or "", event.purpose or "")
