"""Operations on one's own requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_tokenoffset.blueprints.access.changing import changing
from flask_tokenoffset.blueprints.access.context import current_user, own_person
from flask_tokenoffset.blueprints.json_api.operations import OperationAnswer, operation, operations
from flask_tokenoffset.blueprints.rights_requests.finding import find_or_nothing
from flask_tokenoffset.blueprints.rights_requests.schemas import (
    RequestAnswer,
    RequestBody,
    RequestList,
)
from flask_tokenoffset.blueprints.schemas.base import ListQuery
from flask_tokenoffset.blueprints.schemas.paging import page_of, read_time_cursor
from flask_tokenoffset.errors import Conflict, InvalidInput, NotFound
from flask_tokenoffset.models import RightsRequestKind
from flask_tokenoffset.permissions import Permission
from flask_tokenoffset.services.rights_requests import requests as rights_requests
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from uuid import UUID


@operation(
    "GET",
    "/privacy/requests",
    permission=Permission.READ_SELF,
    summary="List your privacy requests",
    query=ListQuery,
    answers={200: RequestList},
    problems=[InvalidInput],
)
def list_own_requests(query: ListQuery) -> OperationAnswer:
    """What the caller asked for under their rights, the newest first."""
    before = read_time_cursor(query.cursor)
    person = current_user().person
    if person is None:
        return RequestList(items=[], next_cursor=None)
    state = current_state()
    found = page_of(
        rights_requests.list_own(state.session, person.id, before=before, limit=query.limit + 1),
        query.limit,
        lambda each: (each.received_at, each.id),
    )
    now = state.clock.now()
    return RequestList(
        items=[RequestAnswer.of(each, now) for each in found.shown], next_cursor=found.next_cursor
    )


@operation(
    "POST",
    "/privacy/requests",
    permission=Permission.CHANGE_SELF,
    summary="Ask for something under your rights",
    body=RequestBody,
    answers={201: RequestAnswer},
    problems=[InvalidInput, Conflict],
)
def make_request(body: RequestBody) -> OperationAnswer:
    """Ask a human. A copy, deletion, restriction and objection have operations of their own."""
    with changing() as (work, person, now):
        request = rights_requests.ask(
            work, person, RightsRequestKind(body.kind), body.statement, now
        )
    return RequestAnswer.of(request, now), 201


@operation(
    "GET",
    "/privacy/requests/<uuid:request_id>",
    permission=Permission.READ_SELF,
    summary="Read one of your privacy requests",
    answers={200: RequestAnswer},
    problems=[NotFound],
)
def read_own_request(request_id: UUID) -> OperationAnswer:
    """Where a request of the caller stands, and what was answered."""
    state = current_state()
    return RequestAnswer.of(find_or_nothing(request_id), state.clock.now())


@operation(
    "DELETE",
    "/privacy/requests/<uuid:request_id>",
    permission=Permission.CHANGE_SELF,
    summary="Take a privacy request back",
    answers={200: RequestAnswer},
    problems=[NotFound, Conflict],
)
def cancel_own_request(request_id: UUID) -> OperationAnswer:
    """Take back what waits for a human. That it was made stays on record."""
    own_person()
    with changing() as (work, person, now):
        request = rights_requests.cancel(work, person, request_id, now)
    return RequestAnswer.of(request, now)


register = operations(list_own_requests, make_request, read_own_request, cancel_own_request)
