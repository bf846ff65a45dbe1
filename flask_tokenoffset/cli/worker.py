"""``flask tokenoffset worker`` and ``flask tokenoffset tick``: what runs in the background."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, cast

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy.exc import DBAPIError

from flask_tokenoffset.errors import ConfigurationError
from flask_tokenoffset.migrations import runner
from flask_tokenoffset.state import current_state
from flask_tokenoffset.tasks import schedule

if TYPE_CHECKING:
    from flask import Flask


@click.command()
@click.option("--burst", is_flag=True, help="Stop when the queue is empty.")
@click.option(
    "--with-schedule", is_flag=True, help="Also do what «flask tokenoffset tick» does, each minute."
)
@with_appcontext
def worker(burst: bool, with_schedule: bool) -> None:
    """Take jobs from Redis and do them, one at a time: samples, mail, copies, erasures.

    Start as many as you need. SIGTERM ends a worker after its present job; a second one ends it at
    once, and another worker takes the job over.
    """
    # RQ is not loaded for the commands that do without.
    from flask_tokenoffset.tasks.worker import run_worker  # noqa: PLC0415

    state = current_state()
    redis_url = state.settings.redis_url
    if redis_url is None:
        raise ConfigurationError(
            "TOKENOFFSET_REDIS_URL",
            "it is not set, so there is no queue for a worker to take jobs from. Set it to your"
            " Redis. (With TOKENOFFSET_EMBEDDED_QUEUE jobs run in the web process, and no worker is"
            " needed.)",
        )
    state.queue.check()
    app = cast("Flask", current_app._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001
    run_worker(app, redis_url, burst=burst, with_schedule=with_schedule)


@click.command()
@with_appcontext
def tick() -> None:
    """Do what is due now, and end. Let cron or a timer call it every minute.

    Calling it more often, or from several machines, doubles nothing.
    """
    state = current_state()
    report = schedule.run_scheduler(state)
    counts = {name: count for name, count in asdict(report).items() if isinstance(count, int)}
    # Operators search their logs for these words.
    said = {name.replace("enqueued", "handed_to_queue"): count for name, count in counts.items()}
    click.echo(", ".join(f"{name.replace('_', ' ')}: {count}" for name, count in said.items()))
    if report.failed_steps:
        with suppress(DBAPIError):  # It is away, and the log says so.
            if behind := runner.not_current(state.engine):
                raise click.ClickException(behind)
        raise click.ClickException(
            f"Could not {', '.join(report.failed_steps)}. The log says why; the next tick tries"
            " again."
        )


commands = [worker, tick]
