"""A small host application with our state on it, for this process and for workers in others."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, cast

from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from flask_tokenoffset.clock import SystemClock
from flask_tokenoffset.models import Account, Connection, Person, SampleRun, Source, new_id
from flask_tokenoffset.services.shared.attempts import AttemptLimiter
from flask_tokenoffset.settings import Settings
from flask_tokenoffset.state import EXTENSION_KEY, State
from flask_tokenoffset.tasks.embedded import EmbeddedQueue
from flask_tokenoffset.tasks.queue import RedisQueue
from flask_tokenoffset.vault import LocalKeyStore, Vault, generate_key, parse_key_ring
from tests.support.tables import make_tables

if TYPE_CHECKING:
    from uuid import UUID

    from flask_tokenoffset.job_queue import JobQueue
    from flask_tokenoffset.providers import Gateway


def make_app(
    database_url: str, redis_url: str | None = None, *, scheduler_seconds: float = 3600
) -> Flask:
    """An application over an existing, empty database."""
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = database_url
    db = SQLAlchemy(app)
    settings = Settings(
        keys=generate_key("test"), redis_url=redis_url, embedded_queue=redis_url is None
    )
    queue: JobQueue = (
        RedisQueue(redis_url, pause_seconds=0)
        if redis_url
        else EmbeddedQueue(app, scheduler_seconds=scheduler_seconds)
    )
    app.extensions[EXTENSION_KEY] = State(
        settings=settings,
        db=db,
        user_loader=lambda: None,
        url_prefix="/ai",
        clock=SystemClock(),
        vault=Vault(LocalKeyStore(parse_key_ring(cast("str", settings.keys)))),
        # No test here lets a run get as far as a vendor.
        gateway=cast("Gateway", None),
        queue=queue,
        attempts=AttemptLimiter(None),
    )
    with app.app_context():
        make_tables(db.engine)
    return app


def create_app() -> Flask:
    """The application of a worker in another process."""
    return make_app(os.environ["TEST_DATABASE_URL"], os.environ.get("TEST_WORKER_REDIS_URL"))


def add_connection(state: State, *, refresh_offset_seconds: int = 0) -> UUID:
    """An active connection without a credential: a worker that gets to it cancels the run."""
    now = state.clock.now()
    account = Account(id=new_id(), kind="person", created_at=now)
    person = Person(id=new_id(), account_id=account.id, user_key=str(account.id), created_at=now)
    source = Source(
        id=new_id(),
        account_id=account.id,
        kind="sampled",
        label="Acme",
        created_by=person.id,
        created_at=now,
    )
    connection = Connection(
        source_id=source.id,
        account_id=account.id,
        provider="openai",
        status="active",
        key_prefix="sk-adm",
        refresh_offset_seconds=refresh_offset_seconds,
        connected_at=now,
    )
    with state.unit_of_work() as work:
        for row in (account, person, source, connection):
            work.session.add(row)
            work.session.flush()
        return source.id


def add_run(state: State, **values: object) -> UUID:
    """A run of a connection of its own, due now."""
    source_id = add_connection(state)
    now = state.clock.now()
    with state.unit_of_work() as work:
        connection = work.session.get_one(Connection, source_id)
        run = SampleRun(
            **{
                "id": new_id(),
                "account_id": connection.account_id,
                "source_id": source_id,
                "provider": "openai",
                "trigger": "requested",
                "window_start": now.date(),
                "window_end": now.date(),
                "status": "queued",
                "requested_at": now,
                "available_at": now,
            }
            | values
        )
        work.session.add(run)
        return run.id


def read_run(state: State, run_id: UUID) -> SampleRun:
    """The run's row as it stands in the database now."""
    state.session.rollback()
    state.session.expire_all()
    return state.session.get_one(SampleRun, run_id)
