"""Limits against abuse, counted in Redis."""

from __future__ import annotations

import threading

import pytest
import redis

from flask_tokenoffset.errors import TooManyAttempts
from flask_tokenoffset.services.shared.attempts import AttemptLimiter


def test_processes_share_one_count(redis_url: str) -> None:
    allowed: list[bool] = []
    waits: list[int] = []

    def attempt() -> None:
        limiter = AttemptLimiter(redis_url)  # Its own connection, as another process has.
        for _ in range(5):
            try:
                limiter.check("key-check", "alice", limit_per_hour=7)
            except TooManyAttempts as error:
                waits.append(error.retry_after_seconds)
            else:
                allowed.append(True)

    threads = [threading.Thread(target=attempt) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(allowed), len(waits)) == (7, 13)
    assert all(0 < wait <= 3601 for wait in waits)


@pytest.mark.parametrize("where", ["memory", "redis"])
def test_several_at_once_count_all_or_not_at_all(
    where: str, request: pytest.FixtureRequest
) -> None:
    redis_url = request.getfixturevalue("redis_url") if where == "redis" else None
    limiter = AttemptLimiter(redis_url)
    limiter.check("invitation", "alice", limit_per_hour=10, count=7)
    with pytest.raises(TooManyAttempts):
        limiter.check("invitation", "alice", limit_per_hour=10, count=4)
    limiter.check("invitation", "alice", limit_per_hour=10, count=3)
    with pytest.raises(TooManyAttempts) as refused:
        limiter.check("invitation", "alice", limit_per_hour=10)
    assert 0 < refused.value.retry_after_seconds <= 3601
    limiter.check("invitation", "ben", limit_per_hour=10, count=10)


def test_what_is_counted_goes_away_and_names_nobody(redis_url: str) -> None:
    AttemptLimiter(redis_url).check("key-check", "alice@example.com", limit_per_hour=3)
    with redis.Redis.from_url(redis_url) as client:
        (key,) = client.keys()
        assert key.startswith(b"tokenoffset")
        assert b"alice" not in key
        assert 0 < client.ttl(key) <= 3600


def test_a_storage_that_is_down_lets_through_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    limiter = AttemptLimiter("redis://:not-for-the-log@127.0.0.1:1/0")
    for _ in range(3):
        limiter.check("key-check", "alice", limit_per_hour=1)
    assert "not limited at the moment" in caplog.text
    assert "not-for-the-log" not in caplog.text
