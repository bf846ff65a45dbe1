# ruff: noqa: INP001 - Alembic runs it as a file
"""Runs Fernhill's migrations for ``flask db``."""

from __future__ import annotations

from alembic import context
from flask import current_app

state = current_app.extensions["migrate"]
engine = state.db.engine


def run() -> None:
    """Migrate the database the application uses."""
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=state.db.metadata,
            render_as_batch=engine.dialect.name == "sqlite",
            # What Migrate(...) was given: the filter for the extension's tables is among it.
            **{
                key: value
                for key, value in state.configure_args.items()
                if key != "render_as_batch"
            },
        )
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    raise SystemExit("Fernhill's migrations need a database: leave --sql out.")
run()
