"""What is done around each view of ours: before it, after it, and where it fails.

Mounting names these functions and does not import them (:mod:`.late`); the first request does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import current_app, request

from flask_tokenoffset.blueprints.access.acceptance import send_to_acceptance
from flask_tokenoffset.blueprints.access.context import (
    check_permission,
    forget_current_user,
    name_organization,
    named_organization,
)
from flask_tokenoffset.blueprints.access.csrf import (
    check_form_token,
    check_json_call,
    exempt_from_host,
    forget_token,
    refuse_cross_site,
)
from flask_tokenoffset.blueprints.access.minimum_age import refuse_minors
from flask_tokenoffset.blueprints.access.reauthentication import send_to_confirm
from flask_tokenoffset.blueprints.errors.problems import (
    explain_missing_tables,
    forget_request_id,
    http_problem,
    problem_of,
    refusal_page,
    request_id,
    sign_in_or_say_so,
)
from flask_tokenoffset.blueprints.errors.request_log import begin_request, note_request
from flask_tokenoffset.blueprints.json_api.unknown_paths import ENDPOINT as UNKNOWN
from flask_tokenoffset.blueprints.schemas.body_limits import bound_body, too_large
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flask import Blueprint, Response

__all__ = [
    "add_headers",
    "begin",
    "check_call",
    "check_page",
    "explain_missing_tables",
    "http_problem",
    "name_organization",
    "named_organization",
    "page_too_large",
    "problem_of",
    "refusal_page",
    "send_to_acceptance",
    "send_to_confirm",
    "sign_in_or_say_so",
]

_STATIC: Final = "tokenoffset.static"
#: What every answer of ours carries, unless it says otherwise itself.
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    # A host whose policy names frame-ancestors is obeyed instead by every browser that knows it.
    "X-Frame-Options": "SAMEORIGIN",
}


def begin(ours: Iterable[Blueprint]) -> None:
    """Begin a request of ours, before any ``before_request`` function, the host's included.

    :param ours: the blueprints that guard themselves.
    """
    begin_request()
    exempt_from_host(current_app, ours)
    bound_body()
    # An application context that a test keeps pushed serves several requests.
    forget_current_user()
    name_organization(None)
    forget_token()
    forget_request_id()
    current_state().queue.start()


def check_page() -> None:
    """Refuse a page to anyone who may not see it, and a form that another site sent."""
    _refuse_large_bodies()
    refuse_cross_site()
    refuse_minors()
    check_permission()
    check_form_token()


def check_call() -> None:
    """Refuse a call of the API to anyone who may not make it, and one that another site sent."""
    _refuse_large_bodies()
    refuse_cross_site()
    refuse_minors()
    check_permission()
    if (request.endpoint or "").rpartition(".")[2] != UNKNOWN:
        check_json_call()  # the other answers 404 or 405 whatever was sent


def page_too_large(_error: Exception) -> Response:
    """Answer a form that is longer than its page reads."""
    return refusal_page(too_large())


def add_headers(response: Response) -> Response:
    """Note the request in the log of requests, and give the answer the headers of all of ours."""
    response = note_request(response)
    headers = response.headers
    # Werkzeug makes and raises an error for each header that it looks for and does not find.
    there = {name.lower() for name in headers.keys()}  # noqa: SIM118 - iterating yields pairs
    for name, value in _HEADERS.items():
        if name.lower() not in there:
            headers.add(name, value)
    if request.endpoint != _STATIC:
        # Even a public page shows the host's layout, which may greet a person by name.
        headers["Cache-Control"] = "no-store"
        headers["X-Request-Id"] = request_id()
    return response


def _refuse_large_bodies() -> None:
    """Refuse a body by its announced length; one without is bounded while it is read."""
    limit = request.max_content_length
    if limit is not None and (request.content_length or 0) > limit:
        raise too_large()
