"""Fresh databases for tests: the fixtures around :mod:`tests.support.services`.

A server is started by the first test that asks for it, once for each test process, and stopped when
that process ends. Tests that ask for none start none.

A database is empty, except in a test that makes worlds: there every table stands already. It is
lent out: the rows of a test are deleted and the next test gets it, which takes a quarter of what
another one takes. A database goes to nobody else if a test changed more than rows.
"""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING, Any, NoReturn, Protocol
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import redis
from psycopg import sql

from tests.support.services import ServiceUnavailableError, postgres_server, redis_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

REDIS_DATABASES = 16  # Redis' own default.

#: Changes with every object that is made, changed or dropped, and with nothing else.
_SHAPE = """
    SELECT
        (SELECT (count(*), max(xmin::text::bigint))::text FROM pg_class),
        (SELECT (count(*), max(xmin::text::bigint))::text FROM pg_attribute),
        (SELECT (count(*), max(xmin::text::bigint))::text FROM pg_constraint),
        (SELECT (count(*), max(xmin::text::bigint))::text FROM pg_trigger),
        (SELECT (count(*), max(xmin::text::bigint))::text FROM pg_proc),
        (SELECT count(*) FROM pg_db_role_setting)
"""
_IS_SMALL_AND_QUIET = """
    SELECT pg_database_size(current_database()) < 24 * 1024 * 1024
        AND 1 = (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database())
"""
#: As a replica, so that no foreign key and no trigger of ours objects.
_EMPTYING = """
    DO $$
    DECLARE each regclass;
    BEGIN
        SET LOCAL session_replication_role = replica;
        FOR each IN
            SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
        LOOP
            EXECUTE format('DELETE FROM %s', each);
        END LOOP;
        PERFORM setval(oid::regclass, 1, false) FROM pg_class
        WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace;
    END $$
"""


class MakeDatabase(Protocol):
    """Creates a PostgreSQL database and returns its URL."""

    def __call__(self, *, template: str | None = None) -> str:
        """Create one, empty or as a copy.

        :param template: the URL of a database to copy; nobody may be connected to it.
        """
        ...


class Services:
    """The servers of one test process, each started when its URL is first asked for."""

    def __init__(self) -> None:
        self._running: dict[str, tuple[AbstractContextManager[str], str]] = {}
        self._template: str | None = None
        self._used: list[str] = []
        self._shape: tuple[Any, ...] | None = None

    @property
    def postgres_url(self) -> str:
        """URL of the server's maintenance database."""
        return self._url("PostgreSQL", postgres_server)

    @property
    def redis_url(self) -> str:
        """URL of the database that the tests of this process may empty."""
        url = urlsplit(self._url("Redis", redis_server))
        first = int(url.path.strip("/") or 0)
        return urlunsplit(url._replace(path=f"/{(first + _worker_number()) % REDIS_DATABASES}"))

    @property
    def template_of_worlds(self) -> str:
        """URL of a database with every table and nothing in them."""
        if self._template is None:
            from tests.support.world import World  # pytest loads this module before the tests

            self._template = _Databases(self.postgres_url).create()
            World(self._template).close()
        return self._template

    def lend(self) -> str:
        """URL of a database with every table and nothing in them."""
        while self._used:
            url = self._used.pop()
            if self._empty(url):
                return url
        return _Databases(self.postgres_url).create(template=self.template_of_worlds)

    def take_back(self, url: str) -> None:
        """Keep a lent database for a later test; its world may still be connected to it."""
        self._used.append(url)

    def _empty(self, url: str) -> bool:
        """Delete all rows of a database; returns false where more than rows has changed."""
        if self._shape is None:
            with _connect(self.template_of_worlds) as connection:
                self._shape = connection.execute(_SHAPE).fetchone()
        with _connect(url) as connection:
            if connection.execute(_SHAPE).fetchone() != self._shape:
                return False
            if connection.execute(_IS_SMALL_AND_QUIET).fetchone() != (True,):
                return False
            connection.execute(_EMPTYING)
        return True

    def _url(self, name: str, start: Callable[[], AbstractContextManager[str]]) -> str:
        if name not in self._running:
            server = start()
            try:
                self._running[name] = (server, server.__enter__())
            except ServiceUnavailableError as error:
                _refuse_to_go_on(f"{name} is missing. {error}")
        return self._running[name][1]

    def stop(self) -> None:
        """Stop what was started."""
        while self._running:
            _, (server, _) = self._running.popitem()
            server.__exit__(None, None, None)


def _refuse_to_go_on(reason: str) -> NoReturn:
    """End the run: skipped, the tests that matter most would look as if they had passed."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        # A worker cannot end the run, and its reason would be lost if it tried.
        pytest.fail(reason, pytrace=False)
    pytest.exit(reason, returncode=pytest.ExitCode.USAGE_ERROR)


def _worker_number() -> int:
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


def _at(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


class _Databases:
    """Creates databases on one server and remembers them until they are dropped."""

    _numbers = itertools.count(1)

    def __init__(self, url: str) -> None:
        self.url = url
        self._names: list[str] = []

    def create(self, *, template: str | None = None) -> str:
        name = f"tokenoffset_test_{os.getpid()}_{next(self._numbers)}"
        source = urlsplit(template).path.strip("/") if template else "template0"
        self._execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(source)
            )
        )
        self._names.append(name)
        return _at(self.url, name)

    def drop(self) -> None:
        while self._names:
            name = sql.Identifier(self._names.pop())
            self._execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))

    def _execute(self, statement: sql.Composed) -> None:
        with _connect(self.url) as connection:
            connection.execute(statement)


def _connect(url: str) -> psycopg.Connection[tuple[Any, ...]]:
    return psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True)


@pytest.fixture(scope="session")
def services() -> Iterator[Services]:
    """The real servers, started lazily."""
    servers = Services()
    yield servers
    servers.stop()


@pytest.fixture(scope="module")
def postgres_url_of_module(services: Services) -> Iterator[str]:
    """A database that the tests of a module share, because none of them changes anything."""
    databases = _Databases(services.postgres_url)
    yield databases.create()
    databases.drop()


#: Whoever asks for one of these may be given a database with every table in it.
_LENDING = frozenset({"make_world", "tables_may_be_there"})


@pytest.fixture
def tables_may_be_there() -> None:
    """Say that a test's databases need not be empty of tables, only of rows.

    They are lent then, which takes a tenth of the time.
    """


@pytest.fixture
def postgres_database(services: Services, request: pytest.FixtureRequest) -> Iterator[MakeDatabase]:
    """Call it for a database of the test's own; call it again for another one."""
    databases = _Databases(services.postgres_url)
    lent: list[str] = []

    def create(*, template: str | None = None) -> str:
        if template is not None or _LENDING.isdisjoint(request.fixturenames):
            return databases.create(template=template)
        lent.append(services.lend())
        return lent[-1]

    yield create
    databases.drop()
    for url in lent:
        services.take_back(url)


@pytest.fixture(scope="session")
def postgres_url(services: Services) -> Iterator[str]:
    """A database that all tests of this process share, empty at first.

    Right for a test that leaves nothing behind, and as the template of ``postgres_database``.
    """
    databases = _Databases(services.postgres_url)
    yield databases.create()
    databases.drop()


@pytest.fixture
def redis_url(services: Services) -> Iterator[str]:
    """An empty Redis database, emptied again afterwards."""
    with redis.Redis.from_url(services.redis_url) as client:
        client.flushdb()
        yield services.redis_url
        client.flushdb()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh database without rows; the test runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'test.sqlite'}"
    make_database: MakeDatabase = request.getfixturevalue("postgres_database")
    return make_database()
