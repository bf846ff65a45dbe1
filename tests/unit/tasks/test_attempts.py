"""Limits against abuse, counted in memory."""

from __future__ import annotations

from datetime import timedelta

import pytest
from freezegun import freeze_time

from flask_tokenoffset.errors import TooManyAttempts
from flask_tokenoffset.services.shared.attempts import AttemptLimiter


def attempt(limiter: AttemptLimiter, *subject: str, name: str = "key-check") -> bool:
    try:
        limiter.check(name, *subject, limit_per_hour=3)
    except TooManyAttempts:
        return False
    return True


def test_the_limit_holds_and_names_the_seconds_to_wait() -> None:
    limiter = AttemptLimiter(None)
    with freeze_time("2026-11-22 08:00:00") as time:
        for _ in range(3):
            assert attempt(limiter, "alice")
            time.tick(timedelta(minutes=10))
        with pytest.raises(TooManyAttempts, match="in 30 minutes") as refused:
            limiter.check("key-check", "alice", limit_per_hour=3)
        assert refused.value.retry_after_seconds == 30 * 60 + 1


def test_attempts_are_allowed_again_to_the_second() -> None:
    limiter = AttemptLimiter(None)
    with freeze_time("2026-11-22 08:00:00") as time:
        assert [attempt(limiter, "alice") for _ in range(4)] == [True, True, True, False]
        with pytest.raises(TooManyAttempts) as refused:
            limiter.check("key-check", "alice", limit_per_hour=3)
        time.tick(timedelta(seconds=refused.value.retry_after_seconds - 1))
        assert not attempt(limiter, "alice")
        time.tick(timedelta(seconds=1))
        assert attempt(limiter, "alice")


def test_a_refused_attempt_does_not_prolong_the_wait() -> None:
    limiter = AttemptLimiter(None)
    with freeze_time("2026-11-22 08:00:00") as time:
        for _ in range(20):
            attempt(limiter, "alice")
        time.tick(timedelta(hours=1, seconds=1))
        assert attempt(limiter, "alice")


def test_others_and_other_names_are_counted_apart() -> None:
    limiter = AttemptLimiter(None)
    while attempt(limiter, "alice", "x"):
        pass
    assert attempt(limiter, "bob", "x")
    assert attempt(limiter, "alicex")
    assert attempt(limiter, "alice", "x", name="export")
    assert attempt(AttemptLimiter(None), "alice", "x")
