"""Pages of the operator's queue: the list, and one request.

The page of a request says what it is and until when. Who asked and what they wrote is shown by a
button, so that each look is a step that the person finds in their log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import request, url_for

from flask_tokenoffset.blueprints.access.changing import changing
from flask_tokenoffset.blueprints.access.context import current_user
from flask_tokenoffset.blueprints.access.urls import see_other
from flask_tokenoffset.blueprints.html.outcomes import errors_of, with_status
from flask_tokenoffset.blueprints.html.page_routes import page_routes
from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.blueprints.request_queue.forms import ExtensionForm, ReplyForm
from flask_tokenoffset.blueprints.request_queue.listing import CLOSED, list_queue
from flask_tokenoffset.blueprints.rights_requests.labels import QUEUE_TITLES
from flask_tokenoffset.blueprints.rights_requests.pages import badge_of
from flask_tokenoffset.errors import Conflict, InvalidInput, NotPermitted
from flask_tokenoffset.models import LONGEST_STATEMENT, RightsRequestKind, RightsRequestStatus
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.services.erasures import host_hook as erasure_hook
from flask_tokenoffset.services.rights_requests import queue as request_queue
from flask_tokenoffset.services.rights_requests.deadlines import latest_extension
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from uuid import UUID

    from flask.typing import ResponseReturnValue

    from flask_tokenoffset.errors import Refusal
    from flask_tokenoffset.models import RightsRequest

REQUESTS_PER_PAGE: Final = 50
#: What the page can say itself.
_TOLD: Final = (Conflict, InvalidInput, NotPermitted)


@requires(Permission.HANDLE_REQUESTS)
def list_requests() -> ResponseReturnValue:
    """The queue, what is due first before all others."""
    wanted = CLOSED if request.args.get("state") == CLOSED else "open"
    cursor = request.args.get("cursor")
    found = list_queue(wanted, cursor, REQUESTS_PER_PAGE)
    state = current_state()
    more_url = None
    if found.next_cursor is not None:
        more_url = url_for(".list_requests", state=wanted, cursor=found.next_cursor)
    return render(
        "request_queue/queue.html",
        requests=[(each, title_of(each), badge_of(each)) for each in found.shown],
        is_closed=wanted == CLOSED,
        is_first_page=cursor is None,
        more_url=more_url,
        overdue=len(request_queue.overdue(state.session, state.clock.now())),
        counted_up_to=request_queue.BATCH,
        unanswered=erasure_hook.unanswered(state.session),
    )


@requires(Permission.HANDLE_REQUESTS)
def handle_request(request_id: UUID) -> ResponseReturnValue:
    """What a request is and until when, without who asked."""
    return _page(request_id)


@requires(Permission.HANDLE_REQUESTS)
def look_at_request(request_id: UUID) -> ResponseReturnValue:
    """The same with who asked and what they wrote."""
    return _page(request_id, look=True)


@requires(Permission.HANDLE_REQUESTS)
def answer_request(request_id: UUID) -> ResponseReturnValue:
    """Answer or refuse it."""
    form = ReplyForm.read(request.form)
    try:
        with changing() as (work, person, now):
            request_queue.answer(work, request_id, form.wanted(), form.reply, now, operator=person)
    except _TOLD as refused:
        return _page(request_id, look=True, reply_form=form, refused=refused)
    return see_other(".handle_request", request_id=request_id, done="answered")


@requires(Permission.HANDLE_REQUESTS)
def extend_request(request_id: UUID) -> ResponseReturnValue:
    """Take more time for it."""
    form = ExtensionForm.read(request.form)
    try:
        with changing() as (work, person, now):
            request_queue.extend(
                work, request_id, form.wanted_days(), form.reason, now, operator=person
            )
    except _TOLD as refused:
        return _page(request_id, look=True, extension_form=form, refused=refused)
    return see_other(".handle_request", request_id=request_id, done="extended")


def title_of(of: RightsRequest) -> str:
    """What a request is called in the queue."""
    return QUEUE_TITLES[RightsRequestKind(of.kind)]


_ONE: Final = "/requests/<uuid:request_id>"
register = page_routes(
    ("/requests", list_requests),
    (_ONE, handle_request),
    (f"{_ONE}/look", look_at_request, "POST"),
    (f"{_ONE}/reply", answer_request, "POST"),
    (f"{_ONE}/extension", extend_request, "POST"),
)


def _page(
    request_id: UUID,
    *,
    look: bool = False,
    reply_form: ReplyForm | None = None,
    extension_form: ExtensionForm | None = None,
    refused: Refusal | None = None,
) -> ResponseReturnValue:
    state = current_state()
    asker = None
    if look:
        with changing() as (work, _, _):
            _, asker = request_queue.look_at(work, request_id)
    found = request_queue.find(state.session, request_id)
    now = state.clock.now()
    person = current_user().person
    may_answer = (
        found.status == RightsRequestStatus.OPEN
        and found.needs_human
        and (person is None or found.person_id != person.id)
    )
    most_days = (latest_extension(found.received_at) - found.due_at).days
    page = render(
        "request_queue/request.html",
        request=found,
        title=title_of(found),
        badge=badge_of(found),
        asker=asker,
        may_answer=may_answer,
        may_extend=may_answer and found.extended_at is None and now <= found.due_at,
        most_days=most_days,
        reply_form=reply_form or ReplyForm(),
        extension_form=extension_form or ExtensionForm(days=str(most_days)),
        errors=errors_of(refused),
        refused=refused,
        done=request.args.get("done", ""),
        longest_statement=LONGEST_STATEMENT,
    )
    return with_status(page, refused)
