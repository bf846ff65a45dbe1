"""Verifying the consent ledger: whatever was done to it, or to its witness, is found and said.

The audit log of an account says, in a keyed chain, which events of the ledger were written and what
each of them said. So one run verifies that chain and then compares both ways: every event has its
witness, every witness its event, and each event and each notice is what it was.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, exists, select
from sqlalchemy.orm import aliased

from flask_tokenoffset.models import (
    Account,
    AuditAction,
    AuditEvent,
    ConsentEvent,
    ConsentNotice,
    DocumentVersion,
)
from flask_tokenoffset.services.audit import verification as audit_verification
from flask_tokenoffset.services.audit.verification import Fault
from flask_tokenoffset.services.consents.notices import digest_of_particulars
from flask_tokenoffset.services.consents.witness import ACTIONS, SIGNED, SUBJECT, digest_of_event

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from flask_tokenoffset.services.audit.chain import AuditKeys

#: Events read at a time.
BATCH: Final = 500

_ACTIONS: Final = tuple(map(str, ACTIONS.values()))
#: What stands in the log of an account whose owner is gone.
_ENDS: Final = (str(AuditAction.PERSON_FORGOTTEN), str(AuditAction.ORGANIZATION_CLOSED))
_EVENT_COLUMNS: Final = tuple(
    getattr(ConsentEvent, name).label(name) for name in (*SIGNED, "digest")
)


@dataclass(slots=True)
class Verified:
    """What a verification looked at."""

    ledgers: int = 0
    events: int = 0
    audit_events: int = 0
    faults: int = 0


def verify(
    session: Session,
    keys: AuditKeys,
    report: Callable[[Fault], None],
    *,
    account_id: UUID | None = None,
) -> Verified:
    """Look at every event of every ledger, and at the chains that bear witness to them.

    Ledgers may grow meanwhile. Of an account that was released after its erasure events may be
    gone; what is left of it must still be what it was.

    :param keys: the present secret's and all former ones that signed the audit log.
    :param report: called with each fault as it is found.
    :param account_id: one ledger only.
    """
    verified = Verified()

    def note(fault: Fault) -> None:
        verified.faults += 1
        report(fault)

    chains = audit_verification.verify(session, keys, note, account_id=account_id)
    verified.audit_events = chains.events
    for each in _accounts(session) if account_id is None else [account_id]:
        verified.ledgers += 1
        verified.events += _Ledger(session, note, each).verify()
    return verified


def _accounts(session: Session) -> list[UUID]:
    """Every account that has a ledger, or a witness of one."""
    ledgers = session.scalars(select(ConsentEvent.account_id).distinct()).all()
    witnessed = session.scalars(
        select(AuditEvent.account_id).where(AuditEvent.action.in_(_ACTIONS)).distinct()
    ).all()
    return sorted({*ledgers, *witnessed})


def _may_be_incomplete(session: Session, account_id: UUID) -> bool:
    """Whether events of a ledger may have been deleted by the product itself.

    Only once the account was released. Anyone can write that into its row, so the audit log has to
    say as well that its owner was forgotten, unless that is gone for the same reason.
    """
    released_at = session.scalar(select(Account.released_at).where(Account.id == account_id))
    if released_at is None:
        return False
    own = select(AuditEvent.id).where(AuditEvent.account_id == account_id).limit(1)
    return (
        session.scalar(own) is None
        or session.scalar(own.where(AuditEvent.action.in_(_ENDS))) is not None
    )


class _Ledger:
    """One ledger while it is verified."""

    def __init__(self, session: Session, report: Callable[[Fault], None], account_id: UUID) -> None:
        self._session = session
        self._report = report
        self._account_id = account_id
        self._released = _may_be_incomplete(session, account_id)
        self._sound_notices: set[str] = set()
        #: The event read last.
        self._sequence = 0
        self._events = 0

    def verify(self) -> int:
        """Report every fault; returns how many events there are."""
        last: int | None = None
        while rows := self._rows(last):
            for sequence, row in rows:
                self._look_at(sequence, row)
            last = rows[-1][0]
        if not self._released:
            self._look_for_lost_events()
        return self._events

    def _look_at(self, sequence: int, row: Mapping[str, Any] | None) -> None:
        self._events += 1
        if sequence != self._sequence + 1 and not self._released:
            self._say(
                sequence, f"Consent {sequence} follows {self._sequence}: what was between is gone."
            )
        self._sequence = sequence
        if row is None:
            self._say(sequence, f"Consent {sequence} was altered: it cannot even be read.")
            return
        if digest_of_event(row) != row["digest"]:
            self._say(sequence, f"Consent {sequence} was altered: its digest does not fit.")
        self._look_at_notice(sequence, row)
        witness = row["witness"]
        if row["witness_action"] is None:
            if not self._released:
                self._say(
                    sequence,
                    f"Consent {sequence} was put in: the audit log knows nothing of it.",
                )
            return
        said = {
            "digest": row["digest"],
            "sequence": sequence,
        }
        is_same = all(witness.get(word) == value for word, value in said.items())
        if not is_same or row["witness_action"] != self._action(row["event_type"]):
            self._say(
                sequence,
                f"Consent {sequence} is another one than the audit log says was written.",
            )
        self._look_at_document(sequence, row)

    def _look_at_notice(self, sequence: int, row: Mapping[str, Any]) -> None:
        digest, told = row["notice_digest"], row["told"]
        if digest is None or digest in self._sound_notices:
            return
        if isinstance(told, dict) and digest_of_particulars(told) == digest:
            self._sound_notices.add(digest)
            return
        self._say(sequence, f"What was told with consent {sequence} was altered or is gone.")

    def _look_at_document(self, sequence: int, row: Mapping[str, Any]) -> None:
        if row["document_version_id"] is None:
            return
        text = row["document_text"]
        digest = row["witness"].get("document_digest")
        if text is None or hashlib.sha256(text.encode()).hexdigest() != digest:
            self._say(
                sequence,
                f"The document of consent {sequence} has another text than the one accepted.",
            )

    def _look_for_lost_events(self) -> None:
        """Every witness whose event is gone, or stands in another account by now."""
        lost = self._session.execute(
            select(AuditEvent.details)
            .where(
                AuditEvent.account_id == self._account_id,
                AuditEvent.action.in_(_ACTIONS),
                ~exists().where(
                    ConsentEvent.id == AuditEvent.subject_id,
                    ConsentEvent.account_id == AuditEvent.account_id,
                ),
            )
            .order_by(AuditEvent.sequence)
        )
        for (details,) in lost:
            sequence = details.get("sequence")
            self._say(sequence, f"Consent {sequence} is gone: the audit log says it was written.")

    def _rows(self, after: int | None) -> list[tuple[int, Mapping[str, Any] | None]]:
        """The next events by sequence; ``None`` for one whose values are none of their kind."""
        own = ConsentEvent.account_id == self._account_id
        condition = own if after is None else and_(own, ConsentEvent.sequence > after)
        try:
            return [(row["sequence"], row) for row in self._read(condition)]
        except (ValueError, TypeError):
            pass  # SQLite takes any value in any column, and then it cannot be read.
        sequences = self._session.scalars(
            select(ConsentEvent.sequence)
            .where(condition)
            .order_by(ConsentEvent.sequence)
            .limit(BATCH)
        ).all()
        return [(each, self._read_one(own, each)) for each in sequences]

    def _read_one(self, own: ColumnElement[bool], sequence: int) -> Mapping[str, Any] | None:
        try:
            (row,) = self._read(and_(own, ConsentEvent.sequence == sequence))
        except (ValueError, TypeError):
            return None
        return row

    def _read(self, condition: ColumnElement[bool]) -> list[Mapping[str, Any]]:
        """A batch of events with what bears witness to them, in one statement.

        One statement sees one state of the database, so that an event that is being written right
        now is either there with its witness or not at all.
        """
        witness = aliased(AuditEvent)
        rows = self._session.execute(
            select(
                *_EVENT_COLUMNS,
                witness.action.label("witness_action"),
                witness.details.label("witness"),
                ConsentNotice.particulars.label("told"),
                DocumentVersion.text.label("document_text"),
            )
            .select_from(ConsentEvent)
            .outerjoin(
                witness,
                and_(
                    witness.account_id == ConsentEvent.account_id,
                    witness.action.in_(_ACTIONS),
                    witness.subject_type == SUBJECT,
                    witness.subject_id == ConsentEvent.id,
                ),
            )
            .outerjoin(ConsentNotice, ConsentNotice.digest == ConsentEvent.notice_digest)
            .outerjoin(DocumentVersion, DocumentVersion.id == ConsentEvent.document_version_id)
            .where(condition)
            .order_by(ConsentEvent.sequence)
            .limit(BATCH)
        )
        names = list(rows.keys())
        return [dict(zip(names, row, strict=True)) for row in rows]

    @staticmethod
    def _action(event_type: str) -> str | None:
        known = {str(each): str(action) for each, action in ACTIONS.items()}
        return known.get(event_type)

    def _say(self, sequence: int | None, sentence: str) -> None:
        self._report(Fault(self._account_id, sequence, sentence))
