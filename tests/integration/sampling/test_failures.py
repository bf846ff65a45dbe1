"""A sample that fails keeps its reason, and everything that was known before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from flask_tokenoffset.services.sampling import runs as sampling
from flask_tokenoffset.tasks.schedule import run_scheduler
from flask_tokenoffset.testing import ANTHROPIC_DEMO_KEY
from flask_tokenoffset.testing.simulators import faults
from tests.integration.sampling.books import SAMPLED, connection_of, runs, stored_usage

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask_tokenoffset.testing import Fault
    from tests.support.world import World

REPORTS = {
    "anthropic": ("*usage_report*", "*cost_report"),
    "openai": ("*usage/completions", "*costs"),
}
#: A second key of the same organization.
NEXT_KEY = "sk-ant-admin01-simulated-second-0000000000000000000000000000"


def wait_and_run_scheduler(world: World, **span: float) -> None:
    world.clock.move(**span)
    with world.app.app_context():
        assert run_scheduler(world.state).failed_steps == []
    world.work()


@pytest.mark.parametrize(
    ("provider", "path"), [(provider, usage) for provider, (usage, _) in REPORTS.items()]
)
def test_a_fault_in_mid_window_leaves_the_former_sample_as_it_was(
    db_world: World, provider: str, path: str
) -> None:
    source_id = db_world.ada.sample(provider)
    plan = db_world.ada.adopt(db_world.ada.newest_estimate(source_id)["id"])
    before = db_world.rows(*SAMPLED)
    # Another day and revised figures, so that anything written would show.
    db_world.clock.move(days=1)
    vendor = db_world.vendors[provider]
    for days in range(1, 80):
        vendor.revise(db_world.clock.today() - timedelta(days=days), percent=150)
    vendor.faults.add(faults.status(400), path=path, after=1)
    db_world.ada.resample(source_id)
    failed = runs(db_world)[-1]
    assert (failed.status, failed.reason_code) == ("failed", "vendor-request-refused")
    assert db_world.rows(*SAMPLED) == before
    source = db_world.ada.api("GET", f"/sources/{source_id}").get_json()
    assert source["newest_run"]["reason"] == failed.reason
    assert source["newest_complete_run"]["status"] == "complete"
    assert source["status"] == "active"
    assert db_world.ada.api("GET", "/plan").get_json() == plan


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (faults.cut_json, "vendor-answer-malformed"),
        (lambda: faults.figures(-1), "vendor-answer-malformed"),
        (lambda: faults.figures(2**61), "vendor-answer-malformed"),
        (lambda: faults.figures(10**30), "vendor-answer-malformed"),
    ],
)
def test_an_answer_nobody_can_believe_fails_the_sample_at_once(
    db_world: World, fault: Callable[[], Fault], code: str
) -> None:
    source_id = db_world.ada.connect("openai")
    db_world.openai.faults.add(fault(), path="*usage*", times=None)
    db_world.work()
    (run,) = runs(db_world)
    assert (run.status, run.reason_code) == ("failed", code)
    assert stored_usage(db_world, source_id) == {}


def test_trouble_backs_off_and_gives_up_after_five_attempts(db_world: World) -> None:
    db_world.ada.connect()
    db_world.anthropic.faults.add(faults.status(503), times=None)
    db_world.work()
    for attempt, minutes in enumerate([1, 5, 20, 60], start=1):
        (run,) = runs(db_world)
        assert (run.status, run.attempt, run.reason_code) == (
            "queued",
            attempt,
            "vendor-unavailable",
        )
        assert run.available_at - db_world.clock.now() == timedelta(minutes=minutes)
        assert run.finished_at is None  # It waits; it has not ended.
        # A job that comes too early, say a second delivery, calls nobody.
        calls = len(db_world.anthropic.calls)
        db_world.queue.run_ids.append(run.id)
        wait_and_run_scheduler(db_world, minutes=minutes, seconds=-1)
        assert len(db_world.anthropic.calls) == calls
        wait_and_run_scheduler(db_world, seconds=1)
        assert len(db_world.anthropic.calls) > calls
    (run,) = runs(db_world)
    assert (run.status, run.attempt, run.reason_code) == ("failed", 5, "vendor-unavailable")
    assert run.finished_at == db_world.clock.now()
    calls = len(db_world.anthropic.calls)
    wait_and_run_scheduler(db_world, hours=5)
    assert len(db_world.anthropic.calls) == calls


def test_a_vendor_that_recovers_is_read_whole(db_world: World) -> None:
    source_id = db_world.ada.connect()
    db_world.anthropic.faults.add(faults.status(503), path="*cost_report", times=5, after=1)
    db_world.work()
    assert [run.status for run in runs(db_world)] == ["queued"]
    assert stored_usage(db_world, source_id) == {}
    wait_and_run_scheduler(db_world, minutes=1)
    (run,) = runs(db_world)
    assert (run.status, run.attempt, run.reason_code, run.pages_done) == ("complete", 2, None, 6)


@pytest.mark.parametrize(
    ("retry_after", "wait"),
    [
        ("3600", timedelta(hours=1)),
        ("30", timedelta(minutes=1)),
        ("99999999", timedelta(days=1)),
    ],
)
def test_a_vendor_that_asks_for_a_wait_gets_it(
    db_world: World, retry_after: str, wait: timedelta
) -> None:
    db_world.ada.connect()
    db_world.anthropic.faults.add(faults.rate_limited(retry_after), times=1, after=1)
    db_world.work()
    (run,) = runs(db_world)
    assert (run.status, run.reason_code) == ("queued", "vendor-rate-limited")
    assert run.available_at == db_world.clock.now() + wait
    calls = len(db_world.anthropic.calls)
    wait_and_run_scheduler(db_world, seconds=wait.total_seconds() - 1)
    assert len(db_world.anthropic.calls) == calls
    wait_and_run_scheduler(db_world, seconds=1)
    assert [run.status for run in runs(db_world)] == ["complete"]


@pytest.mark.parametrize("kind", ["revoked", "unpermitted"])
def test_a_refused_key_pauses_at_once_until_a_person_acts(db_world: World, kind: str) -> None:
    source_id = db_world.ada.sample()
    before = db_world.rows(*SAMPLED)
    db_world.clock.move(minutes=11)
    db_world.anthropic.set_key(ANTHROPIC_DEMO_KEY, kind)  # type: ignore[arg-type]  # both are kinds
    calls = len(db_world.anthropic.calls)
    db_world.ada.resample(source_id)
    assert [call.status for call in db_world.anthropic.calls[calls:]] == [
        401 if kind == "revoked" else 403
    ]
    assert runs(db_world)[-1].reason_code == "key-refused"
    connection = connection_of(db_world, source_id)
    assert (connection.status, connection.paused_code) == ("paused", "key-refused")

    # Neither a person's wish nor the schedule brings a further call.
    assert db_world.ada.api("POST", f"/sources/{source_id}/samples").status_code == 409
    for _ in range(3):
        wait_and_run_scheduler(db_world, days=7)
    assert len(db_world.anthropic.calls) == calls + 1
    assert db_world.rows(*SAMPLED) == before

    # A new key of the same organization mends it.
    db_world.anthropic.set_key(NEXT_KEY, "active")
    answer = db_world.ada.api("PUT", f"/sources/{source_id}/key", {"key": NEXT_KEY})
    assert (answer.status_code, answer.get_json()["status"]) == (202, "queued")
    db_world.work()
    connection = connection_of(db_world, source_id)
    assert (connection.status, connection.paused_code, connection.paused_reason) == (
        "active",
        None,
        None,
    )
    assert runs(db_world)[-1].status == "complete"


def test_a_key_refused_in_mid_window_pauses_too(db_world: World) -> None:
    source_id = db_world.ada.connect()
    db_world.anthropic.faults.add(faults.status(403), path="*usage_report*", after=1, times=None)
    db_world.work()
    assert connection_of(db_world, source_id).status == "paused"
    assert db_world.anthropic.calls[-1].status == 403
    assert stored_usage(db_world, source_id) == {}


def test_another_organizations_key_is_refused(db_world: World) -> None:
    source_id = db_world.ada.sample()
    before = db_world.rows()
    db_world.anthropic.organization = "Quite Another Company"
    db_world.anthropic.set_key(NEXT_KEY, "active")
    answer = db_world.ada.api("PUT", f"/sources/{source_id}/key", {"key": NEXT_KEY})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "conflict")
    assert "another organization" in answer.get_json()["detail"]
    assert db_world.rows() == before


def test_a_vendor_that_is_no_longer_enabled_fails_the_sample_with_a_reason(
    world: World, make_world: Callable[..., World], database_url: str
) -> None:
    first = make_world(database_url)
    first.ada.connect("openai")
    (run_id,) = first.queue.run_ids
    # The partner restarts with fewer vendors.
    second = make_world(
        database_url,
        TOKENOFFSET_PROVIDERS=["anthropic"],
        TOKENOFFSET_KEYS=first.app.config["TOKENOFFSET_KEYS"],
    )
    second.queue.run_ids.append(run_id)
    second.work()
    (run,) = runs(second)
    assert (run.status, run.reason_code) == ("failed", "invalid-input")
    assert "no such provider" in (run.reason or "")
    assert second.openai.calls == []


def test_without_outbound_calls_a_sample_fails_and_says_so(
    make_world: Callable[..., World], database_url: str
) -> None:
    first = make_world(database_url)
    source_id = first.ada.connect()
    second = make_world(
        database_url,
        TOKENOFFSET_OUTBOUND=False,
        TOKENOFFSET_KEYS=first.app.config["TOKENOFFSET_KEYS"],
    )
    second.queue.run_ids += first.queue.run_ids
    second.work()
    (run,) = runs(second)
    assert (run.status, run.reason_code) == ("failed", "outbound-disabled")
    assert connection_of(second, source_id).status == "active"


def test_a_key_sealed_under_a_lost_master_key_pauses_and_calls_nobody(
    make_world: Callable[..., World], database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    first = make_world(database_url)
    source_id = first.ada.connect()
    second = make_world(database_url)  # with another key ring
    second.queue.run_ids += first.queue.run_ids
    second.work()
    assert [run.status for run in runs(second)] == ["failed"]
    connection = connection_of(second, source_id)
    assert (connection.status, connection.paused_code) == ("paused", "seal-broken")
    assert second.anthropic.calls == []
    # The person is told what they can do; what the vault found is told to the log alone.
    assert "Paste the key again." in (connection.paused_reason or "")
    assert "sealed under another key" not in (connection.paused_reason or "")
    assert "sealed under another key" in caplog.text


def test_a_run_that_does_not_exist_is_left_alone(world: World) -> None:
    world.ada.sample()
    before, calls = world.rows(), len(world.anthropic.calls)
    (run,) = runs(world)
    with world.app.app_context():
        for run_id in (run.id, run.source_id):
            assert (
                sampling.run_sample(
                    world.state.unit_of_work,
                    run_id=run_id,
                    gateway=world.state.gateway,
                    vault=world.state.vault,
                    clock=world.clock,
                    settings=world.state.settings,
                )
                is None
            )
    assert world.rows() == before
    assert len(world.anthropic.calls) == calls


def test_the_reason_of_the_newest_run_is_what_the_list_shows(world: World) -> None:
    source_id = world.ada.sample()
    world.clock.move_to(datetime(2026, 11, 21, 10, tzinfo=UTC))
    world.anthropic.faults.add(faults.status(404), times=1)
    world.ada.resample(source_id)
    (item,) = world.ada.api("GET", "/sources").get_json()["items"]
    assert item["newest_run"]["reason_code"] == "vendor-request-refused"
    assert item["newest_complete_run"]["reason_code"] is None
