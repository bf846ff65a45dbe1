"""What a provider says about itself: its endpoints, and what it announces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from flask_tokenoffset.errors import IdentityProviderUnavailable
from flask_tokenoffset.host.identity_providers import (
    is_loopback_address,
    is_safe_address,
)

if TYPE_CHECKING:
    from flask_tokenoffset.host.identity_providers import IdentityProvider

_DISCOVERY_PATH: Final = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """Where a provider answers, and how.

    :param authorization: where the browser is sent.
    :param token: where a code becomes tokens.
    :param jwks: its public keys.
    :param userinfo: more about the person.
    :param revocation: where a token is given back.
    :param secret_in_body: whether it takes the client secret in the form only.
    :param names_issuer: whether it announces to name itself in every answer (RFC 9207).
    """

    authorization: str
    token: str
    jwks: str
    userinfo: str | None = None
    revocation: str | None = None
    secret_in_body: bool = False
    names_issuer: bool = False


def configured_metadata(provider: IdentityProvider) -> Metadata | None:
    """The metadata of a provider whose endpoints stand in the settings."""
    endpoints = provider.endpoints
    if endpoints is None:
        return None
    return Metadata(
        authorization=endpoints.authorization,
        token=endpoints.token,
        jwks=endpoints.jwks,
        userinfo=endpoints.userinfo,
        revocation=endpoints.revocation,
    )


def discovery_address(provider: IdentityProvider) -> str:
    """Where a provider publishes its metadata (OpenID Connect Discovery 1.0, section 4)."""
    return provider.issuer.removesuffix("/") + _DISCOVERY_PATH


def read_metadata(provider: IdentityProvider, document: object) -> Metadata:
    """Read a discovery document.

    :param provider: whose it must be.
    :param document: the decoded document.
    :raises IdentityProviderUnavailable: it is somebody else's, or lacks what is needed.
    """
    if not isinstance(document, Mapping):
        raise _unusable(provider, "is no JSON object")
    # Whoever answers for another issuer could hand out the endpoints of an attacker.
    if document.get("issuer") != provider.issuer:
        raise _unusable(provider, "names another issuer than the settings do")
    addresses = {
        name: _address(provider, document, key, required=required)
        for name, key, required in (
            ("authorization", "authorization_endpoint", True),
            ("token", "token_endpoint", True),
            ("jwks", "jwks_uri", True),
            ("userinfo", "userinfo_endpoint", False),
            ("revocation", "revocation_endpoint", False),
        )
    }
    methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    return Metadata(
        **addresses,  # type: ignore[arg-type]  # the required ones are there
        secret_in_body=isinstance(methods, list)
        and "client_secret_basic" not in methods
        and "client_secret_post" in methods,
        names_issuer=document.get("authorization_response_iss_parameter_supported") is True,
    )


def _address(
    provider: IdentityProvider, document: Mapping[str, Any], key: str, *, required: bool
) -> str | None:
    address = document.get(key)
    if address is None and not required:
        return None
    if not isinstance(address, str) or not is_safe_address(address):
        raise _unusable(provider, f"has no {key} that starts with https://")
    if is_loopback_address(address) and not is_loopback_address(provider.issuer):
        raise _unusable(provider, f"has a {key} that points into this machine")
    return address


def _unusable(provider: IdentityProvider, why: str) -> IdentityProviderUnavailable:
    return IdentityProviderUnavailable(
        f"The discovery document of {provider.title} {why}, so nobody was sent there. Whoever runs"
        f" this site should compare the issuer of {provider.name!r} in TOKENOFFSET_OAUTH_PROVIDERS"
        " with what the provider says."
    )
