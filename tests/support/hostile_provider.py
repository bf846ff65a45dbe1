"""An identity provider that lies in whatever way a test asks for, in the process of the test.

It speaks the protocol well enough to be believed, and signs what it is told to. A test changes one
thing and leaves everything else right, so that a refusal says something about that one thing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import warnings
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import KeySet, RSAKey

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from joserfc.jwk import Key

#: What one test changes in a token's claims; a value of ``None`` takes the claim out.
Claims = dict[str, Any]


@dataclass
class Grant:
    """A code that was handed out, and what belongs to it."""

    asked: dict[str, str]
    subject: str
    email: str | None
    email_verified: bool


@dataclass
class Lies:
    """What is wrong with the next answers; nothing at first."""

    #: Claims of the ID token that differ.
    claims: Claims = field(default_factory=dict)
    #: How the ID token is signed: an algorithm, or what makes the whole token of its claims.
    algorithm: str = "RS256"
    sign: Callable[[Claims], str] | None = None
    #: What the token endpoint's answer lacks.
    left_out: frozenset[str] = frozenset()
    #: Entries of the discovery document that differ.
    metadata: dict[str, Any] = field(default_factory=dict)
    #: Parameters of the answer in the address that differ; ``None`` takes one out.
    answer: dict[str, str | None] = field(default_factory=dict)
    #: Whether the token endpoint forgets to look at the code verifier.
    ignores_pkce: bool = False
    #: A status that every endpoint but discovery answers with.
    status: int | None = None


@cache
def _first_key(name: str) -> Key:
    """The key a provider begins with, the same in each test of a process: making one is slow."""
    return RSAKey.generate_key(2048, {"kid": f"{name}-1"}, private=True)


class HostileProvider:
    """A provider of tests.

    :param name: its name in the settings, and in its issuer.
    :param now: the clock of the world it is in.
    """

    def __init__(self, name: str, now: Callable[[], datetime]) -> None:
        self.name = name
        self.issuer = f"https://{name}.example"
        self.client_id = f"client-of-{name}"
        self.client_secret = secrets.token_urlsafe(32)
        self.key: Key = _first_key(name)
        self.lies = Lies()
        self.grants: dict[str, Grant] = {}
        self.refresh_tokens: dict[str, Grant] = {}
        self.revoked: list[str] = []
        #: Everything secret that it ever handed out or was handed.
        self.secrets: set[str] = {self.client_secret}
        #: How often a code came with a verifier of another flow.
        self.verifier_mismatches = 0
        #: Path of each request, in order.
        self.calls: list[str] = []
        self._now = now

    def entry(self, **more: Any) -> dict[str, Any]:
        """How the settings name it."""
        return {
            "issuer": self.issuer,
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "title": self.name.capitalize(),
            "scopes": ["openid", "email", "offline_access"],
            "transport": httpx.MockTransport(self.answer),
            **more,
        }

    def go(
        self,
        address: str,
        subject: str,
        *,
        email: str | None = None,
        email_verified: bool = True,
    ) -> str:
        """Be the browser on its way through its pages: log in, consent, and be sent back.

        :param address: the authorization address.
        :param subject: who logs in there.
        :param email: what it states of them.
        :return: the redirect address with the answer.
        """
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert address.startswith(f"{self.issuer}/authorize?"), address
        assert asked["code_challenge_method"] == "S256"
        code = f"code-{secrets.token_urlsafe(24)}"
        self.secrets.add(code)
        self.grants[code] = Grant(asked, subject, email, email_verified)
        return self.answer_address(asked, code=code)

    def say_no(self, address: str, error: str = "access_denied") -> str:
        """Be the browser of a person who does not agree."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        return self.answer_address(asked, error=error)

    def answer_address(self, asked: dict[str, str], **answer: str) -> str:
        """Where the browser is sent back to."""
        said: dict[str, str | None] = {"state": asked["state"], "iss": self.issuer, **answer}
        said |= self.lies.answer
        given = {name: value for name, value in said.items() if value is not None}
        return f"{asked['redirect_uri']}?{urlencode(given)}"

    # --- its endpoints --------------------------------------------------------------------------

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer a request in place of the network."""
        path = request.url.path
        self.calls.append(path)
        if path == "/.well-known/openid-configuration":
            return httpx.Response(200, json=self.metadata | self.lies.metadata)
        if self.lies.status is not None:
            return httpx.Response(self.lies.status, headers={"location": "https://elsewhere.test/"})
        if path == "/keys":
            return httpx.Response(200, json=dict(KeySet([self.key]).as_dict(private=False)))
        form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        if path == "/token":
            return self._token(form)
        if path == "/revoke":
            self.revoked.append(form["token"])
            return httpx.Response(200)
        return httpx.Response(404)

    @property
    def metadata(self) -> dict[str, Any]:
        """Its discovery document."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "revocation_endpoint": f"{self.issuer}/revoke",
            "authorization_response_iss_parameter_supported": True,
        }

    def _token(self, form: dict[str, str]) -> httpx.Response:
        if form["grant_type"] == "refresh_token":
            grant = self.refresh_tokens.pop(form["refresh_token"], None)
        else:
            grant = self.grants.pop(form["code"], None)
            verifier = form.get("code_verifier", "")
            self.secrets.add(verifier)
            if grant is not None and challenge_of(verifier) != grant.asked["code_challenge"]:
                self.verifier_mismatches += 1
                grant = grant if self.lies.ignores_pkce else None
        if grant is None:
            return httpx.Response(400, json={"error": "invalid_grant"})
        refresh_token = f"refresh-{secrets.token_urlsafe(24)}"
        self.refresh_tokens[refresh_token] = grant
        answer = {
            "token_type": "Bearer",
            "access_token": f"access-{secrets.token_urlsafe(24)}",
            "refresh_token": refresh_token,
            "id_token": self.id_token(grant),
        }
        self.secrets |= {answer["access_token"], refresh_token, answer["id_token"]}
        for name in self.lies.left_out:
            del answer[name]
        return httpx.Response(200, json=answer)

    def id_token(self, grant: Grant) -> str:
        """An ID token about the person a grant belongs to, with the lies of the moment."""
        now = int(self._now().timestamp())
        claims: Claims = {
            "iss": self.issuer,
            "aud": self.client_id,
            "sub": grant.subject,
            "iat": now,
            "exp": now + 300,
            "auth_time": now,
            "nonce": grant.asked.get("nonce"),
            "email": grant.email,
            "email_verified": grant.email_verified,
            **self.lies.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.lies.sign is not None:
            return self.lies.sign(claims)
        header = {"alg": self.lies.algorithm, "kid": self.key.kid}
        with warnings.catch_warnings():
            # That EdDSA has new names by now is no news here.
            warnings.simplefilter("ignore", SecurityWarning)
            return jwt.encode(header, claims, self.key, algorithms=[self.lies.algorithm])


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a code verifier (RFC 7636 section 4.2)."""
    return _base64url(hashlib.sha256(verifier.encode()).digest())


def unsigned(claims: Claims) -> str:
    """A token of the algorithm ``none``."""
    return f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(claims)}."


def signed_with_public_key(key: Key) -> Callable[[Claims], str]:
    """Signs with HS256, and the text of a public key for the shared secret."""

    def sign(claims: Claims) -> str:
        secret = key.as_pem(private=False)  # type: ignore[union-attr]  # no symmetric key here
        text = f"{_part({'alg': 'HS256', 'typ': 'JWT', 'kid': key.kid})}.{_part(claims)}"
        return f"{text}.{_base64url(hmac.new(secret, text.encode(), hashlib.sha256).digest())}"

    return sign


def _part(content: dict[str, Any]) -> str:
    return _base64url(json.dumps(content).encode())


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


#: The names that the two providers of most tests have.
NAMES: Final = ("acme", "globex")
