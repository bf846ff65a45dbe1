"""Everyone active is told of a material change once, whatever happens to the worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, select, update

from flask_tokenoffset.models import (
    Account,
    AccountKind,
    DocumentEffect,
    DocumentNotice,
    MessageKind,
    MessageStatus,
    OutboundMessage,
    Person,
)
from flask_tokenoffset.services.documents import notices as document_notices
from flask_tokenoffset.tasks.schedule import run_scheduler
from flask_tokenoffset.unit_of_work import Task
from tests.integration.sampling.test_races import at_once
from tests.support.documents import draft, publish_draft, second_draft, tell_everyone

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World

ROOT = Path(__file__).parents[3]


def crowd(world: World, number: int, *, verified: bool = True) -> set[UUID]:
    """People of whom nothing but the row is known; returns their ids."""
    now = world.clock.now()
    accounts = [
        {"id": uuid4(), "kind": AccountKind.PERSON, "created_at": now} for _ in range(number)
    ]
    people: list[dict[str, Any]] = [
        {
            "id": uuid4(),
            "account_id": account["id"],
            "user_key": str(account["id"]),
            "email": f"{account['id']}@example.com",
            "email_verified_at": now if verified else None,
            "created_at": now,
        }
        for account in accounts
    ]
    with world.app.app_context(), world.state.unit_of_work() as work:
        work.session.execute(insert(Account), accounts)
        work.session.execute(insert(Person), people)
    return {each["id"] for each in people}


def announce(world: World, **more: Any) -> UUID:
    """Publish a first version, and a material second one."""
    publish_draft(world, draft())
    return publish_draft(world, second_draft(world, **more))


def told(world: World, version_id: UUID) -> list[UUID]:
    """Anyone who has a message about a version, as often as they have one."""
    with world.app.app_context():
        return [
            person_id
            for person_id in world.state.session.scalars(
                select(OutboundMessage.person_id).where(
                    OutboundMessage.kind == MessageKind.DOCUMENT_CHANGED,
                    OutboundMessage.reference_id == version_id,
                )
            )
            if person_id is not None
        ]


def notice_of(world: World, version_id: UUID) -> DocumentNotice:
    with world.app.app_context():
        session = world.state.session
        notice = session.get_one(DocumentNotice, version_id)
        session.expunge(notice)
        return notice


def effects(world: World) -> int:
    return len(world.rows(DocumentEffect)["tokenoffset_document_effect"])


def once_each(found: list[UUID], people: set[UUID]) -> bool:
    return sorted(found) == sorted(people)


@pytest.mark.promise("TO-058", "TS-013")
def test_everyone_active_has_exactly_one_message(
    db_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document_notices, "PEOPLE_PER_CHUNK", 7)
    people = crowd(db_world, 50)
    unproved = crowd(db_world, 5, verified=False)
    forgotten = crowd(db_world, 3)
    with db_world.app.app_context(), db_world.state.unit_of_work() as work:
        work.session.execute(
            update(Person).where(Person.id.in_(forgotten)).values(forgotten_at=db_world.clock.now())
        )
    version_id = announce(db_world)
    tell_everyone(db_world, version_id)
    assert once_each(told(db_world, version_id), people)
    notice = notice_of(db_world, version_id)
    assert (notice.people_notified, notice.people_unreached) == (len(people), len(unproved))
    assert notice.completed_at == db_world.clock.now()
    # Done is done.
    tell_everyone(db_world, version_id)
    assert once_each(told(db_world, version_id), people)


@pytest.mark.promise("TO-058")
def test_nobody_is_told_of_what_is_not_material(world: World) -> None:
    crowd(world, 3)
    publish_draft(world, draft(material=True))
    later = publish_draft(world, second_draft(world, material=False))
    tell_everyone(world, later)
    assert told(world, later) == []
    assert world.queue.jobs == []


@pytest.mark.promise("TO-058", "TS-013")
def test_the_message_says_what_changes_and_when_and_leads_to_the_version(world: World) -> None:
    world.ada.pick_band()
    version_id = announce(world)
    tell_everyone(world, version_id)
    with world.app.app_context():
        assert run_scheduler(world.state).failed_steps == []
    world.work()
    (message,) = world.mail.to(world.ada.address)
    assert "House rules" in message.subject
    assert "What you type is kept for a shorter time." in message.text
    assert "2026-12-10 10:00 UTC" in message.text
    link = next(line for line in message.text.splitlines() if line.startswith("http"))
    page = world.nobody.page(link.removeprefix("http://localhost/tokenoffset"))
    assert "14 days" in page.text


def test_a_message_that_could_not_leave_in_time_leaves_no_more(world: World) -> None:
    world.ada.pick_band()
    version_id = announce(world)
    tell_everyone(world, version_id)
    world.clock.move(days=19)
    with world.app.app_context():
        run_scheduler(world.state)
    jobs = [job for job in world.queue.jobs if job[0] is Task.MAIL]
    assert len(jobs) == 1
    world.clock.move(days=1)
    world.work()
    (row,) = world.rows(OutboundMessage)["tokenoffset_outbound_message"]
    assert MessageStatus.FAILED in row
    assert world.mailbox == []


@pytest.mark.promise("TS-013")
def test_the_schedule_takes_up_a_notice_that_no_worker_has_finished(world: World) -> None:
    crowd(world, 3)
    version_id = announce(world)
    world.queue.jobs.clear()  # Redis was flushed.
    world.clock.move(minutes=2)
    with world.app.app_context():
        assert run_scheduler(world.state).document_notices_enqueued == 1
    assert world.queue.jobs == [(Task.DOCUMENT_NOTICE, version_id)]
    world.work()
    assert len(told(world, version_id)) == 3
    assert effects(world) == 2
    with world.app.app_context():
        assert run_scheduler(world.state).document_notices_enqueued == 0
    world.queue.jobs.clear()


def test_anyone_who_comes_while_others_are_told_is_told_as_well(
    db_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document_notices, "PEOPLE_PER_CHUNK", 5)
    people = crowd(db_world, 12)
    version_id = announce(db_world)
    late: set[UUID] = set()
    tell_chunk = document_notices.tell_chunk
    comings = iter((6, 6, 0, 2))

    def come_along(session: Any, notice: DocumentNotice, now: Any) -> bool:
        goes_on = tell_chunk(session, notice, now)
        if number := next(comings, 0):
            session.commit()
            late.update(crowd(db_world, number))
        return goes_on

    monkeypatch.setattr(document_notices, "tell_chunk", come_along)
    tell_everyone(db_world, version_id)
    assert len(late) == 14
    assert once_each(told(db_world, version_id), people | late)


@pytest.mark.promise("TS-013")
@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("number", [1, 3, 5])
def test_a_worker_killed_between_chunks_loses_nobody_and_doubles_nobody(
    make_world: Callable[..., World], database_url: str, number: int, side: str
) -> None:
    world = make_world(database_url)
    people = crowd(world, 11)
    version_id = announce(world)
    killed = subprocess.run(
        [
            *(sys.executable, "-m", "tests.support.notice_worker"),
            *(str(version_id), str(number), side),
        ],
        cwd=ROOT,
        env={**os.environ, "TEST_DATABASE_URL": database_url},
        check=False,
        timeout=60,
    )
    assert killed.returncode == -signal.SIGKILL
    told_by_then = min(3 * (number - (side == "before")), 11)
    assert len(told(world, version_id)) == told_by_then
    is_complete = (number, side) == (5, "after")
    assert (notice_of(world, version_id).completed_at is not None) == is_complete
    assert effects(world) == 1 + is_complete
    tell_everyone(world, version_id)
    assert once_each(told(world, version_id), people)
    assert notice_of(world, version_id).people_notified == 11
    assert effects(world) == 2


def test_two_workers_at_once_tell_each_person_once(
    make_world: Callable[..., World],
    postgres_database: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(document_notices, "PEOPLE_PER_CHUNK", 10)
    world = make_world(postgres_database())
    people = crowd(world, 200)
    version_id = announce(world)

    def work() -> None:
        tell_everyone(world, version_id)

    assert at_once(work, work, work) == [None] * 3
    work()  # The worker that found it held went home; the last one finishes.
    assert once_each(told(world, version_id), people)
    assert notice_of(world, version_id).people_notified == 200
    assert effects(world) == 2


def test_two_who_publish_at_once_publish_one_next_version(
    make_world: Callable[..., World], postgres_database: Callable[[], str]
) -> None:
    world = make_world(postgres_database())
    publish_draft(world, draft())
    mine, yours = (
        second_draft(world, version=name, material=False, effective_at=timedelta(days=1))
        for name in ("mine", "yours")
    )
    results = at_once(
        *(lambda each=each: publish_draft(world, each) for each in (mine, yours, mine, yours))
    )
    published = {each for each in results if isinstance(each, UUID)}
    assert len(published) == 1
    assert [type(each).__name__ for each in results].count("Conflict") == 2
    assert effects(world) == 2


def test_a_chunk_takes_a_few_statements_however_many_people_it_tells(world: World) -> None:
    crowd(world, 900)
    version_id = announce(world)
    with world.statements() as sent:
        tell_everyone(world, version_id)
    # One full chunk, one that finds nobody, and what they look up and write down.
    assert len(sent) < 20
    assert len(told(world, version_id)) == 900
