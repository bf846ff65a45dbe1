"""How errors are told: as problem+json (RFC 9457) by the API, as a page by the pages.

Mounting puts the handlers on our blueprints only. A page's unexpected exception goes on to the
host, whose error page and error reporter know better what to do with it.
"""

from __future__ import annotations

import logging
import math
import re
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import uuid4

from flask import current_app, g, make_response, render_template, request
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from flask_tokenoffset.blueprints.access.acceptance import acceptance_url
from flask_tokenoffset.blueprints.access.context import (
    forget_current_user,
    send_to_sign_in,
)
from flask_tokenoffset.blueprints.schemas.base import (
    FieldProblem,
    Problem,
    UnacceptedDocument,
)
from flask_tokenoffset.blueprints.schemas.body_limits import too_large
from flask_tokenoffset.blueprints.schemas.refusals import (
    MalformedRequest,
    MethodNotAllowed,
    WrongContentType,
)
from flask_tokenoffset.blueprints.schemas.validation import InvalidRequest, pointer
from flask_tokenoffset.errors import (
    AcceptanceRequired,
    EndpointNotAllowed,
    InvalidInput,
    KeyRefused,
    KeyVersionUnknown,
    NotFound,
    OutboundDisabled,
    ProviderError,
    RateLimited,
    Refusal,
    SealBroken,
    SignInRequired,
    TokenOffsetError,
    TooManyAttempts,
    VaultError,
    VendorUnavailable,
    WrongKeyKind,
)
from flask_tokenoffset.migrations import runner
from flask_tokenoffset.state import state_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Flask, Response
    from flask.typing import ResponseReturnValue
    from werkzeug.exceptions import HTTPException

logger = logging.getLogger(__name__)

PROBLEM_TYPE: Final = "urn:tokenoffset:problem:"
PROBLEM_JSON: Final = "application/problem+json"
#: How the names of all our endpoints begin.
OURS: Final = "tokenoffset."

#: What is answered where the error does not carry a status itself. The nearest class counts.
_STATUS: Final[Mapping[type[TokenOffsetError], int]] = {
    WrongKeyKind: 422,
    KeyRefused: 422,
    RateLimited: 503,
    VendorUnavailable: 503,
    OutboundDisabled: 503,
    EndpointNotAllowed: 500,
    ProviderError: 502,
    KeyVersionUnknown: 500,
    SealBroken: 500,
    VaultError: 503,
    TokenOffsetError: 500,
}

_VAULT_SHUT: Final = (
    "Keys cannot be kept safe here at the moment, so none was stored and nothing was changed. Try"
    " again later; if it stays like this, tell whoever runs this site."
)
_UNEXPECTED: Final = (
    "Something went wrong on our side, and it has been noted. Try again later; if it stays like"
    " this, tell whoever runs this site and name the request id."
)

_REQUEST_ID_KEY: Final = "_tokenoffset_request_id"
_SANE_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,128}")


def request_id() -> str:
    """The present request's id: the proxy's ``X-Request-Id`` if it is sane, else one of ours."""
    if _REQUEST_ID_KEY not in g:
        given = request.headers.get("X-Request-Id", "")
        sane = _SANE_REQUEST_ID.fullmatch(given)
        setattr(g, _REQUEST_ID_KEY, given if sane else uuid4().hex)
    return cast("str", g.get(_REQUEST_ID_KEY))


def forget_request_id() -> None:
    """Begin a new request; ``g`` may outlive one in a host's tests."""
    g.pop(_REQUEST_ID_KEY, None)


def status_of(error: type[TokenOffsetError]) -> int:
    """The HTTP status an error is answered with."""
    if issubclass(error, Refusal):
        return error.status
    return next(_STATUS[base] for base in error.__mro__ if base in _STATUS)


def title_of(code: str) -> str:
    """A code in words; the same for every occurrence, as RFC 9457 asks."""
    return code.replace("-", " ").capitalize()


def told(error: TokenOffsetError) -> str:
    """What a user is told of an error; the log is told what only the operator of the site can mend.

    :param error: about to be shown, on a page of its own or beside a field.
    """
    if isinstance(error, VaultError) or status_of(type(error)) == HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.error("%s (request %s): %s", error.code, request_id(), error.message)
    return _VAULT_SHUT if isinstance(error, VaultError) else error.message


def explain_missing_tables(app: Flask, exception: BaseException, **_: Any) -> None:
    """Have the trace in the log end with the cure where our migrations did not run.

    Called with the unexpected exceptions of every route before Flask logs them; nobody pays for the
    question before something has failed.
    """
    if not isinstance(exception, DBAPIError) or request.endpoint is None:
        return
    if not request.endpoint.startswith(OURS):
        return
    # The question may fail as well, for example where the database has gone away meanwhile.
    with suppress(SQLAlchemyError):
        if cure := runner.explain(state_of(app).engine, exception):
            exception.add_note(cure)


def sign_in_or_say_so(error: SignInRequired) -> ResponseReturnValue:
    """Send anyone who is not signed in to sign in, or say so where the host names no way.

    :param error: what was refused.
    """
    try:
        return send_to_sign_in()
    except SignInRequired:
        return refusal_page(error)


def refusal_page(error: TokenOffsetError) -> Response:
    """An error as a page of ours.

    :param error: what was refused or has failed.
    """
    # What was refused was rolled back, and with it perhaps the row of the current user.
    forget_current_user()
    status = status_of(type(error))
    response = make_response(
        render_template(
            "tokenoffset/errors/refusal.html",
            status=status,
            title=title_of(error.code),
            detail=told(error),
            errors=error.errors if isinstance(error, InvalidInput) else {},
            request_id=request_id(),
        ),
        status,
    )
    return _with_headers(response, error)


def problem_of(error: TokenOffsetError) -> Response:
    """An error as problem+json, as the API answers it."""
    problem = Problem(
        type=PROBLEM_TYPE + error.code,
        title=title_of(error.code),
        status=status_of(type(error)),
        detail=told(error),
        code=error.code,
        request_id=request_id(),
        errors=_field_problems(error) if isinstance(error, InvalidInput) else None,
        **(_where_to_accept(error) if isinstance(error, AcceptanceRequired) else {}),
    )
    return _with_headers(_problem_response(problem), error)


def _where_to_accept(error: AcceptanceRequired) -> dict[str, Any]:
    """What must be accepted first, and where."""
    documents = [
        UnacceptedDocument(
            version_id=each.id,
            document=each.document,
            version=each.version,
            language=each.language,
            title=each.title,
        )
        for each in error.documents
    ]
    return {"documents": documents, "acceptance_url": acceptance_url()}


def http_problem(error: HTTPException) -> Response:
    """Tell an error of Flask or Werkzeug, the wrapped unexpected exception included.

    Flask has logged that exception and told error reporters before it comes here.
    """
    match error.code:
        case 400:
            return problem_of(MalformedRequest("What was sent could not be read. Correct it."))
        case 404:
            return problem_of(NotFound("There is no such thing here."))
        case 405:
            return problem_of(MethodNotAllowed(getattr(error, "valid_methods", None) or ()))
        case 413:
            return problem_of(too_large())
        case 415:
            return problem_of(WrongContentType())
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    expected = status < HTTPStatus.INTERNAL_SERVER_ERROR
    code = error.name.lower().replace(" ", "-") if expected else "internal-error"
    return _problem_response(
        Problem(
            type=PROBLEM_TYPE + code,
            title=title_of(code),
            status=status,
            detail=f"{error.name}." if expected else _UNEXPECTED,
            code=code,
            request_id=request_id(),
        )
    )


def _problem_response(problem: Problem) -> Response:
    return current_app.response_class(
        problem.model_dump_json(exclude_none=True),
        status=problem.status,
        content_type=PROBLEM_JSON,
    )


def _field_problems(error: InvalidInput) -> list[FieldProblem]:
    if isinstance(error, InvalidRequest):
        return error.problems
    return [
        FieldProblem(parameter=name, detail=sentence)
        if name in request.args
        else FieldProblem(pointer=pointer(name), detail=sentence)
        for name, sentence in error.errors.items()
    ]


def _with_headers(response: Response, error: TokenOffsetError) -> Response:
    if isinstance(error, TooManyAttempts | RateLimited) and error.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_seconds)))
    if isinstance(error, MethodNotAllowed):
        response.headers["Allow"] = ", ".join(error.allowed)
    return response
