"""What every call to an identity provider goes through: one endpoint, one answer."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlencode

from authlib.oauth2 import OAuth2Error

from flask_tokenoffset.errors import IdentityProviderUnavailable
from flask_tokenoffset.outbound import Limits, NoAnswer, ask_once

if TYPE_CHECKING:
    from authlib.oauth2 import ClientAuth

    from flask_tokenoffset.outbound import Request, Transport
    from flask_tokenoffset.vault import Secret

#: A person waits in front of a browser, and no answer is more than a few keys or claims.
LIMITS: Final = Limits(read_seconds=10.0, call_seconds=20.0, body_bytes=1_000_000)
_TOKEN_NAMES: Final = ("id_token", "access_token", "refresh_token", "error")


class Reply(NamedTuple):
    """What an endpoint answered, by the names that Authlib reads it by."""

    status_code: int
    body: object  #: the decoded JSON, if there is any

    def json(self) -> dict[str, str]:
        """The tokens in the answer of a token endpoint, and nothing else of it.

        :raises OAuth2Error: it is no success; none of the provider's words go with it.
        """
        if self.status_code != HTTPStatus.OK or not isinstance(self.body, Mapping):
            raise OAuth2Error
        stated = {name: self.body.get(name) for name in _TOKEN_NAMES}
        return {name: text for name, text in stated.items() if isinstance(text, str) and text}


class IdentityHTTP:
    """Calls the endpoints of one provider; the session of Authlib's OAuth 2 client."""

    def __init__(
        self, title: str, *, transport: Transport | None = None, outbound: bool = True
    ) -> None:
        self._title = title
        self._transport = transport
        self._outbound = outbound

    def get(self, url: str, *, bearer: Secret | None = None) -> object:
        """The decoded answer of an endpoint that is read, with an access token or without one.

        :raises IdentityProviderUnavailable: it does not answer 200 with JSON.
        """

        def show(request: Request) -> Request:
            if bearer is not None:
                request.headers["authorization"] = f"Bearer {bearer.reveal()}"
            return request

        return self._call("GET", url, only_success=True, authorize=show).body

    def post(
        self,
        url: str,
        data: Mapping[str, str],
        headers: Mapping[str, str] | None = None,
        auth: ClientAuth | None = None,
    ) -> Reply:
        """The answer of an endpoint that takes a form, a refusal included.

        The local variables hold codes and tokens: who calls cuts the frames off any error.

        :raises IdentityProviderUnavailable: it fails or cannot be reached.
        """
        # A copy: Authlib hands in its module's own defaults, and the client secret is written here.
        sent = {**(headers or {}), "Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode(data)
        if auth is not None:
            url, sent, body = auth.prepare("POST", url, sent, body)
        return self._call("POST", url, headers=sent, content=body.encode())

    def _call(self, method: str, url: str, **request: Any) -> Reply:
        request |= {"transport": self._transport, "outbound": self._outbound}
        try:
            return Reply(*ask_once(self._title, method, url, limits=LIMITS, **request))
        except NoAnswer as error:
            fault = str(error)
        # Raised out here, the error has no context: the frames below end with it.
        raise IdentityProviderUnavailable(
            f"{self._title} {fault}, so nothing was changed. Try again in a moment."
        )
