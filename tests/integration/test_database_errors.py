"""What a worker holds is handed back at once when the database fails it in the middle of a job."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, select, text, update
from sqlalchemy.exc import OperationalError

from flask_tokenoffset.models import (
    Base,
    DocumentNotice,
    Erasure,
    Export,
    OutboundMessage,
    SampleRun,
)
from flask_tokenoffset.services.documents import notices as document_notices
from flask_tokenoffset.services.sampling import runs as sampling
from flask_tokenoffset.services.shared.leases import FIRST_WAIT
from flask_tokenoffset.tasks.schedule import run_scheduler
from tests.integration.documents.test_notices import announce, crowd, once_each, told
from tests.integration.sampling.books import SAMPLED
from tests.integration.sampling.test_stopping import between_pages
from tests.support.erasing import ask_for_deletion
from tests.support.outbox import ADA, Outbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID

    from flask_tokenoffset.tasks.schedule import SchedulerReport
    from tests.support.databases import MakeDatabase
    from tests.support.world import World


@contextmanager
def failing(world: World, *words: str, times: int = 1) -> Iterator[None]:
    """Statements fail as if the database had gone away: from one with some words on, so many."""
    failed = 0

    def fail(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        nonlocal failed
        if failed >= times or (not failed and not all(word in statement for word in words)):
            return
        failed += 1
        raise OperationalError(statement, {}, Exception("The database went away."))

    with world.app.app_context():
        engine = world.state.db.engine
    event.listen(engine, "before_cursor_execute", fail)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", fail)
    assert failed


def only(world: World, model: type[Any]) -> Any:
    """The one row of a table."""
    with world.app.app_context():
        row = world.state.session.scalars(select(model)).one()
        world.state.session.expunge(row)
        return row


def change(world: World, model: type[Base], **values: Any) -> None:
    with world.app.app_context(), world.state.unit_of_work() as work:
        work.session.execute(update(model).values(**values))


def scheduler_run(world: World) -> SchedulerReport:
    with world.app.app_context():
        report = run_scheduler(world.state)
    assert report.failed_steps == []
    return report


def enqueued_after_the_wait(world: World, counter: str) -> Any:
    """How much a scheduler run enqueues once what was handed back is due; a second before it is
    nothing.

    :param counter: the field of the report.
    """
    world.clock.move(seconds=FIRST_WAIT.total_seconds() - 1)
    assert getattr(scheduler_run(world), counter) == 0
    world.clock.move(seconds=1)
    return getattr(scheduler_run(world), counter)


def test_a_sample_is_handed_back_and_done_a_minute_later(world: World) -> None:
    world.ada.connect()
    before = world.rows(*SAMPLED)
    with (
        failing(world, "INSERT INTO tokenoffset_estimate"),
        pytest.raises(OperationalError, match="went away"),
    ):
        world.work()
    run = only(world, SampleRun)
    assert (run.status, run.attempt, run.lease_expires_at) == ("queued", 1, None)
    assert run.available_at == world.clock.now() + FIRST_WAIT
    assert world.rows(*SAMPLED) == before
    assert enqueued_after_the_wait(world, "enqueued") == 1
    world.work()
    assert (only(world, SampleRun).status, only(world, SampleRun).attempt) == ("complete", 2)


def test_a_sample_outlives_a_connection_that_the_server_closes(
    make_world: Callable[..., World], postgres_database: MakeDatabase
) -> None:
    world = make_world(postgres_database())
    world.ada.connect()
    with world.app.app_context():
        engine = world.state.db.engine
    closed: list[int] = []

    def close(connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("INSERT INTO tokenoffset_estimate") and not closed:
            closed.append(connection.connection.dbapi_connection.info.backend_pid)
            with engine.connect() as other:
                other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": closed[0]})

    event.listen(engine, "before_cursor_execute", close)
    try:
        with pytest.raises(OperationalError):
            world.work()
    finally:
        event.remove(engine, "before_cursor_execute", close)
    assert closed
    assert only(world, SampleRun).status == "queued"
    assert enqueued_after_the_wait(world, "enqueued") == 1
    world.work()
    assert only(world, SampleRun).status == "complete"


def test_the_last_attempt_at_a_sample_ends_with_its_reason(world: World) -> None:
    world.ada.connect()
    change(world, SampleRun, attempt=4)
    with failing(world, "INSERT INTO tokenoffset_estimate"), pytest.raises(OperationalError):
        world.work()
    assert only(world, SampleRun).status == "running"
    world.clock.move(seconds=sampling.RUNS.lease.total_seconds() + 1)
    assert scheduler_run(world).given_up == 1
    run = only(world, SampleRun)
    assert (run.status, run.reason_code) == ("failed", "worker-lost")


def test_while_the_database_is_away_the_lease_frees_what_cannot_be_handed_back(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.ada.connect()
    with (
        failing(world, "INSERT INTO tokenoffset_estimate", times=1_000),
        pytest.raises(OperationalError, match="INSERT INTO tokenoffset_estimate"),
    ):
        world.work()
    assert only(world, SampleRun).status == "running"
    assert "A row of tokenoffset_sample_run could not be handed back" in caplog.text
    world.clock.move(seconds=sampling.RUNS.lease.total_seconds() + 1)
    assert scheduler_run(world).reclaimed == 1
    world.work()
    assert only(world, SampleRun).status == "complete"


def test_a_sample_that_was_cancelled_meanwhile_stays_cancelled(world: World) -> None:
    source_id = world.ada.connect()

    def disconnect() -> None:
        assert world.ada.api("DELETE", f"/sources/{source_id}").status_code == 204
        raise OperationalError("SELECT 1", {}, Exception("The database went away."))

    between_pages(world.anthropic, "*cost_report", disconnect, after=0)
    with pytest.raises(OperationalError, match="went away"):
        world.work()
    assert only(world, SampleRun).status == "cancelled"


def test_a_message_that_has_left_is_marked_all_the_same(world: World) -> None:
    outbox = Outbox(world)
    message_id = outbox.put()
    with failing(world, "UPDATE tokenoffset_outbound_message", "sent_at="):
        world.queue.jobs.clear()
        outbox.send(message_id)
    assert outbox.standing(message_id) == ("sent", None)
    world.clock.move(days=1)
    assert scheduler_run(world).messages_enqueued == 0
    assert len(world.mail.to(ADA)) == 1


def test_a_message_that_cannot_be_written_is_handed_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = Outbox(world)
    message_id = outbox.put()
    world.queue.jobs.clear()

    def ask(*_arguments: Any, **_named: Any) -> Any:
        raise OperationalError("SELECT 1", {}, Exception("The database went away."))

    with monkeypatch.context() as patched:
        patched.setattr("flask_tokenoffset.tasks.mail.one_line", ask)
        with pytest.raises(OperationalError):
            outbox.send(message_id)
    assert only(world, OutboundMessage).status == "queued"
    assert enqueued_after_the_wait(world, "messages_enqueued") == 1
    world.work()
    assert outbox.standing(message_id) == ("sent", None)


def test_a_copy_is_handed_back_and_made_a_minute_later(world: World) -> None:
    world.ada.pick_band()
    assert world.ada.api("POST", "/privacy/exports").status_code == 202
    with failing(world, "INSERT INTO tokenoffset_export_part"), pytest.raises(OperationalError):
        world.work()
    export = only(world, Export)
    assert (export.status, export.attempt) == ("queued", 1)
    assert enqueued_after_the_wait(world, "exports_enqueued") == 1
    world.work()
    assert only(world, Export).status == "ready"
    assert world.mail.kinds_to(world.ada.address).count("export-ready") == 1


def test_an_erasure_goes_on_a_minute_later_and_cannot_be_taken_back_meanwhile(
    world: World,
) -> None:
    world.ada.settle()
    world.clock.move_to(ask_for_deletion(world.ada))
    world.queue.jobs.clear()
    assert scheduler_run(world).erasures_enqueued == 1
    with failing(world, "DELETE FROM tokenoffset_plan"), pytest.raises(OperationalError):
        world.work()
    erasure = only(world, Erasure)
    assert (erasure.status, erasure.attempt) == ("running", 1)
    assert erasure.step is not None
    assert erasure.next_attempt_at == world.clock.now() + FIRST_WAIT
    assert world.ada.api("POST", "/privacy/deletion/undo").status_code == 409
    assert enqueued_after_the_wait(world, "erasures_enqueued") == 1
    world.work()
    assert only(world, Erasure).status == "done"
    assert world.mail.kinds_to(world.ada.address).count("account-forgotten") == 1


def test_a_notice_of_a_document_goes_on_with_the_next_scheduler_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document_notices, "PEOPLE_PER_CHUNK", 7)
    people = crowd(world, 20)
    version_id: UUID = announce(world)
    world.queue.jobs.clear()
    assert scheduler_run(world).document_notices_enqueued == 1
    with (
        failing(world, "INSERT INTO tokenoffset_outbound_message"),
        pytest.raises(OperationalError),
    ):
        world.work()
    assert only(world, DocumentNotice).completed_at is None
    assert scheduler_run(world).document_notices_enqueued == 1
    world.work()
    assert only(world, DocumentNotice).completed_at is not None
    assert once_each(told(world, version_id), people)
