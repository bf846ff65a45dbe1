"""What every call to a vendor goes through: the exact list of calls, one key, retries.

``outbound/`` carries the calls, and ``key_header.py`` sets the key.
"""

from __future__ import annotations

import random as random_numbers
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple, Self

from flask_tokenoffset.clock import SystemClock
from flask_tokenoffset.errors import (
    EndpointNotAllowed,
    ProviderError,
    RateLimited,
    VendorUnavailable,
)
from flask_tokenoffset.outbound import Limits, NoAnswer, OutboundHTTP
from flask_tokenoffset.outbound.bodies import decode_json
from flask_tokenoffset.providers.answers import clean_text, clean_vendor_message, vendor_message_in
from flask_tokenoffset.providers.failures import failure_for, unreachable
from flask_tokenoffset.providers.key_header import KeyHeader
from flask_tokenoffset.providers.retry import (
    back_off_seconds,
    requested_wait_seconds,
    unsaid_wait_seconds,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from flask_tokenoffset.clock import Clock
    from flask_tokenoffset.outbound import Answer, Call, Transport
    from flask_tokenoffset.providers.endpoints import Endpoint
    from flask_tokenoffset.vault import Secret


class SentCall(NamedTuple):
    """One request that passed the allow-list, as an observer sees it; no query, no header."""

    provider_name: str
    method: str
    host: str
    path: str


#: Called with every request that leaves, just before it does. This package registers none; its
#: test suite does, to prove over all its tests that exactly the documented calls are made.
_observers: list[Callable[[SentCall], None]] = []


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
        self._name = provider_name
        self._allowed = frozenset((e.method, f"https://{e.host}{e.path}") for e in endpoints)
        self._key = key
        self._key_header: KeyHeader | None = None
        self._headers: Mapping[str, str] = {}
        self._clock = clock or SystemClock()
        self._sleep = sleep
        self._random = random
        self._monotonic = monotonic
        self._should_continue = should_continue
        self._outbound = OutboundHTTP(
            provider_name,
            self._allow,
            limits=self.limits,
            transport=transport,
            outbound=outbound,
            monotonic=monotonic,
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
        self._outbound.__exit__(kind, error, traceback)

    @property
    def title(self) -> str:
        """The vendor's name, for messages."""
        return self._outbound.title

    def introduce(
        self, *, title: str, key_header: str, key_scheme: str = "", headers: Mapping[str, str]
    ) -> None:
        """Learn a vendor's ways.

        :param title: the vendor's name, for messages.
        :param key_header: the header that carries the key.
        :param key_scheme: what stands before the key in it.
        :param headers: fixed headers of every request.
        """
        self._outbound.title = title
        self._key_header = KeyHeader(self._key, key_header, key_scheme)
        self._headers = headers

    def get_json(self, endpoint: Endpoint, parameters: Sequence[tuple[str, str]] = ()) -> object:
        """The decoded answer of one call, after as many attempts as it takes and is allowed.

        :param endpoint: one of the promised calls.
        :param parameters: the query, as pairs; a name may repeat.
        :raises ProviderError: the kind that fits; a transient one only after the last attempt.
        """
        self._outbound.require_outbound()
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
        if self._key_header is None:
            raise EndpointNotAllowed("Nothing is sent before the provider has opened the client.")
        try:
            answer = self._outbound.send(
                endpoint.method,
                f"https://{endpoint.host}{endpoint.path}",
                ends_at=ends_at,
                parameters=parameters,
                headers=self._headers,
                authorize=self._key_header.set_on,
            )
        except NoAnswer as error:
            what_happened = str(error)
        else:
            if answer.status == HTTPStatus.OK and answer.body is not None:
                return answer.body
            raise self._failure(answer, self._key_header)
        # Raised out here, the error has no context: the frames below end with it.
        raise unreachable(self.title, what_happened)

    def _failure(self, answer: Answer, key_header: KeyHeader) -> ProviderError:
        said = vendor_message_in(answer.body or b"")
        if said is not None:
            said = clean_vendor_message(key_header.take_out(clean_text(said, len(said) + 1)))
        return failure_for(
            self.title,
            answer.status,
            said=said,
            wait_seconds=requested_wait_seconds(answer.headers, self._clock.now()),
            unsaid_wait_seconds=lambda: unsaid_wait_seconds(self._random()),
        )

    def _allow(self, call: Call) -> None:
        if (call.method, call.address) not in self._allowed:
            raise EndpointNotAllowed(
                f"{call.method} {call.address} is not one of the calls that a {self._name} key may"
                " be used for, so nothing was sent."
            )
        for observe in _observers:
            observe(SentCall(self._name, call.method, call.host, call.path))
