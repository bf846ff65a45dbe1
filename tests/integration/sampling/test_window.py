"""Which days are sampled, and what a later sample does to them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from flask_tokenoffset.models import KeptDay
from flask_tokenoffset.tasks.schedule import run_scheduler
from tests.integration.sampling.books import (
    SAMPLED,
    estimates,
    runs,
    stored_costs,
    stored_usage,
    true_costs,
    true_usage,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World

DAY = timedelta(days=1)
WINDOW = (date(2026, 8, 22), date(2026, 11, 20))


@pytest.mark.promise("TO-026")
@pytest.mark.parametrize(
    ("hour", "window_end"),
    [(3, date(2026, 11, 19)), (5, date(2026, 11, 19)), (6, WINDOW[1]), (10, WINDOW[1])],
)
def test_the_first_sample_reads_ninety_settled_days(
    world: World, hour: int, window_end: date
) -> None:
    world.clock.move_to(datetime(2026, 11, 20, hour, tzinfo=UTC))
    source_id = world.ada.connect()
    assert [(run.status, run.trigger) for run in runs(world)] == [("queued", "connected")]
    assert stored_usage(world, source_id) == {}  # The person did not wait for it.
    world.work()
    (run,) = runs(world)
    assert (run.status, run.window_start, run.window_end) == (
        "complete",
        window_end - 90 * DAY,
        window_end,
    )
    days = {key[0] for key in stored_usage(world, source_id)}
    assert run.window_start <= min(days) < run.window_start + 7 * DAY
    assert max(days) < window_end


def test_the_host_may_wait_longer_and_read_more(make_world: Callable[..., World]) -> None:
    world = make_world(TOKENOFFSET_SAMPLE_DAYS=120, TOKENOFFSET_SETTLING_HOURS=24)
    world.ada.sample()
    (run,) = runs(world)
    assert run.window_end - run.window_start == 120 * DAY
    assert run.window_end == date(2026, 11, 19)


def test_a_sample_that_finds_nothing_new_changes_nothing(db_world: World) -> None:
    source_id = db_world.ada.sample()
    before = db_world.rows(*SAMPLED[:-2])
    figures = [estimate.figures for estimate in estimates(db_world)]
    db_world.clock.move(minutes=11)
    db_world.ada.resample(source_id)
    assert [run.status for run in runs(db_world)] == ["complete", "complete"]
    assert db_world.rows(*SAMPLED[:-2]) == before
    assert [estimate.figures for estimate in estimates(db_world)] == figures * 2


@pytest.mark.promise("TO-006")
def test_every_sample_leaves_a_projection_with_its_time(db_world: World) -> None:
    source_id = db_world.ada.sample()
    for _ in range(2):
        db_world.clock.move(days=7)
        db_world.ada.resample(source_id)
    made = estimates(db_world)
    assert [(each.source_id, each.window_start, each.window_end) for each in made] == [
        (source_id, WINDOW[0] + week * 7 * DAY, WINDOW[1] + week * 7 * DAY) for week in range(3)
    ]
    assert [each.created_at for each in made] == [
        datetime(2026, 11, 20, 10, tzinfo=UTC) + week * 7 * DAY for week in range(3)
    ]
    assert len({each.tokens_per_month for each in made}) == 3
    source = db_world.ada.api("GET", f"/sources/{source_id}").get_json()
    assert source["newest_complete_run"]["finished_at"] == "2026-12-04T10:00:00Z"
    assert db_world.ada.newest_estimate(source_id)["id"] == str(made[-1].id)


@pytest.mark.promise("TO-006")
def test_each_connection_has_a_projection_of_its_own(world: World) -> None:
    sources = [world.ada.sample("anthropic"), world.ada.sample("openai")]
    sampled = [each for each in estimates(world) if each.source_kind == "sampled"]
    assert [each.source_id for each in sampled] == sources


def test_days_that_come_late_or_are_restated_are_overwritten(
    make_world: Callable[..., World], database_url: str
) -> None:
    world = make_world(database_url, customer={"late_days": 3})
    source_id = world.ada.sample()
    incomplete = stored_usage(world, source_id)
    assert incomplete == true_usage(world.anthropic, *WINDOW)
    world.anthropic.revise(date(2026, 11, 4), percent=107)
    world.anthropic.revise(date(2026, 10, 1), percent=50)
    world.clock.move(days=5)
    world.ada.resample(source_id)
    whole = (WINDOW[0], WINDOW[1] + 5 * DAY)
    stored = stored_usage(world, source_id)
    changed = {key[0] for key in incomplete if stored[key] != incomplete[key]}
    assert {date(2026, 11, 4), date(2026, 10, 1), date(2026, 11, 19)} <= changed
    # The five oldest days left the window and stand as they were read.
    assert stored == true_usage(world.anthropic, *whole)
    assert stored_costs(world, source_id) == true_costs(world.anthropic, *whole)


def test_a_day_that_vanishes_is_kept_marked_and_shown(db_world: World) -> None:
    source_id = db_world.ada.sample()
    before, costs = stored_usage(db_world, source_id), stored_costs(db_world, source_id)
    gone = date(2026, 11, 4)
    db_world.anthropic.revise(gone, percent=0)
    assert not db_world.anthropic.ledger.usage(gone, gone + DAY)
    db_world.clock.move(minutes=11)
    db_world.ada.resample(source_id)
    assert stored_usage(db_world, source_id) == before
    assert stored_costs(db_world, source_id) == costs
    (kept,) = db_world.rows(KeptDay).values()
    assert len(kept) == 2  # One of each report.
    path = f"/sources/{source_id}/usage"
    assert db_world.ada.api("GET", path).get_json()["kept_days"] == ["2026-11-04"]

    # It comes back, and is a day like any other.
    db_world.anthropic.revise(gone, percent=200)
    db_world.clock.move(minutes=11)
    db_world.ada.resample(source_id)
    assert db_world.ada.api("GET", path).get_json()["kept_days"] == []
    assert stored_usage(db_world, source_id) == true_usage(db_world.anthropic, *WINDOW)


@pytest.mark.promise("TO-028")
def test_a_person_samples_again_whenever_they_want(db_world: World) -> None:
    source_id = db_world.ada.sample()
    for _ in range(3):
        db_world.clock.move(minutes=10)
        db_world.ada.resample(source_id)
    assert [(run.trigger, run.status) for run in runs(db_world)] == [
        ("connected", "complete"),
        *[("requested", "complete")] * 3,
    ]


def test_asking_too_soon_or_twice_is_refused_and_says_when(world: World) -> None:
    source_id = world.ada.connect()
    path = f"/sources/{source_id}/samples"
    assert world.ada.api("POST", path).get_json()["code"] == "conflict"
    world.work()
    world.clock.move(minutes=9, seconds=30)
    soon = world.ada.api("POST", path)
    assert (soon.status_code, soon.headers["Retry-After"]) == (429, "30")
    world.clock.move(seconds=30)
    assert world.ada.api("POST", path).status_code == 202


def test_the_weekly_sample_comes_by_itself_and_overwrites(db_world: World) -> None:
    source_id = db_world.ada.sample()
    db_world.clock.move_to(datetime(2026, 11, 22, 12, tzinfo=UTC))
    with db_world.app.app_context():
        assert run_scheduler(db_world.state).weekly_runs_created == 1
    for _ in range(120):
        with db_world.app.app_context():
            run_scheduler(db_world.state)
        db_world.clock.move(minutes=1)
    db_world.work()
    assert [(run.trigger, run.status) for run in runs(db_world)] == [
        ("connected", "complete"),
        ("weekly", "complete"),
    ]
    whole = (WINDOW[0], WINDOW[1] + 2 * DAY)
    assert stored_usage(db_world, source_id) == true_usage(db_world.anthropic, *whole)
