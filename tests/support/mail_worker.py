"""A process that works on messages until it is stopped dead, for tests of what it leaves behind.

    python -m tests.support.mail_worker <fault point>

It reads from the environment what it is to be, sends what is due, and waits at the fault point to
be killed. Nothing of this is in the product: the points stand in the mailer and in an event of
SQLAlchemy's.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event

from flask_tokenoffset import TokenOffset
from flask_tokenoffset.host.mailer import MailboxMailer
from flask_tokenoffset.services.mail import sending as mail_sending
from flask_tokenoffset.state import EXTENSION_KEY, state_of
from flask_tokenoffset.tasks.mail import mail
from flask_tokenoffset.vault import generate_key
from tests.support.worker_app import FaultPoint, ShiftedClock
from tests.support.world import HeldQueue

if TYPE_CHECKING:
    from flask_tokenoffset.host.mailer import OutgoingMail

#: Where a worker may be struck.
FAULT_POINTS: Final = (
    # The claim is written and not committed.
    "claiming",
    # The row is claimed, and the mailer has taken nothing.
    "claimed",
    # The mailer has taken the message, and the row does not say so.
    "taken",
    # The row says so in a transaction that is not committed.
    "marking",
    # All of it is committed.
    "marked",
)
#: In place of the product's, so that a test need not wait for minutes.
SHORT: Final = timedelta(seconds=1)


class NotingMailer(MailboxMailer):
    """A provider that knows idempotency keys, and a line in a file for each message it is handed.

    :param before: reached before a message is taken.
    :param after: reached after it was.
    """

    def __init__(self, folder: Path, before: FaultPoint | None, after: FaultPoint | None) -> None:
        super().__init__(folder / "mail")
        self._notes = folder / "handed-over"
        self._before = before
        self._after = after

    def send(self, message: OutgoingMail) -> None:
        if self._before is not None:
            self._before.reach()
        with self._notes.open("a") as notes:
            notes.write(f"{message.id}\n")
        super().send(message)
        if self._after is not None:
            self._after.reach()


def make_app(database_url: str, folder: Path, started: float, fault_point: str = "") -> Flask:
    """A host without users, whose mail goes into a folder.

    :param started: what the clock is shifted by; see :class:`.ShiftedClock`.
    :param fault_point: one of :data:`FAULT_POINTS`.
    """
    point = FaultPoint(folder)
    app = Flask("host")
    app.config.update(
        SECRET_KEY="the host's secret",
        SQLALCHEMY_DATABASE_URI=database_url,
        TOKENOFFSET_KEYS=generate_key("test"),
        TOKENOFFSET_EMBEDDED_QUEUE=True,
        TOKENOFFSET_PUBLIC_URL="http://localhost",
        TOKENOFFSET_MAILER=NotingMailer(
            folder,
            before=point if fault_point == "claimed" else None,
            after=point if fault_point == "taken" else None,
        ),
    )
    db = SQLAlchemy(app)
    TokenOffset(app, user_loader=lambda: None)
    app.extensions[EXTENSION_KEY] = replace(
        state_of(app), clock=ShiftedClock(started), queue=HeldQueue()
    )
    statements = {"claiming": 1, "marking": 2, "marked": 2}
    if number := statements.get(fault_point):
        with app.app_context():
            _stop_at_commit(db, point, number, after=fault_point == "marked")
    return app


def _stop_at_commit(db: SQLAlchemy, point: FaultPoint, number: int, *, after: bool) -> None:
    """Reach a fault point with the n-th commit that changed a message, before or after it."""
    seen = 0

    def note(connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("UPDATE tokenoffset_outbound_message"):
            connection.info["changed"] = True

    def stop(connection: Any) -> None:
        nonlocal seen
        if connection.info.pop("changed", False):
            seen += 1
            if seen == number and not after:
                point.reach()

    def stop_afterwards(_connection: Any, _record: Any) -> None:
        if after and seen == number:
            point.reach()

    event.listen(db.engine, "before_cursor_execute", note)
    event.listen(db.engine, "commit", stop)
    event.listen(db.engine, "checkin", stop_afterwards)


def send_what_is_due(app: Flask) -> None:
    """Send every message whose time has come, as a worker does with their jobs."""
    with app.app_context():
        state = state_of(app)
        due = mail_sending.MESSAGES.due(state.session, state.clock.now())
        # The transaction of the question must not stay open.
        state.session.rollback()
    for message in due:
        with app.app_context():
            mail(str(message.row_id))


def main() -> None:
    """Be the worker that the environment describes."""
    short = replace(mail_sending.MESSAGES, lease=SHORT, first_wait=SHORT)
    mail_sending.MESSAGES = short  # type: ignore[misc]  # the product's constant
    given = os.environ
    app = make_app(
        given["TEST_DATABASE_URL"],
        Path(given["TEST_FOLDER"]),
        float(given["TEST_STARTED"]),
        sys.argv[1] if len(sys.argv) > 1 else "",
    )
    send_what_is_due(app)


if __name__ == "__main__":
    main()
