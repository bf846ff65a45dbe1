"""The one HTTP client, and the only module that knows httpx or reveals a key.

Every call a key is used for goes through :class:`VendorHTTP`. What it refuses, it refuses below
the client, in the transport: a request that is not on the exact list opens no socket, also where
a test or a partner hands in a transport of their own.
"""

from __future__ import annotations

import functools
import importlib.metadata
import logging
import random as random_numbers
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NamedTuple, Self, TypeAlias

import httpx

from flask_tokenoffset.clock import SystemClock
from flask_tokenoffset.errors import (
    EndpointNotAllowed,
    OutboundDisabled,
    ProviderError,
    RateLimited,
    VendorUnavailable,
)
from flask_tokenoffset.providers.answers import (
    REDACTED,
    clean_text,
    clean_vendor_message,
    decode_json,
    inflated,
    vendor_message_in,
)
from flask_tokenoffset.providers.failures import failure_for, unreachable
from flask_tokenoffset.providers.limits import CallDeadline, Limits
from flask_tokenoffset.providers.quiet import http_libraries_silent
from flask_tokenoffset.providers.retry import (
    back_off_seconds,
    requested_wait_seconds,
    unsaid_wait_seconds,
)

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Generator, Mapping, Sequence
    from types import TracebackType

    from flask_tokenoffset.clock import Clock
    from flask_tokenoffset.providers.base import Endpoint
    from flask_tokenoffset.vault import Secret

logger = logging.getLogger(__name__)

#: What may carry requests in place of the network; named here so that nobody else needs httpx.
Transport: TypeAlias = httpx.BaseTransport

_HTTPS_PORT: Final = 443
_LONGEST_KEY_PIECE: Final = 6


class SentCall(NamedTuple):
    """One request that passed the allow-list, as an observer sees it; no query, no header."""

    provider_name: str
    method: str
    host: str
    path: str


#: Called with every request that leaves, just before it does. This package registers none; its
#: test suite does, to prove over all its tests that exactly the documented calls are made.
_observers: list[Callable[[SentCall], None]] = []


def key_matches(key: Secret, pattern: re.Pattern[str]) -> bool:
    """Whether the whole of a key has a given form; the key's text never leaves this line.

    :param key: the key to look at.
    :param pattern: matched against all of it.
    """
    return pattern.fullmatch(key.reveal()) is not None


class KeyAuth(httpx.Auth):
    """Puts the key on the outgoing request, where no frame's local variable holds it.

    :param key: stays sealed in its wrapper until the header is set.
    :param header: the header the vendor reads.
    :param scheme: what stands before the key there, for example ``"Bearer "``.
    """

    def __init__(self, key: Secret, header: str, scheme: str) -> None:
        self._key = key
        self._header = header
        self._scheme = scheme

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Set the header; httpx calls this for each request."""
        request.headers[self._header] = self._scheme + self._key.reveal()
        yield request

    def take_out(self, text: str) -> str:
        """A text without any word that holds a telling piece of the key.

        :param text: words of a vendor, who may repeat the key it refuses.
        """
        return " ".join(REDACTED if self._is_in(word) else word for word in text.split(" "))

    def _is_in(self, word: str) -> bool:
        # Six characters are shown on our own pages; from seven on it is a leak.
        length = _LONGEST_KEY_PIECE + 1
        return any(
            word[start : start + length] in self._key.reveal()
            for start in range(len(word) - length + 1)
        )


class VendorHTTP:
    """Reads JSON from one vendor with one key: exact endpoints, limits, retries.

    Use it as a context manager. A provider's ``open`` tells it the vendor's ways
    (:meth:`introduce`); until then it refuses to send anything.

    :param provider_name: the provider's stable name.
    :param endpoints: the only calls that may be made.
    :param key: revealed only to set the header of a request that leaves.
    :param transport: carries the requests in place of the network, for tests; the allow-list
        stands before it all the same.
    :param clock: says what time it is, for instants in a vendor's headers.
    :param sleep: waits for a number of seconds.
    :param random: gives numbers from 0 up to 1, for jitter.
    :param monotonic: measures how long a call takes, in seconds.
    :param outbound: ``False`` refuses every call (``TOKENOFFSET_OUTBOUND``).
    :param should_continue: called before each attempt; raises to stop the work there.
    :param limits: how far a vendor may go.
    """

    def __init__(
        self,
        provider_name: str,
        endpoints: Sequence[Endpoint],
        key: Secret,
        *,
        transport: Transport | None = None,
        clock: Clock | None = None,
        sleep: Callable[[float], object] = time.sleep,
        random: Callable[[], float] = random_numbers.random,
        monotonic: Callable[[], float] = time.monotonic,
        outbound: bool = True,
        should_continue: Callable[[], None] | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self.title = provider_name
        self._key = key
        self._auth: KeyAuth | None = None
        self._clock = clock or SystemClock()
        self._sleep = sleep
        self._random = random
        self._monotonic = monotonic
        self._outbound = outbound
        self._should_continue = should_continue
        self._deadline = CallDeadline()
        if transport is None:
            transport = httpx.HTTPTransport(verify=True, trust_env=False, retries=0)
        self._client = httpx.Client(
            transport=_AllowListTransport(provider_name, endpoints, transport),
            trust_env=False,
            follow_redirects=False,
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

    def introduce(
        self, *, title: str, key_header: str, key_scheme: str = "", headers: Mapping[str, str]
    ) -> None:
        """Learn a vendor's ways.

        :param title: the vendor's name, for messages.
        :param key_header: the header that carries the key.
        :param key_scheme: what stands before the key in it.
        :param headers: fixed headers of every request.
        """
        self.title = title
        self._auth = KeyAuth(self._key, key_header, key_scheme)
        self._client.headers.update(headers)

    def get_json(self, endpoint: Endpoint, parameters: Sequence[tuple[str, str]] = ()) -> object:
        """The decoded answer of one call, after as many attempts as it takes and is allowed.

        :param endpoint: one of the promised calls.
        :param parameters: the query, as pairs; a name may repeat.
        :raises ProviderError: the kind that fits; a transient one only after the last attempt.
        """
        if not self._outbound:
            raise OutboundDisabled(
                "All calls to vendors are switched off here (TOKENOFFSET_OUTBOUND), so nothing was"
                " sent. Whoever runs this site can switch them on."
            )
        ends_at = self._monotonic() + self.limits.call_seconds
        patience_seconds = self.limits.max_wait_seconds
        attempt = 1
        while True:
            if self._should_continue is not None:
                self._should_continue()
            failure: ProviderError
            try:
                return decode_json(self._attempt(endpoint, parameters, ends_at), self.title)
            except RateLimited as limited:
                failure, wait_seconds = limited, limited.retry_after_seconds or 0.0
            except VendorUnavailable as unavailable:
                failure = unavailable
                wait_seconds = back_off_seconds(attempt, self._random())
            patience_seconds -= wait_seconds
            too_late = self._monotonic() + wait_seconds >= ends_at
            if attempt >= self.limits.attempts or patience_seconds < 0 or too_late:
                raise failure
            self._sleep(wait_seconds)
            attempt += 1

    def _attempt(
        self, endpoint: Endpoint, parameters: Sequence[tuple[str, str]], ends_at: float
    ) -> bytes:
        """One request and the whole body of its answer."""
        remaining_seconds = max(ends_at - self._monotonic(), 0.001)
        fault = ""
        try:
            with http_libraries_silent(), self._deadline.running(remaining_seconds):
                return self._exchange(endpoint, parameters, ends_at)
        except httpx.TimeoutException:
            fault = "did not answer in time"
        except httpx.HTTPError:
            fault = "could not be reached, or broke the connection off"
        except ProviderError:
            raise
        except BaseException as error:  # noqa: BLE001  # raised again at once
            # For example a worker's time limit. The frames of the HTTP libraries hold the request's
            # headers, so they must not reach whoever reports the error with local variables.
            raise error.with_traceback(None) from None
        # Raised out here, the error has no context: the frames below end with it.
        if self._deadline.expired:
            raise self._too_slow()
        raise unreachable(self.title, fault)

    def _exchange(
        self, endpoint: Endpoint, parameters: Sequence[tuple[str, str]], ends_at: float
    ) -> bytes:
        if self._auth is None:
            raise EndpointNotAllowed("Nothing is sent before the provider has opened the client.")
        limits = self.limits
        started = self._monotonic()
        request = self._client.build_request(
            endpoint.method,
            f"https://{endpoint.host}{endpoint.path}",
            params=list(parameters),
            timeout=httpx.Timeout(limits.read_seconds, connect=limits.connect_seconds),
            extensions={"trace": self._deadline.trace},
        )
        response = self._client.send(request, auth=self._auth, stream=True)
        try:
            status = response.status_code
            logger.debug(
                "%s https://%s%s answered %d after %.3f s",
                endpoint.method,
                endpoint.host,
                endpoint.path,
                status,
                self._monotonic() - started,
            )
            if status == HTTPStatus.OK:
                return self._body(response, limits.body_bytes, ends_at)
            raise self._failure(response, ends_at)
        finally:
            response.close()

    def _body(self, response: httpx.Response, limit_bytes: int, ends_at: float) -> bytes:
        """The body, decompressed piece by piece, so a bomb is noticed before it goes off."""
        if response.is_stream_consumed:
            # A transport that hands over finished answers, as httpx.MockTransport does.
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

    def _failure(self, response: httpx.Response, ends_at: float) -> ProviderError:
        return failure_for(
            self.title,
            response.status_code,
            said=self._vendor_message(response, ends_at),
            wait_seconds=requested_wait_seconds(response.headers, self._clock.now()),
            unsaid_wait_seconds=lambda: unsaid_wait_seconds(self._random()),
        )

    def _vendor_message(self, response: httpx.Response, ends_at: float) -> str | None:
        # Whatever is wrong with the body of a refusal, it is still that refusal.
        try:
            message = vendor_message_in(self._body(response, self.limits.error_body_bytes, ends_at))
        except (httpx.HTTPError, ProviderError):
            return None
        if message is None or self._auth is None:
            return None
        return clean_vendor_message(self._auth.take_out(clean_text(message, len(message) + 1)))

    def _too_slow(self) -> VendorUnavailable:
        limit_seconds = self.limits.call_seconds
        return unreachable(self.title, f"took longer than {limit_seconds:g} seconds to answer")


class _AllowListTransport(httpx.BaseTransport):
    """Lets only the promised calls through to the transport that opens sockets."""

    def __init__(self, provider_name: str, endpoints: Sequence[Endpoint], inner: Transport) -> None:
        self._provider_name = provider_name
        self._allowed = frozenset((e.method, e.host, e.path) for e in endpoints)
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        # The path as it is sent: a percent-encoded twin of an allowed path is another path.
        path = url.raw_path.partition(b"?")[0].decode("ascii")
        if (
            url.scheme != "https"
            or url.port not in {None, _HTTPS_PORT}
            or url.userinfo
            or (request.method, url.host, path) not in self._allowed
        ):
            raise EndpointNotAllowed(
                f"{request.method} {url.scheme}://{url.host}{path} is not one of the calls that a"
                f" {self._provider_name} key may be used for, so nothing was sent."
            )
        call = SentCall(self._provider_name, request.method, url.host, path)
        for observe in _observers:
            observe(call)
        return self._inner.handle_request(request)

    def close(self) -> None:
        self._inner.close()


@functools.cache
def user_agent() -> str:
    """The product and its version, as vendors ask integrations to say."""
    return f"flask-tokenoffset/{importlib.metadata.version('flask-tokenoffset')}"
