"""Adopting: what it costs, what is recorded, and that nothing else ever changes the amount."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from flask_tokenoffset import signals
from flask_tokenoffset.methodology import (
    class_aware,
    class_aware_amount_cents,
    class_aware_environment,
)
from flask_tokenoffset.models import Adoption, BillingRecord, Estimate
from flask_tokenoffset.services.estimates import figures
from flask_tokenoffset.services.plans import ledger as plans
from flask_tokenoffset.tasks.schedule import run_scheduler
from tests.support.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def db_world(make_world: Callable[..., World], database_url: str) -> World:
    return make_world(database_url)


@pytest.fixture(scope="module")
def shared() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def replayed(world: World, account_id: Any) -> list[tuple[int, int]]:
    with world.app.app_context():
        return [
            (adoption.amount_cents, again)
            for adoption, again in plans.replay(world.state.session, account_id)
        ]


def typed(world: World, tokens_per_month: int) -> str:
    body = {"kind": "custom", "tokens_per_month": tokens_per_month}
    return str(world.ada.api("POST", "/estimates", body).get_json()["id"])


@given(st.integers(1, 10**15), st.integers(0, 1000))
@example(1, 1)
@example(4_000_000, 1)
@example(40_000, 100)
@example(40_001, 100)
@example(10**15, 1000)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_amount_is_the_published_rate_rounded_up_to_the_cent(
    shared: World, tokens: int, coverage_percent: int
) -> None:
    plan = shared.ada.adopt(typed(shared, tokens), coverage_percent)
    exact_cents = Fraction(tokens * 25 * coverage_percent, 1_000_000 * 100)
    assert 0 <= plan["adoption"]["amount_cents"] - exact_cents < 1
    assert plan["adoption"]["currency"] == "USD"
    shared.clock.move(seconds=1)


@pytest.mark.promise("TO-007")
@pytest.mark.parametrize("kind", ["band", "custom", "sampled"])
def test_a_plan_records_amount_source_and_tokens(db_world: World, kind: str) -> None:
    ada = db_world.ada
    if kind == "band":
        estimate_id, tokens = ada.pick_band("agentic"), 140_000_000
    elif kind == "custom":
        estimate_id, tokens = typed(db_world, 123_456_789), 123_456_789
    else:
        newest = ada.newest_estimate(ada.sample())
        estimate_id, tokens = newest["id"], newest["tokens_per_month"]["total"]
    adoption = ada.adopt(estimate_id, 50)["adoption"]
    assert (adoption["source_kind"], adoption["tokens_per_month"]) == (kind, tokens)
    assert (adoption["estimate_id"], adoption["coverage_percent"]) == (estimate_id, 50)
    assert adoption["amount_cents"] == -(-tokens * 25 * 50 // 100_000_000)
    assert adoption["method_version"] == "2026-05"
    assert replayed(db_world, ada.account_id) == [(adoption["amount_cents"],) * 2]


def test_an_amount_that_was_not_shown_is_not_adopted(db_world: World) -> None:
    estimate_id = db_world.ada.pick_band("worker")
    before = db_world.rows()
    body = {"estimate_id": estimate_id, "coverage_percent": 100, "amount_cents": 124}
    refused = db_world.ada.api("POST", "/plan/adoptions", body)
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.get_json()["errors"]] == ["#/amount_cents"]
    assert db_world.rows() == before
    shown = db_world.ada.api("POST", "/plan/adoptions", {**body, "amount_cents": 125})
    assert (shown.status_code, shown.get_json()["adoption"]["amount_cents"]) == (201, 125)


@pytest.mark.parametrize(("coverage_percent", "amount_cents"), [(0, 0), (100, 125), (1000, 1250)])
def test_any_coverage_from_nothing_to_tenfold_may_be_chosen(
    world: World, coverage_percent: int, amount_cents: int
) -> None:
    plan = world.ada.adopt(world.ada.pick_band("worker"), coverage_percent)
    assert plan["adoption"]["amount_cents"] == amount_cents
    assert world.bill() == 1


@pytest.mark.promise("TO-029")
def test_a_new_sample_never_changes_what_is_charged(db_world: World) -> None:
    ada = db_world.ada
    source_id = ada.sample()
    first = ada.newest_estimate(source_id)
    plan = ada.adopt(first["id"])
    adoptions = db_world.rows(Adoption)
    for days in range(1, 60):
        db_world.anthropic.revise(db_world.clock.today() - timedelta(days=days), percent=300)
    db_world.clock.move(minutes=11)
    ada.resample(source_id)
    db_world.clock.move_to(datetime(2026, 11, 22, 8, tzinfo=UTC))
    for _ in range(130):  # The weekly refresh, with scheduler runs as they come.
        with db_world.app.app_context():
            assert run_scheduler(db_world.state).failed_steps == []
        db_world.work()
        db_world.clock.move(minutes=1)
    newest = ada.newest_estimate(source_id)
    assert newest["tokens_per_month"]["total"] > 2 * first["tokens_per_month"]["total"]
    assert ada.api("GET", "/plan").get_json() == plan
    assert db_world.rows(Adoption) == adoptions
    db_world.clock.move(days=31)
    with db_world.app.app_context():
        run_scheduler(db_world.state)
    charged = ada.api("GET", "/billing-records").get_json()["items"]
    assert len(charged) == 2
    assert {each["amount_cents"] for each in charged} == {plan["adoption"]["amount_cents"]}
    # It changes when she adopts the new one, from the month after.
    changed = ada.adopt(newest["id"])
    assert changed["adoption"]["amount_cents"] > 2 * plan["adoption"]["amount_cents"]


def test_the_other_method_prices_by_its_carbon_and_stays_with_its_adoption(
    make_world: Callable[..., World], database_url: str
) -> None:
    first = make_world(database_url, TOKENOFFSET_METHOD="2026.11")
    estimate_id = first.ada.newest_estimate(first.ada.sample())["id"]
    amounts = [first.ada.adopt(estimate_id, cover)["adoption"] for cover in (100, 33, 0)]
    with first.app.app_context():
        estimate = first.state.session.scalars(select(Estimate)).one()
        models = figures.from_json(estimate.figures).models
    # The estimate was made with the version in force; the partner prices by the former one.
    assert estimate.class_aware_version == "2026.12"
    carbon = class_aware_environment(models, class_aware("2026.11")).co2e_g
    for adoption in amounts:
        assert adoption["method_version"] == "2026.11"
        assert adoption["amount_cents"] == class_aware_amount_cents(
            carbon, adoption["coverage_percent"], class_aware("2026.11")
        )
    assert amounts[0]["amount_cents"] > amounts[1]["amount_cents"] > amounts[2]["amount_cents"]

    # The partner goes back to the published rate: what was adopted stays what it was.
    second = make_world(database_url, TOKENOFFSET_KEYS=first.app.config["TOKENOFFSET_KEYS"])
    second.clock.move(minutes=1)
    adoption = second.ada.adopt(estimate_id)["adoption"]
    assert adoption["method_version"] == "2026-05"
    pairs = replayed(second, second.ada.account_id)
    assert len(pairs) == 4
    assert all(stored == again for stored, again in pairs)


def at_once(*actions: Callable[[], Any]) -> list[Any]:
    gate = threading.Barrier(len(actions), timeout=20)
    results: list[Any] = [None] * len(actions)

    def run(number: int, action: Callable[[], Any]) -> None:
        gate.wait()
        results[number] = action()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(actions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


@pytest.mark.parametrize("standing", ["none", "active", "ended"])
def test_adoptions_at_once_are_never_lost(
    make_world: Callable[..., World], postgres_database: Callable[[], str], standing: str
) -> None:
    world = make_world(postgres_database())
    chosen = [typed(world, number * 1_000_000) for number in range(1, 7)]
    before = 0
    if standing != "none":
        world.ada.adopt(typed(world, 500_000))
        before = 1
    if standing == "ended":
        world.clock.move(minutes=1)
        world.ada.api("POST", "/plan/end")
    world.clock.move(minutes=1)
    browsers = [world.browser("ada") for _ in chosen]
    answers = at_once(
        *[
            lambda b=browser, e=estimate_id: b.api("POST", "/plan/adoptions", {"estimate_id": e})
            for browser, estimate_id in zip(browsers, chosen, strict=True)
        ]
    )
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) <= {201, 409}
    assert statuses.count(201) >= 1
    with world.app.app_context():
        stored = list(world.state.session.scalars(select(Adoption).order_by(Adoption.sequence)))
    assert [each.sequence for each in stored] == list(range(1, before + statuses.count(201) + 1))
    adopted = {str(each.estimate_id) for each in stored[before:]}
    assert adopted == {
        estimate_id for estimate_id, status in zip(chosen, statuses, strict=True) if status == 201
    }
    plan = world.ada.api("GET", "/plan").get_json()
    assert (plan["status"], plan["adoption"]["id"]) == ("active", str(stored[-1].id))


def test_changes_of_a_plan_at_once_are_made_once(
    make_world: Callable[..., World], postgres_database: Callable[[], str]
) -> None:
    world = make_world(postgres_database())
    world.ada.adopt(world.ada.pick_band())
    world.clock.move(minutes=1)
    browsers = [world.browser("ada") for _ in range(4)]
    answers = at_once(*[lambda b=browser: b.api("POST", "/plan/pause") for browser in browsers])
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert len(world.rows()["tokenoffset_plan_status_change"]) == 1
    assert len(world.rows(BillingRecord)["tokenoffset_billing_record"]) == 1


def test_the_host_hears_of_every_change_of_a_plan(world: World) -> None:
    heard: list[str] = []

    def listen(_sender: object, *, status: str, **_: object) -> None:
        heard.append(status)

    ada = world.ada
    with signals.plan_changed.connected_to(listen):
        ada.adopt(ada.pick_band("casual"))
        for change in ("pause", "resume", "pause"):
            assert ada.api("POST", f"/plan/{change}").status_code == 200
        ada.adopt(ada.pick_band("worker"))
        assert heard == ["paused", "active", "paused"]  # A paused plan stays so.
        assert ada.api("POST", "/plan/end").status_code == 200
        ada.adopt(ada.pick_band("agentic"))
    assert heard == ["paused", "active", "paused", "ended", "active"]
