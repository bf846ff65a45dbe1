"""A simulator on a socket, for demos, benchmarks and clients that cannot take a transport."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from werkzeug.serving import WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

# Linger for no time at all: closing the socket then sends a reset instead of a polite end.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
# How soon the server notices that its context has ended.
_POLL_SECONDS = 0.02


class _QuietHandler(WSGIRequestHandler):
    """Writes no line per request: a benchmark or demo has its own output."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


@contextmanager
def serve(application: WSGIApplication, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Answer on a socket in background threads while the context lasts; gives the base URL.

    :param port: 0 takes a free one.
    """

    def resetting(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        # Connection faults surface as OSErrors; on a real socket they have to reset it.
        try:
            yield from application(environ, start_response)
        except OSError:
            connection: socket.socket = environ["werkzeug.socket"]
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            connection.shutdown(socket.SHUT_RD)
            raise ConnectionResetError from None

    server = make_server(host, port, resetting, threaded=True, request_handler=_QuietHandler)
    thread = threading.Thread(
        target=server.serve_forever, args=(_POLL_SECONDS,), name="vendor-simulator", daemon=True
    )
    thread.start()
    try:
        yield f"http://{host}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
