"""The OpenAPI 3.1 document, written from the operations that are really mounted."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from flask import Flask, current_app, url_for
from pydantic import ConfigDict, Field
from pydantic.json_schema import models_json_schema

from flask_tokenoffset.blueprints.access.csrf import CSRF_HEADER
from flask_tokenoffset.blueprints.access.urls import ORGANIZATION_API
from flask_tokenoffset.blueprints.errors.problems import PROBLEM_JSON, status_of
from flask_tokenoffset.blueprints.json_api import idempotency
from flask_tokenoffset.blueprints.json_api.operations import (
    Operation,
    add_operations,
    operation,
    operation_of,
)
from flask_tokenoffset.blueprints.late import load_views
from flask_tokenoffset.blueprints.route_table import API_PREFIX
from flask_tokenoffset.blueprints.schemas.base import Answer, Problem, Query
from flask_tokenoffset.blueprints.schemas.refusals import (
    BodyTooLarge,
    CrossSiteRequest,
    IdempotencyKeyInUse,
    IdempotencyKeyReused,
    MalformedRequest,
    WrongContentType,
)
from flask_tokenoffset.errors import InvalidInput, NotFound, NotPermitted, SignInRequired
from flask_tokenoffset.permissions import PUBLIC, Permission

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flask import Blueprint

    from flask_tokenoffset.errors import TokenOffsetError

PATH: Final = "/openapi.json"

_REFERENCE: Final = "#/components/schemas/{model}"
_PARAMETER: Final = re.compile(r"<(?:(?P<converter>[a-z]+)(?:\([^)]*\))?:)?(?P<name>\w+)>")
_CONVERTERS: Final[Mapping[str | None, dict[str, Any]]] = {
    "uuid": {"type": "string", "format": "uuid"},
    "int": {"type": "integer", "minimum": 0},
    None: {"type": "string", "minLength": 1},
}
_EMPTY_OBJECT: Final[Mapping[str, Any]] = {"type": "object", "maxProperties": 0}
_IDEMPOTENCY_KEY: Final[Mapping[str, Any]] = {
    "name": idempotency.HEADER,
    "in": "header",
    "required": False,
    "description": idempotency.DESCRIPTION,
    "schema": {"type": "string", "pattern": f"^(?:{idempotency.KEY_PATTERN})$"},
}
_DESCRIPTION: Final = (
    "Calls are made in the name of whoever is signed in to the host application. Those that change"
    " something say `Content-Type: application/json`; a call without a body may carry the header"
    f" `{CSRF_HEADER}` instead. Unknown fields and parameters are refused. Every error is"
    " `application/problem+json` with a stable `code`."
)


class OpenAPIDocument(Answer):
    """A description of this API in OpenAPI 3.1."""

    model_config = ConfigDict(extra="forbid")

    openapi: str = Field(description="The version of OpenAPI.")
    info: dict[str, Any]
    servers: list[dict[str, Any]]
    paths: dict[str, Any]
    components: dict[str, Any]


#: The document of each application, written when it is first asked for.
_written: Final[WeakKeyDictionary[Flask, dict[str, Any]]] = WeakKeyDictionary()


@operation(
    "GET",
    PATH,
    permission=Permission.READ_PUBLISHED,
    summary="Describe this API",
    answers={200: OpenAPIDocument},
)
def describe_api() -> OpenAPIDocument:
    """Everything the API can do, as OpenAPI 3.1."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - Werkzeug's documented way
    if app not in _written:
        _written[app] = describe(operations_of(app))
    address = url_for("tokenoffset.api.describe_api").removesuffix(PATH)
    return OpenAPIDocument(**_written[app], servers=[{"url": address}])


def register(api: Blueprint) -> None:
    """Add the operation that serves the document."""
    add_operations(api, describe_api)


def operations_of(app: Flask) -> list[Operation]:
    """Every operation that is mounted on an application, in the order of its rules.

    One that is mounted for an organization as well is another operation there: its path begins with
    the organization, and so does its name.
    """
    found = []
    views = load_views(app)
    for rule in app.url_map.iter_rules():
        declared = operation_of(views[rule.endpoint])
        if declared is not None:
            in_organization = rule.endpoint.startswith(f"{ORGANIZATION_API}.")
            name = f"organization_{declared.name}" if in_organization else declared.name
            found.append(replace(declared, rule=_below_the_api(rule.rule), name=name))
    return found


def _below_the_api(rule: str) -> str:
    return rule[rule.index(API_PREFIX) + len(API_PREFIX) :]


def describe(operations: Iterable[Operation]) -> dict[str, Any]:
    """The document without its servers.

    :param operations: what is mounted.
    """
    listed = sorted(operations, key=lambda each: (each.rule, each.method))
    schemas = _Schemas(listed)
    paths: dict[str, Any] = {}
    for each in listed:
        path = _PARAMETER.sub(r"{\g<name>}", each.rule)
        paths.setdefault(path, {})[each.method.lower()] = _describe_one(each, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Token Offset",
            "version": version("flask-tokenoffset"),
            "description": _DESCRIPTION,
        },
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "securitySchemes": {
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": current_app.config["SESSION_COOKIE_NAME"],
                    "description": "The host application's own session.",
                }
            },
        },
    }


class _Schemas:
    """The JSON schemas of every model the operations name."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        bodies = {each.body for each in operations if each.body is not None}
        queries = {each.query for each in operations if each.query is not None}
        answers = {m for each in operations for m in each.answers.values() if m is not None}
        inputs = sorted(bodies | queries, key=lambda model: model.__name__)
        outputs = sorted(answers | {Problem}, key=lambda model: model.__name__)
        self._references, definitions = models_json_schema(
            [(model, "validation") for model in inputs]
            + [(model, "serialization") for model in outputs],
            ref_template=_REFERENCE,
        )
        schemas = definitions.get("$defs", {})
        # A query is described parameter by parameter, not as an object.
        self._queries = {query: schemas.pop(self._name(query)) for query in queries}
        self.components = schemas

    def body(self, model: type[Any]) -> dict[str, Any]:
        return dict(self._references[model, "validation"])

    def answer(self, model: type[Answer]) -> dict[str, Any]:
        return dict(self._references[model, "serialization"])

    def parameters(self, model: type[Query]) -> list[dict[str, Any]]:
        schema = self._queries[model]
        return [
            {
                "name": name,
                "in": "query",
                "required": name in schema.get("required", ()),
                "description": part.get("description", ""),
                "schema": _without_null(part),
            }
            for name, part in schema.get("properties", {}).items()
        ]

    def _name(self, model: type[Query]) -> str:
        return str(self._references[model, "validation"]["$ref"]).rpartition("/")[2]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is left out, never null."""
    choices = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    if len(choices) != 1:
        return schema
    rest = {k: v for k, v in schema.items() if k not in {"anyOf", "default", "description"}}
    return {**rest, **choices[0]}


def _describe_one(declared: Operation, schemas: _Schemas) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": declared.name,
        "summary": declared.summary,
        "description": declared.description,
        "security": [] if declared.permission in PUBLIC else [{"session": []}],
        "parameters": [
            *_path_parameters(declared.rule),
            *(schemas.parameters(declared.query) if declared.query is not None else ()),
            *([_IDEMPOTENCY_KEY] if declared.takes_idempotency_key else ()),
        ],
        "responses": {
            **{
                str(status): _describe_answer(model, schemas, declared.also_as)
                for status, model in declared.answers.items()
            },
            **_describe_problems(declared, schemas),
        },
    }
    if declared.takes_body:
        schema = _EMPTY_OBJECT if declared.body is None else schemas.body(declared.body)
        described["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema}},
        }
    return described


def _path_parameters(rule: str) -> list[dict[str, Any]]:
    return [
        {
            "name": found["name"],
            "in": "path",
            "required": True,
            "schema": _CONVERTERS.get(found["converter"], _CONVERTERS[None]),
        }
        for found in _PARAMETER.finditer(rule)
    ]


def _describe_answer(
    model: type[Answer] | None, schemas: _Schemas, also_as: Iterable[str]
) -> dict[str, Any]:
    if model is None:
        return {"description": "Done; there is nothing to tell."}
    summary = (model.__doc__ or model.__name__).strip().partition("\n")[0]
    return {
        "description": summary,
        "content": {
            "application/json": {"schema": schemas.answer(model)},
            **{each: {"schema": {"type": "string"}} for each in also_as},
        },
    }


def _describe_problems(declared: Operation, schemas: _Schemas) -> dict[str, Any]:
    codes: dict[int, set[str]] = {500: {"internal-error"}}
    for family in (*_frame_problems(declared), *declared.problems):
        for error in _kinds(family):
            codes.setdefault(status_of(error), set()).add(error.code)
    return {
        str(status): {
            "description": "Refused or failed: "
            + ", ".join(f"`{c}`" for c in sorted(codes[status])),
            "content": {PROBLEM_JSON: {"schema": schemas.answer(Problem)}},
        }
        for status in sorted(codes)
    }


def _kinds(family: type[TokenOffsetError]) -> list[type[TokenOffsetError]]:
    """What is really raised: of a family of errors its members, else the error itself."""
    members = family.__subclasses__()
    return [kind for member in members for kind in _kinds(member)] if members else [family]


def _frame_problems(declared: Operation) -> list[type[TokenOffsetError]]:
    """What the frame itself may refuse before the handler is asked."""
    errors: list[type[TokenOffsetError]] = [InvalidInput, BodyTooLarge]
    if declared.permission not in PUBLIC:
        errors += [SignInRequired, NotPermitted]
    if declared.takes_body:
        errors += [CrossSiteRequest, WrongContentType, MalformedRequest]
    if declared.takes_idempotency_key:
        errors += [IdempotencyKeyInUse, IdempotencyKeyReused]
    if _PARAMETER.search(declared.rule):
        errors.append(NotFound)
    return errors
