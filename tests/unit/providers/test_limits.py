"""A vendor that does not stop is stopped. Real sockets, on loopback."""

from __future__ import annotations

import gzip
import socket
import threading
import time as real_time
import zlib
from contextlib import contextmanager
from itertools import repeat
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from flask_tokenoffset.errors import MalformedAnswer, VendorUnavailable
from flask_tokenoffset.outbound.bodies import inflated
from flask_tokenoffset.providers import Limits
from tests.unit.providers.test_transport import ToLoopback
from tests.unit.providers.vendors import ANTHROPIC, FIRST_DAY, OPENAI, Vendor, opened, window_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


@contextmanager
def raw_server(speak: Callable[[Callable[[bytes], None]], None]) -> Iterator[int]:
    """A server that reads a request and then says whatever it likes, byte by byte."""
    stop = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)

    def send_to(connection: socket.socket) -> Callable[[bytes], None]:
        def send(data: bytes) -> None:
            if stop.is_set():
                raise OSError("The test is over.")
            connection.sendall(data)

        return send

    def serve() -> None:
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            with connection:
                try:
                    connection.recv(65_536)
                    speak(send_to(connection))
                except OSError:
                    pass  # The client has had enough, which is the point.

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        stop.set()
        thread.join()
        listener.close()


def drip(pieces: Iterator[bytes] | repeat[bytes], pause_seconds: float) -> Any:
    def speak(send: Callable[[bytes], None]) -> None:
        for piece in pieces:
            send(piece)
            real_time.sleep(pause_seconds)

    return speak


def read_for_real(vendor: Vendor, port: int, limits: Limits) -> None:
    transport = ToLoopback(port)
    with opened(vendor, transport, limits=limits, monotonic=real_time.monotonic) as client:
        client.check(FIRST_DAY)


def test_the_documented_limits_hold_unless_said_otherwise() -> None:
    limits = Limits()
    assert (limits.connect_seconds, limits.read_seconds, limits.call_seconds) == (5, 30, 120)
    assert (limits.body_bytes, limits.pages, limits.attempts) == (10_000_000, 1_000, 5)


def test_the_time_outs_are_handed_to_the_transport(vendor: Vendor) -> None:
    seen: list[dict[str, float]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.extensions["timeout"])
        return httpx.Response(200, json=vendor.one_day(request))

    with opened(vendor, answer) as client:
        list(client.usage(window_of(1)))
    assert seen == [{"connect": 5.0, "read": 30.0, "write": 30.0, "pool": 30.0}]


def test_a_body_without_end_is_cut_off(vendor: Vendor) -> None:
    sent = 0

    def speak(send: Callable[[bytes], None]) -> None:
        nonlocal sent
        send(HEAD + b"\r\n")
        while True:
            send(b" " * 65_536)
            sent += 65_536

    with (
        raw_server(speak) as port,
        pytest.raises(MalformedAnswer, match="more than 1,000,000 bytes"),
    ):
        read_for_real(vendor, port, Limits(body_bytes=1_000_000))
    # Not much beyond the limit ever left the server: what fits into the sockets' buffers.
    assert sent < 20_000_000


def test_a_gzip_bomb_is_noticed_before_it_goes_off(vendor: Vendor) -> None:
    squeezer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(squeezer.compress(b" " * 1_000_000) for _ in range(300)) + squeezer.flush()
    assert len(bomb) < 400_000  # of 300 MB

    def speak(send: Callable[[bytes], None]) -> None:
        send(HEAD + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(bomb) + bomb)

    with (
        raw_server(speak) as port,
        pytest.raises(MalformedAnswer, match="more than 10,000,000 bytes"),
    ):
        read_for_real(vendor, port, Limits())


def test_a_bomb_is_never_inflated_beyond_the_limit() -> None:
    bomb = gzip.compress(b"x" * 50_000_000)
    sizes: list[int] = []
    with pytest.raises(MalformedAnswer):
        sizes.extend(map(len, inflated(iter([bomb]), "gzip", limit_bytes=1_000, title="Somebody")))
    assert sum(sizes) <= 1_000


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (b"not gzip at all", "gzip"),
        # The time within would name the test anew in every process.
        (gzip.compress(b"{}", mtime=0)[:8] + b"\xff" * 40, "gzip"),
        (b"", "br"),
    ],
)
def test_compression_that_is_broken_or_unasked_is_refused(content: bytes, encoding: str) -> None:
    with pytest.raises(MalformedAnswer):
        list(inflated(iter([content]), encoding, limit_bytes=1_000, title="Somebody"))


def test_empty_blocks_without_end_are_counted_on_the_wire() -> None:
    squeezer = zlib.compressobj(wbits=31)
    head = squeezer.compress(b"{") + squeezer.flush(zlib.Z_SYNC_FLUSH)
    empty = b"\x00\x00\x00\xff\xff"  # a stored block of nothing

    def chunks() -> Iterator[bytes]:
        yield head
        yield from repeat(empty * 100)

    with pytest.raises(MalformedAnswer, match="more than 10,000 bytes"):
        list(inflated(chunks(), "gzip", limit_bytes=10_000, title="Somebody"))


def test_an_answer_that_fits_the_limit_exactly_is_read() -> None:
    for encoding, content in (("identity", b"x" * 100), ("gzip", gzip.compress(b"x" * 100))):
        pieces = inflated(iter([content]), encoding, limit_bytes=100, title="Somebody")
        assert b"".join(pieces) == b"x" * 100
        with pytest.raises(MalformedAnswer):
            list(inflated(iter([content]), encoding, limit_bytes=99, title="Somebody"))


SLOW = Limits(call_seconds=0.4, attempts=5)


@pytest.mark.parametrize("vendor", [ANTHROPIC, OPENAI], ids=lambda vendor: vendor.name)
@pytest.mark.parametrize(
    "pieces",
    [
        # One byte of the body at a time: each comes well within the read time-out.
        lambda: iter([HEAD + b"\r\n", *repeat(b" ", 1_000)]),
        # One byte of the headers at a time: there is no answer yet to look at a clock for.
        lambda: iter([HEAD, *repeat(b"x", 1_000)]),
        # Chunk extensions: bytes that belong neither to the headers nor to the body.
        lambda: iter([HEAD + b"transfer-encoding: chunked\r\n\r\n1;", *repeat(b"x", 1_000)]),
    ],
    ids=["body", "headers", "chunk extension"],
)
def test_a_slow_drip_ends_with_the_whole_calls_time(
    vendor: Vendor, pieces: Callable[[], Iterator[bytes]]
) -> None:
    began = real_time.monotonic()
    with (
        raw_server(drip(pieces(), 0.02)) as port,
        pytest.raises(VendorUnavailable, match=r"took longer than 0\.4 seconds"),
    ):
        read_for_real(vendor, port, SLOW)
    assert real_time.monotonic() - began < 3.0


def test_a_vendor_that_says_nothing_times_out(vendor: Vendor) -> None:
    limits = Limits(read_seconds=0.05, attempts=2)
    with (
        raw_server(drip(iter([b"", *repeat(b"", 10)]), 0.05)) as port,
        pytest.raises(VendorUnavailable, match="did not answer in time"),
    ):
        read_for_real(vendor, port, limits)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{",
        b"nonsense\r\n\r\n",
    ],
    ids=["closed", "cut body", "cut chunk", "no HTTP"],
)
def test_an_answer_that_breaks_off_is_a_vendor_out_of_reach(vendor: Vendor, said: bytes) -> None:
    with (
        raw_server(lambda send: send(said)) as port,
        pytest.raises(VendorUnavailable, match="could not be reached, or broke the connection"),
    ):
        read_for_real(vendor, port, Limits(attempts=2))


def test_no_thread_is_left_behind(vendor: Vendor) -> None:
    body = b'{"data": [], "has_more": false, "id": "x", "name": null}'
    answer = HEAD + b"connection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    with raw_server(lambda send: send(answer)) as port:
        before = threading.active_count()
        read_for_real(vendor, port, Limits())
        assert threading.active_count() == before
