"""Everything a world keeps, as it lies in its stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import redis

from tests.support.canaries import tables_of

if TYPE_CHECKING:
    from tests.support.world import World

_OF_HOST = 'INSERT INTO "user"'


def raw_dump(world: World) -> str:
    """All that stands in our tables of a world, as text."""
    with world.app.app_context():
        engine = world.state.engine
        if engine.dialect.name != "sqlite":
            world.state.session.commit()
            return tables_of(engine.url.render_as_string(hide_password=False))
        connection: Any = engine.raw_connection().driver_connection
        return "\n".join(each for each in connection.iterdump() if not each.startswith(_OF_HOST))


def redis_dump(redis_url: str) -> str:
    """Every key in Redis with its value as Redis serializes it."""
    with redis.Redis.from_url(redis_url) as client:
        return "\n".join(f"{key!r} {client.dump(key)!r}" for key in client.scan_iter())
