"""What stands in Redis is forgotten by itself, in the time that the rules say."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import redis

from flask_tokenoffset.services.retention.rules import find_rule
from flask_tokenoffset.services.shared.attempts import KEY_PREFIX, AttemptLimiter
from flask_tokenoffset.tasks.queue import RedisQueue
from flask_tokenoffset.unit_of_work import Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World

#: Lists by which RQ finds its jobs: names of queues and ids of jobs, which go with the jobs.
INDEXES = {b"rq:queues", b"rq:queue:tokenoffset"}
SECONDS_PER_DAY = 86_400


@pytest.mark.promise("TO-043")
def test_every_key_of_ours_has_an_end(
    make_world: Callable[..., World], database_url: str, redis_url: str
) -> None:
    world = make_world(
        database_url, TOKENOFFSET_REDIS_URL=redis_url, TOKENOFFSET_EMBEDDED_QUEUE=False
    )
    # Counts attempts: keys that are checked, mails and exports.
    world.ada.settle()
    world.ada.api("GET", "/audit-events.csv")
    world.ben.sample()
    AttemptLimiter(redis_url).check("sign-in", "somebody", limit_per_hour=5)
    queue = RedisQueue(redis_url)
    for task in Task:
        queue.enqueue(task, uuid4())
    with redis.Redis.from_url(redis_url) as client:
        keys = set(client.scan_iter("*")) - INDEXES
        assert any(key.startswith(b"rq:job:") for key in keys)
        assert any(KEY_PREFIX.encode() in key for key in keys)
        for key in keys:
            rule = find_rule("jobs" if key.startswith(b"rq:") else "attempts")
            seconds = client.ttl(key)
            assert isinstance(seconds, int)
            assert 0 < seconds <= (rule.days or 0) * SECONDS_PER_DAY, key
