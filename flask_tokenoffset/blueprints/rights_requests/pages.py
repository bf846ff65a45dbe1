"""Pages of one's own requests: the list with the form that asks, and each one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import request, url_for

from flask_tokenoffset.blueprints.access.changing import changing
from flask_tokenoffset.blueprints.access.context import current_user, own_person
from flask_tokenoffset.blueprints.access.urls import see_other
from flask_tokenoffset.blueprints.html.outcomes import errors_of, with_status
from flask_tokenoffset.blueprints.html.page_routes import page_routes
from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.blueprints.rights_requests.finding import find_or_nothing
from flask_tokenoffset.blueprints.rights_requests.forms import RequestForm
from flask_tokenoffset.blueprints.rights_requests.labels import KIND_TITLES, OVERDUE, STATUS_BADGES
from flask_tokenoffset.blueprints.schemas.paging import Page, page_of, read_time_cursor
from flask_tokenoffset.errors import Conflict, InvalidInput
from flask_tokenoffset.models import LONGEST_STATEMENT, RightsRequestKind, RightsRequestStatus
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.services.rights_requests import requests as rights_requests
from flask_tokenoffset.services.rights_requests.queue import is_overdue
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from uuid import UUID

    from flask.typing import ResponseReturnValue

    from flask_tokenoffset.errors import Refusal
    from flask_tokenoffset.models import RightsRequest

REQUESTS_PER_PAGE: Final = 25


@requires(Permission.READ_SELF)
def own_requests() -> ResponseReturnValue:
    """What the current user asked for, and the form that asks a human."""
    return _list_page(RequestForm())


@requires(Permission.CHANGE_SELF)
def make_request() -> ResponseReturnValue:
    """Ask a human."""
    form = RequestForm.read(request.form)
    try:
        with changing() as (work, person, now):
            made = rights_requests.ask(work, person, form.wanted(), form.statement, now)
    except (InvalidInput, Conflict) as refused:
        return _list_page(form, refused)
    return see_other(".own_request", request_id=made.id, done="received")


@requires(Permission.READ_SELF)
def own_request(request_id: UUID) -> ResponseReturnValue:
    """Where one request stands."""
    return _page(request_id)


@requires(Permission.CHANGE_SELF)
def cancel_own_request(request_id: UUID) -> ResponseReturnValue:
    """Take one back."""
    own_person()
    try:
        with changing() as (work, person, now):
            rights_requests.cancel(work, person, request_id, now)
    except Conflict as refused:
        return _page(request_id, refused)
    return see_other(".own_request", request_id=request_id, done="cancelled")


_ONE: Final = "/privacy/requests/<uuid:request_id>"
register = page_routes(
    ("/privacy/requests", own_requests),
    ("/privacy/requests", make_request, "POST"),
    (_ONE, own_request),
    (f"{_ONE}/cancel", cancel_own_request, "POST"),
)


def badge_of(request: RightsRequest) -> tuple[str, str]:
    """The word for where a request stands, and the kind of badge that shows it."""
    if is_overdue(request, current_state().clock.now()):
        return OVERDUE
    return STATUS_BADGES[RightsRequestStatus(request.status)]


def _list_page(form: RequestForm, refused: Refusal | None = None) -> ResponseReturnValue:
    before = read_time_cursor(request.args.get("cursor"))
    person = current_user().person
    found: Page[RightsRequest] = Page([])
    if person is not None:
        found = page_of(
            rights_requests.list_own(
                current_state().session, person.id, before=before, limit=REQUESTS_PER_PAGE + 1
            ),
            REQUESTS_PER_PAGE,
            lambda each: (each.received_at, each.id),
        )
    page = render(
        "rights_requests/own_requests.html",
        requests=[
            (each, KIND_TITLES[RightsRequestKind(each.kind)], badge_of(each))
            for each in found.shown
        ],
        is_first_page=before is None,
        older_url=found.next_cursor and url_for(".own_requests", cursor=found.next_cursor),
        form=form,
        errors=errors_of(refused),
        refused=refused,
        longest_statement=LONGEST_STATEMENT,
    )
    return with_status(page, refused)


def _page(request_id: UUID, refused: Refusal | None = None) -> ResponseReturnValue:
    found = find_or_nothing(request_id)
    page = render(
        "rights_requests/own_request.html",
        request=found,
        title=KIND_TITLES[RightsRequestKind(found.kind)],
        badge=badge_of(found),
        is_open=found.status == RightsRequestStatus.OPEN,
        done=request.args.get("done", ""),
        refused=refused,
    )
    return with_status(page, refused)
