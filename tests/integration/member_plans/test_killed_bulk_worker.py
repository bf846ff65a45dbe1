"""A worker killed with ``kill -9`` between two chunks of a change to many plans: each plan once.

The workers are real ``flask tokenoffset worker`` processes over a real PostgreSQL and Redis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from flask_tokenoffset.models import Adoption, BulkChange, BulkStatus, Plan
from flask_tokenoffset.state import state_of
from tests.integration.test_killed_workers import Mill, a_mill, is_alive, kill, wait_until
from tests.support.clubs import fill
from tests.support.worker_app import SECOND_CHUNK, TARGETS_PER_CHUNK
from tests.support.world import API

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.databases import MakeDatabase

MEMBERS = 130
TWO_MINUTES = 120


@pytest.fixture
def mill(postgres_database: MakeDatabase, redis_url: str, tmp_path: Path) -> Iterator[Mill]:
    with a_mill(postgres_database(), redis_url, tmp_path) as made:
        yield made


def call(mill: Mill, method: str, path: str, json: Any = None) -> Any:
    answer = mill.app.test_client().open(
        API + path, method=method, json=json, headers={"X-User": "ada"}
    )
    assert answer.status_code < 300, answer.text
    return answer.get_json()


def request_many(mill: Mill) -> str:
    """A change to the plans of a hundred and thirty members and their owner, in the queue."""
    organization_id = UUID(call(mill, "POST", "/organizations", {"name": "Fernhill"})["id"])
    with mill.app.app_context():
        state = state_of(mill.app)
        with state.unit_of_work() as work:
            fill(work.session, organization_id, MEMBERS, state.clock.now())
    body = {
        "band": "worker",
        "coverage_percent": 100,
        "plans_to_change": MEMBERS + 1,
        "difference_cents": (MEMBERS + 1) * 125,
    }
    change = call(mill, "POST", f"/organizations/{organization_id}/member-plans/changes", body)
    assert change["status"] == "queued"
    return str(change["id"])


def standing(mill: Mill) -> tuple[str, int, int, int, int]:
    """Status, plans changed as counted, plans, ledger rows, and the longest ledger."""
    with mill.app.app_context():
        session = state_of(mill.app).session
        session.rollback()
        change = session.scalars(select(BulkChange).execution_options(populate_existing=True)).one()
        return (
            change.status,
            change.plans_changed,
            session.scalar(select(func.count(Plan.id))) or 0,
            session.scalar(select(func.count(Adoption.id))) or 0,
            session.scalar(select(func.max(Adoption.sequence))) or 0,
        )


def test_a_killed_worker_leaves_whole_chunks_and_another_goes_on(mill: Mill) -> None:
    request_many(mill)
    worker, child = mill.struck_at(SECOND_CHUNK)
    kill(worker.pid)
    kill(child)
    wait_until(lambda: not is_alive(child))
    chunk = TARGETS_PER_CHUNK
    assert standing(mill) == (BulkStatus.RUNNING, chunk, chunk, chunk, 1)
    # The dead worker's job still counts as started; the scheduler run of a later minute does not
    # wait.
    started = float(mill.environment["TEST_STARTED"])
    mill.environment["TEST_STARTED"] = repr(started - TWO_MINUTES)
    mill.finish_with_another_worker()
    everybody = MEMBERS + 1
    assert standing(mill) == (BulkStatus.COMPLETE, everybody, everybody, everybody, 1)


def test_a_killed_job_is_done_again_by_its_own_worker(mill: Mill) -> None:
    request_many(mill)
    worker, child = mill.struck_at(SECOND_CHUNK)
    kill(child)
    wait_until(lambda: standing(mill)[0] == BulkStatus.COMPLETE)
    everybody = MEMBERS + 1
    assert standing(mill) == (BulkStatus.COMPLETE, everybody, everybody, everybody, 1)
    worker.terminate()
    assert worker.wait(60) == 0
