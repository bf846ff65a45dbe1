"""Everything that stands in a Redis database, for tests that look for what must not."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import redis

_READ: Final[Mapping[bytes, tuple[object, ...]]] = {
    b"string": ("GET",),
    b"hash": ("HGETALL",),
    b"list": ("LRANGE", 0, -1),
    b"set": ("SMEMBERS",),
    b"zset": ("ZRANGE", 0, -1),
    b"stream": ("XRANGE", "-", "+"),
}


def everything_in(client: redis.Redis) -> bytes:
    """All keys and values, those that RQ packs also unpacked."""
    found: list[bytes] = []
    for key in client.scan_iter():
        command, *arguments = _READ[ask(client, "TYPE", key)]
        found += [key, *_leaves(ask(client, command, key, *arguments))]
    return b"\n".join([*found, *(opened for value in found for opened in _unpacked(value))])


def ask(client: redis.Redis, *command: object) -> Any:
    """Send a command; redis-py types its answers as whatever any server might say."""
    return client.execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py's own


def _leaves(value: object) -> Iterable[bytes]:
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, Mapping):
        yield from _leaves([*value.keys(), *value.values()])
    elif isinstance(value, Iterable) and not isinstance(value, str):
        for part in value:
            yield from _leaves(part)


def _unpacked(value: bytes) -> Iterable[bytes]:
    """RQ packs a call with zlib, and a traceback with zlib and then Base64."""
    candidates = [value]
    with suppress(binascii.Error):
        candidates.append(base64.b64decode(value, validate=True))
    for candidate in candidates:
        with suppress(zlib.error):
            yield zlib.decompress(candidate)
