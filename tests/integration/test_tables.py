"""What tests get in place of ``create_all`` is what ``create_all`` makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import create_engine, inspect, text

from flask_tokenoffset.models import Base
from tests.support.tables import make_tables

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

    from tests.support.databases import MakeDatabase

#: Everything in a PostgreSQL database that has a name: columns, constraints, indexes, triggers.
ON_POSTGRESQL = """
SELECT table_name || '.' || column_name, data_type || is_nullable || coalesce(column_default, '')
    FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conname LIKE '%tokeno%'
UNION ALL SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace
"""
ON_SQLITE = "SELECT name, sql FROM sqlite_master"


def found(engine: Engine) -> list[tuple[str, str]]:
    query = ON_SQLITE if engine.dialect.name == "sqlite" else ON_POSTGRESQL
    with engine.connect() as connection:
        return sorted((str(name), str(what)) for name, what in connection.execute(text(query)))


def compare(one: Engine, other: Engine) -> None:
    Base.metadata.create_all(one)
    make_tables(other)
    assert found(one) == found(other)
    assert len(found(one)) > len(Base.metadata.tables) > 20
    # What is missing is made, and what is there stays.
    table = Base.metadata.sorted_tables[-1]
    table.drop(other)
    make_tables(other)
    assert table.name in inspect(other).get_table_names()
    make_tables(other)
    for engine in (one, other):
        engine.dispose()


def test_the_tables_are_the_same_on_sqlite(tmp_path: Path) -> None:
    urls = [f"sqlite:///{tmp_path / name}" for name in ("one", "other")]
    compare(*map(create_engine, urls))


def test_the_tables_are_the_same_on_postgresql(postgres_database: MakeDatabase) -> None:
    compare(*(create_engine(postgres_database()) for _ in range(2)))
