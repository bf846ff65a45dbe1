"""A process that works on an erasure until it is stopped dead, for tests of what it leaves behind.

python -m tests.support.erasure_worker <id of the erasure> [<step to wait in>]
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from flask_tokenoffset import TokenOffset
from flask_tokenoffset.services.erasures import steps as erasure_steps
from flask_tokenoffset.services.erasures import worker as erasure_worker
from flask_tokenoffset.services.erasures.steps import Erasing, Step
from flask_tokenoffset.state import EXTENSION_KEY, state_of
from flask_tokenoffset.tasks.erasing import erase
from flask_tokenoffset.vault import generate_key
from tests.support.world import HeldQueue

#: How long a lease lasts here.
SHORT: Final = timedelta(seconds=1)


def host_app(database_url: str) -> Flask:
    """A host over a database, in which no job runs by itself."""
    app = Flask("host")
    app.config.update(
        SECRET_KEY="the host's secret",
        SQLALCHEMY_DATABASE_URI=database_url,
        TOKENOFFSET_KEYS=generate_key("test"),
        TOKENOFFSET_EMBEDDED_QUEUE=True,
    )
    SQLAlchemy(app)
    TokenOffset(app, user_loader=lambda: None)
    app.extensions[EXTENSION_KEY] = replace(state_of(app), queue=HeldQueue())
    return app


def wait_in(step: Step, folder: Path) -> None:
    """Have a step, once it has done its work and before that is committed, wait to be killed."""
    whole = erasure_steps.STEPS[step]

    def wait(under_way: Erasing) -> None:
        whole(under_way)
        under_way.work.session.flush()
        (folder / "reached").touch()
        time.sleep(600)

    erasure_steps.STEPS[step] = wait


def main() -> None:
    """Be the worker that the environment describes."""
    short = replace(erasure_worker.ERASURES, lease=SHORT, first_wait=SHORT)
    erasure_worker.ERASURES = short  # type: ignore[misc]  # the product's constant
    if len(sys.argv) > 2:
        wait_in(Step(sys.argv[2]), Path(os.environ["TEST_FOLDER"]))
    with host_app(os.environ["TEST_DATABASE_URL"]).app_context():
        erase(sys.argv[1])


if __name__ == "__main__":
    main()
