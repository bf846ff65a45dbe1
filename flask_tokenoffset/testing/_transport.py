"""The simulators behind an ``httpx`` client, in the same process and without a socket."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NoReturn

import httpx

from .faults import ConnectTimedOut

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._simulator import Simulator


class SimulatorTransport(httpx.BaseTransport):
    """Hand requests to a simulator, and turn dropped connections into ``httpx``'s own errors."""

    def __init__(self, simulator: Simulator) -> None:
        self._wsgi = httpx.WSGITransport(app=simulator)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request, within the request's own read time-out."""
        allowed_seconds = request.extensions.get("timeout", {}).get("read")
        began = time.monotonic()
        try:
            response = self._wsgi.handle_request(request)
        except OSError as error:
            _raise_as_httpx(error, request)
        if allowed_seconds is not None and time.monotonic() - began > allowed_seconds:
            raise httpx.ReadTimeout("the simulated vendor was too slow", request=request)
        assert isinstance(response.stream, httpx.SyncByteStream)  # noqa: S101 - what WSGI gives
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=_Stream(response.stream, request),
        )


class _Stream(httpx.SyncByteStream):
    def __init__(self, stream: httpx.SyncByteStream, request: httpx.Request) -> None:
        self._stream = stream
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._stream
        except OSError as error:
            _raise_as_httpx(error, self._request)

    def close(self) -> None:
        self._stream.close()


def _raise_as_httpx(error: OSError, request: httpx.Request) -> NoReturn:
    kinds: list[tuple[type[OSError], type[httpx.RequestError]]] = [
        (ConnectTimedOut, httpx.ConnectTimeout),
        (TimeoutError, httpx.ReadTimeout),
        (ConnectionResetError, httpx.ReadError),
        # A refused connection and a certificate that does not fit both end before a request.
        (OSError, httpx.ConnectError),
    ]
    kind = next(ours for theirs, ours in kinds if isinstance(error, theirs))
    raise kind(str(error), request=request) from error
