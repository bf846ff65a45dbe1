"""The operator's queue: every request by when it is due, and the warnings that none is forgotten.

Who asked and what they wrote is shown to an operator only after a step of their own, which the
person finds in their log. Nobody answers a request of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, or_, select

from flask_tokenoffset import signals
from flask_tokenoffset.data_map.enforcement import enforces
from flask_tokenoffset.errors import Conflict, InvalidInput, NotFound, NotPermitted
from flask_tokenoffset.models import (
    AuditAction,
    MessageKind,
    Person,
    RightsRequest,
    RightsRequestKind,
    RightsRequestStatus,
)
from flask_tokenoffset.services.rights_requests import requests as rights_requests
from flask_tokenoffset.services.rights_requests.deadlines import DUE_SOON, latest_extension

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from flask_tokenoffset.unit_of_work import UnitOfWork

#: Requests that one step of the schedule warns of.
BATCH: Final = 200


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asked, as far as answering needs it.

    :param person_id: theirs.
    :param name: what they call themselves, if they said.
    :param address: where they get mail, if an address is held.
    :param address_verified: whether a person proved that it is theirs.
    """

    person_id: UUID
    name: str | None
    address: str | None
    address_verified: bool


def list_open(
    session: Session, *, after: tuple[datetime, UUID] | None = None, limit: int
) -> Sequence[RightsRequest]:
    """What waits for an answer, what is due first before all others.

    :param after: when the last one of the page before is due, and its id.
    :param limit: how many at most.
    """
    wanted = select(RightsRequest).where(_is_open())
    if after is not None:
        due_at, request_id = after
        wanted = wanted.where(
            or_(
                RightsRequest.due_at > due_at,
                and_(RightsRequest.due_at == due_at, RightsRequest.id > request_id),
            )
        )
    by_due_date = wanted.order_by(RightsRequest.due_at, RightsRequest.id)
    return session.scalars(by_due_date.limit(limit)).all()


def list_closed(
    session: Session, *, after: tuple[datetime, UUID] | None = None, limit: int
) -> Sequence[RightsRequest]:
    """What was answered, refused or taken back, the newest first.

    :param after: when the last one of the page before was closed, and its id.
    :param limit: how many at most.
    """
    wanted = select(RightsRequest).where(RightsRequest.closed_at.is_not(None))
    if after is not None:
        closed_at, request_id = after
        wanted = wanted.where(
            or_(
                RightsRequest.closed_at < closed_at,
                and_(RightsRequest.closed_at == closed_at, RightsRequest.id < request_id),
            )
        )
    newest = wanted.order_by(RightsRequest.closed_at.desc(), RightsRequest.id.desc())
    return session.scalars(newest.limit(limit)).all()


@enforces("overdue-requests-are-seen", "TB-006", off=())
def overdue(session: Session, now: datetime, *, limit: int = BATCH) -> Sequence[RightsRequest]:
    """Every request that should have been answered by now, the oldest first.

    :param now: the present instant, aware.
    :param limit: how many at most.
    """
    late = select(RightsRequest).where(_is_open(), RightsRequest.due_at < now)
    return session.scalars(late.order_by(RightsRequest.due_at, RightsRequest.id).limit(limit)).all()


def is_overdue(request: RightsRequest, now: datetime) -> bool:
    """Whether a request should have been answered by now.

    :param now: the present instant, aware.
    """
    return request.status == RightsRequestStatus.OPEN and request.due_at < now


def find(session: Session, request_id: UUID) -> RightsRequest:
    """Any request, for an operator.

    :raises NotFound: there is none.
    """
    request = session.get(RightsRequest, request_id)
    if request is None:
        raise NotFound("There is no such thing here.")
    return request


def look_at(work: UnitOfWork, request_id: UUID) -> tuple[RightsRequest, Asker]:
    """Who asked, and with it everything they wrote. The person finds this look in their log.

    :raises NotFound: there is no such request, or nobody is behind it any more.
    """
    request = find(work.session, request_id)
    # The log is the person's: where operators sit is none of their business.
    work.leave_no_origin()
    person = work.session.get(Person, request.person_id)
    if person is None or person.forgotten_at is not None:
        raise NotFound("There is no such thing here.")
    rights_requests.record(work, request, AuditAction.REQUEST_SEEN)
    verified = person.email_verified_at is not None
    return request, Asker(person.id, person.display_name, person.email, verified)


def answer(
    work: UnitOfWork,
    request_id: UUID,
    status: RightsRequestStatus,
    reply: str,
    now: datetime,
    *,
    operator: Person | None,
) -> RightsRequest:
    """Close a request that needs a human.

    :param status: done or refused.
    :param reply: what the person is told.
    :param operator: who answers; nobody where a command does.
    :raises NotFound: there is no such request.
    :raises NotPermitted: it is the operator's own.
    :raises InvalidInput: the status is no answer, or the reply is missing or may not be kept.
    :raises Conflict: it is closed, or the product does it by itself.
    """
    request = _for_human(work, request_id, operator)
    if status not in {RightsRequestStatus.DONE, RightsRequestStatus.REFUSED}:
        raise InvalidInput({"status": "Choose whether it was done or refused."})
    by = operator.id if operator else None
    rights_requests.close(work, request, status, now, reply=reply, closed_by=by)
    return request


def extend(
    work: UnitOfWork,
    request_id: UUID,
    days: int,
    reason: str,
    now: datetime,
    *,
    operator: Person | None,
) -> RightsRequest:
    """Take more time for a request, once, before its time is over. The person is told at once.

    :param days: how many further days.
    :param reason: why; the person reads it.
    :param operator: who does it; nobody where a command does.
    :raises NotFound: there is no such request.
    :raises NotPermitted: it is the operator's own.
    :raises InvalidInput: these are too many days, or the reason is missing or may not be kept.
    :raises Conflict: it is closed, overdue, or was extended before.
    """
    request = _for_human(work, request_id, operator)
    rights_requests.lock_open(work.session, request)
    _refuse_extension(request, now)
    text = rights_requests.read_text(reason, field="reason", label="reason")
    most = (latest_extension(request.received_at) - request.due_at).days
    wrong: dict[str, str] = {}
    if not 1 <= days <= most:
        wrong["days"] = f"The law allows for 1 to {most} further days. Choose fewer."
    if not text:
        wrong["reason"] = "The reason is missing. The person has a right to know why."
    if wrong:
        raise InvalidInput(wrong)
    request.due_at += timedelta(days=days)
    request.extended_at, request.extension_reason = now, text
    request.due_soon_warned_at = None
    rights_requests.record(work, request, AuditAction.REQUEST_EXTENDED)
    due = request.due_at.date().isoformat()
    rights_requests.tell(work, request, MessageKind.REQUEST_EXTENDED, now, due=due)
    return request


def warn_of_due(work: UnitOfWork, now: datetime) -> list[RightsRequest]:
    """Tell the host of requests that are due within :data:`DUE_SOON` or overdue, once of each.

    :param now: the present instant, aware.
    :return: those that it was told of.
    """
    due_soon = and_(
        RightsRequest.due_soon_warned_at.is_(None),
        RightsRequest.due_at <= now + DUE_SOON,
        # A deletion waits for its day by itself; only a late one is worth a warning.
        RightsRequest.kind != RightsRequestKind.DELETION,
    )
    late = and_(RightsRequest.overdue_warned_at.is_(None), RightsRequest.due_at < now)
    found = work.session.scalars(
        select(RightsRequest)
        .where(_is_open(), or_(due_soon, late))
        .order_by(RightsRequest.due_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    ).all()
    for request in found:
        request.due_soon_warned_at = now
        late_already = is_overdue(request, now)
        if late_already:
            request.overdue_warned_at = now
        work.tell(
            signals.request_due,
            request_id=request.id,
            account_id=request.account_id,
            kind=str(request.kind),
            due_at=request.due_at,
            overdue=late_already,
        )
    work.session.flush()
    return list(found)


def _is_open() -> ColumnElement[bool]:
    return RightsRequest.status == RightsRequestStatus.OPEN


def _for_human(work: UnitOfWork, request_id: UUID, operator: Person | None) -> RightsRequest:
    request = find(work.session, request_id)
    work.leave_no_origin()
    if operator is not None and request.person_id == operator.id:
        raise NotPermitted(
            "This request is your own, so somebody else has to answer it. Ask another operator."
        )
    if not request.needs_human:
        raise Conflict(
            "This request is done without anybody's help, so it cannot be answered by hand."
        )
    return request


def _refuse_extension(request: RightsRequest, now: datetime) -> None:
    if request.extended_at is not None:
        raise Conflict("The time of this request was extended before, and it can be only once.")
    if now > request.due_at:
        raise Conflict(
            "This request is overdue, so its time cannot be extended any more. Answer it."
        )
