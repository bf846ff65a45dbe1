"""A sample stops at its next step once it is no longer wanted, or no longer its worker's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from flask_tokenoffset.models import Credential, DailyUsage, UsageSeries
from flask_tokenoffset.services.sampling import runs as sampling
from flask_tokenoffset.tasks.schedule import run_scheduler
from flask_tokenoffset.testing.simulators import faults
from tests.integration.sampling.books import (
    SAMPLED,
    connection_of,
    estimates,
    runs,
    stored_costs,
    stored_usage,
    true_costs,
    true_usage,
)
from tests.integration.sampling.test_failures import NEXT_KEY, REPORTS
from tests.integration.sampling.test_ledger import WINDOW

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from flask_tokenoffset.testing import Simulator
    from tests.support.world import World


def between_pages(vendor: Simulator, path: str, act: Callable[[], object], *, after: int) -> None:
    """Do something while the vendor is asked for a page; the answer is right all the same."""

    def fault(incoming: Any, answer_of: Any) -> Any:
        answer = answer_of(incoming)
        act()
        return answer

    vendor.faults.add(fault, path=path, after=after)


def every_page(vendor: Simulator, act: Callable[[], object]) -> None:
    """Do something while the vendor is asked, page after page."""

    def fault(incoming: Any, answer_of: Any) -> Any:
        answer = answer_of(incoming)
        act()
        return answer

    vendor.faults.add(fault, times=None)


@pytest.mark.parametrize("provider", ["anthropic", "openai"])
@pytest.mark.parametrize("report", [0, 1])
@pytest.mark.parametrize("had_sample", [False, True])
def test_disconnecting_stops_a_sample_between_two_pages(
    db_world: World, provider: str, report: int, had_sample: bool
) -> None:
    ada, vendor = db_world.ada, db_world.vendors[provider]
    source_id = ada.sample(provider) if had_sample else ada.connect(provider)
    if had_sample:
        db_world.clock.move(minutes=11)
        assert ada.api("POST", f"/sources/{source_id}/samples").status_code == 202
    calls_at_the_end: list[int] = []

    def disconnect() -> None:
        assert ada.api("DELETE", f"/sources/{source_id}").status_code == 204
        assert not db_world.rows(Credential)["tokenoffset_credential"]
        calls_at_the_end.append(len(vendor.calls) + 1)  # This one is noted when it is answered.

    between_pages(vendor, REPORTS[provider][report], disconnect, after=0)
    db_world.work()
    assert [len(vendor.calls)] == calls_at_the_end
    assert runs(db_world)[-1].status == "cancelled"
    assert connection_of(db_world, source_id).status == "disconnected"
    kept = db_world.rows(*SAMPLED)
    assert len(kept.pop("tokenoffset_estimate")) == (1 if had_sample else 0)
    assert not any(kept.values())


def test_a_job_that_waits_when_its_source_is_disconnected_calls_nobody(db_world: World) -> None:
    source_id = db_world.ada.connect()
    calls = len(db_world.anthropic.calls)
    db_world.ada.api("DELETE", f"/sources/{source_id}")
    db_world.work()
    assert len(db_world.anthropic.calls) == calls
    assert [run.status for run in runs(db_world)] == ["cancelled"]


def test_disconnecting_deletes_what_was_sampled_and_nothing_of_other_sources(
    db_world: World,
) -> None:
    gone, kept = db_world.ada.sample("anthropic"), db_world.ada.sample("openai")
    other = db_world.ben.sample("anthropic")
    made = len(estimates(db_world))
    assert db_world.ada.api("DELETE", f"/sources/{gone}").status_code == 204
    assert stored_usage(db_world, gone) == stored_costs(db_world, gone) == {}
    assert stored_usage(db_world, kept) == true_usage(db_world.openai, *WINDOW)
    assert stored_usage(db_world, other) == true_usage(db_world.anthropic, *WINDOW)
    assert len(estimates(db_world)) == made
    assert db_world.ada.api("DELETE", f"/sources/{gone}").status_code == 409


def test_a_key_for_a_source_that_has_ended_is_sent_to_nobody(world: World) -> None:
    source_id = world.ada.sample()
    world.ada.api("DELETE", f"/sources/{source_id}")
    calls = len(world.anthropic.calls)
    refused = world.ada.api("PUT", f"/sources/{source_id}/key", {"key": NEXT_KEY})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "conflict")
    assert world.ada.post(f"/sources/{source_id}/key", key=NEXT_KEY).status_code == 409
    assert len(world.anthropic.calls) == calls


def test_a_replaced_key_stops_the_sample_that_ran_with_the_old_one(db_world: World) -> None:
    source_id = db_world.ada.connect()
    db_world.anthropic.set_key(NEXT_KEY, "active")

    def replace() -> None:
        answer = db_world.ada.api("PUT", f"/sources/{source_id}/key", {"key": NEXT_KEY})
        assert answer.status_code == 202

    between_pages(db_world.anthropic, "*usage_report*", replace, after=1)
    db_world.work()
    assert sorted(run.status for run in runs(db_world)) == ["cancelled", "complete"]
    assert len(estimates(db_world)) == 1
    assert stored_usage(db_world, source_id) == true_usage(db_world.anthropic, *WINDOW)


def take_over(world: World) -> None:
    """The lease runs out, and another worker does the whole run."""
    world.clock.move(seconds=sampling.RUNS.lease.total_seconds() + 1)
    with world.app.app_context():
        assert run_scheduler(world.state).reclaimed == 1
    world.work()


def test_a_worker_that_wakes_after_its_lease_writes_nothing(db_world: World) -> None:
    source_id = db_world.ada.connect()
    after_the_other: dict[str, Any] = {}

    def note() -> None:
        take_over(db_world)
        after_the_other.update(db_world.rows())

    between_pages(db_world.anthropic, "*cost_report", note, after=1)
    db_world.work()
    assert after_the_other == db_world.rows()
    (run,) = runs(db_world)
    assert (run.status, run.attempt) == ("complete", 2)
    assert len(estimates(db_world)) == 1
    assert stored_usage(db_world, source_id) == true_usage(db_world.anthropic, *WINDOW)


def test_a_worker_that_sleeps_before_its_last_step_writes_nothing(
    db_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    source_id = db_world.ada.connect()
    complete = sampling._complete
    slept: list[dict[str, Any]] = []

    def sleep_first(work: Any, *arguments: Any) -> None:
        if not slept:
            slept.append({})
            work.session.rollback()
            take_over(db_world)
            slept.append(db_world.rows())
        complete(work, *arguments)

    monkeypatch.setattr(sampling, "_complete", sleep_first)
    db_world.work()
    assert slept[-1] == db_world.rows()
    assert len(estimates(db_world)) == 1
    assert stored_costs(db_world, source_id) == true_costs(db_world.anthropic, *WINDOW)


def test_a_failure_of_a_worker_that_lost_its_run_changes_nothing(db_world: World) -> None:
    source_id = db_world.ada.connect()
    seen: list[dict[str, Any]] = []

    def fault(incoming: Any, answer_of: Any) -> Any:
        take_over(db_world)
        seen.append(db_world.rows())
        return faults.status(401)(incoming, answer_of)

    db_world.anthropic.faults.add(fault, path="*cost_report", after=1)
    db_world.work()
    assert seen[-1] == db_world.rows()
    assert connection_of(db_world, source_id).status == "active"


def test_progress_is_told_page_by_page(world: World) -> None:
    source_id = world.ada.connect()
    told: list[tuple[int, int]] = []

    def look() -> None:
        run = world.ada.api("GET", f"/sources/{source_id}").get_json()["newest_run"]
        told.append((run["pages_done"], run["pages_expected"]))

    every_page(world.anthropic, look)
    world.work()
    assert [done for done, _ in told] == list(range(6))
    assert {expected for done, expected in told if done} == {6}


def test_the_lease_outlasts_a_call_and_is_renewed(world: World) -> None:
    world.ada.connect()
    leases: list[timedelta] = []

    def look() -> None:
        (run,) = runs(world)
        assert run.lease_expires_at is not None
        leases.append(run.lease_expires_at - world.clock.now())
        world.clock.move(seconds=120)

    every_page(world.anthropic, look)
    world.work()
    assert len(leases) == 6
    # The 120 seconds are what a call may take at most.
    assert min(leases) >= sampling.RUNS.lease - sampling.RENEWAL_INTERVAL
    assert [run.status for run in runs(world)] == ["complete"]
    assert world.rows(UsageSeries, DailyUsage)["tokenoffset_daily_usage"]
