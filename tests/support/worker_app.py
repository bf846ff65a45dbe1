"""A host for real worker processes: its vendors answer in the process, and it can be stopped dead.

``flask --app tests.support.worker_app:create_app tokenoffset worker`` reads what it is to be from
the environment. At a **fault point** a worker leaves a mark with its process id and waits until the
test lets it go on, or kills it. Nothing of this is in the product: the first two points stand in
the transport that carries requests, the third in an event of SQLAlchemy's.
"""

from __future__ import annotations

import itertools
import os
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
from flask import Flask, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event

from flask_tokenoffset import TokenOffset
from flask_tokenoffset.host.users import HostUser
from flask_tokenoffset.services.member_plans import bulk_worker
from flask_tokenoffset.services.sampling import runs as sampling
from flask_tokenoffset.services.sampling import weekly_schedule
from flask_tokenoffset.state import EXTENSION_KEY, state_of
from flask_tokenoffset.testing import AnthropicSimulator, OpenAISimulator
from tests.support.tables import make_tables

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Where a run may be struck, by name, and the request before which it waits there, if any.
FAULT_POINTS: Final[Mapping[str, int | None]] = {
    # Its row is claimed, and the vendor has not been asked yet.
    "claimed": 1,
    # Some pages of the first report are read and held in memory.
    "page-read": 3,
    # Every row is written in the transaction, which is not committed.
    "before-commit": None,
}
#: Where a change to many plans may be struck: its first chunk is committed, its second is not.
SECOND_CHUNK: Final = "second-chunk"
#: In place of the product's thousand, so that a test need not make thousands of members.
TARGETS_PER_CHUNK: Final = 50
#: A Friday morning, so that neither a month nor a weekly refresh is about to begin.
START: Final = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
#: In place of the product's, so that a test need not wait for minutes.
SHORT_LEASE: Final = timedelta(seconds=2)
SHORT_QUEUE_PATIENCE: Final = timedelta(seconds=1)


class ShiftedClock:
    """Runs as fast as the real one, from a given instant on; the same in every process of a test.

    :param started: seconds since the epoch at which it showed :data:`START`.
    """

    def __init__(self, started: float) -> None:
        self._started = started

    def now(self) -> datetime:
        return START + timedelta(seconds=time.time() - self._started)

    def today(self) -> date:
        return self.now().date()


class FaultPoint:
    """Where the first process that comes by waits.

    :param folder: shared with the test.
    """

    def __init__(self, folder: Path) -> None:
        self._mark = folder / "reached"
        self._release = folder / "release"

    def reach(self) -> None:
        """Wait here, unless a person was here before."""
        try:
            with self._mark.open("x") as mark:
                mark.write(str(os.getpid()))
        except FileExistsError:
            return
        while not self._release.exists():
            time.sleep(0.02)


class StoppingTransport(httpx.BaseTransport):
    """Hands requests on, and reaches a fault point before the n-th of them.

    :param before: the number of that request, counted from 1.
    """

    def __init__(self, inner: httpx.BaseTransport, point: FaultPoint, before: int) -> None:
        self._inner = inner
        self._point = point
        self._before = before
        self._count = 0

    def handle_request(self, sent: httpx.Request) -> httpx.Response:
        self._count += 1
        if self._count == self._before:
            self._point.reach()
        return self._inner.handle_request(sent)


def stop_before_commit(db: SQLAlchemy, point: FaultPoint, number: int = 1) -> None:
    """Reach a fault point when a transaction that wrote an estimate is about to be committed.

    :param number: which of these transactions, counted from 1.
    """
    seen = itertools.count(1)

    def note(connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("INSERT INTO tokenoffset_estimate "):
            connection.info["wrote_estimate"] = True

    def stop(connection: Any) -> None:
        if connection.info.pop("wrote_estimate", False) and next(seen) == number:
            point.reach()

    event.listen(db.engine, "before_cursor_execute", note)
    event.listen(db.engine, "commit", stop)


def create_app() -> Flask:
    """The application that the environment describes."""
    given = os.environ
    short = replace(sampling.RUNS, lease=SHORT_LEASE)
    sampling.RUNS = short  # type: ignore[misc]  # it is the product's constant
    weekly_schedule.QUEUE_PATIENCE = SHORT_QUEUE_PATIENCE  # type: ignore[misc]  # as above
    bulk_worker.TARGETS_PER_CHUNK = TARGETS_PER_CHUNK  # type: ignore[misc]  # as above
    return make_app(
        database_url=given["TEST_DATABASE_URL"],
        redis_url=given["TEST_WORKER_REDIS_URL"],
        keys=given["TEST_KEYS"],
        started=float(given["TEST_STARTED"]),
        fault_point=given.get("TEST_FAULT_POINT"),
        fault_folder=Path(given["TEST_FAULT_FOLDER"]),
    )


def make_app(
    *,
    database_url: str,
    redis_url: str,
    keys: str,
    started: float,
    fault_folder: Path,
    fault_point: str | None = None,
) -> Flask:
    """A host whose signed-in user is named by a header.

    :param started: what the clock is shifted by; see :class:`ShiftedClock`.
    :param fault_point: one of :data:`FAULT_POINTS`, or :data:`SECOND_CHUNK`.
    """
    app = Flask("host")
    clock = ShiftedClock(started)
    first_day = START.date() - timedelta(days=200)
    transports: dict[str, httpx.BaseTransport] = {
        simulator.name: simulator.transport()
        for simulator in (
            AnthropicSimulator(today=clock.today, history=first_day),
            OpenAISimulator(today=clock.today, history=first_day),
        )
    }
    point = FaultPoint(fault_folder)
    before = FAULT_POINTS.get(fault_point) if fault_point else None
    if before is not None:
        transports = {
            name: StoppingTransport(inner, point, before) for name, inner in transports.items()
        }
    app.config.update(
        SECRET_KEY="the host's secret",
        SQLALCHEMY_DATABASE_URI=database_url,
        TOKENOFFSET_KEYS=keys,
        TOKENOFFSET_REDIS_URL=redis_url,
        TOKENOFFSET_HTTP_TRANSPORTS=transports,
    )
    db = SQLAlchemy(app)
    TokenOffset(app, user_loader=_named_in_header)
    app.extensions[EXTENSION_KEY] = replace(state_of(app), clock=clock)
    with app.app_context():
        make_tables(db.engine)
        if fault_point == "before-commit":
            stop_before_commit(db, point)
        if fault_point == SECOND_CHUNK:
            stop_before_commit(db, point, number=2)
    return app


def _named_in_header() -> HostUser | None:
    name = request.headers.get("X-User")
    return HostUser(key=name, name=name) if name else None
