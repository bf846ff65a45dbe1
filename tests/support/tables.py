"""Our tables in an empty database, without working them out each time.

``create_all`` asks for each table whether it is there and compiles it anew: 70 ms of CPU, as much
as many a test. On SQLite a whole database is copied instead; PostgreSQL gets one prepared script.
"""

from __future__ import annotations

import sqlite3
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import create_engine, create_mock_engine, inspect
from sqlalchemy.pool import StaticPool

from flask_tokenoffset.models import Base

if TYPE_CHECKING:
    from sqlalchemy import Engine


def make_tables(engine: Engine) -> None:
    """Make the tables of ours that are not there yet.

    :param engine: of an SQLite or PostgreSQL database.
    """
    there = set(inspect(engine).get_table_names())
    if there >= set(Base.metadata.tables):
        return
    if there:
        Base.metadata.create_all(engine)
    elif engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            _empty_database().backup(cast("Any", connection.connection.dbapi_connection))
    else:
        with engine.connect() as connection:
            # Not through SQLAlchemy, which takes one statement and its parameters.
            connection.connection.cursor().execute(_script())
            connection.connection.commit()


@cache
def _empty_database() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
    Base.metadata.create_all(engine)
    return connection


@cache
def _script() -> str:
    statements: list[str] = []

    def note(statement: Any, *_arguments: Any, **_named: Any) -> None:
        statements.append(str(statement.compile(dialect=engine.dialect)))

    engine = create_mock_engine("postgresql+psycopg://", note)
    Base.metadata.create_all(engine, checkfirst=False)
    # The driver wants each percent sign twice where parameters follow, and none do.
    return ";\n".join(statements).replace("%%", "%")
