"""Each operation once as it should go: what it answers is what it declares."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from tests.integration.api.calls import PUBLIC, call, ids_of, operations

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.test import TestResponse

    from tests.support.world import World


#: In an order in which each can succeed, with the status expected.
SUCCESSES = {
    "list_bands": 200,
    "read_methodology": 200,
    "describe_api": 200,
    "list_sources": 200,
    "read_source": 200,
    "read_sample": 200,
    "read_source_usage": 200,
    "make_estimate": 200,
    "read_estimate": 200,
    "read_plan": 200,
    "list_billing_records": 200,
    "list_audit_events": 200,
    "adopt_estimate": 201,
    "pause_plan": 200,
    "resume_plan": 200,
    "end_plan": 200,
    "connect_source": 201,
    "sample_source": 202,
    "replace_key": 202,
    "disconnect_source": 204,
}


def call_each(world: World) -> dict[str, TestResponse]:
    ids = ids_of(world.ada)
    declared = operations(world)
    answers = {}
    for name in SUCCESSES:
        world.clock.move(minutes=11)
        client = world.nobody.client if name in PUBLIC else world.ada.client
        answers[name] = call(client, declared[name], ids)
    return answers


def test_every_operation_succeeds_and_answers_with_its_declared_model(db_world: World) -> None:
    answers = call_each(db_world)
    assert {name: answer.status_code for name, answer in answers.items()} == SUCCESSES
    declared = operations(db_world)
    for name, answer in answers.items():
        model = declared[name].answers[answer.status_code]
        assert answer.headers["Cache-Control"] == "no-store"
        if model is None:
            assert answer.data == b""
            continue
        assert answer.content_type == "application/json"
        read = model.model_validate_json(answer.data)
        assert json.loads(read.model_dump_json()) == answer.get_json(), name


def test_the_routes_are_the_documented_operations(world: World) -> None:
    document = world.nobody.api("GET", "/openapi.json").get_json()
    documented = {
        described["operationId"]: (method.upper(), path)
        for path, methods in document["paths"].items()
        for method, described in methods.items()
    }
    mounted = {
        name: (each.method, re.sub(r"<(?:uuid:)?([^>:]+)>", r"{\1}", each.rule))
        for name, each in operations(world).items()
    }
    assert documented == mounted


def test_made_from_a_band_or_a_typed_amount_an_estimate_is_new(world: World) -> None:
    model = operations(world)["make_estimate"].answers[201]
    assert model is not None
    for body in ({"kind": "band", "band": "worker"}, {"kind": "custom", "tokens_per_month": 1}):
        made = world.ada.api("POST", "/estimates", body)
        assert made.status_code == 201
        model.model_validate_json(made.data)


def names_in(schema: Any) -> set[str]:
    """Every property name anywhere in a schema."""
    if isinstance(schema, list):
        return set().union(*map(names_in, schema)) if schema else set()
    if not isinstance(schema, dict):
        return set()
    own = set(schema.get("properties", {}))
    return own.union(*(names_in(part) for part in schema.values())) if schema else own


def test_no_answer_has_a_field_that_could_hold_a_secret(world: World) -> None:
    schemas = world.nobody.api("GET", "/openapi.json").get_json()["components"]["schemas"]
    answers = {name: schema for name, schema in schemas.items() if not name.endswith("Body")}
    assert names_in(schemas["ConnectBody"]) == {"provider", "key", "label"}
    forbidden = ("secret", "cipher", "nonce", "wrapped", "password", "credential", "sealed")
    for name, schema in answers.items():
        for field in names_in(schema):
            assert not any(word in field for word in forbidden), (name, field)
            assert "key" not in field or (name, field) in {
                ("SourceAnswer", "key_prefix"),
                ("BandAnswer", "key"),
                ("HeldGroupAnswer", "key"),  # What a group of data is called.
            }
    for name in ("ConnectBody", "KeyBody"):
        assert schemas[name]["properties"]["key"]["writeOnly"] is True


def test_no_answer_shows_more_of_a_key_than_six_characters(small_world: World) -> None:
    telling = "q7Zr2Xw9LkV4tBn8Yc3MfHs6JpDgU1aQ5eRo0iTx"
    first, second, third = (f"sk-ant-admin01-{part}{telling}" for part in "ABC")
    world, ada = small_world, small_world.browser("kay")
    for key in (first, second):
        world.anthropic.set_key(key, "active")
    connected = ada.api("POST", "/sources", {"provider": "anthropic", "key": first})
    path = f"/sources/{connected.get_json()['id']}"
    answers = [
        connected,
        ada.api("PUT", f"{path}/key", {"key": second}),
        ada.api("PUT", f"{path}/key", {"key": third}),  # The vendor refuses it.
        ada.api("PUT", f"{path}/key", {"key": f"sk-ant-api03-{telling}"}),
        ada.api("PUT", f"{path}/key", {"key": second, "account_id": telling}),
        ada.api("PUT", f"{path}/key", {"key": [second]}),
        ada.api("GET", path),
        ada.api("GET", "/sources"),
    ]
    assert [answer.status_code for answer in answers] == [201, 202, *[422] * 4, 200, 200]
    assert answers[-2].get_json()["key_prefix"] == "sk-ant"
    pieces = [telling[start : start + 7] for start in range(len(telling) - 6)]
    for answer in answers:
        assert not any(piece in answer.text for piece in pieces), answer.text


def test_a_newcomer_has_empty_lists_and_no_row(world: World) -> None:
    for path in ("/sources", "/billing-records"):
        assert world.stranger.api("GET", path).get_json()["items"] == []
    assert world.stranger.api("GET", "/plan").get_json()["code"] == "not-found"
    assert not world.stranger.has_account


def test_billing_records_are_read_page_by_page(world: World) -> None:
    world.ada.adopt(world.ada.pick_band())
    world.clock.move(days=150)
    world.bill()
    seen: list[str] = []
    cursor = ""
    while True:
        page = world.ada.api("GET", f"/billing-records?limit=2{cursor}").get_json()
        assert len(page["items"]) <= 2
        seen += [item["month"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    months = ("2027-04", "2027-03", "2027-02", "2027-01", "2026-12", "2026-11")
    assert seen == [f"{month}-01" for month in months]


def test_lists_hold_nothing_of_others(make_world: Callable[..., World], small_world: World) -> None:
    ben = ids_of(small_world.ben)
    for path in ("/sources", "/billing-records", "/plan"):
        text = small_world.ada.api("GET", path).text
        for each in (ben.source, ben.run, ben.estimate, small_world.ben.account_id):
            assert str(each) not in text
