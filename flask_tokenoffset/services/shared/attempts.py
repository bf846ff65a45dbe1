"""Counting attempts, so that nobody can guess, flood or use us to hammer a vendor."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import time
from functools import cached_property
from typing import Final

from limits import RateLimitItemPerHour
from limits.errors import StorageError
from limits.storage import Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

from flask_tokenoffset.errors import TooManyAttempts

logger = logging.getLogger(__name__)

KEY_PREFIX: Final = "tokenoffset"
#: A storage that does not answer in this time counts as down.
STORAGE_TIMEOUT_SECONDS: Final = 2


class AttemptLimiter:
    """Allows so many attempts within any hour, counted apart for each name and subject.

    The counts stand in Redis where there is one, so that all processes share them, and in the
    memory of the process otherwise. A storage that is down lets attempts through and says so in the
    log: the limit guards against abuse, and nobody must be locked out because Redis restarts.

    :param redis_url: where Redis listens; ``None`` counts in memory.
    """

    def __init__(self, redis_url: str | None) -> None:
        self._redis_url = redis_url

    def check(self, name: str, *subject: str, limit_per_hour: int, count: int = 1) -> None:
        """Count an attempt, or refuse it. A refused one does not count.

        :param name: what is attempted, for example ``"key-check"``.
        :param subject: whose attempts are counted together, for example an account's id. Only a
            digest of it is stored.
        :param limit_per_hour: attempts allowed within any 60 minutes.
        :param count: how many attempts this is; they are counted all or not at all.
        :raises TooManyAttempts: the limit is reached; it carries the seconds until the oldest
            attempt no longer counts.
        """
        limit = RateLimitItemPerHour(limit_per_hour, namespace=KEY_PREFIX)
        key = (name, _digest(subject))
        try:
            if self._limiter.hit(limit, *key, cost=count):
                return
            allowed_at = self._limiter.get_window_stats(limit, *key).reset_time
        except StorageError as error:
            logger.warning(
                "Attempts at %s are not limited at the moment, because what counts them does not"
                " answer (%s).",
                name,
                type(error.storage_error).__name__,
            )
            return
        wait_seconds = max(0.0, allowed_at - time.time())
        raise TooManyAttempts(
            f"There were too many attempts within an hour. Try again {_after(wait_seconds)}.",
            # The oldest attempt still counts in the very instant in which the hour is over.
            retry_after_seconds=math.floor(wait_seconds) + 1,
        )

    @cached_property
    def _limiter(self) -> MovingWindowRateLimiter:
        """Made by the first attempt, because the storage in memory starts a thread."""
        return MovingWindowRateLimiter(_storage(self._redis_url))


def _storage(redis_url: str | None) -> Storage:
    if redis_url is None:
        storage = storage_from_string("memory://")
    else:
        storage = storage_from_string(
            redis_url.replace("unix://", "redis+unix://", 1),
            wrap_exceptions=True,
            key_prefix=KEY_PREFIX,
            socket_connect_timeout=STORAGE_TIMEOUT_SECONDS,
            socket_timeout=STORAGE_TIMEOUT_SECONDS,
        )
    if not isinstance(storage, Storage):
        raise TypeError(f"An asynchronous storage ({storage}) cannot be used here.")
    return storage


def _digest(subject: tuple[str, ...]) -> str:
    """A name for the subject that is the same for no other, and tells nobody who it is.

    JSON keeps the parts apart, so that ("a", "b") and ("ab",) are counted apart.
    """
    return hashlib.sha256(json.dumps(subject).encode()).hexdigest()


def _after(seconds: float) -> str:
    minutes = math.ceil(seconds / 60)
    return "in a minute" if minutes <= 1 else f"in {minutes} minutes"
