"""What goes into an authorization flow, and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask_tokenoffset.vault import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationFlow:
    """What belongs to one authorization attempt, the same at its beginning and at its end."""

    redirect_uri: str  #: where the browser comes back
    state: Secret  #: ties the answer to the question
    nonce: Secret  #: ties the ID token to the question
    code_verifier: Secret  #: ties the code to us (RFC 7636)
    #: Where the person must prove anew who they are: when they were asked to.
    authenticated_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationAnswer:
    """What a browser brings back from a provider, or from an attacker who wrote the address."""

    state: Secret | None  #: names the authorization attempt that it claims to end
    code: Secret | None  #: becomes tokens
    issuer: str | None  #: who says to have answered (RFC 9207)
    error: str | None  #: what went wrong, as a code of the protocol

    @classmethod
    def read(cls, query: Mapping[str, str]) -> AuthorizationAnswer:
        """Take out of a query, where each name stands once, what the protocol knows."""
        return cls(
            state=Secret(query["state"]) if query.get("state") else None,
            code=Secret(query["code"]) if query.get("code") else None,
            issuer=query.get("iss"),
            error=query.get("error"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvedIdentity:
    """A person at a provider, proved just now."""

    provider: str  #: the provider's name here
    title: str  #: its name as a person writes it
    issuer: str  #: its issuer identifier
    subject: str  #: who they are there; with the issuer, the only thing that names them
    email: str | None  #: what address the provider states; it names nobody
    email_verified: bool  #: whether it says to have verified that
    refresh_token: Secret | None = None  #: to ask again later, where the provider gave one
