"""A backlog of a million rows goes in short statements, also when the worker is killed midway."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, func, select, text

from flask_tokenoffset.models import DailyUsage, PurgeProgress, UsageSeries
from flask_tokenoffset.services.retention.purge import purge_batch
from flask_tokenoffset.tasks.purging import purge_now
from tests.support.campaigns import campaign
from tests.support.world import START, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[3]
OLD_DAYS = 365
LIVE_DAYS = 30
LONGEST_STATEMENT_SECONDS = 1.0
#: A million days that are too old; in short as many as make six batches.
IN_FULL = campaign("series", short=340, full=2_740)

FILL = """
INSERT INTO tokenoffset_daily_usage
SELECT series.id, day::date, 1, 2, 3, 4, 5
FROM tokenoffset_usage_series AS series,
     generate_series(CAST(:first AS date), CAST(:last AS date), interval '1 day') AS day
"""
MORE_SERIES = """
INSERT INTO tokenoffset_usage_series
    (account_id, source_id, model, service_tier, context_window, batch)
SELECT account_id, source_id, 'model ' || number, '', '', ''
FROM (SELECT account_id, source_id FROM tokenoffset_usage_series LIMIT 1) AS any_one,
     generate_series(1, :series) AS number
"""
#: Purges in a process of its own, and kills it within the batch after the third.
KILLED = """
import os, signal, sys
from sqlalchemy import event
from tests.support.world import World
from flask_tokenoffset.tasks.purging import purge_now

world = World(sys.argv[1])
deletes = 0

def kill_in_the_fourth(connection, cursor, statement, *rest):
    global deletes
    if statement.startswith("DELETE FROM tokenoffset_daily_usage"):
        deletes += 1
        if deletes == 4:
            os.kill(os.getpid(), signal.SIGKILL)

with world.app.app_context():
    event.listen(world.state.db.engine, "after_cursor_execute", kill_in_the_fourth)
    purge_now(world.state, ["usage"])
"""


@pytest.fixture
def backlog(
    make_world: Callable[..., World], postgres_database: Callable[[], str], series: int
) -> World:
    """A year of days for each series that are too old, and a month of others."""
    world = make_world(postgres_database())
    world.ada.sample()
    with world.app.app_context():
        session = world.state.session
        session.execute(text("DELETE FROM tokenoffset_daily_usage"))
        session.execute(text(MORE_SERIES), {"series": series})
        session.execute(text(FILL), {"first": "2024-01-01", "last": "2024-12-30"})
        session.execute(text(FILL), {"first": "2026-10-21", "last": "2026-11-19"})
        session.commit()
        assert rows(world) >= series * (OLD_DAYS + LIVE_DAYS)
    return world


def rows(world: World) -> int:
    return world.state.session.scalar(select(func.count()).select_from(DailyUsage)) or 0


@pytest.fixture
def slowest(backlog: World) -> Iterator[list[tuple[float, str]]]:
    """How long each statement takes."""
    took: list[tuple[float, str]] = []
    began: list[float] = []

    def before(*_arguments: Any) -> None:
        began.append(time.perf_counter())

    def after(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        took.append((time.perf_counter() - began.pop(), statement))

    with backlog.app.app_context():
        engine = backlog.state.db.engine
    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
    yield took
    event.remove(engine, "before_cursor_execute", before)
    event.remove(engine, "after_cursor_execute", after)


@IN_FULL
def test_a_million_rows_go_in_short_statements_and_a_killed_run_goes_on(
    backlog: World, slowest: list[tuple[float, str]], series: int
) -> None:
    url = backlog.app.config["SQLALCHEMY_DATABASE_URI"]
    killed = subprocess.run([sys.executable, "-c", KILLED, url], cwd=ROOT, check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    with backlog.app.app_context():
        before = rows(backlog)
        every = backlog.state.session.scalar(select(func.count()).select_from(UsageSeries))
        live = (every or 0) * LIVE_DAYS
        backlog.state.session.rollback()
        # Three batches are in, the fourth is not, and where to go on is noted.
        assert live < before < series * (OLD_DAYS + LIVE_DAYS)
        progress = backlog.state.session.get_one(PurgeProgress, "usage")
        assert progress.position not in {None, "0:"}
        already = progress.rows_purged
        assert already > 0
        slowest.clear()
        purged = 0
        while True:
            with backlog.state.unit_of_work() as work:
                batch = purge_batch(work, "usage", START, backlog.state.settings)
            purged += batch.rows
            if batch.finished:
                break
        assert purged + already >= series * OLD_DAYS
        assert rows(backlog) == live
    seconds, statement = max(slowest)
    assert seconds < LONGEST_STATEMENT_SECONDS, statement


@IN_FULL
def test_several_workers_at_once_are_in_nobodys_way(backlog: World) -> None:
    from threading import Thread

    totals: list[int] = []

    def work() -> None:
        with backlog.app.app_context():
            totals.append(purge_now(backlog.state, ["usage"]).get("usage", 0))

    threads = [Thread(target=work) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(120)
    with backlog.app.app_context():
        purge_now(backlog.state, ["usage"])
        left = backlog.state.session.scalar(select(func.min(DailyUsage.day)))
        assert left is not None
        assert left.year == 2026
    assert len(totals) == 3
