"""``flask tokenoffset db``: our tables, beside the host's ``flask db``."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from flask.cli import AppGroup
from sqlalchemy.exc import OperationalError

from flask_tokenoffset.migrations import runner
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def _sentence_if_blocked() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        raise click.ClickException(
            f"The database did not let the migration through: {error.orig} Nothing was changed."
            " If a lock or a time-out stood in the way, another migration or a long transaction"
            " is under way: run the command again when it is over."
        ) from error


@click.group(cls=AppGroup, short_help="Create and change our tables, never the host's.")
def db() -> None:
    """Create and change the tables of flask-tokenoffset (never the host's)."""


@db.command()
@click.argument("revision", default="head")
def upgrade(revision: str) -> None:
    """Bring the tables up to REVISION (the newest without one).

    Safe to run by several replicas at once, and again and again.
    """
    engine = current_state().engine
    with _sentence_if_blocked():
        runner.upgrade(engine, revision)
    click.echo(f"The tables are at {runner.current(engine)}.")


@db.command()
@click.argument("revision")
@click.confirmation_option(
    prompt="What newer tables and columns hold will be lost. Go on?", help="Do not ask."
)
def downgrade(revision: str) -> None:
    """Take the tables back to REVISION ("base" drops them all)."""
    engine = current_state().engine
    with _sentence_if_blocked():
        runner.downgrade(engine, revision)
    click.echo(f"The tables are at {runner.current(engine) or 'base: there are none'}.")


@db.command()
def current() -> None:
    """Say where the tables are. Fails if that is not where this release needs them."""
    if behind := runner.not_current(current_state().engine):
        raise click.ClickException(behind)
    click.echo(f"The tables are at {runner.head()}, as this release needs them.")


@db.command()
def check() -> None:
    """Compare the tables with the models. Fails if they differ."""
    differences = runner.check(current_state().engine)
    if differences:
        raise click.ClickException(
            "The tables are not as this release needs them. Run «flask tokenoffset db upgrade»;"
            " if that does not help, somebody changed them by hand. What is missing:\n"
            + "\n".join(f"  {difference}" for difference in differences)
        )
    click.echo("The tables are as the models describe them.")
