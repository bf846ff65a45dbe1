"""A call sent twice under one Idempotency-Key counts once."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING, Any

import pytest

from flask_tokenoffset.blueprints.plans.schemas import PlanAnswer
from flask_tokenoffset.models import Adoption, Estimate, IdempotencyRecord, SampleRun, Source
from flask_tokenoffset.tasks.schedule import run_scheduler
from tests.integration.api.calls import SMALL, assert_problem
from tests.support.world import API, KEYS

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.test import TestResponse

    from tests.support.world import Browser, World

KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"
BAND = {"kind": "band", "band": "worker"}


def post(browser: Browser, path: str, body: Any = None, key: str = KEY) -> TestResponse:
    return browser.client.post(API + path, json=body or {}, headers={"Idempotency-Key": key})


@pytest.fixture
def world(make_world: Callable[..., World], database_url: str) -> World:
    return make_world(database_url, customer=SMALL)


def count(world: World, model: Any) -> int:
    (rows,) = world.rows(model).values()
    return len(rows)


def test_a_creation_is_answered_again_and_done_once(world: World) -> None:
    ada = world.ada
    connected = ada.connect()
    world.work()
    world.clock.move(minutes=11)
    estimate_id = ada.pick_band()
    calls: list[tuple[str, Any]] = [
        ("/sources", {"provider": "openai", "key": KEYS["openai"]}),
        (f"/sources/{connected}/samples", {}),
        ("/estimates", BAND),
        ("/plan/adoptions", {"estimate_id": estimate_id}),
        ("/plan/pause", {}),
        ("/plan/resume", {}),
        ("/plan/end", {}),
    ]
    for path, body in calls:
        first = post(ada, path, body)
        assert first.status_code in {200, 201, 202}, first.text
        world.clock.move(minutes=1)
        before, vendors = world.rows(), len(world.openai.calls)
        again = post(ada, path, body)
        assert (again.status_code, again.data) == (first.status_code, first.data)
        assert again.content_type == "application/json"
        assert world.rows() == before
        assert len(world.openai.calls) == vendors
    assert (count(world, Source), count(world, SampleRun), count(world, Adoption)) == (3, 3, 1)


def test_without_the_header_or_under_another_key_a_call_counts_again(world: World) -> None:
    post(world.ada, "/estimates", BAND)
    post(world.ada, "/estimates", BAND, key="another")
    world.ada.api("POST", "/estimates", BAND)
    assert count(world, Estimate) == 3


def test_another_body_under_the_same_key_is_refused(world: World) -> None:
    post(world.ada, "/estimates", BAND)
    before = world.rows()
    refused = post(world.ada, "/estimates", {**BAND, "band": "casual"})
    assert_problem(refused, 422, "idempotency-key-reused")
    assert world.rows() == before
    # Written otherwise, it is still the same call.
    text = '{ "band" : "worker", "kind": "band", "tokens_per_month": null }'
    again = world.ada.client.post(
        f"{API}/estimates",
        data=text,
        content_type="application/json",
        headers={"Idempotency-Key": f'"{KEY}"'},
    )
    assert again.status_code == 201
    assert world.rows() == before


def test_a_key_stands_for_one_person_and_one_path(world: World) -> None:
    sources = [world.ada.sample(), world.ada.sample("openai")]
    world.clock.move(minutes=11)
    made = {post(each, "/estimates", BAND).get_json()["id"] for each in (world.ada, world.ben)}
    assert len(made) == 2
    runs = [post(world.ada, f"/sources/{source}/samples") for source in sources]
    assert [run.get_json()["source_id"] for run in runs] == [str(source) for source in sources]
    assert post(world.ben, f"/sources/{sources[0]}/samples").status_code == 404


def test_a_refused_call_leaves_nothing_and_gives_its_key_back(world: World) -> None:
    stranger = world.stranger
    before = world.rows()
    assert post(stranger, "/plan/pause").status_code == 409
    assert post(stranger, "/estimates", {"kind": "band", "band": "nope"}).status_code == 422
    assert post(stranger, "/estimates", {"kind": "band"}).status_code == 422
    assert world.rows() == before
    assert post(stranger, "/estimates", BAND).status_code == 201


def test_a_call_that_broke_off_is_not_made_again_unseen(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.app.config["PROPAGATE_EXCEPTIONS"] = False
    estimate_id = world.ada.pick_band()
    body = {"estimate_id": estimate_id}

    def fail(*_arguments: Any) -> Any:
        raise RuntimeError("after the commit")

    with monkeypatch.context() as broken:
        broken.setattr(PlanAnswer, "of", fail)
        assert_problem(post(world.ada, "/plan/adoptions", body), 500)
    assert_problem(post(world.ada, "/plan/adoptions", body), 409, "idempotency-key-in-use")
    assert count(world, Adoption) == 1


def test_a_call_under_way_keeps_its_key(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[TestResponse] = []
    other = world.browser("ada")

    def while_asked(incoming: Any, answer_of: Any) -> Any:
        if not answers:
            answers.append(post(other, "/sources", body))
        return answer_of(incoming)

    body = {"provider": "openai", "key": KEYS["openai"]}
    world.openai.faults.add(while_asked, times=1)
    assert post(world.ada, "/sources", body).status_code == 201
    assert_problem(answers[0], 409, "idempotency-key-in-use")
    assert count(world, Source) == 1


def test_answers_are_kept_for_a_day_and_then_forgotten(world: World) -> None:
    first = post(world.ada, "/estimates", BAND).get_json()["id"]
    world.clock.move(hours=23, minutes=59)
    assert post(world.ada, "/estimates", BAND).get_json()["id"] == first
    world.clock.move(minutes=1)
    # Even where no scheduler runs, an old answer is not given.
    assert post(world.ada, "/estimates", BAND).get_json()["id"] != first
    assert count(world, IdempotencyRecord) == 1
    world.clock.move(hours=24)
    with world.app.app_context():
        assert run_scheduler(world.state).idempotency_records_forgotten == 1
    assert count(world, IdempotencyRecord) == 0


def test_what_was_sent_is_kept_only_as_a_digest_under_the_hosts_key(world: World) -> None:
    post(world.ada, "/sources", {"provider": "openai", "key": KEYS["openai"]})
    ((*_, row),) = [world.rows(IdempotencyRecord)[IdempotencyRecord.__tablename__]]
    text = repr(row)
    for start in range(len("sk-adm"), len(KEYS["openai"]) - 6):
        assert KEYS["openai"][start : start + 14] not in text
    for guess in (KEYS["openai"], '{"body": {"key": "' + KEYS["openai"] + '"}}'):
        assert hashlib.sha256(guess.encode()).hexdigest() not in text


def test_a_repetition_outlives_a_rotation_of_the_hosts_secret(world: World) -> None:
    first = post(world.ada, "/estimates", BAND)
    world.app.config["SECRET_KEY_FALLBACKS"] = [world.app.secret_key]
    world.app.secret_key = "the host's next secret"
    again = post(world.ada, "/estimates", BAND)
    assert again.data == first.data


@pytest.mark.parametrize("key", ["", '"', '""', "a b", "a,b", "x" * 256, '"a', "ä", "a\\b"])
def test_what_is_no_key_is_refused(world: World, key: str) -> None:
    before = world.rows()
    assert_problem(post(world.ada, "/estimates", BAND, key=key), 400, "malformed-request")
    assert world.rows() == before
    assert post(world.ada, "/estimates", BAND, key="x" * 255).status_code == 201


def test_the_document_tells_of_the_header(world: World) -> None:
    document = world.nobody.api("GET", "/openapi.json").get_json()["paths"]
    for methods in document.values():
        for method, described in methods.items():
            names = {each["name"] for each in described["parameters"] if each["in"] == "header"}
            assert names == ({"Idempotency-Key"} if method == "post" else set())
            if method == "post":
                assert "`idempotency-key-in-use`" in described["responses"]["409"]["description"]
                assert "`idempotency-key-reused`" in described["responses"]["422"]["description"]


def test_fifty_at_once_make_one(
    make_world: Callable[..., World], postgres_database: Callable[[], str]
) -> None:
    world = make_world(
        postgres_database(),
        SQLALCHEMY_ENGINE_OPTIONS={"pool_size": 20, "max_overflow": 30},
    )
    browsers = [world.browser("ada") for _ in range(50)]
    gate = threading.Barrier(50, timeout=30)
    answers: list[TestResponse] = []

    def send(browser: Browser) -> None:
        gate.wait()
        answers.append(post(browser, "/estimates", BAND))

    threads = [threading.Thread(target=send, args=(browser,)) for browser in browsers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 50
    assert {answer.status_code for answer in answers} <= {201, 409}
    made = {answer.data for answer in answers if answer.status_code == 201}
    assert len(made) == 1
    assert count(world, Estimate) == count(world, IdempotencyRecord) == 1
    assert post(world.ada, "/estimates", BAND).data in made
