"""Calls that may be sent twice and count once.

A caller names a call by a key of its own. The first call under it reserves the key, is done, and
leaves its answer; the same call within a day gets that answer again. A refused call changes nothing
and gives the key back. A call that broke off in an unforeseen way keeps it: whether it took effect
is not known, so it must not be made again unseen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from flask_tokenoffset.models import IdempotencyRecord, new_id

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import Delete
    from sqlalchemy.orm import Session

#: How long an answer is kept.
KEPT_FOR: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Call:
    """A call and the key it came with.

    :param user_key: whose call it is, by the host's own key.
    :param route: method and path.
    :param key: the caller's word for this call.
    :param digests: what was sent, as keyed digests: under the present key first, then under former
        ones that the host still accepts.
    """

    user_key: str
    route: str
    key: str
    digests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What the first call was answered."""

    status: int
    answer: str


class Taken(Enum):
    """Why a key cannot be used for a call."""

    #: The first call under it is under way, or broke off without an answer.
    UNDER_WAY = auto()
    #: It stands for another call.
    BY_ANOTHER_CALL = auto()


def reserve(session: Session, call: Call, now: datetime) -> UUID | KeptAnswer | Taken:
    """Take the key for a call, or learn what became of the first one.

    Of many calls at once one gets the reservation; the others wait for the unique constraint.

    :param now: the present instant, aware.
    :return: the reservation's id, the first call's answer, or why neither can be had.
    """
    session.execute(
        _delete_older_than(now - KEPT_FOR).where(IdempotencyRecord.user_key == call.user_key)
    )
    record = IdempotencyRecord(
        id=new_id(),
        user_key=call.user_key,
        route=call.route,
        key=call.key,
        request_digest=call.digests[0],
        created_at=now,
    )
    try:
        with session.begin_nested():
            session.add(record)
    except IntegrityError:
        first = session.scalar(
            select(IdempotencyRecord).where(
                IdempotencyRecord.user_key == call.user_key,
                IdempotencyRecord.route == call.route,
                IdempotencyRecord.key == call.key,
            )
        )
        return _what_became_of(first, call)
    return record.id


def _what_became_of(first: IdempotencyRecord | None, call: Call) -> KeptAnswer | Taken:
    if first is None:
        return Taken.UNDER_WAY  # It was refused in this very moment; the caller tries again.
    if first.request_digest not in call.digests:
        return Taken.BY_ANOTHER_CALL
    if first.status is None:
        return Taken.UNDER_WAY
    return KeptAnswer(first.status, first.answer or "")


def keep_answer(session: Session, reservation: UUID, status: int, answer: str) -> None:
    """Keep what a call was answered, for as long as its key is kept.

    :param reservation: what :func:`reserve` gave.
    """
    session.execute(
        update(IdempotencyRecord)
        .where(IdempotencyRecord.id == reservation)
        .values(status=status, answer=answer)
        .execution_options(synchronize_session=False)
    )


def release(session: Session, reservation: UUID) -> None:
    """Give a key back, after a call that was refused and so changed nothing."""
    session.execute(
        delete(IdempotencyRecord)
        .where(IdempotencyRecord.id == reservation)
        .execution_options(synchronize_session=False)
    )


def _delete_older_than(instant: datetime) -> Delete:
    return (
        delete(IdempotencyRecord)
        .where(IdempotencyRecord.created_at <= instant)
        .execution_options(synchronize_session=False)
    )
