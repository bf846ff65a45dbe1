"""The identity providers that a host names in ``TOKENOFFSET_OAUTH_PROVIDERS``, checked at start-up.

Whatever is wrong stops the application with a sentence that names the entry and the cure, because a
mistake here would otherwise show as a failed sign-in of a person who can do nothing about it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

from flask_tokenoffset.errors import ConfigurationError
from flask_tokenoffset.vault import Secret

#: The name stands in addresses and in the database.
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
#: A proof by mail is called that, so no provider may be.
_TAKEN: Final = frozenset({"magic-link"})
_DOMAIN: Final = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")
#: Where a provider grants it, it sends a refresh token (OpenID Connect Core 1.0, section 11).
OFFLINE_ACCESS: Final = "offline_access"


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityEndpoints:
    """Where a provider answers that publishes no discovery document.

    :param authorization: where the browser is sent.
    :param token: where a code becomes tokens.
    :param jwks: the provider's public keys.
    :param userinfo: more about the person, where the ID token says little.
    :param revocation: where a refresh token is given back (RFC 7009).
    """

    authorization: str
    token: str
    jwks: str
    userinfo: str | None = None
    revocation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityProvider:
    """An OpenID Connect provider whose accounts may be linked.

    :param name: its name here, which must never change: it stands in the redirect address.
    :param issuer: its issuer identifier, compared character by character with what it says.
    :param client_id: what it calls us.
    :param client_secret: how we prove that; none for a public client.
    :param title: its name as a person writes it.
    :param scopes: what is asked for; ``openid`` always.
    :param endpoints: where it answers; read from its discovery document without them.
    :param allowed_domains: the domains of verified addresses whose owners may come; any if empty.
    :param required_claims: claim name to the values one of which the ID token must state.
    :param transport: an ``httpx`` transport in place of the network, for tests.
    """

    name: str
    issuer: str
    client_id: str
    client_secret: Secret | None = field(default=None, repr=False)
    title: str = ""
    scopes: tuple[str, ...] = ("openid", "email")
    endpoints: IdentityEndpoints | None = None
    allowed_domains: tuple[str, ...] = ()
    required_claims: Mapping[str, tuple[str | int | bool, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    transport: Any = field(default=None, repr=False)

    def allows_address(self, email: str | None, *, verified: bool) -> bool:
        """Whether an address that the provider states is of a domain that may come.

        :param email: the address, if it states one.
        :param verified: whether it says to have verified it.
        """
        if not self.allowed_domains:
            return True
        if email is None or not verified:
            return False
        return email.rpartition("@")[2].lower() in self.allowed_domains


def read_identity_providers(setting: str, value: Any) -> Mapping[str, IdentityProvider]:
    """Read and check the providers of a configuration.

    :param setting: the name of the setting, for messages.
    :param value: provider name to its entry.
    :raises ConfigurationError: for the first entry that will not do; no secret is quoted.
    """
    if not isinstance(value, Mapping):
        raise ConfigurationError(
            setting,
            "it must map a name to each provider, as in {'acme': {'issuer':"
            " 'https://login.acme.example', 'client_id': '…', 'client_secret': '…'}}.",
        )
    return MappingProxyType({name: _Entry(setting, name, value[name]).read() for name in value})


def is_safe_address(address: str) -> bool:
    """Whether secrets may be sent to an address: https, or plain http on this machine only.

    :param address: an absolute URL.
    """
    try:
        parts = urlsplit(address)
        host = parts.hostname
        parts.port  # noqa: B018 - raises for a port that is no number
    except ValueError:
        return False
    if not host or parts.username is not None or parts.password is not None or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))


def is_loopback(host: str) -> bool:
    """Whether a host name stands for this machine.

    :param host: a name or an address, without port.
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_loopback_address(address: str) -> bool:
    """Whether an absolute URL leads to this machine.

    :param address: the URL.
    """
    return is_loopback(urlsplit(address).hostname or "")


class _Entry:
    """One entry of the setting while it is read."""

    def __init__(self, setting: str, name: object, given: object) -> None:
        self._setting = setting
        self._name = name
        self._given = given

    def read(self) -> IdentityProvider:
        name, given = self._name, self._given
        if not isinstance(name, str) or not _NAME.fullmatch(name) or name in _TAKEN:
            raise ConfigurationError(
                self._setting,
                f"{name!r} cannot name a provider. Use up to 40 lower-case letters, digits and"
                f" hyphens, and not {', '.join(sorted(_TAKEN))}.",
            )
        if not isinstance(given, Mapping):
            raise self._fault("it must be a mapping with issuer and client_id")
        known = set(IdentityProvider.__dataclass_fields__) - {"name"}
        if unknown := sorted(map(str, set(given) - known)):
            raise self._fault(
                f"there is no such key: {', '.join(unknown)}. The keys are"
                f" {', '.join(sorted(known))}"
            )
        return IdentityProvider(
            name=name,
            issuer=self._issuer(given),
            client_id=self._text(given, "client_id"),
            client_secret=self._secret(given),
            title=self._text(given, "title") if "title" in given else name.capitalize(),
            scopes=self._scopes(given),
            endpoints=self._endpoints(given),
            allowed_domains=self._domains(given),
            required_claims=self._claims(given),
            transport=self._transport(given),
        )

    def _fault(self, sentence: str) -> ConfigurationError:
        return ConfigurationError(f"{self._setting}[{self._name!r}]", f"{sentence}.")

    def _text(self, given: Mapping[Any, Any], key: str) -> str:
        value = given.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self._fault(f"{key} must be a text that is not empty")
        return value

    def _address(self, given: Mapping[Any, Any], key: str) -> str:
        address = self._text(given, key)
        if not is_safe_address(address):
            raise self._fault(
                f"{key} must be an https:// address without a name, password or fragment in it"
                " (http:// is allowed on this machine only, for tests)"
            )
        return address

    def _issuer(self, given: Mapping[Any, Any]) -> str:
        issuer = self._address(given, "issuer")
        if urlsplit(issuer).query:
            raise self._fault("issuer must have no query, as OpenID Connect Discovery demands")
        return issuer

    def _secret(self, given: Mapping[Any, Any]) -> Secret | None:
        value = given.get("client_secret")
        if value is None:
            return None
        if isinstance(value, str) and value.strip():
            return Secret(value)
        del value  # A traceback that shows local variables must not show it.
        raise self._fault("client_secret must be a text; a public client leaves it out")

    def _scopes(self, given: Mapping[Any, Any]) -> tuple[str, ...]:
        scopes = self._texts(given, "scopes", default=("openid", "email"))
        if "openid" not in scopes:
            raise self._fault("scopes must hold openid, or the provider states no identity")
        return scopes

    def _domains(self, given: Mapping[Any, Any]) -> tuple[str, ...]:
        domains = tuple(each.lower() for each in self._texts(given, "allowed_domains", default=()))
        if wrong := [each for each in domains if not _DOMAIN.fullmatch(each)]:
            raise self._fault(
                f"{wrong[0]!r} in allowed_domains is not a domain as in «acme.example»"
            )
        if domains and "email" not in self._scopes(given):
            raise self._fault("allowed_domains needs the scope email, or no address is known")
        return domains

    def _texts(
        self, given: Mapping[Any, Any], key: str, *, default: tuple[str, ...]
    ) -> tuple[str, ...]:
        value = given.get(key, default)
        if isinstance(value, str):
            value = value.replace(",", " ").split()
        if not isinstance(value, Sequence) or not all(
            isinstance(each, str) and each.strip() for each in value
        ):
            raise self._fault(f"{key} must be a list of texts")
        return tuple(value)

    def _claims(self, given: Mapping[Any, Any]) -> Mapping[str, tuple[str | int | bool, ...]]:
        value = given.get("required_claims", {})
        if not isinstance(value, Mapping):
            raise self._fault("required_claims must map a claim to the value it must have")
        claims: dict[str, tuple[str | int | bool, ...]] = {}
        for name, wanted in value.items():
            values = tuple(wanted) if isinstance(wanted, list | tuple | set) else (wanted,)
            if not isinstance(name, str) or not all(isinstance(v, str | int) for v in values):
                raise self._fault("required_claims must map names to texts, numbers or booleans")
            claims[name] = values
        return MappingProxyType(claims)

    def _endpoints(self, given: Mapping[Any, Any]) -> IdentityEndpoints | None:
        value = given.get("endpoints")
        if value is None:
            return None
        known = IdentityEndpoints.__dataclass_fields__
        if not isinstance(value, Mapping) or not set(value) <= set(known):
            raise self._fault(f"endpoints must map some of {', '.join(known)} to addresses")
        addresses = {name: self._address(value, name) for name in value}
        if missing := sorted({"authorization", "token", "jwks"} - set(addresses)):
            raise self._fault(
                f"endpoints lacks {', '.join(missing)}. Add them, or leave endpoints out so that"
                " the provider's discovery document is read"
            )
        return IdentityEndpoints(**addresses)

    def _transport(self, given: Mapping[Any, Any]) -> Any:
        transport = given.get("transport")
        if transport is not None and not callable(getattr(transport, "handle_request", None)):
            raise self._fault("transport is not an httpx transport (no handle_request)")
        return transport
