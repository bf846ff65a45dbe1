"""The audit log: appending to it, and forgetting where changes came from.

Each account has a chain of events. Anyone who appends holds the lock of the chain's end until the
commit, so that writers of one account wait for each other and those of different ones do not.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from flask_tokenoffset.models import (
    AUDIT_DETAILS,
    AUDIT_SUBJECTS,
    AuditAction,
    AuditChain,
    AuditEvent,
    AuditOrigin,
    new_id,
)
from flask_tokenoffset.services.audit.chain import GENESIS, Signed
from flask_tokenoffset.services.shared.tokens import new_salt

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from flask_tokenoffset.services.audit.chain import AuditKey, AuditKeys
    from flask_tokenoffset.unit_of_work import Entry, Origin

logger = logging.getLogger(__name__)

#: What a word ends with that says how it was before the change.
BEFORE: Final = "_before"

#: A word, an id, a date, a version, or several with commas: nothing with a space or an @ in it, so
#: no name of two words and no address of mail.
_WORD: Final = re.compile(r"[A-Za-z0-9._:/+,-]{0,80}")
_LARGEST: Final = 2**63 - 1


class _End(NamedTuple):
    """Where a chain ends, as its row says."""

    length: int
    head_digest: str
    head_seal: str
    key_id: str


def append(
    session: Session,
    entries: Sequence[Entry],
    origin: Origin,
    *,
    keys: AuditKeys,
    now: datetime,
    keep_origin: bool,
) -> None:
    """Append entries to the chains of their accounts, in the order given.

    It asks the database a fixed number of times, however many entries and accounts there are.

    :param entries: what was done.
    :param origin: where it came from.
    :param keys: sign the events.
    :param now: the present instant, aware.
    :param keep_origin: whether to keep where it came from at all.
    :raises ValueError: an entry is not made of known words and of figures; a mistake of ours.
    """
    for entry in entries:
        _check(entry)
    session.flush()
    chains: dict[UUID, list[Entry]] = {}
    for entry in entries:
        chains.setdefault(entry.account_id, []).append(entry)
    ends = _lock_ends(session, sorted(chains), keys.present)
    source = origin if keep_origin and (origin.address or origin.user_agent) else None
    events: list[dict[str, Any]] = []
    origins: list[dict[str, Any]] = []
    for account_id, own in chains.items():
        end = ends[account_id]
        previous = end.head_digest
        for sequence, entry in enumerate(own, end.length + 1):
            event = _event(entry, sequence, previous, keys.present, now)
            if source is not None:
                row = _origin(event, source)
                event["origin_digest"] = keys.present.sign(Signed.ORIGIN, row)
                origins.append(row)
            previous = event["digest"] = keys.present.sign(Signed.EVENT, event)
            events.append(event)
    session.execute(insert(AuditEvent), events)
    if origins:
        session.execute(insert(AuditOrigin), origins)
    heads = {each["account_id"]: each for each in events}
    session.execute(
        update(AuditChain), [_new_end(ends[key], head, keys) for key, head in heads.items()]
    )


class Resealed(NamedTuple):
    """What one call of :func:`reseal_batch` did.

    :param resealed: chains sealed anew.
    :param left: chains whose seal did not fit, left for the verification to find.
    :param last_id: where the next call goes on; ``None`` when there is no more.
    """

    resealed: int
    left: list[UUID]
    last_id: UUID | None


def reseal_batch(
    session: Session,
    keys: AuditKeys,
    *,
    after: UUID | None = None,
    limit: int = 500,
    accept: Iterable[UUID] = (),
) -> Resealed:
    """Seal the ends of chains under the present key that a former one sealed.

    :param after: the account to go on behind.
    :param limit: chains looked at in one call.
    :param accept: accounts whose chain is sealed as it stands, although its seal does not fit.
    """
    accepted = set(accept)
    stale = (AuditChain.key_id != keys.present.id) | AuditChain.account_id.in_(accepted)
    rows = _ends(
        session, [stale] if after is None else [stale, AuditChain.account_id > after], limit
    )
    fitting = {
        account_id: end
        for account_id, end in rows.items()
        if account_id in accepted or _seal_fits(account_id, end, keys)
    }
    if fitting:
        session.execute(
            update(AuditChain),
            [
                _sealed(key, end.length, end.head_digest, keys.present)
                for key, end in fitting.items()
            ],
        )
    left = [account_id for account_id in rows if account_id not in fitting]
    return Resealed(len(fitting), left, max(rows) if len(rows) == limit else None)


def _check(entry: Entry) -> None:
    AuditAction(entry.action)
    if entry.subject_type not in AUDIT_SUBJECTS:
        raise ValueError(f"{entry.subject_type!r} is not among AUDIT_SUBJECTS: {entry.action}.")
    for word, value in entry.details.items():
        if word.removesuffix(BEFORE) not in AUDIT_DETAILS:
            raise ValueError(f"{word!r} is not among AUDIT_DETAILS: {entry.action}.")
        match value:
            case str():
                fits = _WORD.fullmatch(value) is not None
            case int():
                fits = abs(value) <= _LARGEST
            case _:
                fits = value is None
        if not fits:
            # The value is not repeated: it may be what must not be written anywhere.
            raise ValueError(f"{word} of {entry.action} is neither a word nor a figure.")


def _lock_ends(session: Session, account_ids: list[UUID], key: AuditKey) -> dict[UUID, _End]:
    """The ends of some chains, which nobody else moves before the commit.

    New chains are begun before any is locked, and both is done in the order of the accounts, so
    that two writers never wait for each other.
    """
    dialect = session.get_bind(mapper=AuditChain).dialect.name
    insert_or_ignore = postgresql.insert if dialect == postgresql.dialect.name else sqlite.insert
    session.execute(
        insert_or_ignore(AuditChain).on_conflict_do_nothing(),
        [_sealed(account_id, 0, GENESIS, key) for account_id in account_ids],
    )
    return _ends(session, [AuditChain.account_id.in_(account_ids)], len(account_ids))


def _ends(
    session: Session, conditions: Sequence[ColumnElement[bool]], limit: int
) -> dict[UUID, _End]:
    rows = session.execute(
        select(
            AuditChain.account_id,
            AuditChain.length,
            AuditChain.head_digest,
            AuditChain.head_seal,
            AuditChain.key_id,
        )
        .where(*conditions)
        .order_by(AuditChain.account_id)
        .limit(limit)
        .with_for_update()
    )
    return {row[0]: _End._make(row[1:]) for row in rows}


def _sealed(account_id: UUID, length: int, head_digest: str, key: AuditKey) -> dict[str, Any]:
    row = {
        "account_id": account_id,
        "length": length,
        "head_digest": head_digest,
        "key_id": key.id,
    }
    return row | {"head_seal": key.sign(Signed.HEAD, row)}


def _seal_fits(account_id: UUID, end: _End, keys: AuditKeys) -> bool:
    key = keys.find(end.key_id)
    values = {**end._asdict(), "account_id": account_id}
    return key is not None and key.signed(Signed.HEAD, values, end.head_seal)


def _new_end(end: _End, head: Mapping[str, Any], keys: AuditKeys) -> dict[str, Any]:
    """The row of a chain whose newest event is given.

    A seal that does not fit is never made good: anyone who cut a chain short would otherwise only
    have to wait for the next event.
    """
    account_id = head["account_id"]
    row = _sealed(account_id, head["sequence"], head["digest"], keys.present)
    if _seal_fits(account_id, end, keys):
        return row
    logger.error(
        "The audit log of account %s does not end as it was left, or was sealed with a secret that"
        " is neither SECRET_KEY nor in SECRET_KEY_FALLBACKS. Run «flask tokenoffset audit verify».",
        account_id,
    )
    return row | {"head_seal": end.head_seal, "key_id": end.key_id}


def _event(
    entry: Entry, sequence: int, previous: str, key: AuditKey, now: datetime
) -> dict[str, Any]:
    return {
        "id": new_id(),
        "account_id": entry.account_id,
        "sequence": sequence,
        "occurred_at": now,
        "action": str(entry.action),
        "actor_id": entry.actor_id,
        "subject_type": entry.subject_type,
        "subject_id": entry.subject_id,
        "details": dict(entry.details),
        "origin_digest": None,
        "previous_digest": previous,
        "key_id": key.id,
    }


def _origin(event: Mapping[str, Any], source: Origin) -> dict[str, Any]:
    return {
        "event_id": event["id"],
        "account_id": event["account_id"],
        "address": source.address,
        "user_agent": source.user_agent,
        "salt": new_salt(),
        "recorded_at": event["occurred_at"],
    }
