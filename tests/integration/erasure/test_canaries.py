"""Bar 4: nothing of one, and everything of the others, in raw dumps and everywhere else."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import redis

from flask_tokenoffset.models import TABLE_PREFIX
from flask_tokenoffset.services.shared.attempts import AttemptLimiter
from flask_tokenoffset.state import EXTENSION_KEY, state_of
from tests.integration.people.marking import (
    ADA,
    AGENT,
    BEN,
    FERNHILL,
    REMAINING,
    columns_with,
    mark_world,
    of_others,
    person_of,
    rows_with,
)
from tests.support.canaries import logs_in, tables_of
from tests.support.erasing import ask_for_deletion, erase_when_due, token_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.databases import MakeDatabase
    from tests.support.world import World


def raw(world: World, url: str) -> str:
    """Everything that stands in the database, as its own tools write it out."""
    if url.startswith("postgresql"):
        return tables_of(url)
    with world.app.app_context():
        connection = state_of(world.app).engine.raw_connection()
        try:
            assert isinstance(connection.driver_connection, sqlite3.Connection)
            # The host's own table of users stands beside ours.
            lines = connection.driver_connection.iterdump()
            return "\n".join(line for line in lines if TABLE_PREFIX in line)
        finally:
            connection.close()


def allow_marks_in_what_stays(world: World) -> None:
    """Take the tests' marks out of columns in which the product has words of its own.

    No product code writes a mark there; what is left afterwards is looked for without exception.
    """
    left = columns_with(world, ADA)
    assert left <= REMAINING, left - REMAINING


def count_attempts_in_redis(world: World, redis_url: str) -> None:
    """Have attempts counted in a real Redis."""
    world.app.extensions[EXTENSION_KEY] = replace(world.state, attempts=AttemptLimiter(redis_url))


@pytest.mark.promise("TO-049", "TG-011", "TB-005", "TS-011")
def test_nothing_of_one_is_left_anywhere_and_everything_of_the_other(
    make_world: Callable[..., World],
    postgres_database: MakeDatabase,
    redis_url: str,
    tmp_path: Path,
) -> None:
    url = postgres_database()
    world = make_world(url)
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
        count_attempts_in_redis(world, redis_url)
        mark_world(world)
        # The host's word on the address is taken over with every change.
        world.ada.change_address(f"{ADA}@example.com")
        person_id, account_id = person_of(world, world.ada)
        world.ada.post("/me/address")
        ask_for_deletion(world.ada)
        world.work()
        assert client.keys("*")
        others = of_others(world, person_id, account_id)
        marked = [rows_with(world, mark) for mark in (BEN, FERNHILL)]
        log = tmp_path / "log"
        with logs_in(log):
            erase_when_due(world)
        allow_marks_in_what_stays(world)
        assert AGENT not in raw(world, url)
        address = f"{ADA}@example.com".lower()
        assert address not in raw(world, url).lower()
        assert world.mail.messages[-1].to_address == address
        records = [line for line in log.read_text().splitlines() if "sqlalchemy" not in line]
        assert records
        assert not [line for line in records if ADA.lower() in line.lower()]
        # What counts attempts holds digests, for an hour at most by the server's own clock.
        for key in client.keys("*"):
            assert ADA.encode() not in key
            assert ADA.encode() not in repr(client.dump(key)).encode()
            assert 0 < client.ttl(key) <= 3600
        assert marked == [rows_with(world, mark) for mark in (BEN, FERNHILL)]
        for table, rows in of_others(world, person_id, account_id).items():
            stayed = [row for row in others[table] if row in rows]
            assert stayed == others[table], table


@pytest.mark.promise("TO-049", "TG-011")
def test_the_raw_file_of_sqlite_holds_nothing_either(make_world: Callable[..., World]) -> None:
    world = make_world()
    mark_world(world)
    world.ada.change_address(f"{ADA}@example.com")
    ask_for_deletion(world.ada)
    erase_when_due(world)
    assert world.mail.kinds_to(f"{ADA}@example.com".lower())[-1] == "account-forgotten"
    allow_marks_in_what_stays(world)
    dump = raw(world, "sqlite")
    assert f"{ADA}@example.com".lower() not in dump.lower()
    assert f"{ADA}display_name" not in dump
    assert AGENT not in dump
    assert BEN in dump


def test_the_receipt_says_what_went_and_names_nobody(world: World) -> None:
    mark_world(world)
    ask_for_deletion(world.ada)
    erase_when_due(world)
    assert world.mail.messages
    receipt = world.nobody.api("GET", f"/erasures/{token_of(world)}").get_json()
    assert ADA not in repr(receipt)
    assert ADA not in world.nobody.page(f"/erasures/{token_of(world)}").text
    gone: dict[str, Any] = {each["table"]: each for each in receipt["gone"]}
    assert {"identity", "daily_usage", "plan", "person", "membership"} <= set(gone)
    assert gone["membership"]["outcome"] == "ended"
    assert gone["person"]["outcome"] == "emptied"
    assert all(each["rows"] > 0 for each in gone.values())
    stays = {each["basis"]: each["until"] for each in receipt["stays"]}
    assert stays["proof"] == "2029-12-18T22:00:00Z"
    assert receipt["host"] == "not-asked"
