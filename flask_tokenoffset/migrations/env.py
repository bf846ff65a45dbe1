"""What Alembic runs for every command. :mod:`flask_tokenoffset.migrations.runner` starts it.

The connection, already in its locked transaction, comes from the runner. Logging is left as the
host set it up: Alembic's usual ``fileConfig`` would switch off loggers that exist already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import context

from flask_tokenoffset.migrations.runner import CONNECTION, configure_options

if TYPE_CHECKING:
    from sqlalchemy import Connection

connection: Connection = context.config.attributes[CONNECTION]
context.configure(connection=connection, **configure_options(connection))
with context.begin_transaction():
    context.run_migrations()
