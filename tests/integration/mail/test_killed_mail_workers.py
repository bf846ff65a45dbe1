"""A worker killed with ``kill -9`` while it sends: the message leaves, under one id, and is marked.

Each worker is a process of its own over a real PostgreSQL. Whatever was done to the first one, a
second one finds the message, and a provider that knows idempotency keys delivers it exactly once.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from flask_tokenoffset.host.mailer import MailboxMailer
from flask_tokenoffset.models import MessageKind, OutboundMessage
from flask_tokenoffset.services.mail.outbox import queue_message
from flask_tokenoffset.state import state_of
from tests.support.mail_worker import FAULT_POINTS, SHORT, make_app
from tests.support.tables import make_tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from tests.support.databases import MakeDatabase

pytestmark = pytest.mark.usefixtures("tables_may_be_there")

ROOT = Path(__file__).parent.parent.parent.parent
PATIENCE_SECONDS = 60

#: What the row says while the first worker waits to be killed, and how often the mailer is handed
#: the message in all.
EXPECTED = {
    "claiming": ("queued", 1),
    "claimed": ("sending", 1),
    "taken": ("sending", 2),
    "marking": ("sending", 2),
    "marked": ("sent", 1),
}


def put(app: Flask) -> str:
    with app.app_context():
        state = state_of(app)
        make_tables(state.engine)
        with state.unit_of_work() as work:
            message = queue_message(
                work,
                kind=MessageKind.KEY_REPLACED,
                to_address="ada@example.com",
                now=state.clock.now(),
                source="Work",
                vendor="Anthropic",
            )
            return str(message.id)


def status_in(app: Flask) -> str:
    with app.app_context():
        session = state_of(app).session
        found: str = session.scalars(select(OutboundMessage.status)).one()
        session.rollback()
        return found


def wait_until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < give_up, "It took too long."
        time.sleep(0.05)


@pytest.mark.parametrize("fault_point", FAULT_POINTS)
def test_a_worker_killed_while_it_sends_leaves_a_message_that_another_one_sends(
    postgres_database: MakeDatabase, tmp_path: Path, fault_point: str
) -> None:
    started = time.time()
    database_url = postgres_database()
    app = make_app(database_url, tmp_path, started)
    message_id = put(app)
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
        "PYTHONPATH": str(ROOT),
        "TEST_DATABASE_URL": database_url,
        "TEST_FOLDER": str(tmp_path),
        "TEST_STARTED": repr(started),
    }

    def worker(*arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.support.mail_worker", *arguments]
        return subprocess.Popen(command, cwd=ROOT, env=environment)

    first = worker(fault_point)
    try:
        mark = tmp_path / "reached"
        wait_until(lambda: (mark.exists() and bool(mark.read_text())) or first.poll() is not None)
        assert first.poll() is None, "it ended before it came by the fault point"
    finally:
        first.kill()
        first.wait()
    status, taken = EXPECTED[fault_point]
    assert status_in(app) == status
    mailbox = MailboxMailer(tmp_path / "mail")
    if status == "sent":
        assert len(mailbox.messages()) == 1, "nothing is marked as sent that has not left"
    time.sleep(SHORT.total_seconds() + 0.2)
    assert worker().wait(PATIENCE_SECONDS) == 0
    assert status_in(app) == "sent"
    (message,) = mailbox.messages()
    assert message.id == message_id
    assert (tmp_path / "handed-over").read_text().split() == [message_id] * taken
    with app.app_context():
        state_of(app).engine.dispose()
