"""The HTTP client for identity providers: one endpoint, one answer, no redirects.

It keeps to the limits that vendors are held to (:mod:`flask_tokenoffset.providers.limits`). Codes,
verifiers and tokens come in as :class:`~flask_tokenoffset.vault.Secret` and are revealed only in
the frames that send them, which no traceback of ours shows.
"""

from __future__ import annotations

import base64
import logging
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote_plus, urlencode

import httpx

from flask_tokenoffset.errors import (
    EndpointNotAllowed,
    IdentityProviderUnavailable,
    OutboundDisabled,
    ProviderError,
)
from flask_tokenoffset.providers.answers import decode_json, inflated
from flask_tokenoffset.providers.http import user_agent
from flask_tokenoffset.providers.limits import CallDeadline, Limits
from flask_tokenoffset.providers.quiet import http_libraries_silent
from flask_tokenoffset.vault import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

logger = logging.getLogger(__name__)

#: Somebody waits in front of a browser, and no answer is more than a few keys or claims.
LIMITS: Final = Limits(read_seconds=10.0, call_seconds=20.0, body_bytes=1_000_000)


class Reply(NamedTuple):
    """What an endpoint answered.

    :param status: the HTTP status.
    :param body: the decoded JSON; ``None`` where there is no body, or it is no JSON and the status
        is an error.
    """

    status: int
    body: object


class IdentityHTTP:
    """Calls the endpoints of one provider.

    :param title: the provider's name, for messages.
    :param transport: carries the requests in place of the network, for tests.
    :param outbound: ``False`` refuses every call (``TOKENOFFSET_OUTBOUND``).
    """

    def __init__(
        self, title: str, *, transport: httpx.BaseTransport | None = None, outbound: bool = True
    ) -> None:
        self._title = title
        self._transport = transport
        self._outbound = outbound

    def get(self, url: str, *, bearer: Secret | None = None) -> object:
        """The decoded answer of an endpoint that is read.

        :param url: the endpoint.
        :param bearer: the access token to show there.
        :raises IdentityProviderUnavailable: it does not answer 200 with JSON.
        """
        reply = self._call("GET", url, {}, bearer=bearer)
        if reply.status != HTTPStatus.OK or reply.body is None:
            raise self._unavailable(f"did not answer in order (answer {reply.status})")
        return reply.body

    def post(
        self,
        url: str,
        fields: Mapping[str, str | Secret],
        *,
        basic: tuple[str, Secret] | None = None,
    ) -> Reply:
        """The answer of an endpoint that takes a form, an error included.

        :param url: the endpoint.
        :param fields: the form.
        :param basic: client id and secret for HTTP Basic (RFC 6749 section 2.3.1).
        :raises IdentityProviderUnavailable: it fails or cannot be reached.
        """
        reply = self._call("POST", url, fields, basic=basic)
        if not HTTPStatus.OK <= reply.status < HTTPStatus.INTERNAL_SERVER_ERROR or (
            HTTPStatus.MULTIPLE_CHOICES <= reply.status < HTTPStatus.BAD_REQUEST
        ):
            raise self._unavailable(f"did not answer in order (answer {reply.status})")
        return reply

    def _call(
        self,
        method: str,
        url: str,
        fields: Mapping[str, str | Secret],
        *,
        bearer: Secret | None = None,
        basic: tuple[str, Secret] | None = None,
    ) -> Reply:
        if not self._outbound:
            raise OutboundDisabled(
                "All outbound calls are switched off here (TOKENOFFSET_OUTBOUND), so no identity"
                " provider can be asked. Whoever runs this site can switch them on."
            )
        deadline = CallDeadline()
        try:
            with http_libraries_silent(), deadline.running(LIMITS.call_seconds):
                return self._exchange(method, url, fields, bearer, basic, deadline)
        except httpx.TimeoutException:
            fault = "did not answer in time"
        except httpx.HTTPError:
            fault = "could not be reached, or broke the connection off"
        except EndpointNotAllowed:
            raise
        except ProviderError:
            fault = "sent an answer that could not be read"
        except BaseException as error:  # noqa: BLE001  # raised again at once
            # The frames below hold codes and tokens, so they must not reach whoever reports the
            # error with local variables.
            raise error.with_traceback(None) from None
        # Raised out here, the error has no context: the frames below end with it.
        raise self._unavailable(fault)

    def _exchange(
        self,
        method: str,
        url: str,
        fields: Mapping[str, str | Secret],
        bearer: Secret | None,
        basic: tuple[str, Secret] | None,
        deadline: CallDeadline,
    ) -> Reply:
        headers = {
            "accept": "application/json",
            "accept-encoding": "gzip",
            "user-agent": user_agent(),
        }
        if bearer is not None:
            headers["authorization"] = f"Bearer {bearer.reveal()}"
        if basic is not None:
            headers["authorization"] = _basic(*basic)
        body = None
        if method == "POST":
            headers["content-type"] = "application/x-www-form-urlencoded"
            body = urlencode({name: _plain(value) for name, value in fields.items()}).encode()
        began = time.monotonic()
        inner = self._transport or httpx.HTTPTransport(verify=True, trust_env=False, retries=0)
        with (
            httpx.Client(
                transport=_OneEndpoint(method, url, inner, keep_open=self._transport is not None),
                trust_env=False,
                follow_redirects=False,
                timeout=httpx.Timeout(LIMITS.read_seconds, connect=LIMITS.connect_seconds),
            ) as client,
            client.stream(
                method, url, headers=headers, content=body, extensions={"trace": deadline.trace}
            ) as response,
        ):
            # Neither query nor body is logged, on the way out or back.
            logger.debug(
                "%s %s answered %d after %.3f s",
                method,
                url,
                response.status_code,
                time.monotonic() - began,
            )
            return self._read(response, ends_at=began + LIMITS.call_seconds)

    def _read(self, response: httpx.Response, *, ends_at: float) -> Reply:
        if response.is_stream_consumed:
            # A transport that hands over finished answers, as httpx.MockTransport does.
            chunks, encoding = iter((response.content,)), "identity"
        else:
            chunks = response.iter_raw()
            encoding = response.headers.get("content-encoding", "identity").strip().lower()
        pieces: list[bytes] = []
        limit_bytes = LIMITS.body_bytes
        for piece in inflated(chunks, encoding, limit_bytes=limit_bytes, title=self._title):
            if time.monotonic() >= ends_at:
                raise self._unavailable("took too long to answer")
            pieces.append(piece)
        body = b"".join(pieces)
        if not body.strip():
            return Reply(response.status_code, None)
        if response.status_code != HTTPStatus.OK:
            try:
                return Reply(response.status_code, decode_json(body, self._title))
            except ProviderError:
                return Reply(response.status_code, None)
        return Reply(response.status_code, decode_json(body, self._title))

    def _unavailable(self, what_happened: str) -> IdentityProviderUnavailable:
        return IdentityProviderUnavailable(
            f"{self._title} {what_happened}, so nothing was changed. Try again in a moment."
        )


class _OneEndpoint(httpx.BaseTransport):
    """Lets one method and address through, whatever stands above it does."""

    def __init__(
        self, method: str, url: str, inner: httpx.BaseTransport, *, keep_open: bool
    ) -> None:
        self._method = method
        self._url = httpx.URL(url)
        self._inner = inner
        self._keep_open = keep_open

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if (request.method, request.url) != (self._method, self._url):
            raise EndpointNotAllowed(
                f"{request.method} {request.url.copy_with(query=None)} is not the endpoint of the"
                " identity provider that was to be called, so nothing was sent."
            )
        return self._inner.handle_request(request)

    def close(self) -> None:
        if not self._keep_open:
            self._inner.close()


def _plain(value: str | Secret) -> str:
    return value.reveal() if isinstance(value, Secret) else value


def _basic(client_id: str, secret: Secret) -> str:
    # RFC 6749 section 2.3.1 asks for the form encoding before the Base64 of RFC 7617.
    pair = f"{quote_plus(client_id)}:{quote_plus(secret.reveal())}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"
