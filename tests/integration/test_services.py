from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
import redis
from sqlalchemy import create_engine, text

if TYPE_CHECKING:
    from tests.support.databases import MakeDatabase


def scalar(url: str, statement: str) -> object:
    engine = create_engine(url)
    with engine.begin() as connection:
        value: object = connection.execute(text(statement)).scalar()
    engine.dispose()
    return value


def execute(url: str, statement: str) -> None:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(statement.encode())


def test_a_database_url_is_a_working_empty_database(database_url: str) -> None:
    tables = (
        "select count(*) from sqlite_master"
        if database_url.startswith("sqlite")
        else "select count(*) from pg_tables where schemaname = 'public'"
    )
    assert scalar(database_url, tables) == 0


def test_postgres_keeps_its_clock_in_utc(postgres_url: str) -> None:
    assert scalar(postgres_url, "show timezone") == "UTC"


def test_databases_of_one_test_do_not_see_each_other(postgres_database: MakeDatabase) -> None:
    first, second = postgres_database(), postgres_database()
    execute(first, "create table seen (id int)")
    with pytest.raises(psycopg.errors.UndefinedTable):
        execute(second, "select * from seen")


def test_a_template_is_copied_with_its_rows(postgres_database: MakeDatabase) -> None:
    template = postgres_database()
    execute(template, "create table seen as select 7 as id")
    assert scalar(postgres_database(template=template), "select id from seen") == 7


@pytest.mark.parametrize("run", ["first", "second"])
def test_redis_is_empty_for_every_test_and_never_evicts(redis_url: str, run: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        client.set("left-behind", run)
