"""Operations of the JSON API: one decorator validates, serializes and documents each.

::

    @operation(
        "POST", "/estimates", permission=Permission.MAKE_ESTIMATES, summary="Make an estimate",
        body=EstimateRequest, answers={201: EstimateAnswer}, problems=[Conflict],
    )
    def make_estimate(body: EstimateRequest) -> OperationAnswer:
        ...
        return EstimateAnswer(...), 201

    register = operations(make_estimate)

The handler gets what the path names, ``body`` if the operation declares one and ``query`` if it
declares one, all validated. It returns its answer, or the answer with a status and headers; or,
where it declares further media types, a response that streams one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypeVar, cast

from flask import Response, current_app, request
from pydantic import ValidationError

from flask_tokenoffset.blueprints.json_api.idempotency import answer_once
from flask_tokenoffset.blueprints.schemas.base import Answer, Body, NoBody, NoQuery, Query
from flask_tokenoffset.blueprints.schemas.body_limits import too_large
from flask_tokenoffset.blueprints.schemas.refusals import MalformedRequest
from flask_tokenoffset.blueprints.schemas.validation import InvalidRequest, field_problems
from flask_tokenoffset.permissions import Permission, requires

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from flask import Blueprint

    from flask_tokenoffset.errors import TokenOffsetError

Method: TypeAlias = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
#: What a handler returns: an answer (``None`` without a body), its status, further headers; or a
#: response that streams it.
OperationAnswer: TypeAlias = (
    Answer | tuple[Answer | None, int] | tuple[Answer | None, int, dict[str, str]] | Response | None
)
Handler = TypeVar("Handler", bound="Callable[..., OperationAnswer]")

_ATTRIBUTE: Final = "tokenoffset_operation"
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What is declared of one operation; the OpenAPI document is written from it."""

    name: str
    method: Method
    rule: str
    permission: Permission
    summary: str
    description: str
    body: type[Body] | None
    query: type[Query] | None
    answers: Mapping[int, type[Answer] | None]
    problems: tuple[type[TokenOffsetError], ...]
    also_as: tuple[str, ...] = ()

    @property
    def takes_body(self) -> bool:
        """Whether the method may carry a body."""
        return self.method in _WITH_BODY

    @property
    def takes_idempotency_key(self) -> bool:
        """Whether repeating it would do more than doing it once."""
        return self.method == "POST"


def operation(
    method: Method,
    rule: str,
    *,
    permission: Permission,
    summary: str,
    answers: Mapping[int, type[Answer] | None],
    body: type[Body] | None = None,
    query: type[Query] | None = None,
    problems: Sequence[type[TokenOffsetError]] = (),
    also_as: Sequence[str] = (),
    before_acceptance: bool | None = None,
) -> Callable[[Handler], Callable[..., Response]]:
    """Make an operation of a function; its docstring becomes the description.

    :param method: the one HTTP method it answers.
    :param rule: the path below ``/api/v1``, in Flask's notation. Ids are ``<uuid:...>``.
    :param permission: what the caller needs.
    :param summary: a few words for the document.
    :param answers: status to the model of the answer, ``None`` for one without a body. The first
        is used where the handler names no status.
    :param body: the model of the body; without one, only an empty object may be sent.
    :param query: the model of the query; without one, no parameter may be given.
    :param problems: what may go wrong beyond what the frame itself refuses.
    :param also_as: media types beside JSON in which it answers; the handler streams its answer.
    :param before_acceptance: as for :func:`~flask_tokenoffset.permissions.requires`.
    """

    def decorate(handler: Handler) -> Callable[..., Response]:
        declared = Operation(
            name=handler.__name__,
            method=method,
            rule=rule,
            permission=permission,
            summary=summary,
            description=" ".join((handler.__doc__ or "").split()),
            body=body,
            query=query,
            answers=dict(answers),
            problems=tuple(problems),
            also_as=tuple(also_as),
        )

        @wraps(handler)
        def view(**path: Any) -> Response:
            given = _read_input(declared)

            def answer() -> Response:
                return _respond(declared, handler(**path, **given))

            if not declared.takes_idempotency_key:
                return answer()
            return answer_once(f"{declared.method} {request.path}", given, answer)

        setattr(view, _ATTRIBUTE, declared)
        return requires(permission, before_acceptance=before_acceptance)(view)

    return decorate


def operation_of(view: Callable[..., Any]) -> Operation | None:
    """The operation a view was made from, if it was."""
    declared = getattr(view, _ATTRIBUTE, None)
    return declared if isinstance(declared, Operation) else None


def add_operations(api: Blueprint, *views: Callable[..., Response]) -> None:
    """Give operations their routes.

    :param api: the blueprint of the API, before it is registered.
    :param views: functions decorated with :func:`operation`.
    :raises TypeError: if one is not.
    """
    for view in views:
        declared = operation_of(view)
        if declared is None:
            raise TypeError(f"{view!r} is not an operation: decorate it with @operation.")
        api.add_url_rule(
            declared.rule,
            declared.name,
            view,
            methods=[declared.method],
            # Flask's own answer would name every method, since the rule for unknown paths takes
            # every one.
            provide_automatic_options=False,
        )


def operations(*views: Callable[..., Response]) -> Callable[[Blueprint], None]:
    """What gives operations their routes on a blueprint; as :func:`add_operations`."""
    return lambda api: add_operations(api, *views)


def _read_input(declared: Operation) -> dict[str, Any]:
    """Validate query and body, and name those the handler asked for."""
    problems = []
    given: dict[str, Any] = {}
    try:
        query = _read_query(declared.query or NoQuery)
        if declared.query is not None:
            given["query"] = query
    except InvalidRequest as error:
        problems += error.problems
    if declared.takes_body:
        try:
            body = _read_body(declared.body or NoBody, required=declared.body is not None)
            if declared.body is not None:
                given["body"] = body
        except InvalidRequest as error:
            problems += error.problems
    if problems:
        raise InvalidRequest(problems)
    return given


def _read_query(model: type[Query]) -> Query:
    if model is NoQuery and not request.query_string:
        return NoQuery()
    repeated = {name for name, values in request.args.lists() if len(values) > 1}
    if repeated:
        raise InvalidRequest.in_parameters(dict.fromkeys(sorted(repeated), "It is given twice."))
    try:
        return model.model_validate_strings(request.args.to_dict())
    except ValidationError as error:
        raise InvalidRequest(field_problems(error, in_query=True)) from None


def _read_body(model: type[Body], *, required: bool) -> Body:
    text = request.get_data(cache=False)
    if request.content_length is None and len(text) >= cast("int", request.max_content_length):
        raise too_large()  # Werkzeug stops reading there and does not say whether there is more.
    if not text and not required:
        text = b"{}"
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        if any(each["type"] == "json_invalid" for each in error.errors(include_context=False)):
            raise MalformedRequest(
                "The body is not valid JSON in UTF-8, so nothing was changed. Correct it and send"
                " it again."
            ) from None
        raise InvalidRequest(field_problems(error, in_query=False)) from None


def _respond(declared: Operation, returned: OperationAnswer) -> Response:
    if declared.also_as and isinstance(returned, Response):
        return returned
    answer, status, headers = _unpack(declared, returned)
    model = declared.answers.get(status, ...)
    if model is ... or not isinstance(answer, type(None) if model is None else model):
        raise TypeError(
            f"The operation {declared.name} returned {type(answer).__name__} with status {status},"
            " which it does not declare."
        )
    response = current_app.response_class(
        "" if answer is None else answer.model_dump_json(),
        status=status,
        content_type="application/json",
    )
    if answer is None:
        del response.headers["Content-Type"]
    response.headers.update(headers)
    return response


def _unpack(
    declared: Operation, returned: OperationAnswer
) -> tuple[Answer | None, int, dict[str, str]]:
    if isinstance(returned, Response):
        raise TypeError(f"The operation {declared.name} declares no media type to stream.")
    match returned:
        case (answer, status, headers):
            return answer, status, headers
        case (answer, status):
            return answer, status, {}
    return returned, next(iter(declared.answers)), {}
