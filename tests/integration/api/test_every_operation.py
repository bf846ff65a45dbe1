"""What holds for every operation there is, in a person's place and in an organization's.

How each is called, and by whom, stands in :mod:`tests.support.matrix_calls`.
"""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import pytest

from flask_tokenoffset.blueprints.json_api.operations import Operation, operation_of
from flask_tokenoffset.blueprints.schemas.body_limits import LONGEST_LIST
from flask_tokenoffset.models import Base
from tests.integration.api.calls import assert_problem
from tests.support.matrix import SETTINGS, Call, Stage, Who, make, parts_of, path_of, set_stage
from tests.support.matrix_calls import CALLS, EVERYBODY, OPERATORS
from tests.support.world import API, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from werkzeug.test import TestResponse

    from tests.support.every_route import Route
    from tests.support.matrix import Scene

OPERATIONS = sorted(route for route in CALLS if route.rule.startswith(API))
UNSAFE = [route for route in OPERATIONS if route.method != "GET"]
BOUND = [route for route in OPERATIONS if CALLS[route].may != EVERYBODY]
COLUMNS = {column.name for table in Base.metadata.sorted_tables for column in table.columns}


def each_of(routes: list[Route]) -> Callable[[Any], Any]:
    return pytest.mark.parametrize(
        "route", routes, ids=lambda route: f"{route.method} {route.rule}"
    )


@pytest.fixture(scope="module")
def set_up() -> Iterator[Stage]:
    world = World(customer={"history": 20}, **SETTINGS)
    stage, _ = set_stage(world)
    stage.keep()
    yield stage
    stage.close()
    world.close()


@pytest.fixture
def stage(set_up: Stage) -> Stage:
    set_up.reset()
    return set_up


class Prepared(NamedTuple):
    """An operation that is about to be called by an owner, or by another person who may call it."""

    operation: Operation
    path: str
    call: Call
    body: dict[str, Any]
    scene: Scene

    @property
    def caller(self) -> Who:
        """Who calls it."""
        return next(who for who in (Who.OWNER, Who.ADMIN, Who.OPERATOR) if who in self.call.may)


def prepared(stage: Stage, route: Route) -> Prepared:
    call = CALLS[route]
    scene = {**stage.scene_of(route), **stage.prepare(call)}
    views = stage.world.app.view_functions
    (view,) = {
        views[rule.endpoint]
        for rule in stage.world.app.url_map.iter_rules()
        if rule.rule == route.rule and route.method in (rule.methods or ())
    }
    operation = operation_of(view)
    assert operation is not None
    body = {} if call.sent is None else dict(call.sent(scene))
    path = path_of(route.rule, {**scene, **call.parts})
    return Prepared(operation, path, call, body, scene)


def send(stage: Stage, route: Route, it: Prepared, **options: Any) -> TestResponse:
    if route.method != "GET" and not {"data", "json", "input_stream"} & set(options):
        options["json"] = it.body
    options.setdefault("query_string", dict(it.call.query))
    who = Who.OPERATOR if it.call.may == OPERATORS else Who.OWNER
    return stage.people[who].client.open(it.path, method=route.method, **options)


@each_of(OPERATIONS)
def test_it_answers_with_the_model_it_declares(stage: Stage, route: Route) -> None:
    it = prepared(stage, route)
    answer = make(stage.people[it.caller], route, it.call, it.scene)
    assert answer.status_code == it.call.status, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    model = it.operation.answers[answer.status_code]
    if model is None:
        assert answer.data == b""
        return
    read = model.model_validate_json(answer.data)
    assert json.loads(read.model_dump_json()) == answer.get_json()


@each_of(BOUND)
def test_nobody_is_told_to_sign_in(stage: Stage, route: Route) -> None:
    scene = prepared(stage, route).scene
    answer = make(stage.people[Who.ANONYMOUS], route, CALLS[route], scene)
    assert_problem(answer, 401, "sign-in-required")


@each_of([route for route in OPERATIONS if route.method == "GET"])
def test_reading_sends_no_statement_that_writes(stage: Stage, route: Route) -> None:
    it = prepared(stage, route)
    with stage.world.statements() as sent:
        assert send(stage, route, it).status_code == it.call.status
    assert not [text for text in sent if text.split()[0] in {"INSERT", "UPDATE", "DELETE"}]


@each_of(UNSAFE)
def test_no_column_of_any_table_can_be_set_from_outside(stage: Stage, route: Route) -> None:
    it = prepared(stage, route)
    fields = set(it.operation.body.model_fields) if it.operation.body else set()
    before = stage.content()
    extra = dict.fromkeys(COLUMNS - fields, 1)
    assert len(extra) > 60
    for part in (extra, {"account_id": "another's"}):
        problem = assert_problem(
            send(stage, route, it, json={**it.body, **part}), 422, "invalid-input"
        )
        assert {error["detail"] for error in problem["errors"]} == {"It is not known here."}
    assert stage.content() == before


@each_of(OPERATIONS)
def test_an_unknown_parameter_is_refused(stage: Stage, route: Route) -> None:
    it = prepared(stage, route)
    query = {**it.call.query, "account_id": "another's"}
    problem = assert_problem(send(stage, route, it, query_string=query), 422, "invalid-input")
    assert [error.get("parameter") for error in problem["errors"]] == ["account_id"]


@each_of(UNSAFE)
def test_a_body_that_is_no_json_or_too_large_is_refused(stage: Stage, route: Route) -> None:
    it = prepared(stage, route)
    before = stage.content()
    as_json = {"content_type": "application/json"}
    for text in (b"{", b"\xff", b"nul", b"[" * 10_000):
        assert_problem(send(stage, route, it, data=text, **as_json), 400)
    large = b" " * (LONGEST_LIST + 1)
    assert_problem(send(stage, route, it, data=large, **as_json), 413, "body-too-large")
    unannounced = send(
        stage,
        route,
        it,
        input_stream=io.BytesIO(large),
        environ_overrides={"wsgi.input_terminated": True},
        **as_json,
    )
    assert_problem(unannounced, 413, "body-too-large")
    assert stage.content() == before


@each_of(UNSAFE)
def test_a_call_that_another_site_could_make_is_refused(stage: Stage, route: Route) -> None:
    it = prepared(stage, route)
    before = stage.content()
    assert_problem(send(stage, route, it, data=b"a=1"), 415, "wrong-content-type")
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        answer = send(stage, route, it, headers=headers)
        assert_problem(answer, 403, "cross-site-request")
    assert stage.content() == before


#: Anyone who has done this may not do it any more, so a repetition is refused before it is known.
GIVES_THE_RIGHT_AWAY = ("/transfer",)


@each_of([d for d in UNSAFE if d.method == "POST" and not d.rule.endswith(GIVES_THE_RIGHT_AWAY)])
def test_under_one_key_it_is_answered_again_and_done_once(stage: Stage, route: Route) -> None:
    it = prepared(stage, route)
    headers = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
    first = send(stage, route, it, headers=headers)
    if first.status_code >= 400:
        assert Who.OWNER not in it.call.may
        return
    stage.world.clock.move(minutes=1)
    before = stage.content()
    again = send(stage, route, it, headers=headers)
    assert (again.status_code, again.data) == (first.status_code, first.data)
    assert stage.content() == before


def test_options_names_the_methods_of_each_path(stage: Stage) -> None:
    allowed: dict[str, set[str]] = {}
    for route in OPERATIONS:
        # Which row it is does not matter; those of some calls are made by what comes before them.
        named = {**dict.fromkeys(parts_of(route.rule), str(UUID(int=0))), **stage.scene_of(route)}
        methods = allowed.setdefault(path_of(route.rule, named), {"OPTIONS"})
        methods |= {"GET", "HEAD"} if route.method == "GET" else {route.method}
    for path, methods in allowed.items():
        answer = stage.people[Who.ANONYMOUS].client.options(path)
        assert (answer.status_code, answer.data) == (204, b"")
        assert answer.headers["Allow"] == ", ".join(sorted(methods))


def test_one_key_in_two_places_stands_for_two_calls(stage: Stage) -> None:
    """The path is part of a call, and the organization is part of the path."""
    owner = stage.people[Who.OWNER].client
    body, headers = {"kind": "band", "band": "casual"}, {"Idempotency-Key": "one-and-the-same"}
    place = f"{API}/organizations/{stage.scene['organization_id']}"
    mine = owner.post(f"{API}/estimates", json=body, headers=headers)
    ours = owner.post(f"{place}/estimates", json=body, headers=headers)
    assert mine.status_code == ours.status_code == 201
    assert mine.get_json()["id"] != ours.get_json()["id"]
