"""``flask tokenoffset db``: our tables, beside the host's ``flask db``."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from flask.cli import AppGroup
from sqlalchemy.exc import OperationalError

from flask_tokenoffset.errors import ConfigurationError
from flask_tokenoffset.migrations import runner
from flask_tokenoffset.state import State, current_state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine


def engine_of(state: State) -> Engine:
    """The engine of the database that holds our tables.

    :param state: of the application whose context is active.
    :raises ConfigurationError: if ``TOKENOFFSET_BIND_KEY`` names no bind of the host's.
    """
    bind_key = state.settings.bind_key
    engine = state.db.engines.get(bind_key)
    if engine is None:
        raise ConfigurationError(
            "TOKENOFFSET_BIND_KEY",
            f"SQLALCHEMY_BINDS has no bind {bind_key!r}, so there is no database for the tables."
            " Add the bind or remove the setting.",
        )
    return engine


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


@click.group(cls=AppGroup)
def db() -> None:
    """Create and change the tables of flask-tokenoffset (never the host's)."""


@db.command()
@click.argument("revision", default="head")
def upgrade(revision: str) -> None:
    """Bring the tables up to REVISION (the newest without one).

    Safe to run by several replicas at once, and again and again.
    """
    engine = engine_of(current_state())
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
    engine = engine_of(current_state())
    with _sentence_if_blocked():
        runner.downgrade(engine, revision)
    click.echo(f"The tables are at {runner.current(engine) or 'base: there are none'}.")


@db.command()
def current() -> None:
    """Say where the tables are. Fails if that is not where this release needs them."""
    at, head = runner.current(engine_of(current_state())), runner.head()
    if at != head:
        raise click.ClickException(
            f"The tables are at {at or 'base'}, and this release needs {head}. Run «flask"
            " tokenoffset db upgrade», or install the release that belongs to the tables."
        )
    click.echo(f"The tables are at {at}, as this release needs them.")


@db.command()
def check() -> None:
    """Compare the tables with the models. Fails if they differ."""
    differences = runner.check(engine_of(current_state()))
    if differences:
        raise click.ClickException(
            "The tables are not as this release needs them. Run «flask tokenoffset db upgrade»;"
            " if that does not help, somebody changed them by hand. What is missing:\n"
            + "\n".join(f"  {difference}" for difference in differences)
        )
    click.echo("The tables are as the models describe them.")
