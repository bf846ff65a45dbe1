"""One scheduler run over the whole schedule."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from freezegun import freeze_time
from sqlalchemy import select

from flask_tokenoffset import signals
from flask_tokenoffset.models import SampleRun
from flask_tokenoffset.services.plans import billing
from flask_tokenoffset.state import state_of
from flask_tokenoffset.tasks.schedule import SchedulerReport, run_scheduler
from tests.integration.tasks.host import add_connection, add_run, read_run
from tests.support.campaigns import campaign

if TYPE_CHECKING:
    from flask import Flask

    from tests.integration.tasks.conftest import MakeApp
    from tests.support.databases import MakeDatabase

SUNDAY = datetime(2026, 11, 22, 8, tzinfo=UTC)


@pytest.fixture
def app(database_url: str, redis_url: str, app_maker: MakeApp) -> Flask:
    return app_maker(database_url, redis_url)


@campaign("minutes_between", short=30, full=6)
@pytest.mark.promise("TO-027")
def test_from_saturday_to_monday_scheduler_runs_make_one_run_at_its_turn(
    app: Flask, minutes_between: int
) -> None:
    turn = SUNDAY + timedelta(minutes=42)
    with app.app_context(), freeze_time(turn - timedelta(hours=36)) as time:
        state = state_of(app)
        add_connection(state, refresh_offset_seconds=42 * 60)
        made: dict[datetime, SchedulerReport] = {}
        while state.clock.now() < SUNDAY + timedelta(days=1):
            report = run_scheduler(state)
            assert report.failed_steps == []
            if report.weekly_runs_created:
                made[state.clock.now()] = report
            time.tick(timedelta(minutes=minutes_between))
        assert list(made) == [turn]
        assert made[turn].enqueued == 1
        (run,) = state.session.scalars(select(SampleRun))
        assert (run.trigger, run.scheduled_for) == ("weekly", SUNDAY)


def test_a_run_whose_worker_vanished_is_started_again_by_the_same_scheduler_run(app: Flask) -> None:
    with app.app_context():
        state = state_of(app)
        expired = state.clock.now() - timedelta(seconds=1)
        run_id = add_run(state, status="running", attempt=1, lease_expires_at=expired)
        assert run_scheduler(state) == SchedulerReport(reclaimed=1, enqueued=1)
        assert read_run(state, run_id).status == "queued"


def test_the_host_hears_of_a_run_that_was_given_up(app: Flask) -> None:
    heard: list[tuple[object, dict[str, Any]]] = []

    def listen(sender: object, **values: Any) -> None:
        heard.append((sender, values))

    with app.app_context(), signals.sample_failed.connected_to(listen):
        state = state_of(app)
        expired = state.clock.now() - timedelta(seconds=1)
        run_id = add_run(state, status="running", attempt=5, lease_expires_at=expired)
        run = read_run(state, run_id)
        told = {"run_id": run_id, "source_id": run.source_id, "account_id": run.account_id}
        for _ in range(2):
            run_scheduler(state)
    assert heard == [(app, told | {"reason_code": "worker-lost"})]


def test_a_step_that_fails_does_not_keep_the_others_from_being_taken(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_arguments: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("flask_tokenoffset.services.sampling.weekly_schedule.reclaim_lost", fail)
    with app.app_context():
        state = state_of(app)
        add_run(state)
        report = run_scheduler(state)
    assert report.failed_steps == ["reclaim lost runs"]
    assert report.enqueued == 1
    assert "could not reclaim lost runs" in caplog.text


def test_billing_is_asked_until_nothing_is_due(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    batches = [["a", "b"], ["c"], []]
    monkeypatch.setattr(billing, "create_due_records", lambda _work, _now: batches.pop(0))
    with app.app_context():
        assert run_scheduler(state_of(app)).billing_records_created == 3
    assert batches == []


def test_two_scheduler_runs_at_once_double_nothing(
    postgres_database: MakeDatabase, redis_url: str, app_maker: MakeApp
) -> None:
    app = app_maker(postgres_database(), redis_url)
    with app.app_context():
        state = state_of(app)
        with freeze_time(SUNDAY - timedelta(days=1)):
            for _ in range(20):
                add_connection(state)
    gate, reports = threading.Barrier(4, timeout=20), []

    def run_scheduler_once() -> None:
        with app.app_context():
            gate.wait()
            reports.append(run_scheduler(state_of(app)))

    with freeze_time(SUNDAY + timedelta(minutes=1)):
        threads = [threading.Thread(target=run_scheduler_once) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with app.app_context():
            last = run_scheduler(state_of(app))
            runs = list(state_of(app).session.scalars(select(SampleRun)))
    assert [report.failed_steps for report in reports] == [[]] * 4
    assert sum(report.weekly_runs_created for report in reports) == len(runs) == 20
    assert sum(report.enqueued for report in [*reports, last]) == 20
