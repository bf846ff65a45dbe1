"""Each operation as it should not go: problem+json always, and nothing is written."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.api.calls import (
    SAME_REQUEST,
    Ids,
    account_operations,
    assert_problem,
    call,
    ids_of,
    operations,
)
from tests.support.world import API

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.world import World


@pytest.fixture(autouse=True)
def _nothing_is_written(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test of this file asks for is refused, so every row stands as it stood."""
    name = "db_world" if "db_world" in request.fixturenames else "small_world"
    world: World = request.getfixturevalue(name)
    for user in (world.ada, world.ben, world.stranger, world.nobody):
        user.get("/bands")
    before, vendors = world.rows(), [len(each.calls) for each in world.vendors.values()]
    yield
    assert world.rows() == before
    assert [len(each.calls) for each in world.vendors.values()] == vendors


def test_anothers_id_answers_byte_for_byte_like_a_missing_one(db_world: World) -> None:
    ada, ben, missing = ids_of(db_world.ada), ids_of(db_world.ben), Ids()
    tried = 0
    for name, declared in account_operations(db_world).items():
        if "<uuid:" not in declared.rule and name not in {"make_estimate", "adopt_estimate"}:
            continue
        tried += 1
        for client, theirs in (
            (db_world.ada.client, ben),
            (db_world.ben.client, ada),
            (db_world.stranger.client, ada),
        ):
            refused = call(client, declared, theirs)
            assert_problem(refused, 404, "not-found")
            assert refused.data == call(client, declared, missing).data, name
    assert tried == 10


def test_ids_must_belong_together(small_world: World) -> None:
    ada, ben = ids_of(small_world.ada), ids_of(small_world.ben)
    read_sample = operations(small_world)["read_sample"]
    for ids in (replace(ada, run=ben.run), replace(ben, run=ada.run), replace(ada, run=ada.source)):
        answer = call(small_world.ada.client, read_sample, ids)
        assert_problem(answer, 404, "not-found")


@pytest.mark.parametrize("path", ["/sources/7", "/sources/x/samples", "/nothing", "/"])
def test_paths_that_do_not_exist_are_problems_too(small_world: World, path: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        answer = small_world.ada.client.open(API + path, method=method, json={})
        assert_problem(answer, 404, "not-found")


def test_a_method_that_does_not_exist_names_those_that_do(small_world: World) -> None:
    answer = small_world.ada.client.patch(f"{API}/sources", json={})
    assert_problem(answer, 405, "method-not-allowed")
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS, POST"


def refused_body(world: World, path: str, body: Any, *pointers: str) -> None:
    answer = world.ada.client.post(API + path, json=body, headers=SAME_REQUEST)
    problem = assert_problem(answer, 422, "invalid-input")
    assert {error["pointer"] for error in problem["errors"]} == set(pointers)


@pytest.mark.parametrize("tokens", [0, -1, 10**15 + 1, 10**400, 1.5, "5", "5M", True, [1], {}, "ä"])
def test_amounts_nobody_can_mean_are_refused(small_world: World, tokens: Any) -> None:
    body = {"kind": "custom", "tokens_per_month": tokens}
    refused_body(small_world, "/estimates", body, "#/tokens_per_month")


@pytest.mark.parametrize("coverage", [-1, 1001, 10**30, 0.5, "100", True, None, [100]])
def test_coverages_out_of_range_are_refused(small_world: World, coverage: Any) -> None:
    body = {"estimate_id": str(ids_of(small_world.ada).estimate), "coverage_percent": coverage}
    refused_body(small_world, "/plan/adoptions", body, "#/coverage_percent")


@pytest.mark.parametrize("amount", [-1, 1.0, "125", True, 10**30])
def test_a_shown_amount_that_is_none_is_refused(small_world: World, amount: Any) -> None:
    body = {"estimate_id": str(ids_of(small_world.ada).estimate), "amount_cents": amount}
    refused_body(small_world, "/plan/adoptions", body, "#/amount_cents")


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["#/kind"]),
        ({"kind": "metered"}, ["#/kind"]),
        ({"kind": "band"}, ["#/band"]),
        ({"kind": "band", "band": "no such band"}, ["#/band"]),
        ({"kind": "band", "band": ""}, ["#/band"]),
        ({"kind": "band", "band": 7}, ["#/band"]),
        ({"kind": "band", "band": "x" * 41}, ["#/band"]),
        ({"kind": "band", "band": "a\x00b"}, ["#/band"]),
        ({"kind": "band", "tokens_per_month": 5}, ["#/band", "#/tokens_per_month"]),
        ({"kind": "custom", "band": "worker"}, ["#/tokens_per_month", "#/band"]),
        ({"kind": "sampled"}, ["#/source_id"]),
        ({"kind": "sampled", "source_id": "7"}, ["#/source_id"]),
        ({"kind": "sampled", "source_id": 7}, ["#/source_id"]),
        ([], ["#"]),
        ("worker", ["#"]),
        (None, ["#"]),
    ],
)
def test_bodies_of_estimates_that_do_not_fit_are_refused(
    small_world: World, body: Any, pointers: list[str]
) -> None:
    if body is None:
        answer = small_world.ada.client.post(
            f"{API}/estimates", data=b"null", content_type="application/json"
        )
        assert_problem(answer, 422, "invalid-input")
    else:
        refused_body(small_world, "/estimates", body, *pointers)


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["#/provider", "#/key"]),
        ({"provider": "mistral", "key": "k" * 40}, ["#/provider"]),
        ({"provider": "", "key": "k" * 40}, ["#/provider"]),
        ({"provider": "openai", "key": ""}, ["#/key"]),
        ({"provider": "openai", "key": "sk-admin-1"}, ["#/key"]),
        ({"provider": "openai", "key": "k" * 2001}, ["#/key"]),
        ({"provider": "openai", "key": 7}, ["#/key"]),
        ({"provider": "openai", "key": "sk-admin-" + "k" * 40, "label": "x" * 121}, ["#/label"]),
        ({"provider": "openai", "key": "sk-admin-" + "k" * 40, "label": "x" * 401}, ["#/label"]),
        ({"provider": "openai", "key": "sk-admin-" + "k" * 40, "label": 7}, ["#/label"]),
    ],
)
def test_connections_that_do_not_fit_are_refused_before_any_call(
    small_world: World, body: Any, pointers: list[str]
) -> None:
    refused_body(small_world, "/sources", body, *pointers)


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "limit=1&limit=2", "cursor=x", "cursor=W10", "a=1"]
)
def test_pages_that_do_not_exist_are_refused(small_world: World, query: str) -> None:
    answer = small_world.ada.client.get(f"{API}/billing-records?{query}")
    problem = assert_problem(answer, 422, "invalid-input")
    assert [error["parameter"] for error in problem["errors"]] == [query.partition("=")[0]]


def test_changes_that_do_not_fit_the_plans_state_are_conflicts(small_world: World) -> None:
    assert_problem(small_world.ada.api("POST", "/plan/resume"), 409, "conflict")
    for change in ("pause", "resume", "end"):
        assert_problem(small_world.stranger.api("POST", f"/plan/{change}"), 409, "conflict")
    assert_problem(small_world.stranger.api("GET", "/plan"), 404, "not-found")


def test_an_error_of_ours_is_a_problem_without_internals(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: Any, **_options: Any) -> Any:
        raise RuntimeError("the inside story")

    small_world.app.config["PROPAGATE_EXCEPTIONS"] = False
    modules: list[tuple[str, Callable[[], Any]]] = [
        ("sources.listing.list_sources", lambda: small_world.ada.api("GET", "/sources")),
        ("plans.ledger.change_status", lambda: small_world.ada.api("POST", "/plan/pause")),
        ("plans.billing.list_records", lambda: small_world.ada.api("GET", "/billing-records")),
    ]
    for name, ask in modules:
        monkeypatch.setattr(f"flask_tokenoffset.services.{name}", fail)
        answer = ask()
        assert_problem(answer, 500, "internal-error")
        assert "inside story" not in answer.text
