"""Messages are rows first, leave after the commit, and are marked as sent only when they have."""

from __future__ import annotations

import logging
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import flask_tokenoffset
from flask_tokenoffset.errors import NoMailer
from flask_tokenoffset.host.mailer import MailRefused, MailUnavailable
from flask_tokenoffset.models import MessageKind, MessageStatus, OutboundMessage
from flask_tokenoffset.services.links.message_links import FeatureLinks
from flask_tokenoffset.services.mail.outbox import queue_message, require_mailer
from flask_tokenoffset.services.mail.sending import GIVE_UP_AFTER, MESSAGES, send_message
from flask_tokenoffset.services.shared.leases import FIRST_WAIT, LONGEST_WAIT, waiting_time
from flask_tokenoffset.tasks.mail import write_letter
from flask_tokenoffset.tasks.schedule import run_scheduler
from tests.support.outbox import ADA, Outbox
from tests.support.world import World

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from flask_tokenoffset.host.mailer import OutgoingMail
    from tests.support.databases import MakeDatabase

PACKAGE = Path(flask_tokenoffset.__file__).parent

# --- after the commit, or never -------------------------------------------------------------------


def test_a_message_leaves_after_the_commit(world: World, outbox: Outbox) -> None:
    with outbox.unit() as work:
        message_id = outbox.queue(work)
        assert world.queue.jobs == []
        assert world.mail.messages == []
    world.work()
    (message,) = world.mail.to(ADA)
    assert (message.id, message.kind) == (str(message_id), "key-replaced")
    row = outbox.row(message_id)
    assert (row.status, row.sent_at, row.attempt) == ("sent", world.clock.now(), 1)


def test_a_rollback_sends_nothing(world: World, outbox: Outbox) -> None:
    def fail() -> None:
        with outbox.unit() as work:
            outbox.queue(work)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with world.app.app_context():
        run_scheduler(world.state)
    world.work()
    assert world.mail.messages == []
    assert world.rows(OutboundMessage) == {"tokenoffset_outbound_message": []}


def test_nothing_but_the_outbox_hands_a_message_over() -> None:
    callers = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if re.search(r"mailer\.send\(|\.send_message\(", path.read_text(encoding="utf-8"))
    }
    assert callers == {"services/mail/sending.py", "host/mailer.py"}


def test_a_message_that_was_sent_is_not_sent_again(world: World, outbox: Outbox) -> None:
    message_id = outbox.put()
    world.work()
    outbox.send(message_id)
    with world.app.app_context():
        assert MESSAGES.due(world.state.session, world.clock.now()) == []
    assert len(world.mail.taken) == 1


def test_what_the_queue_lost_is_enqueued_again_by_the_schedule(
    world: World, outbox: Outbox
) -> None:
    outbox.put()
    world.queue.jobs.clear()
    with world.app.app_context():
        assert run_scheduler(world.state).messages_enqueued == 1
    world.work()
    assert world.mail.kinds_to(ADA) == ["key-replaced"]


def test_nobody_can_queue_a_message_that_its_text_could_not_be_written_from(
    outbox: Outbox,
) -> None:
    with outbox.unit() as work:
        with pytest.raises(TypeError, match="also needs source, vendor"):
            queue_message(
                work, kind=MessageKind.KEY_REPLACED, to_address=ADA, now=outbox.world.clock.now()
            )
        with pytest.raises(TypeError, match="carries a link"):
            outbox.queue(work, kind=MessageKind.MAGIC_LINK, purpose="sign-in")


def test_a_test_that_mails_a_link_by_accident_fails() -> None:
    careless = World()
    careless.browser("cleo", verified=False).post("/me/address")
    careless.work()
    with pytest.raises(AssertionError, match="mailed magic-link by accident"):
        careless.close()


# --- when it does not work ------------------------------------------------------------------------


def test_after_a_failure_a_message_waits_longer_each_time(world: World, outbox: Outbox) -> None:
    message_id = outbox.put()
    for attempt in range(1, 5):
        world.mail.failures.append(MailUnavailable("the server answered 451"))
        world.work()
        row = outbox.row(message_id)
        assert (row.status, row.failure_code, row.attempt) == ("queued", "unavailable", attempt)
        assert row.next_attempt_at == world.clock.now() + waiting_time(attempt)
        world.clock.move_to(row.next_attempt_at - timedelta(seconds=1))
        outbox.send(message_id)
        assert outbox.row(message_id).attempt == attempt, "it is not its turn yet"
        world.clock.move_to(row.next_attempt_at)
        with world.app.app_context():
            run_scheduler(world.state)
    world.work()
    assert outbox.standing(message_id) == ("sent", None)
    assert len(world.mail.taken) == 1


def test_waits_double_up_to_an_hour() -> None:
    waits = [waiting_time(attempt) for attempt in range(1, 2000)]
    assert waits[:3] == [FIRST_WAIT, 2 * FIRST_WAIT, 4 * FIRST_WAIT]
    assert max(waits) == waits[-1] == LONGEST_WAIT
    assert waits == sorted(waits)


def test_after_a_day_a_notice_is_given_up(world: World, outbox: Outbox) -> None:
    message_id = outbox.put()
    began = world.clock.now()
    while outbox.row(message_id).status != MessageStatus.FAILED:
        assert world.clock.now() - began < GIVE_UP_AFTER + 2 * LONGEST_WAIT
        world.mail.failures = [MailUnavailable("down")]
        outbox.send(message_id)
        world.clock.move_to(outbox.row(message_id).next_attempt_at)
    assert outbox.standing(message_id) == ("failed", "unavailable")
    assert outbox.row(message_id).attempt > 24
    world.mail.failures = []
    outbox.send(message_id)
    assert world.mail.messages == []


def test_a_refusal_for_good_ends_it(world: World, outbox: Outbox) -> None:
    message_id = outbox.put()
    world.mail.failures.append(MailRefused("the server answered 550"))
    world.work()
    assert outbox.standing(message_id) == ("failed", "refused")
    world.clock.move(hours=2)
    outbox.send(message_id)
    assert world.mail.messages == []


def test_whatever_else_a_mailer_raises_is_tried_again_and_its_words_stay_out_of_the_log(
    world: World, outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    message_id = outbox.put()
    world.mail.failures.append(ZeroDivisionError("https://example.com/links/secret-token"))
    with caplog.at_level(logging.DEBUG), pytest.raises(ZeroDivisionError):
        world.work()
    assert outbox.standing(message_id) == ("queued", "unavailable")
    assert "secret-token" not in caplog.text
    world.clock.move(minutes=1)
    outbox.send(message_id)
    assert outbox.standing(message_id) == ("sent", None)


def test_without_a_mailer_a_notice_is_recorded_as_not_sent(
    make_world: Callable[..., World],
) -> None:
    world = make_world(TOKENOFFSET_MAILER=None, TOKENOFFSET_PUBLIC_URL=None)
    outbox = Outbox(world)
    message_id = outbox.put()
    world.work()
    assert outbox.standing(message_id) == ("failed", "no-mailer")


def test_without_a_mailer_what_needs_mail_is_refused_with_the_cure(world: World) -> None:
    with pytest.raises(NoMailer, match="must set TOKENOFFSET_MAILER"):
        require_mailer(None)
    require_mailer(world.state.mailer)


# --- leases and fences ----------------------------------------------------------------------------


class Interrupted:
    """A mailer in the middle of whose work something else happens."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        self.sent: list[OutgoingMail] = []
        self._meanwhile = meanwhile

    def send(self, message: OutgoingMail) -> None:
        self.sent.append(message)
        self._meanwhile()


def deliver(outbox: Outbox, message_id: UUID, mailer: Any) -> MessageStatus | None:
    state = outbox.world.state
    with outbox.world.app.app_context():
        return send_message(
            state.unit_of_work,
            message_id=message_id,
            mailer=mailer,
            write=write_letter,
            links=FeatureLinks(state.link_key),
            clock=state.clock,
        )


def test_while_one_worker_holds_a_message_no_other_takes_it(world: World, outbox: Outbox) -> None:
    message_id = outbox.put()
    others: list[MessageStatus | None] = []
    second = Interrupted(lambda: None)
    first = Interrupted(lambda: others.append(deliver(outbox, message_id, second)))
    assert deliver(outbox, message_id, first) is MessageStatus.SENT
    assert others == [None]
    assert second.sent == []


def test_a_worker_that_wakes_after_its_lease_marks_nothing(world: World, outbox: Outbox) -> None:
    """What the second one noted stands; both named the same id to the provider."""
    message_id = outbox.put()
    second = Interrupted(lambda: None)

    def meanwhile() -> None:
        world.clock.move(seconds=MESSAGES.lease.total_seconds() + 1)
        assert deliver(outbox, message_id, second) is MessageStatus.SENT
        world.clock.move(hours=1)

    first = Interrupted(meanwhile)
    assert deliver(outbox, message_id, first) is None
    row = outbox.row(message_id)
    assert (row.status, row.fence) == ("sent", 2)
    assert row.sent_at is not None
    assert row.sent_at < world.clock.now() - timedelta(minutes=59)
    assert [each.id for each in first.sent + second.sent] == [str(message_id)] * 2


def test_a_message_whose_worker_vanished_is_taken_up_when_the_lease_is_over(
    world: World, outbox: Outbox
) -> None:
    message_id = outbox.put()

    class Vanished(BaseException):
        pass

    def vanish() -> None:
        raise Vanished

    with pytest.raises(Vanished):
        deliver(outbox, message_id, Interrupted(vanish))
    assert outbox.row(message_id).status == MessageStatus.SENDING
    world.queue.jobs.clear()
    world.clock.move(seconds=MESSAGES.lease.total_seconds() - 1)
    with world.app.app_context():
        assert run_scheduler(world.state).messages_enqueued == 0
    world.clock.move(seconds=1)
    with world.app.app_context():
        assert run_scheduler(world.state).messages_enqueued == 1
    world.work()
    assert outbox.standing(message_id) == ("sent", None)


def test_many_workers_at_once_hand_a_message_over_once(
    make_world: Callable[..., World], postgres_database: MakeDatabase
) -> None:
    world = make_world(postgres_database())
    outbox = Outbox(world)
    message_ids = [outbox.put() for _ in range(10)]
    with ThreadPoolExecutor(8) as workers:
        list(workers.map(outbox.send, message_ids * 8))
    assert sorted(each.id for each in world.mail.taken) == sorted(map(str, message_ids))
