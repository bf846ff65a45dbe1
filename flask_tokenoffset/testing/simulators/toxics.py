"""Trouble below HTTP: a proxy on loopback that spoils connections on their way.

The toxics are named as Toxiproxy names them. Put the proxy between a simulator and a client::

    with simulator.serve() as base_url, ToxicProxy(base_url) as proxy:
        proxy.toxic = toxics.reset_peer(after_bytes=500)
        client = httpx.Client(transport=proxy.transport())
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple, TypeAlias
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    import httpx

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_READ_BYTES = 65_536
_END_OF_HEADERS = b"\r\n\r\n"


class Wire(NamedTuple):
    """One connection's way back to the client.

    :param chunks: what the vendor sends, until it closes.
    :param client: where it goes.
    :param pause: waits some seconds, or less if the proxy is stopped.
    """

    chunks: Iterator[bytes]
    client: socket.socket
    pause: Callable[[float], object]


Toxic: TypeAlias = Callable[[Wire], None]


def _pass_on(wire: Wire) -> None:
    for chunk in wire.chunks:
        wire.client.sendall(chunk)


def _pass_on_first(wire: Wire, after_bytes: int) -> None:
    for chunk in wire.chunks:
        wire.client.sendall(chunk[:after_bytes])
        after_bytes -= len(chunk)
        if after_bytes <= 0:
            return


def _reset_on_close(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)


def down() -> Toxic:
    """Every connection is reset as soon as it asks for something."""
    return lambda wire: _reset_on_close(wire.client)


def latency(seconds: float) -> Toxic:
    """The answer starts late."""

    def toxic(wire: Wire) -> None:
        wire.pause(seconds)
        _pass_on(wire)

    return toxic


def bandwidth(bytes_a_second: int) -> Toxic:
    """The answer comes at a limited rate."""
    return slicer(max(1, bytes_a_second // 20), 0.05)


def slicer(slice_bytes: int = 100, pause_seconds: float = 0.001) -> Toxic:
    """The answer comes in small slices."""

    def toxic(wire: Wire) -> None:
        for chunk in wire.chunks:
            for at in range(0, len(chunk), slice_bytes):
                wire.client.sendall(chunk[at : at + slice_bytes])
                wire.pause(pause_seconds)

    return toxic


def slow_close(seconds: float) -> Toxic:
    """The connection stays open for a while after the answer."""

    def toxic(wire: Wire) -> None:
        _pass_on(wire)
        wire.pause(seconds)

    return toxic


def timeout(seconds: float, *, after_bytes: int = 0) -> Toxic:
    """The answer stops, mid-body if ``after_bytes`` says so, and the connection closes later."""

    def toxic(wire: Wire) -> None:
        if after_bytes:
            _pass_on_first(wire, after_bytes)
        wire.pause(seconds)

    return toxic


def reset_peer(*, after_bytes: int = 0) -> Toxic:
    """The connection is reset, mid-body if ``after_bytes`` says so."""

    def toxic(wire: Wire) -> None:
        if after_bytes:
            _pass_on_first(wire, after_bytes)
        # What was sent must arrive before the reset overtakes it.
        wire.pause(0.05)
        _reset_on_close(wire.client)

    return toxic


def limit_data(after_bytes: int) -> Toxic:
    """The connection closes politely after so many bytes."""
    return lambda wire: _pass_on_first(wire, after_bytes)


class ToxicProxy:
    """A TCP proxy on loopback, for one request a connection, as the served simulators take them.

    :param base_url: the served simulator it stands before.
    """

    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        self._upstream = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._stopped = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._accept, name="toxic-proxy", daemon=True)
        #: What spoils the connections made from now on; ``None`` for nothing.
        self.toxic: Toxic | None = None

    @property
    def base_url(self) -> str:
        """Where the proxy listens."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def transport(self) -> httpx.BaseTransport:
        """An ``httpx`` transport that sends every request through the proxy."""
        from flask_tokenoffset.testing.simulators.transport import LoopbackTransport  # noqa: PLC0415 - httpx only where it is used

        return LoopbackTransport(self.base_url)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stopped.set()
        # Closing a listening socket does not wake a thread in accept() everywhere; a visit does.
        with contextlib.suppress(OSError):
            socket.create_connection(self._listener.getsockname()).close()
        self._thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            client, _ = self._listener.accept()
            threading.Thread(target=self._relay, args=(client, self.toxic), daemon=True).start()

    def _relay(self, client: socket.socket, toxic: Toxic | None) -> None:
        # A client that has had enough hangs up, and that is the end of it.
        with client, contextlib.suppress(OSError):
            request = b""
            while _END_OF_HEADERS not in request:
                received = client.recv(_READ_BYTES)
                if not received:
                    return
                request += received
            with socket.create_connection(self._upstream) as vendor:
                vendor.sendall(request)
                chunks = iter(lambda: vendor.recv(_READ_BYTES), b"")
                (toxic or _pass_on)(Wire(chunks, client, self._stopped.wait))
