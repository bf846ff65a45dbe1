"""Verifying the audit log: whatever was done to a chain without the key is found and said.

Chains are read a batch at a time, so that one of any length takes the same memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, exists, select

from flask_tokenoffset.models import Account, AuditChain, AuditEvent, AuditOrigin
from flask_tokenoffset.services.audit.chain import GENESIS, Signed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from uuid import UUID

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from flask_tokenoffset.services.audit.chain import AuditKeys

#: Events, or chains, read at a time.
BATCH: Final = 1000

_EVENT_COLUMNS: Final = tuple(
    getattr(AuditEvent, name).label(name) for name in (*Signed.EVENT.fields, "digest")
)
_ORIGIN_COLUMNS: Final = tuple(
    getattr(AuditOrigin, name).label(f"origin_{name}") for name in Signed.ORIGIN.fields
)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is not as it was written.

    :param account_id: whose chain.
    :param sequence: the event at which it shows, if it is one.
    :param sentence: what is wrong.
    """

    account_id: UUID
    sequence: int | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain stood at some time, as it was noted outside of the database."""

    account_id: UUID
    length: int
    head_digest: str


@dataclass(slots=True)
class Verified:
    """What a verification looked at."""

    chains: int = 0
    events: int = 0
    heads: int = 0
    faults: int = 0
    #: Noted heads of chains that were deleted whole, because nothing has to be kept of the account
    #: any more.
    released: int = 0


def verify(
    session: Session,
    keys: AuditKeys,
    report: Callable[[Fault], None],
    *,
    account_id: UUID | None = None,
) -> Verified:
    """Look at every event of every chain.

    Chains may grow meanwhile.

    :param keys: the present secret's and all former ones that signed.
    :param report: called with each fault as it is found.
    :param account_id: one chain only.
    """
    verified = Verified()

    def note(fault: Fault) -> None:
        verified.faults += 1
        report(fault)

    for each in _accounts(session) if account_id is None else [account_id]:
        verified.chains += 1
        verified.events += _Chain(session, keys, note, each).verify()
    return verified


def read_heads(session: Session) -> Iterator[Head]:
    """Where every chain stands, to be noted outside of the database."""
    last: UUID | None = None
    while True:
        rows = session.execute(
            select(AuditChain.account_id, AuditChain.length, AuditChain.head_digest)
            .where(*([] if last is None else [AuditChain.account_id > last]))
            .order_by(AuditChain.account_id)
            .limit(BATCH)
        ).all()
        yield from (Head(*row) for row in rows)
        if len(rows) < BATCH:
            return
        last = rows[-1].account_id


def compare_heads(
    session: Session, heads: Iterable[Head], report: Callable[[Fault], None]
) -> Verified:
    """Look whether every chain still passes through where it stood once.

    Only this finds a chain that vanished whole, that was put back to how it was before, or that was
    written anew by a person who has the key.

    :param heads: as they were noted then.
    :param report: called with each fault.
    """
    verified = Verified()
    for head in heads:
        verified.heads += 1
        digest = session.scalar(
            select(AuditEvent.digest).where(
                AuditEvent.account_id == head.account_id, AuditEvent.sequence == head.length
            )
        )
        if digest is None and _was_released(session, head.account_id):
            verified.released += 1
            continue
        if digest is None:
            sentence = (
                f"The chain had {head.length} events when its end was noted, and event"
                f" {head.length} is not there any more."
            )
        elif digest != head.head_digest:
            sentence = (
                f"Event {head.length} is another one than when the end of the chain was noted:"
                " the chain was written anew."
            )
        else:
            continue
        verified.faults += 1
        report(Fault(head.account_id, head.length, sentence))
    return verified


def _was_released(session: Session, account_id: UUID) -> bool:
    """Whether a chain went with the last of what was kept of an account; nothing of it is left."""
    released = exists().where(Account.id == account_id, Account.released_at.is_not(None))
    left = exists().where(AuditChain.account_id == account_id)
    return bool(session.scalar(select(and_(released, ~left))))


def _accounts(session: Session) -> Iterator[UUID]:
    """Every account that has a chain, or events without one."""
    for head in read_heads(session):
        yield head.account_id
    lost = (
        select(AuditEvent.account_id)
        .where(~exists().where(AuditChain.account_id == AuditEvent.account_id))
        .distinct()
    )
    yield from session.scalars(lost).all()


class _Chain:
    """One chain while it is verified."""

    def __init__(
        self,
        session: Session,
        keys: AuditKeys,
        report: Callable[[Fault], None],
        account_id: UUID,
    ) -> None:
        self._session = session
        self._keys = keys
        self._report = report
        self._account_id = account_id
        #: The event read last.
        self._sequence = 0
        self._digest = GENESIS
        #: The secret that is missing for the event read last, so that it is said once and not for
        #: each of a thousand.
        self._missing_key: str | None = None
        self._events = 0

    def verify(self) -> int:
        """Report every fault; returns how many events there are."""
        last: int | None = None
        while True:
            rows = self._rows(last)
            for sequence, row in rows:
                self._look_at(sequence, row)
            if rows:
                last = rows[-1][0]
            elif self._ends_here():
                return self._events

    def _ends_here(self) -> bool:
        """Compare the end with what was read; ``False`` if the chain has grown meanwhile."""
        end = self._session.execute(
            select(AuditChain)
            .where(AuditChain.account_id == self._account_id)
            .execution_options(populate_existing=True)
        ).scalar_one_or_none()
        if end is None:
            self._say(None, "The row that says where the chain ends is missing.")
            return True
        if end.length > self._sequence and self._rows(self._sequence):
            return False
        self._look_at_end(end)
        return True

    def _look_at_end(self, end: AuditChain) -> None:
        if end.length > self._sequence:
            self._say(
                self._sequence + 1,
                f"{_events(self._sequence + 1, end.length)} missing at the end of the chain, which"
                f" says that it has {end.length}.",
            )
        elif end.length < self._sequence:
            self._say(
                end.length + 1,
                f"{_events(end.length + 1, self._sequence)} beyond the end of the chain, which says"
                f" that it has {end.length}.",
            )
        elif end.head_digest != self._digest:
            self._say(
                self._sequence,
                f"The chain says that it ends with another event than event {self._sequence}.",
            )
        key = self._keys.find(end.key_id)
        if key is None:
            self._say_key_missing(None, "The end of the chain", end.key_id)
        elif not key.signed(Signed.HEAD, vars(end), end.head_seal):
            self._say(
                None,
                "The end of the chain was altered, or the chain went on after it had been: its seal"
                " does not fit.",
            )

    def _look_at(self, sequence: int, row: Mapping[str, Any] | None) -> None:
        self._events += 1
        if sequence > self._sequence + 1:
            self._say(self._sequence + 1, f"{_events(self._sequence + 1, sequence - 1)} missing.")
        self._sequence = max(self._sequence, sequence)
        if row is None:
            self._say(sequence, f"Event {sequence} was altered: it cannot even be read.")
            return
        key = self._keys.find(row["key_id"])
        if key is None:
            if row["key_id"] != self._missing_key:
                self._say_key_missing(
                    sequence, f"Event {sequence}, and what follows it", row["key_id"]
                )
        elif not key.signed(Signed.EVENT, row, row["digest"]):
            self._say(sequence, f"Event {sequence} was altered, put in or moved here.")
        elif row["previous_digest"] != self._digest:
            self._say(
                sequence,
                f"Event {sequence} is as it was written, but follows another event than this one"
                f" did: something before it was altered, removed or put in.",
            )
        self._missing_key = row["key_id"] if key is None else None
        self._digest = row["digest"]
        self._look_at_origin(sequence, row)

    def _look_at_origin(self, sequence: int, row: Mapping[str, Any]) -> None:
        if row["origin_event_id"] is None:
            return  # Forgotten, as every origin is after a time.
        key = self._keys.find(row["key_id"])
        if key is None:
            return
        origin = {name: row[f"origin_{name}"] for name in Signed.ORIGIN.fields}
        if row["origin_digest"] is None or not key.signed(
            Signed.ORIGIN, origin, row["origin_digest"]
        ):
            self._say(
                sequence,
                f"Where event {sequence} came from (address and user agent) was altered.",
            )

    def _rows(self, after: int | None) -> list[tuple[int, Mapping[str, Any] | None]]:
        """The next events by sequence; ``None`` for one whose values are none of their kind."""
        own = AuditEvent.account_id == self._account_id
        conditions = [own] if after is None else [own, AuditEvent.sequence > after]
        try:
            return [(values["sequence"], values) for values in self._read(and_(*conditions))]
        except (ValueError, TypeError):
            pass  # SQLite takes any value in any column, and then it cannot be read.
        sequences = self._session.scalars(
            select(AuditEvent.sequence)
            .where(and_(*conditions))
            .order_by(AuditEvent.sequence)
            .limit(BATCH)
        ).all()
        return [(each, self._read_one(own, each)) for each in sequences]

    def _read_one(self, own: ColumnElement[bool], sequence: int) -> Mapping[str, Any] | None:
        try:
            (values,) = self._read(and_(own, AuditEvent.sequence == sequence))
        except (ValueError, TypeError):
            return None
        return values

    def _read(self, condition: ColumnElement[bool]) -> list[Mapping[str, Any]]:
        """A batch of events with their origins, as values by name."""
        rows = self._session.execute(
            select(*_EVENT_COLUMNS, *_ORIGIN_COLUMNS)
            .select_from(AuditEvent)
            .outerjoin(AuditOrigin, AuditOrigin.event_id == AuditEvent.id)
            .where(condition)
            .order_by(AuditEvent.sequence)
            .limit(BATCH)
        )
        names = list(rows.keys())
        return [dict(zip(names, row, strict=True)) for row in rows]

    def _say_key_missing(self, sequence: int | None, what: str, key_id: str) -> None:
        self._say(
            sequence,
            f"{what} cannot be verified: it was signed with a secret (audit key {key_id}) that is"
            " neither SECRET_KEY nor among the former ones.",
        )

    def _say(self, sequence: int | None, sentence: str) -> None:
        self._report(Fault(self._account_id, sequence, sentence))


def _events(first: int, last: int) -> str:
    return f"Event {first} is" if first == last else f"Events {first} to {last} are"
