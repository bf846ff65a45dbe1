"""Operations on the operator's queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_tokenoffset.blueprints.access.changing import changing
from flask_tokenoffset.blueprints.json_api.operations import OperationAnswer, operation, operations
from flask_tokenoffset.blueprints.request_queue.listing import list_queue
from flask_tokenoffset.blueprints.request_queue.schemas import (
    AskerAnswer,
    ExtensionBody,
    QueuedRequestAnswer,
    QueuedRequestList,
    QueueQuery,
    ReplyBody,
    SeenRequestAnswer,
)
from flask_tokenoffset.blueprints.rights_requests.schemas import RequestAnswer
from flask_tokenoffset.errors import Conflict, InvalidInput, NotFound
from flask_tokenoffset.models import RightsRequestStatus
from flask_tokenoffset.permissions import Permission
from flask_tokenoffset.services.rights_requests import queue as request_queue
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from uuid import UUID


@operation(
    "GET",
    "/requests",
    permission=Permission.HANDLE_REQUESTS,
    summary="List everybody's privacy requests",
    query=QueueQuery,
    answers={200: QueuedRequestList},
    problems=[InvalidInput],
)
def list_requests(query: QueueQuery) -> OperationAnswer:
    """The operator's queue. It names nobody."""
    found = list_queue(query.state, query.cursor, query.limit)
    now = current_state().clock.now()
    return QueuedRequestList(
        items=[QueuedRequestAnswer.of(each, now) for each in found.shown],
        next_cursor=found.next_cursor,
    )


@operation(
    "GET",
    "/requests/<uuid:request_id>",
    permission=Permission.HANDLE_REQUESTS,
    summary="Read where a privacy request stands",
    answers={200: QueuedRequestAnswer},
    problems=[NotFound],
)
def read_request(request_id: UUID) -> OperationAnswer:
    """Its kind and its clock; not who asked."""
    state = current_state()
    request = request_queue.find(state.session, request_id)
    return QueuedRequestAnswer.of(request, state.clock.now())


# It writes into a log, and a repeated call must write again: so it is no POST, whose answer could
# be kept and given once more.
@operation(
    "PUT",
    "/requests/<uuid:request_id>/look",
    permission=Permission.HANDLE_REQUESTS,
    summary="Look at a privacy request and at who made it",
    answers={200: SeenRequestAnswer},
    problems=[NotFound],
)
def look_at_request(request_id: UUID) -> OperationAnswer:
    """Everything needed to answer it. The person finds each look in their audit log."""
    with changing() as (work, _, now):
        request, asker = request_queue.look_at(work, request_id)
        return SeenRequestAnswer(
            request=RequestAnswer.of(request, now), asked_by=AskerAnswer.of(asker)
        )


@operation(
    "POST",
    "/requests/<uuid:request_id>/extension",
    permission=Permission.HANDLE_REQUESTS,
    summary="Take more time for a privacy request",
    body=ExtensionBody,
    answers={200: QueuedRequestAnswer},
    problems=[NotFound, InvalidInput, Conflict],
)
def extend_request(request_id: UUID, body: ExtensionBody) -> OperationAnswer:
    """Once, and before it is due. The person is told at once, and reads the reason."""
    with changing() as (work, operator, now):
        request = request_queue.extend(
            work, request_id, body.days, body.reason, now, operator=operator
        )
    return QueuedRequestAnswer.of(request, now)


@operation(
    "POST",
    "/requests/<uuid:request_id>/reply",
    permission=Permission.HANDLE_REQUESTS,
    summary="Answer or refuse a privacy request",
    body=ReplyBody,
    answers={200: QueuedRequestAnswer},
    problems=[NotFound, InvalidInput, Conflict],
)
def answer_request(request_id: UUID, body: ReplyBody) -> OperationAnswer:
    """Close what needs a human. Nobody answers a request of their own."""
    with changing() as (work, person, now):
        request = request_queue.answer(
            work, request_id, RightsRequestStatus(body.status), body.reply, now, operator=person
        )
    return QueuedRequestAnswer.of(request, now)


register = operations(list_requests, read_request, look_at_request, extend_request, answer_request)
