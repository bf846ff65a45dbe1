"""An erasure that is interrupted anywhere ends like one that is not."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from flask_tokenoffset import forget_person
from flask_tokenoffset.host.users import HostUser
from flask_tokenoffset.models import Erasure, Person
from flask_tokenoffset.permissions import Role
from flask_tokenoffset.services.erasures import steps as erasure_steps
from flask_tokenoffset.services.erasures import worker as erasure_worker
from flask_tokenoffset.services.erasures.requests import request_erasure
from flask_tokenoffset.services.erasures.steps import Step
from flask_tokenoffset.services.estimates import estimates
from flask_tokenoffset.services.people import profiles as people
from flask_tokenoffset.services.shared.leases import LONGEST_WAIT
from flask_tokenoffset.state import state_of
from flask_tokenoffset.tasks.erasing import erase
from tests.support.erasing import ask_for_deletion, let_time_pass, only_erasure
from tests.support.erasure_worker import SHORT, host_app
from tests.support.organizations import join
from tests.support.tables import make_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from flask import Flask

    from tests.support.databases import MakeDatabase
    from tests.support.world import World

ROOT = Path(__file__).parents[3]
PATIENCE_SECONDS = 60
#: What says how often and when something was tried, and what is made anew each time.
UNLIKE = {"attempt", "fence", "next_attempt_at"}


@pytest.fixture
def waiting_world(make_world: Callable[..., World]) -> World:
    """Ada with something of everything, about to be erased, and a member of Cora's organization."""
    return with_ada_waiting(make_world())


def with_ada_waiting(world: World) -> World:
    world.ada.settle()
    world.ben.pick_band()
    organization_id = world.browser("cora").create_organization("Fernhill")
    join(world, organization_id, world.ada, Role.ADMIN)
    world.ada.within(organization_id).pick_band()
    world.clock.move_to(ask_for_deletion(world.ada))
    world.queue.jobs.clear()
    return world


def run(world: World) -> None:
    """What a worker does with the job of the erasure."""
    erasure_id = only_erasure(world).id
    with world.app.app_context():
        erase(str(erasure_id))


def end_of(world: World) -> Mapping[str, Any]:
    """How many rows every table has, the receipt, and what is said of how it went."""
    erasure = only_erasure(world)
    rows = world.rows()
    return {
        "rows": {name: len(those) for name, those in rows.items()},
        "receipt": erasure.receipt,
        "erasure": (erasure.status, erasure.step, erasure.host_outcome, erasure.user_key),
        "named": [name for name, those in rows.items() if "ada@" in repr(those)],
    }


@pytest.fixture
def undisturbed(make_world: Callable[..., World]) -> Mapping[str, Any]:
    """The end of an erasure to which nothing happened."""
    world = with_ada_waiting(make_world())
    run(world)
    end = end_of(world)
    assert end["erasure"] == ("done", Step.EMPTIED, "not-asked", None)
    assert end["named"] == ["tokenoffset_outbound_message"]
    return end


class Killed(BaseException):
    """As if the process had vanished at that moment."""


def strike(monkeypatch: pytest.MonkeyPatch, step: Step, *, after: bool) -> None:
    """Have a step fail once: before anything of it is committed, or right after the commit."""
    whole = erasure_steps.STEPS[step]

    def fail(under_way: erasure_steps.Erasing) -> None:
        monkeypatch.setitem(erasure_steps.STEPS, step, whole)
        whole(under_way)
        if not after:
            raise Killed

        def vanish() -> None:
            raise Killed

        under_way.work.after_commit(vanish)

    monkeypatch.setitem(erasure_steps.STEPS, step, fail)


@pytest.mark.promise("TO-049", "TS-011")
@pytest.mark.parametrize("after", [False, True], ids=["before-the-commit", "after-the-commit"])
@pytest.mark.parametrize("step", Step)
def test_whichever_step_is_interrupted_the_end_is_the_same(
    waiting_world: World,
    undisturbed: Mapping[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    step: Step,
    after: bool,
) -> None:
    world = waiting_world
    strike(monkeypatch, step, after=after)
    with pytest.raises(Killed):
        run(world)
    done = [None, *Step]
    standing = step if after else done[list(Step).index(step)]
    assert only_erasure(world).step == standing
    # Nobody else takes it while the lease lasts.
    run(world)
    assert only_erasure(world).step == standing
    world.clock.move(seconds=erasure_worker.ERASURES.lease.total_seconds())
    run(world)
    finished = only_erasure(world)
    end = end_of(world)
    assert {**end, "receipt": _without_times(end)} == {
        **undisturbed,
        "receipt": _without_times(undisturbed),
    }
    # Run twice, it is done once.
    world.clock.move(days=1)
    run(world)
    assert only_erasure(world).receipt == finished.receipt
    assert end_of(world)["rows"] == end["rows"]


def _without_times(end: Mapping[str, Any]) -> Any:
    receipt = end["receipt"]
    return {**receipt, "erased_at": None, "stays": [each["basis"] for each in receipt["stays"]]}


def test_two_workers_at_once_do_each_step_once(
    pg_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = pg_world
    taken: list[Step] = []
    take = erasure_steps.take

    def note(step: Step, under_way: erasure_steps.Erasing) -> None:
        taken.append(step)
        take(step, under_way)

    monkeypatch.setattr(erasure_worker, "take", note)
    world.ada.settle()
    world.clock.move_to(ask_for_deletion(world.ada))
    world.queue.jobs.clear()
    erasure_id = str(only_erasure(world).id)
    barrier = Barrier(4)

    def work() -> None:
        barrier.wait()
        with world.app.app_context():
            erase(erasure_id)

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken == list(Step)
    assert only_erasure(world).status == "done"


def test_a_worker_that_wakes_after_its_lease_writes_nothing_more(
    waiting_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one has gone on with it meanwhile, and is done."""
    world = waiting_world
    whole = erasure_steps.STEPS[Step.USAGE_FOLDED]
    sleeping: list[bool] = []

    def sleep(under_way: erasure_steps.Erasing) -> None:
        whole(under_way)

        def oversleep() -> None:
            if not sleeping:
                sleeping.append(True)
                world.clock.move(seconds=LONGEST_WAIT.total_seconds())
                run(world)

        under_way.work.after_commit(oversleep)

    monkeypatch.setitem(erasure_steps.STEPS, Step.USAGE_FOLDED, sleep)
    run(world)
    assert sleeping
    erasure = only_erasure(world)
    assert (erasure.status, erasure.fence) == ("done", 2)


def test_anyone_who_comes_back_in_the_middle_is_a_new_person(
    waiting_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = waiting_world
    strike(monkeypatch, Step.ROWS_DELETED, after=False)
    with pytest.raises(Killed):
        run(world)
    assert not world.ada.has_account
    assert world.ada.api("POST", "/privacy/deletion/undo").status_code == 409
    world.ada.pick_band()
    account_id = world.ada.account_id
    world.clock.move(seconds=erasure_worker.ERASURES.lease.total_seconds())
    run(world)
    assert only_erasure(world).status == "done"
    assert world.ada.account_id == account_id
    assert account_id in {row[1] for row in world.rows()["tokenoffset_estimate"]}


def test_an_erasure_under_way_is_finished_when_the_host_deletes_its_user(
    waiting_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = waiting_world
    strike(monkeypatch, Step.RECORDS_RETAINED, after=True)
    with pytest.raises(Killed):
        run(world)
    with world.app.app_context():
        assert not forget_person(world.ada.user_key).known
    world.clock.move(seconds=erasure_worker.ERASURES.lease.total_seconds())
    run(world)
    assert only_erasure(world).status == "done"


def test_a_deletion_that_waits_is_overtaken_when_the_host_deletes_its_user(world: World) -> None:
    world.ada.settle()
    ask_for_deletion(world.ada)
    with world.app.app_context():
        assert forget_person(world.ada.user_key).known
    assert only_erasure(world).status == "done"
    world.work()
    let_time_pass(world, days=31)
    assert world.mail.kinds_to(world.ada.address).count("account-forgotten") == 1


def wait_until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < give_up, "It took too long."
        time.sleep(0.05)


@pytest.mark.usefixtures("tables_may_be_there")
@pytest.mark.parametrize("step", Step)
def test_a_worker_killed_at_a_step_is_followed_by_one_that_ends_it(
    postgres_database: MakeDatabase, tmp_path: Path, step: Step
) -> None:
    """``kill -9`` of a process of its own over a real PostgreSQL, within each step."""
    database_url = postgres_database()
    app = host_app(database_url)
    with app.app_context():
        state = state_of(app)
        make_tables(state.engine)
        erasure_id = _person_to_erase(app)
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
        "PYTHONPATH": str(ROOT),
        "TEST_DATABASE_URL": database_url,
        "TEST_FOLDER": str(tmp_path),
    }

    def worker(*arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.support.erasure_worker", str(erasure_id)]
        return subprocess.Popen([*command, *arguments], cwd=ROOT, env=environment)

    first = worker(step)
    try:
        mark = tmp_path / "reached"
        wait_until(lambda: mark.exists() or first.poll() is not None)
        assert first.poll() is None, "it ended before it came by the step"
    finally:
        first.kill()
        first.wait()
    with app.app_context():
        session = state_of(app).session
        before = session.get_one(Erasure, erasure_id)
        assert (before.status, before.step) != ("done", Step.EMPTIED)
        session.rollback()
    time.sleep(SHORT.total_seconds() + 0.2)
    assert worker().wait(PATIENCE_SECONDS) == 0
    assert worker().wait(PATIENCE_SECONDS) == 0
    with app.app_context():
        session = state_of(app).session
        after = session.get_one(Erasure, erasure_id, populate_existing=True)
        assert (after.status, after.step, after.fence) == ("done", Step.EMPTIED, 2)
        (person,) = session.scalars(select(Person).where(Person.id == after.person_id))
        assert (person.email, person.display_name) == (None, None)
        session.rollback()
        state_of(app).engine.dispose()


def _person_to_erase(app: Flask) -> UUID:
    state = state_of(app)
    now = state.clock.now() - timedelta(seconds=1)
    with state.unit_of_work() as work:
        ada = HostUser("1", name="Ada", email="ada@example.com", email_verified=True)
        person = people.ensure_person(work.session, ada, now)
        estimates.estimate_from_band(
            work.session, account_id=person.account_id, person=person, key="worker", now=now
        )
        return request_erasure(work, person, now=now, grace_days=0, link_key=state.link_key).id
