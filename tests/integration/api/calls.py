"""How each operation of the API is called, by the name the document gives it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from flask_tokenoffset.blueprints.json_api.openapi import operations_of
from tests.support.world import API, KEYS

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from flask_tokenoffset.blueprints.json_api.operations import Operation
    from tests.support.world import Browser, World

SMALL: Final = {"history": 20}
#: Sent along, so that two problems can be compared byte for byte.
SAME_REQUEST: Final = {"X-Request-Id": "one-and-the-same"}
PUBLIC: Final = frozenset({"list_bands", "read_methodology", "describe_api"})


@dataclass(frozen=True)
class Ids:
    """What one person's things are called."""

    source: UUID = field(default_factory=uuid4)
    run: UUID = field(default_factory=uuid4)
    estimate: UUID = field(default_factory=uuid4)


def ids_of(browser: Browser) -> Ids:
    """The ids of a person who has gone the whole way."""
    (source,) = browser.api("GET", "/sources").get_json()["items"]
    plan = browser.api("GET", "/plan").get_json()
    return Ids(
        UUID(source["id"]),
        UUID(source["newest_run"]["id"]),
        UUID(plan["adoption"]["estimate_id"]),
    )


def operations(world: World) -> dict[str, Operation]:
    """Every operation that is mounted."""
    return {each.name: each for each in operations_of(world.app)}


#: What the operations over a person's own account are about.
_ACCOUNT: Final = ("/sources", "/estimates", "/plan", "/billing-records")


def account_operations(world: World) -> dict[str, Operation]:
    """The operations over a person's own account."""
    return {
        name: each for name, each in operations(world).items() if each.rule.startswith(_ACCOUNT)
    }


def body_of(name: str, ids: Ids) -> dict[str, Any]:
    """A body the operation accepts, if the state allows it."""
    bodies: dict[str, dict[str, Any]] = {
        "connect_source": {"provider": "openai", "key": KEYS["openai"], "label": "Lab"},
        "replace_key": {"key": KEYS["anthropic"]},
        "rename_source": {"label": "Press room"},
        "make_estimate": {"kind": "sampled", "source_id": str(ids.source)},
        "adopt_estimate": {"estimate_id": str(ids.estimate), "coverage_percent": 150},
    }
    return bodies.get(name, {})


def path_of(declared: Operation, ids: Ids) -> str:
    """The operation's path below ``/api/v1``."""
    path = declared.rule
    for name, value in (
        ("source_id", ids.source),
        ("run_id", ids.run),
        ("estimate_id", ids.estimate),
    ):
        path = path.replace(f"<uuid:{name}>", str(value))
    assert "<" not in path, f"nobody knows what to put into {path}"
    return path


def call(
    client: FlaskClient, declared: Operation, ids: Ids, body: Any = None, **options: Any
) -> TestResponse:
    """Call an operation with ids and body; GET without any."""
    if declared.method != "GET" and not {"data", "json"} & set(options):
        options["json"] = body_of(declared.name, ids) if body is None else body
    headers = {**SAME_REQUEST, **options.pop("headers", {})}
    return client.open(
        API + path_of(declared, ids), method=declared.method, headers=headers, **options
    )


def assert_problem(response: TestResponse, status: int, code: str | None = None) -> dict[str, Any]:
    """The answer is problem+json, whole and without internals."""
    assert response.status_code == status, response.text
    assert response.content_type == "application/problem+json"
    assert response.headers["Cache-Control"] == "no-store"
    problem: dict[str, Any] = response.get_json()
    assert set(problem) - {"errors"} == {
        "type",
        "title",
        "status",
        "detail",
        "code",
        "request_id",
    }
    assert problem["status"] == status
    assert problem["type"] == f"urn:tokenoffset:problem:{problem['code']}"
    assert problem["request_id"] == response.headers["X-Request-Id"]
    assert problem["detail"].endswith(".")
    for internal in ("Traceback", "sqlalchemy", "File ", "/api/v1", "pydantic"):
        assert internal not in response.text
    if code is not None:
        assert problem["code"] == code
    return problem
