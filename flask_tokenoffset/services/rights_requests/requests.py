"""What people ask for under their rights: received, acknowledged, and answered in time.

What the product does by itself (a copy, deletion, restriction, objection) is closed by the service
that does it. What needs a human waits in the operator's queue; see :mod:`.request_queue`. Every
step is written into the log of the person whose request it is, no matter who takes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, func, select

from flask_tokenoffset.errors import Conflict, InvalidInput, NotFound
from flask_tokenoffset.models import (
    LONGEST_STATEMENT,
    AuditAction,
    MessageKind,
    MessageStatus,
    OutboundMessage,
    Person,
    RightsRequest,
    RightsRequestKind,
    RightsRequestStatus,
    new_id,
)
from flask_tokenoffset.services.mail.outbox import notify
from flask_tokenoffset.services.rights_requests.deadlines import due_at
from flask_tokenoffset.services.shared.names import check_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from flask_tokenoffset.unit_of_work import UnitOfWork

#: Requests of one person that may wait for a human at a time.
MOST_OPEN: Final = 5
#: The kinds that a person writes themselves, for a human to answer.
FOR_HUMANS: Final = frozenset({RightsRequestKind.CORRECTION, RightsRequestKind.QUESTION})
#: What each is called in mail and on pages.
LABELS: Final[Mapping[RightsRequestKind, str]] = {
    RightsRequestKind.ACCESS: "a copy of your data",
    RightsRequestKind.CORRECTION: "a correction of your data",
    RightsRequestKind.DELETION: "the deletion of your account",
    RightsRequestKind.RESTRICTION: "a restriction of what is done with your data",
    RightsRequestKind.OBJECTION: "an objection to a use of your data",
    RightsRequestKind.QUESTION: "a question about your data",
}


def receive(
    work: UnitOfWork,
    person: Person,
    kind: RightsRequestKind,
    now: datetime,
    *,
    needs_human: bool = False,
    statement: str | None = None,
    acknowledge: bool = True,
) -> RightsRequest:
    """Take a request down, start its clock and acknowledge it.

    :param person: who asks, whose row this transaction holds.
    :param kind: what they ask for.
    :param now: the present instant, aware.
    :param needs_human: whether the product cannot do it by itself.
    :param statement: what they wrote, of at most ``LONGEST_STATEMENT`` characters.
    :param acknowledge: whether a message says so; not where the caller sends one that says more.
    :raises InvalidInput: they wrote what may not be kept.
    :raises Conflict: as many of theirs as may be wait for a human already.
    """
    text = read_text(statement, field="statement", label="request")
    if needs_human:
        _refuse_too_many(work.session, person)
    request = RightsRequest(
        id=new_id(),
        account_id=person.account_id,
        person_id=person.id,
        kind=kind,
        status=RightsRequestStatus.OPEN,
        needs_human=needs_human,
        statement=text or None,
        received_at=now,
        acknowledged_at=now,
        due_at=due_at(now),
    )
    work.session.add(request)
    work.session.flush()
    record(work, request, AuditAction.REQUEST_RECEIVED)
    if acknowledge:
        due = request.due_at.date().isoformat()
        tell(work, request, MessageKind.REQUEST_RECEIVED, now, due=due)
    return request


def ask(
    work: UnitOfWork, person: Person, kind: RightsRequestKind, statement: str, now: datetime
) -> RightsRequest:
    """Record what a person wants a human to do or to answer.

    :param kind: one of :data:`FOR_HUMANS`; everything else has a view of its own.
    :param statement: what they wrote.
    :raises InvalidInput: it is not for humans, nothing was written, or what may not be kept.
    :raises Conflict: as many of theirs as may be wait already.
    """
    wrong: dict[str, str] = {}
    if kind not in FOR_HUMANS:
        wrong["kind"] = "You can do that yourself on your privacy page. Choose another kind."
    if not read_text(statement, field="statement", label="request"):
        wrong["statement"] = "Nothing is written here. Say in a few words what you ask for."
    if wrong:
        raise InvalidInput(wrong)
    return receive(work, person, kind, now, needs_human=True, statement=statement)


def close(
    work: UnitOfWork,
    request: RightsRequest,
    status: RightsRequestStatus,
    now: datetime,
    *,
    reply: str | None = None,
    closed_by: UUID | None = None,
) -> None:
    """Say what became of a request. The person is told by mail.

    What is answered in the moment in which it came in makes one message, not two.

    :param request: an open one.
    :param status: done or refused.
    :param reply: what the person is told; a refusal is always explained.
    :param closed_by: the operator's person, where a human did it.
    :raises InvalidInput: the reply is missing where it is needed, or may not be kept.
    :raises Conflict: it was closed before.
    """
    lock_open(work.session, request)
    text = read_text(reply, field="reply", label="reply")
    if not text and (status is RightsRequestStatus.REFUSED or request.needs_human):
        raise InvalidInput(
            {"reply": "The reply is missing. Say what was done, or why it was refused."}
        )
    _end(request, status, now)
    request.reply, request.closed_by = text or None, closed_by
    if request.received_at == now:
        _take_back_acknowledgement(work.session, request)
    by_human = request.needs_human
    action = AuditAction.REQUEST_ANSWERED if by_human else AuditAction.REQUEST_CLOSED
    record(work, request, action)
    tell(work, request, MessageKind.REQUEST_CLOSED, now, outcome=str(status))


def cancel(work: UnitOfWork, person: Person, request_id: UUID, now: datetime) -> RightsRequest:
    """Take back what waits for a human. Everything else is taken back where it was asked for.

    :param person: whose request it is.
    :raises NotFound: there is no such request of theirs.
    :raises Conflict: it is closed, or the product is at it.
    """
    request = find_own(work.session, person.id, request_id)
    if request is None:
        raise NotFound("There is no such thing here.")
    lock_open(work.session, request)
    if not request.needs_human:
        raise Conflict(
            "This is done without anybody's help, so it cannot be taken back here. Where you asked"
            " for it, you can also undo it, if it can be undone."
        )
    _end(request, RightsRequestStatus.CANCELLED, now)
    record(work, request, AuditAction.REQUEST_CLOSED)
    return request


def find_own(session: Session, person_id: UUID, request_id: UUID) -> RightsRequest | None:
    """A request of a person; nobody else's, no matter who asks.

    :param person_id: the person.
    """
    return session.scalar(
        select(RightsRequest).where(
            RightsRequest.id == request_id, RightsRequest.person_id == person_id
        )
    )


def list_own(
    session: Session,
    person_id: UUID,
    *,
    before: tuple[datetime, UUID] | None = None,
    limit: int,
) -> Sequence[RightsRequest]:
    """A person's requests, the newest first.

    :param before: when the last one of the page before came in, and its id.
    :param limit: how many at most.
    """
    wanted = select(RightsRequest).where(RightsRequest.person_id == person_id)
    if before is not None:
        received_at, request_id = before
        wanted = wanted.where(
            (RightsRequest.received_at < received_at)
            | ((RightsRequest.received_at == received_at) & (RightsRequest.id < request_id))
        )
    newest = wanted.order_by(RightsRequest.received_at.desc(), RightsRequest.id.desc())
    return session.scalars(newest.limit(limit)).all()


def lock_open(session: Session, request: RightsRequest) -> None:
    """Hold a request until the commit, so that it is answered once.

    :raises Conflict: it is closed.
    """
    session.flush()
    session.refresh(request, with_for_update=True)
    if request.status != RightsRequestStatus.OPEN:
        raise Conflict("This request is closed already, so nothing was changed.")


def record(work: UnitOfWork, request: RightsRequest, action: AuditAction) -> None:
    """Write a step into the log of the person whose request it is; nothing that anyone wrote.

    :param action: which step.
    """
    work.record(
        action,
        account_id=request.account_id,
        subject_type="request",
        subject_id=request.id,
        kind=str(request.kind),
        status=str(request.status),
        to_date=request.due_at.date().isoformat(),
    )


def tell(
    work: UnitOfWork, request: RightsRequest, kind: MessageKind, now: datetime, **details: str
) -> None:
    """Send the person word of their request, if an address of theirs is proved.

    :param details: what the text names beside the request.
    """
    person = work.session.get(Person, request.person_id)
    if person is not None:
        label = LABELS[RightsRequestKind(request.kind)]
        notify(work, person, kind, now, reference_id=request.id, request=label, **details)


def read_text(text: str | None, *, field: str, label: str) -> str:
    """What a person wrote, as it is kept; "" if nothing can be seen of it.

    :param field: the field to name in a refusal.
    :param label: what the refusal calls it.
    :raises InvalidInput: it is too long, or holds what may not be kept.
    """
    return check_name(text, field=field, label=label, longest=LONGEST_STATEMENT)


def _refuse_too_many(session: Session, person: Person) -> None:
    waiting = session.scalar(
        select(func.count()).where(
            RightsRequest.person_id == person.id,
            RightsRequest.needs_human,
            RightsRequest.status == RightsRequestStatus.OPEN,
        )
    )
    if (waiting or 0) >= MOST_OPEN:
        raise Conflict(
            f"{MOST_OPEN} requests of yours wait for an answer already, so this one was not taken"
            " down. Wait for an answer, or take one of them back."
        )


def _end(request: RightsRequest, status: RightsRequestStatus, now: datetime) -> None:
    request.status, request.closed_at = status, now


def _take_back_acknowledgement(session: Session, request: RightsRequest) -> None:
    session.execute(
        delete(OutboundMessage)
        .where(
            OutboundMessage.reference_id == request.id,
            OutboundMessage.kind == MessageKind.REQUEST_RECEIVED,
            OutboundMessage.status == MessageStatus.QUEUED,
        )
        .execution_options(synchronize_session=False)
    )
