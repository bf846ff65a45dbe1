"""The simulators behind an ``httpx`` client, in the same process and without a socket."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NoReturn

import httpx

from flask_tokenoffset.testing.simulators.faults import ConnectTimedOut

if TYPE_CHECKING:
    from collections.abc import Iterator
    from wsgiref.types import WSGIApplication


class SimulatorTransport(httpx.BaseTransport):
    """Hand requests to a simulator, and turn dropped connections into ``httpx``'s own errors.

    :param simulator: a simulator, as the WSGI application it is.
    """

    def __init__(self, simulator: WSGIApplication) -> None:
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


class LoopbackTransport(httpx.BaseTransport):
    """Send every request to one base URL, whichever host it was meant for.

    A client that insists on ``https`` and the vendor's own host can so talk to a simulator that is
    served on a socket of this machine.

    :param base_url: what :meth:`Simulator.serve` gave.
    """

    def __init__(self, base_url: str) -> None:
        self._base_url = httpx.URL(base_url)
        self._inner = httpx.HTTPTransport(trust_env=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request, its Host header untouched."""
        base = self._base_url
        request.url = request.url.copy_with(scheme=base.scheme, host=base.host, port=base.port)
        return self._inner.handle_request(request)

    def close(self) -> None:
        """Close the connections kept open."""
        self._inner.close()


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
