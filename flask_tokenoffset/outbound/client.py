"""The transport of every call that leaves, and the only module that knows httpx.

What may not leave is refused below httpx's client, in the transport: a request that is not allowed
opens no socket, also where a test or a partner hands in a transport of their own.
"""

from __future__ import annotations

import functools
import importlib.metadata
import logging
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple, Self, TypeAlias

import httpx

from flask_tokenoffset.errors import EndpointNotAllowed, OutboundDisabled, ProviderError
from flask_tokenoffset.outbound.bodies import inflated
from flask_tokenoffset.outbound.limits import CallDeadline, Limits
from flask_tokenoffset.outbound.quiet import http_libraries_silent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

logger = logging.getLogger(__name__)

#: What may carry requests in place of the network; named here so that nobody else needs httpx.
Transport: TypeAlias = httpx.BaseTransport
Request: TypeAlias = httpx.Request


class Call(NamedTuple):
    """A request that is about to leave.

    :param method: upper case.
    :param host: the host name; a port that is not the scheme's own stands after it.
    :param path: as it is sent: a percent-encoded twin of an allowed path is another path.
    :param address: scheme, host and path.
    """

    method: str
    host: str
    path: str
    address: str


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """What came back; nothing of it is shown where it stands in a local variable.

    :param status: the HTTP status.
    :param headers: found by lower-case name.
    :param body: decompressed; ``None`` where the status is an error and it could not be read.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes | None


class NoAnswer(Exception):
    """Nobody answered; the text continues a sentence after the name of who was asked."""


class OutboundHTTP:
    """Sends requests that are allowed, within limits, and follows no redirect.

    Use it as a context manager.

    :param title: the name of who is asked, for messages.
    :param allow: told of each request just before it leaves; raises
        :exc:`~flask_tokenoffset.errors.EndpointNotAllowed` where it may not.
    :param limits: how far who is asked may go.
    :param transport: carries the requests in place of the network, for tests.
    :param keeps_open: leaves a transport that was passed in open for others.
    :param outbound: ``False`` refuses every call (``TOKENOFFSET_OUTBOUND``).
    :param monotonic: measures how long a call takes, in seconds.
    """

    def __init__(
        self,
        title: str,
        allow: Callable[[Call], None],
        *,
        limits: Limits,
        transport: Transport | None = None,
        keeps_open: bool = False,
        outbound: bool = True,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.title = title
        self.limits = limits
        self._outbound = outbound
        self._monotonic = monotonic
        self._deadline = CallDeadline()
        inner = transport or httpx.HTTPTransport(verify=True, trust_env=False, retries=0)
        keeps_open = keeps_open and transport is not None
        self._client = httpx.Client(
            transport=_Gate(allow, inner, keeps_open=keeps_open),
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(limits.read_seconds, connect=limits.connect_seconds),
            headers={
                "accept": "application/json",
                "accept-encoding": "gzip",
                "user-agent": user_agent(),
            },
        )

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connection."""
        with http_libraries_silent():
            self._client.close()

    def require_outbound(self) -> None:
        """Refuse where nothing may leave.

        :raises OutboundDisabled: calls are switched off.
        """
        if not self._outbound:
            raise OutboundDisabled(
                "All outbound calls are switched off here (TOKENOFFSET_OUTBOUND), so nothing was"
                " sent. Whoever runs this site can switch them on."
            )

    def send(
        self,
        method: str,
        url: str,
        *,
        ends_at: float,
        parameters: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        authorize: Callable[[Request], Request] | None = None,
    ) -> Answer:
        """The answer to one request, whatever its status.

        :param method: upper case.
        :param url: where to.
        :param ends_at: when its time is up, on the clock that measures calls.
        :param parameters: the query, as pairs; a name may repeat.
        :param headers: besides those of every request.
        :param content: the body.
        :param authorize: puts a secret on the request that leaves, so that no frame's local
            variable holds it.
        :raises NoAnswer: none came in time, or the connection broke.
        :raises OutboundDisabled: calls are switched off.
        :raises EndpointNotAllowed: the request may not leave.
        :raises MalformedAnswer: it is too long, or compressed in a way that cannot be read.
        """
        self.require_outbound()
        seconds = max(ends_at - self._monotonic(), 0.001)
        try:
            with http_libraries_silent(), self._deadline.running(seconds):
                request = self._client.build_request(
                    method,
                    url,
                    params=list(parameters) or None,
                    headers=headers,
                    content=content,
                    extensions={"trace": self._deadline.trace},
                )
                return self._exchange(request, authorize, ends_at)
        except httpx.TimeoutException:
            fault = "did not answer in time"
        except httpx.HTTPError:
            fault = "could not be reached, or broke the connection off"
        except (ProviderError, NoAnswer):
            raise
        except BaseException as error:  # noqa: BLE001  # raised again at once
            # For example a worker's time limit. The frames of the HTTP libraries hold the request's
            # headers, so they must not reach code that reports the error with local variables.
            raise error.with_traceback(None) from None
        # Raised out here, the error has no context: the frames below end with it.
        raise self._too_slow() if self._deadline.expired else NoAnswer(fault)

    def _exchange(
        self, request: Request, authorize: Callable[[Request], Request] | None, ends_at: float
    ) -> Answer:
        began = self._monotonic()
        response = self._client.send(request, auth=authorize, stream=True)
        try:
            status = response.status_code
            # Neither query nor body is logged, on the way out or back.
            call = _call_of(request)
            seconds = self._monotonic() - began
            logger.debug(
                "%s %s answered %d after %.3f s", call.method, call.address, status, seconds
            )
            return Answer(status, response.headers, self._body(response, ends_at))
        finally:
            response.close()

    def _body(self, response: httpx.Response, ends_at: float) -> bytes | None:
        if response.status_code == HTTPStatus.OK:
            return self._read(response, self.limits.body_bytes, ends_at)
        try:
            return self._read(response, self.limits.error_body_bytes, ends_at)
        except (httpx.HTTPError, ProviderError, NoAnswer):
            return None  # Whatever is wrong with the body of a refusal, it is still that refusal.

    def _read(self, response: httpx.Response, limit_bytes: int, ends_at: float) -> bytes:
        """The body, decompressed piece by piece, so a bomb is noticed before it goes off."""
        if response.is_stream_consumed:
            # A transport that returns finished answers, as httpx.MockTransport does.
            chunks, encoding = iter((response.content,)), "identity"
        else:
            chunks = response.iter_raw()
            encoding = response.headers.get("content-encoding", "identity").strip().lower()
        pieces: list[bytes] = []
        for piece in inflated(chunks, encoding, limit_bytes=limit_bytes, title=self.title):
            if self._monotonic() >= ends_at:
                raise self._too_slow()
            pieces.append(piece)
        if self._deadline.expired:
            # The cut itself looks like the end of a body that did not say how long it is.
            raise self._too_slow()
        return b"".join(pieces)

    def _too_slow(self) -> NoAnswer:
        return NoAnswer(f"took longer than {self.limits.call_seconds:g} seconds to answer")


class _Gate(httpx.BaseTransport):
    """Lets only what is allowed through to the transport that opens sockets."""

    def __init__(
        self, allow: Callable[[Call], None], inner: Transport, *, keeps_open: bool
    ) -> None:
        self._allow = allow
        self._inner = inner
        self._keeps_open = keeps_open

    def handle_request(self, request: Request) -> httpx.Response:
        call = _call_of(request)
        if request.url.userinfo:
            raise EndpointNotAllowed(
                f"{call.method} {call.address} has a name in its address, so nothing was sent."
            )
        self._allow(call)
        return self._inner.handle_request(request)

    def close(self) -> None:
        if not self._keeps_open:
            self._inner.close()


def _call_of(request: Request) -> Call:
    url = request.url
    host = url.netloc.decode("ascii")
    path = url.raw_path.partition(b"?")[0].decode("ascii")
    return Call(request.method, host, path, f"{url.scheme}://{host}{path}")


def address_of(url: str) -> str:
    """An address without its query, as a :class:`Call` has it.

    :param url: the address as it stands in a setting or an answer.
    """
    return _call_of(Request("GET", url)).address


@functools.cache
def user_agent() -> str:
    """The product and its version, as vendors ask integrations to say."""
    return f"flask-tokenoffset/{importlib.metadata.version('flask-tokenoffset')}"
