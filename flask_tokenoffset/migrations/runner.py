"""Runs our migrations on an engine: one process at a time, in one transaction, all or nothing.

Alembic is imported inside the functions, so that only a migration command pays for it.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Literal

from sqlalchemy import text
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.pool import SingletonThreadPool, StaticPool

from flask_tokenoffset.errors import ConfigurationError
from flask_tokenoffset.migrations import VERSION_TABLE, is_ours
from flask_tokenoffset.models import Base, UTCDateTime

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from alembic.config import Config
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory
    from sqlalchemy import Connection, Engine
    from sqlalchemy.exc import DBAPIError

#: Where our migrations stand.
VERSIONS: Final = Path(__file__).with_name("versions")
#: The name under which ``env.py`` finds its connection in ``config.attributes``.
CONNECTION: Final = "connection"
#: Seconds to wait until another process has finished migrating.
TURN_SECONDS: Final = 120
#: Seconds to wait for a table that is in use. Every later query on the table queues up behind a
#: waiting migration, so it gives way soon.
TABLE_SECONDS: Final = 10
#: The number of our advisory lock on PostgreSQL: the first eight bytes of "tokenoffset".
ADVISORY_LOCK: Final = int.from_bytes(b"tokenoff", "big")

#: Alembic keeps the migration under way in variables of the whole process.
_one_at_a_time = Lock()


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring our tables up to a revision. Does nothing where they are there already.

    :param engine: of the database that holds our tables.
    :param revision: the last migration to run.
    :raises ConfigurationError: if the database is neither PostgreSQL nor SQLite.
    """
    from alembic import command  # noqa: PLC0415 - only a migration command pays for Alembic

    with _locked(engine) as connection:
        command.upgrade(_config(connection), revision)


def downgrade(engine: Engine, revision: str) -> None:
    """Take our tables back to a revision. What newer columns and tables held is lost.

    :param engine: of the database that holds our tables.
    :param revision: the last migration to keep; ``"base"`` drops every table of ours but the
        (then empty) version table.
    :raises ConfigurationError: if the database is neither PostgreSQL nor SQLite.
    """
    from alembic import command  # noqa: PLC0415 - only a migration command pays for Alembic

    with _locked(engine) as connection:
        command.downgrade(_config(connection), revision)


def current(engine: Engine) -> str | None:
    """The last of our migrations that ran on a database, or None if none has.

    :param engine: of the database that holds our tables.
    """
    with engine.connect() as connection:
        revision: str | None = _context(connection).get_current_revision()
        return revision


@cache
def head() -> str:
    """The newest migration of this release."""
    revision = _scripts().get_current_head()
    if revision is None:  # pragma: no cover - the package is shipped with its migrations
        raise RuntimeError("flask-tokenoffset is installed without its migrations; reinstall it.")
    return revision


def is_current(engine: Engine) -> bool:
    """Whether a database stands exactly where this release expects it; for a health check.

    :param engine: of the database that holds our tables.
    """
    return current(engine) == head()


def not_current(engine: Engine) -> str | None:
    """Say that a database is not where this release expects it, and the cure; None if it is.

    :param engine: of the database that holds our tables.
    """
    at = current(engine)
    if at == head():
        return None
    return (
        f"The tables of flask-tokenoffset are at {at or 'base'}, and this release needs {head()}."
        " Run «flask tokenoffset db upgrade», or install the release that belongs to the tables."
    )


def explain(engine: Engine, error: DBAPIError) -> str | None:
    """Say the cure if a statement failed because our migrations did not run.

    :param engine: of the database that holds our tables.
    :param error: how the statement failed.
    """
    # PostgreSQL and SQLite call a missing table by different names. Any other failure is left
    # alone: a database that is away would only be waited for once more.
    named = OperationalError if engine.dialect.name == "sqlite" else ProgrammingError
    return not_current(engine) if isinstance(error, named) else None


def check(engine: Engine) -> list[str]:
    """How the tables in a database differ from the models; nothing if they do not.

    :param engine: of the database that holds our tables.
    :returns: one line for each difference, worded as the migration that would mend it.
    """
    from alembic.autogenerate import produce_migrations, render_python_code  # noqa: PLC0415 - as above

    with engine.connect() as connection:
        context = _context(connection)
        changes = produce_migrations(context, Base.metadata).upgrade_ops
        if changes is None or changes.is_empty():
            return []
        code = render_python_code(changes, migration_context=context)
    return [line.strip() for line in code.splitlines() if not line.strip().startswith("#")]


def draft(engine: Engine, message: str, *, revision: str, folder: Path = VERSIONS) -> None:
    """Write the migration that makes the models' tables out of the present ones.

    For developers who change a model; the file is to be read and tidied before it is committed.

    :param engine: of a scratch database that is at the newest migration.
    :param message: what the migration does, in a few words.
    :param revision: its number, for example ``0002``.
    :param folder: where the file goes.
    """
    from alembic import command  # noqa: PLC0415 - as above

    with _locked(engine) as connection:
        config = _config(connection)
        places = os.pathsep.join(str(place).replace("%", "%%") for place in {VERSIONS, folder})
        config.set_main_option("version_locations", places)
        command.revision(config, message, rev_id=revision, autogenerate=True, version_path=folder)


def configure_options(connection: Connection) -> Mapping[str, Any]:
    """How Alembic is to look at the database: our tables only, our version table only.

    :param connection: to the database that holds our tables.
    """
    return {
        "target_metadata": Base.metadata,
        "version_table": VERSION_TABLE,
        "include_name": _only_ours,
        "compare_type": True,
        "render_item": _render_plain_types,
        # SQLite alters a table by making it anew; PostgreSQL must not.
        "render_as_batch": connection.dialect.name == "sqlite",
    }


def _only_ours(name: str | None, type_: str, _parent_names: Mapping[str, str | None]) -> bool:
    return type_ != "table" or is_ours(name)


def _render_plain_types(kind: str, item: object, _context: object) -> str | Literal[False]:
    # A migration must mean the same when our own types have changed or gone.
    if kind == "type" and isinstance(item, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def _config(connection: Connection | None = None) -> Config:
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", "flask_tokenoffset:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes[CONNECTION] = connection
    return config


def _scripts() -> ScriptDirectory:
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - as above

    return ScriptDirectory.from_config(_config())


def _context(connection: Connection) -> MigrationContext:
    from alembic.migration import MigrationContext  # noqa: PLC0415 - as above

    return MigrationContext.configure(connection, opts=dict(configure_options(connection)))


@contextmanager
def _locked(engine: Engine) -> Iterator[Connection]:
    """A connection in a transaction during which nobody else migrates our tables."""
    begin = {"postgresql": _locked_postgresql, "sqlite": _locked_sqlite}.get(engine.dialect.name)
    if begin is None:
        raise ConfigurationError(
            "SQLALCHEMY_DATABASE_URI",
            f"the tables of flask-tokenoffset cannot live in {engine.dialect.name}: they need"
            " partial unique indexes and a lock for migrations. Use PostgreSQL or SQLite, if need"
            " be in a database of its own (TOKENOFFSET_BIND_KEY).",
        )
    with _one_at_a_time, begin(engine) as connection:
        yield connection


@contextmanager
def _locked_postgresql(engine: Engine) -> Iterator[Connection]:
    # The lock belongs to the transaction, so it is right behind a connection pooler too and never
    # outlives a killed process. Whatever the host set, each statement must see what the process
    # that held the lock before has committed: under REPEATABLE READ the version table would look
    # as it did when the waiting began, and in autocommit there would be no lock at all.
    with (
        engine.connect().execution_options(isolation_level="READ COMMITTED") as connection,
        connection.begin(),
    ):
        connection.execute(text(f"SET LOCAL lock_timeout = '{TURN_SECONDS}s'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        connection.execute(text(f"SET LOCAL lock_timeout = '{TABLE_SECONDS}s'"))
        yield connection


@contextmanager
def _locked_sqlite(engine: Engine) -> Iterator[Connection]:
    # With foreign keys on, making a table anew deletes the rows that refer to it, and the switch
    # is deaf inside a transaction. So it is thrown first, and the transaction is begun by hand
    # because Python's driver would put it off until the first INSERT.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        _leave_transaction(connection)
        with _foreign_keys_off(connection):
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {TURN_SECONDS * 1000}")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                # SQLite may have rolled back by itself, and then it refuses to do so again.
                with suppress(OperationalError):
                    connection.exec_driver_sql("ROLLBACK")
                raise
            connection.exec_driver_sql("COMMIT")


def _leave_transaction(connection: Connection) -> None:
    """Let SQLAlchemy think that it has begun, and the database that nobody has.

    SQLAlchemy's own recipe for SQLite has a host send BEGIN whenever a connection begins, even in
    autocommit. After this it does not begin again until the connection is closed.
    """
    connection.begin()
    with suppress(OperationalError):  # Without the recipe there is nothing to end.
        connection.exec_driver_sql("ROLLBACK")


@contextmanager
def _foreign_keys_off(connection: Connection) -> Iterator[None]:
    """Switch SQLite's foreign keys off, and see that no such connection gets back to the pool."""
    before = {
        name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
        for name in ("foreign_keys", "busy_timeout")
    }
    connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        if isinstance(connection.engine.pool, StaticPool | SingletonThreadPool):
            # An in-memory database: closing its connection would be the end of it.
            for name, value in before.items():
                connection.exec_driver_sql(f"PRAGMA {name} = {value}")
        else:
            connection.invalidate()
