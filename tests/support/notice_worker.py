"""A process that tells people of a new version of a document, and kills itself on the way.

    python -m tests.support.notice_worker <version id> <which commit> <before|after>

Nothing of this is in the product: the point stands in an event of SQLAlchemy's.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any, Final

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event

from flask_tokenoffset import TokenOffset
from flask_tokenoffset.services.documents import notices as document_notices
from flask_tokenoffset.tasks.documents import tell_of_document
from flask_tokenoffset.vault import generate_key

#: In place of the product's thousand.
PEOPLE_PER_CHUNK: Final = 3


def make_app() -> Flask:
    """A host without users."""
    app = Flask("host")
    app.config.update(
        SECRET_KEY="the host's secret",
        SQLALCHEMY_DATABASE_URI=os.environ["TEST_DATABASE_URL"],
        TOKENOFFSET_KEYS=generate_key("test"),
        TOKENOFFSET_EMBEDDED_QUEUE=True,
    )
    SQLAlchemy(app)
    TokenOffset(app, user_loader=lambda: None)
    return app


def die_at_commit(engine: Any, number: int, *, after: bool) -> None:
    """End this process with ``kill -9`` at the n-th commit that told a person."""
    seen = 0

    def note(connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("UPDATE tokenoffset_document_notice"):
            connection.info["told"] = True

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def at_commit(connection: Any) -> None:
        nonlocal seen
        if connection.info.pop("told", False):
            seen += 1
            if seen == number and not after:
                die()

    def at_checkin(_connection: Any, _record: Any) -> None:
        if after and seen == number:
            die()

    event.listen(engine, "before_cursor_execute", note)
    event.listen(engine, "commit", at_commit)
    event.listen(engine, "checkin", at_checkin)


def main() -> None:
    """Be the worker that the command line describes."""
    version_id, number, side = sys.argv[1:4]
    document_notices.PEOPLE_PER_CHUNK = PEOPLE_PER_CHUNK  # type: ignore[misc]  # the product's
    app = make_app()
    with app.app_context():
        engine = app.extensions["sqlalchemy"].engine
        die_at_commit(engine, int(number), after=side == "after")
        tell_of_document(version_id)


if __name__ == "__main__":
    main()
