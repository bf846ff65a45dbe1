"""Worlds that many tests of a file begin with: prepared once for each process, and then copied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest
from sqlalchemy import insert, select, text

from flask_tokenoffset.models import Base

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import Table

    from flask_tokenoffset.unit_of_work import Task
    from tests.support.world import World


@dataclass(frozen=True)
class _Prepared:
    """What is copied, with the keys that the rows are sealed with."""

    rows: dict[str, list[dict[str, Any]]]
    now: datetime
    keys: str
    run_ids: list[UUID]
    jobs: list[tuple[Task, UUID]]


_prepared: Final[dict[tuple[str, str, str], _Prepared]] = {}


@pytest.fixture
def prepared_world(
    make_world: Callable[..., World], database_url: str
) -> Callable[[Callable[[World], None]], World]:
    """Call it with what to do in a world; it is done once, and its rows are copied after that.

    Nothing but rows, the clock and the queue is copied: no mail may have been sent, and the
    simulators must be as they were. Users sign in anew.
    """

    def make(prepare: Callable[[World], None], **settings: Any) -> World:
        dialect = database_url.partition(":")[0]
        name = (prepare.__module__, prepare.__qualname__, dialect)
        if name not in _prepared:
            world = make_world(database_url, **settings)
            prepare(world)
            assert not world._mailbox.messages, "Mail is not copied."
            _prepared[name] = _Prepared(
                _rows(world),
                world.clock.now(),
                world.app.config["TOKENOFFSET_KEYS"],
                list(world.queue.run_ids),
                list(world.queue.jobs),
            )
            return world
        kept = _prepared[name]
        world = make_world(database_url, TOKENOFFSET_KEYS=kept.keys, **settings)
        world.clock.move_to(kept.now)
        world.queue.run_ids += kept.run_ids
        world.queue.jobs += kept.jobs
        _write(world, kept.rows)
        return world

    return make


def _tables(world: World) -> list[Table]:
    """The host's and ours, what others refer to first."""
    return [*world.state.db.metadata.sorted_tables, *Base.metadata.sorted_tables]


def _rows(world: World) -> dict[str, list[dict[str, Any]]]:
    with world.app.app_context(), world.state.engine.connect() as connection:
        return {
            str(table): [dict(row) for row in connection.execute(select(table)).mappings()]
            for table in _tables(world)
        }


def _write(world: World, rows: dict[str, list[dict[str, Any]]]) -> None:
    with world.app.app_context(), world.state.engine.begin() as connection:
        for table in _tables(world):
            if rows[str(table)]:
                connection.execute(insert(table), rows[str(table)])
        if connection.dialect.name == "postgresql":
            # The host numbers its users, and the next one is new.
            users = "SELECT setval(pg_get_serial_sequence('\"user\"', 'id'), max(id)) FROM \"user\""
            connection.execute(text(users))
