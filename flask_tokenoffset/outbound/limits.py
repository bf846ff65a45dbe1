"""How far who is asked may go, and the limit that needs a watch of its own: the whole of a call."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_CONNECTED: Final = frozenset({"connection.connect_tcp.complete", "connection.start_tls.complete"})


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a vendor or an identity provider may go.

    :param connect_seconds: to open a connection.
    :param read_seconds: between two pieces of an answer.
    :param call_seconds: for one call with all its attempts and waits.
    :param body_bytes: of one answer, after decompression.
    :param error_body_bytes: of an answer that is an error; the rest is not looked at.
    :param pages: of one report.
    :param attempts: of one call, the first included.
    :param max_wait_seconds: slept during one call, all waits together. A vendor that asks for
        more gets its wish from the scheduler: ``RateLimited`` is raised.
    """

    connect_seconds: float = 5.0
    read_seconds: float = 30.0
    call_seconds: float = 120.0
    body_bytes: int = 10_000_000
    error_body_bytes: int = 64 * 1024
    pages: int = 1_000
    attempts: int = 5
    max_wait_seconds: float = 20.0


class CallDeadline:
    """Shuts the socket of the call that is under way once its time is up.

    A read time-out starts anew with every byte, so a server that sends one byte every few
    seconds, in the headers or in the body, could hold a worker for days.

    It learns of the socket through httpx's documented ``trace`` extension, so with a transport
    that opens none (a test's) it does nothing and starts no thread.
    """

    def __init__(self) -> None:
        self._stream: Any = None
        self._seconds = 0.0
        self._timer: threading.Timer | None = None
        self.expired = False

    @contextmanager
    def running(self, seconds: float) -> Iterator[None]:
        """Limit everything inside the block.

        :param seconds: how long the call may still take.
        """
        self.expired = False
        self._seconds = seconds
        try:
            yield
        finally:
            if self._timer is not None:
                self._timer.cancel()
                # A cut that is just under way must not strike the next call's connection.
                self._timer.join()
                self._timer = None

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Hear what the connection does; given to httpx as a request's ``trace`` extension.

        :param event: httpcore's name for what happened.
        :param info: what belongs to it; for a connection made, the stream as ``return_value``.
        """
        if event in _CONNECTED:
            # A connection that is kept open is announced only once, hence remembered.
            self._stream = info["return_value"]
        elif event.endswith("send_request_headers.started") and self._timer is None:
            self._timer = threading.Timer(self._seconds, self._cut)
            self._timer.daemon = True
            self._timer.start()

    def _cut(self) -> None:
        self.expired = True
        connection = self._stream.get_extra_info("socket") if self._stream is not None else None
        if connection is not None:
            with suppress(OSError):  # It may have ended by itself in this very moment.
                connection.shutdown(socket.SHUT_RDWR)
