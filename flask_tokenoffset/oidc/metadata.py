"""What a provider says about itself: its endpoints, and what it announces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from flask_tokenoffset.errors import IdentityProviderUnavailable
from flask_tokenoffset.host.identity_providers import (
    IdentityEndpoints,
    is_loopback_address,
    is_safe_address,
)

if TYPE_CHECKING:
    from flask_tokenoffset.host.identity_providers import IdentityProvider

_REQUIRED: Final = {
    "authorization": "authorization_endpoint",
    "token": "token_endpoint",
    "jwks": "jwks_uri",
}
_OPTIONAL: Final = {"userinfo": "userinfo_endpoint", "revocation": "revocation_endpoint"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata(IdentityEndpoints):
    """Where a provider answers, and how."""

    auth_method: str = "client_secret_basic"  #: how it takes the client secret
    names_issuer: bool = False  #: whether it names itself in every answer (RFC 9207)


def read_metadata(provider: IdentityProvider, document: object) -> Metadata:
    """Read a discovery document.

    :raises IdentityProviderUnavailable: it is another's, or lacks what is needed.
    """
    if not isinstance(document, Mapping):
        raise _unusable(provider, "is no JSON object")
    # A server that answers for another issuer could send the endpoints of an attacker.
    if document.get("issuer") != provider.issuer:
        raise _unusable(provider, "names another issuer than the settings do")
    stated = {name: key for name, key in _OPTIONAL.items() if document.get(key) is not None}
    addresses: dict[str, Any] = {}
    for name, key in (_REQUIRED | stated).items():
        address = addresses[name] = document.get(key)
        if not isinstance(address, str) or not is_safe_address(address):
            raise _unusable(provider, f"has no {key} that starts with https://")
        if is_loopback_address(address) and not is_loopback_address(provider.issuer):
            raise _unusable(provider, f"has a {key} that points into this machine")
    methods: Any = document.get("token_endpoint_auth_methods_supported")
    takes_basic = not isinstance(methods, list) or "client_secret_basic" in methods
    only_post = not takes_basic and "client_secret_post" in methods
    return Metadata(
        **addresses,
        auth_method="client_secret_post" if only_post else "client_secret_basic",
        names_issuer=document.get("authorization_response_iss_parameter_supported") is True,
    )


def _unusable(provider: IdentityProvider, why: str) -> IdentityProviderUnavailable:
    return IdentityProviderUnavailable(
        f"The discovery document of {provider.title} {why}, so nobody was sent there. Whoever runs"
        f" this site should compare the issuer of {provider.name!r} in TOKENOFFSET_OAUTH_PROVIDERS"
        " with what the provider says."
    )
