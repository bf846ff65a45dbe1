"""Calling the host after an erasure, until it has answered once.

Nothing is locked and no transaction is open while the host's own code runs. A host that fails is
called again, later and later, for two weeks; then it is given up, and the operator sees it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from sqlalchemy import CursorResult, or_, select, update

from flask_tokenoffset.models import Erasure, ErasureStatus, HostOutcome
from flask_tokenoffset.services.shared.leases import lock_if_free, waiting_time

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy.orm import Session

    from flask_tokenoffset.clock import Clock
    from flask_tokenoffset.unit_of_work import Units

logger = logging.getLogger(__name__)

#: The host's hook: takes its own key of the user, and returns nothing or a short word.
Hook = Callable[[str], "str | None"]

#: The wait after the first failure; each further one doubles it.
FIRST_WAIT: Final = timedelta(minutes=5)
LONGEST_WAIT: Final = timedelta(hours=6)
#: How long after the erasure the host is called.
GIVE_UP_AFTER: Final = timedelta(days=14)
#: Characters kept of the host's word, and of the name of an error.
LONGEST_CODE: Final = 60
#: Attempts of ours after which the operator should look.
MANY_ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Something of an erasure that is not over, and should be by now.

    :param what: ``host`` where the host's hook has not answered, ``purge`` where the erasure itself
        does not come to its end.
    :param attempts: how often it was tried.
    :param code: the kind of the last error, where it is the host's.
    :param given_up: whether nobody tries any more.
    """

    erasure_id: UUID
    what: str
    attempts: int
    code: str | None
    since: datetime
    given_up: bool


class _Call(NamedTuple):
    user_key: str
    attempt: int


def ask_host(units: Units, *, erasure_id: UUID, hook: Hook | None, clock: Clock) -> bool:
    """Call the host about an erasure that is done, if that is due.

    :param units: opens a unit of work; each one is committed when its block is left.
    :param hook: the host's; without one nobody is called, and a host that was to be called is
        called once there is one again.
    :return: whether it answered.
    """
    if hook is None:
        return False
    with units() as work:
        call = _claim(work.session, erasure_id, clock.now())
    if call is None:
        return False
    code: str | None
    try:
        answer = hook(call.user_key)
    except Exception as error:  # noqa: BLE001 - whatever a host raises, it is called again
        # Neither its words nor its key are written anywhere: the words may hold anything.
        answered, code = False, type(error).__name__[:LONGEST_CODE]
        logger.warning(
            "TOKENOFFSET_ERASURE_HOOK raised %s for erasure %s (attempt %s).",
            code,
            erasure_id,
            call.attempt,
        )
    else:
        answered, code = True, _word(answer)
    with units() as work:
        _note(work.session, erasure_id, call, clock.now(), code=code, answered=answered)
    return answered


def leave_host_alone(session: Session, user_key: str, now: datetime) -> None:
    """Call the host about nobody with this key: it erases them itself.

    :param user_key: the host's own key for the user.
    """
    session.execute(
        update(Erasure)
        .where(Erasure.user_key == user_key)
        .values(
            user_key=None,
            host_outcome=HostOutcome.NOT_ASKED,
            host_next_attempt_at=None,
            host_replied_at=now,
        )
        .execution_options(synchronize_session="fetch")
    )


def unanswered(session: Session) -> Sequence[Unanswered]:
    """Everything that the operator should look at, the oldest first."""
    rows = session.scalars(
        select(Erasure)
        .where(
            or_(
                Erasure.host_outcome == HostOutcome.FAILED,
                (Erasure.host_outcome == HostOutcome.PENDING)
                & (Erasure.status == ErasureStatus.DONE)
                & (Erasure.host_attempts > 0),
                (Erasure.status == ErasureStatus.RUNNING) & (Erasure.attempt >= MANY_ATTEMPTS),
            )
        )
        .order_by(Erasure.due_at, Erasure.id)
    )
    return [
        Unanswered(
            erasure_id=each.id,
            what="host" if each.status == ErasureStatus.DONE else "purge",
            attempts=each.host_attempts if each.status == ErasureStatus.DONE else each.attempt,
            code=each.host_code,
            since=each.finished_at or each.due_at,
            given_up=each.host_outcome == HostOutcome.FAILED,
        )
        for each in rows
    ]


def _claim(session: Session, erasure_id: UUID, now: datetime) -> _Call | None:
    erasure = lock_if_free(
        session,
        Erasure,
        Erasure.id == erasure_id,
        Erasure.status == ErasureStatus.DONE,
        Erasure.host_outcome == HostOutcome.PENDING,
        Erasure.host_next_attempt_at <= now,
    )
    if erasure is None or erasure.user_key is None:
        return None
    erasure.host_attempts += 1
    erasure.host_next_attempt_at = now + waiting_time(
        erasure.host_attempts, FIRST_WAIT, LONGEST_WAIT
    )
    session.flush()
    return _Call(erasure.user_key, erasure.host_attempts)


def _note(
    session: Session,
    erasure_id: UUID,
    call: _Call,
    now: datetime,
    *,
    code: str | None,
    answered: bool,
) -> None:
    """Write down what the host did, unless it was called again meanwhile."""
    values: dict[str, Any] = {"host_code": code}
    if answered:
        values |= {
            "host_outcome": HostOutcome.DONE,
            "user_key": None,
            "host_replied_at": now,
            "host_next_attempt_at": None,
        }
    conditions = [
        Erasure.id == erasure_id,
        Erasure.host_outcome == HostOutcome.PENDING,
    ]
    if not answered:
        conditions.append(Erasure.host_attempts == call.attempt)
    noted = cast(
        "CursorResult[Any]",
        session.execute(
            update(Erasure)
            .where(*conditions)
            .values(values)
            .execution_options(synchronize_session="fetch")
        ),
    )
    if noted.rowcount and not answered:
        erasure = session.get_one(Erasure, erasure_id, populate_existing=True)
        if now - (erasure.finished_at or erasure.due_at) >= GIVE_UP_AFTER:
            erasure.host_outcome = HostOutcome.FAILED
            erasure.host_next_attempt_at = None


def _word(answer: object) -> str | None:
    """The host's answer as it is kept: a short word, of nothing but what words are made of."""
    if answer is None:
        return None
    kept = "".join(each if each.isalnum() or each in "-_.:" else "-" for each in str(answer))
    return kept[:LONGEST_CODE] or None
