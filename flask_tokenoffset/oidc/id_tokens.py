"""Reading ID tokens: the signature by joserfc, every claim by us.

The only module that knows joserfc, and imported with the first token, because it takes longer to
load than all of our pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError, UnsupportedAlgorithmError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from flask_tokenoffset.errors import IdentityRefused
from flask_tokenoffset.vault import Secret

if TYPE_CHECKING:
    from flask_tokenoffset.host.identity_providers import IdentityProvider

#: A provider's public keys.
Keys: TypeAlias = KeySet

#: What may sign: never ``none``, and never a shared secret, which the public key could stand for.
ALGORITHMS: Final = (
    *("RS256", "RS384", "RS512"),
    *("PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512"),
    *("EdDSA", "Ed25519"),
)
_ASYMMETRIC: Final = frozenset({"RSA", "EC", "OKP"})
#: Characters of base64url that an RSA modulus of 2048 bits has.
_SHORTEST_RSA_MODULUS: Final = 342
#: How far two clocks may be apart.
LEEWAY_SECONDS: Final = 60
LONGEST_TEXT: Final = 255


class UnknownKey(Exception):
    """No key of the set bears the name that the token gives."""


class _Signatures(JWSRegistry):
    """Takes the algorithms above and no other.

    joserfc's own one refuses a header with a name that it does not know, which RFC 7515 section 4
    tells to ignore, and warns of EdDSA, whose new names few providers write yet.
    """

    max_header_length = 16_384

    def get_alg(self, name: str) -> Any:
        if name not in ALGORITHMS or name not in self.algorithms:
            raise UnsupportedAlgorithmError
        return self.algorithms[name]


_SIGNATURES: Final = _Signatures(strict_check_header=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a provider states of a person, once everything was checked.

    :param subject: who they are there, for ever.
    :param email: their address, if stated.
    :param email_verified: whether the provider says it verified the address.
    :param authenticated_at: when they last proved who they are there.
    """

    subject: str
    email: str | None
    email_verified: bool
    authenticated_at: datetime | None


def read_keys(document: object) -> Keys | None:
    """A provider's public keys; symmetric and short ones are left out, as is what cannot be read.

    :param document: the decoded JSON Web Key Set.
    """
    entries = document.get("keys") if isinstance(document, Mapping) else None
    if not isinstance(entries, list):
        return None
    usable = [
        entry
        for entry in entries
        if isinstance(entry, dict)
        and entry.get("kty") in _ASYMMETRIC
        and entry.get("use", "sig") == "sig"
        and (entry["kty"] != "RSA" or len(str(entry.get("n"))) >= _SHORTEST_RSA_MODULUS)
    ]
    keys = []
    for entry in usable:
        try:
            keys.extend(KeySet.import_key_set({"keys": [entry]}).keys)
        except (JoseError, ValueError, KeyError, TypeError):
            continue  # One key that cannot be read must not keep the others from working.
    return KeySet(keys) if keys else None


def check_id_token(
    provider: IdentityProvider,
    token: Secret,
    keys: Keys,
    *,
    now: datetime,
    nonce: Secret | None,
    subject: str | None = None,
    authenticated_after: datetime | None = None,
) -> Claims:
    """Check an ID token by OpenID Connect Core 1.0, sections 3.1.3.7 and 12.2.

    :param provider: who must have made it, and whom it must let in.
    :param token: as it came from the token endpoint.
    :param keys: the provider's public keys.
    :param now: the present instant, aware.
    :param nonce: what it must repeat; ``None`` after a refresh, which repeats it or leaves it out.
    :param subject: whom it must name, after a refresh.
    :param authenticated_after: the earliest instant at which they may have proved who they are.
    :raises UnknownKey: the keys have to be fetched again.
    :raises IdentityRefused: it is not accepted.
    """
    # The claims repeat the nonce, so they stand in no local variable.
    checks = _Checks(provider, _signed_claims(token, keys))
    checks.origin()
    checks.times(now.timestamp())
    if nonce is not None:
        checks.nonce(nonce)
    if subject is not None:
        checks.same("sub", subject)
    authenticated_at = checks.authenticated_at(authenticated_after, now.timestamp())
    checks.requirements()
    email, email_verified = checks.address()
    return Claims(
        subject=checks.subject(),
        email=email,
        email_verified=email_verified,
        authenticated_at=authenticated_at,
    )


def _signed_claims(token: Secret, keys: Keys) -> Mapping[str, Any]:
    try:
        return jwt.decode(token.reveal(), keys, registry=_SIGNATURES).claims
    except InvalidKeyIdError:
        unknown_key = True
    except (JoseError, ValueError, TypeError, KeyError):
        # A token may be broken in any way, and joserfc lets some of Python's own errors through.
        unknown_key = False
    # Raised out here, the error does not carry the frames that hold the token.
    if unknown_key:
        raise UnknownKey
    raise refused("signature")


class _Checks:
    """The claims of one token, and what is demanded of them."""

    def __init__(self, provider: IdentityProvider, claims: Mapping[str, Any]) -> None:
        self._provider = provider
        self._claims = claims

    def same(self, name: str, wanted: str) -> None:
        """Demand an exact value."""
        if self._claims.get(name) != wanted:
            raise refused(name)

    def nonce(self, wanted: Secret) -> None:
        """An answer to what was asked on this trip."""
        said = self._claims.get("nonce")
        if not isinstance(said, str) or not said or Secret(said) != wanted:
            del said
            raise refused("nonce")

    def address(self) -> tuple[str | None, bool]:
        """The address it states, and whether it is said to be verified."""
        return stated_address(self._claims)

    def origin(self) -> None:
        """By this provider, and for us alone."""
        self.same("iss", self._provider.issuer)
        audience = self._claims.get("aud")
        client_id = self._provider.client_id
        # Stricter than the specification: a token that others may show as well is none of ours.
        if audience not in (client_id, [client_id]):
            raise refused("aud")
        if self._claims.get("azp", client_id) != client_id:
            raise refused("azp")

    def times(self, now: float) -> None:
        """Valid now, and not made in the future."""
        if self._number("exp") <= now - LEEWAY_SECONDS:
            raise refused("exp")
        if self._number("iat") > now + LEEWAY_SECONDS:
            raise refused("iat")
        if "nbf" in self._claims and self._number("nbf") > now + LEEWAY_SECONDS:
            raise refused("nbf")

    def subject(self) -> str:
        """Who it is about."""
        subject = self._claims.get("sub")
        if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_TEXT:
            raise refused("sub")
        if not subject.isprintable():  # A NUL or half a character could not even be stored.
            raise refused("sub")
        return subject

    def authenticated_at(self, earliest: datetime | None, now: float) -> datetime | None:
        """When they proved who they are; demanded where a fresh proof is."""
        if earliest is None and "auth_time" not in self._claims:
            return None
        moment = self._number("auth_time")
        too_early = earliest is not None and moment < earliest.timestamp() - LEEWAY_SECONDS
        if too_early or moment > now + LEEWAY_SECONDS:
            raise refused("auth_time")
        return datetime.fromtimestamp(moment, UTC)

    def requirements(self) -> None:
        """What the settings demand beyond the protocol."""
        for name, wanted in self._provider.required_claims.items():
            stated = self._claims.get(name)
            values = stated if isinstance(stated, list) else [stated]
            # By type as well: to Python, True is 1.
            if not any(type(v) is type(w) and v == w for v in values for w in wanted):
                raise IdentityRefused(
                    f"{self._provider.title} lets only some of its accounts in here, and this one"
                    " is not among them. Use the account of your organization.",
                    reason=f"claim {name}",
                )

    def _number(self, name: str) -> float:
        value = self._claims.get(name)
        # 1e11 is the year 5138; beyond it no clock can go, and dates cannot be made.
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e11:  # noqa: PLR2004
            raise refused(name)
        return float(value)


def stated_address(claims: Mapping[str, Any]) -> tuple[str | None, bool]:
    """The address that claims state, and whether it is said to be verified.

    :param claims: of an ID token, or from userinfo. What cannot be shown is no address.
    """
    email = claims.get("email")
    if not isinstance(email, str) or not email or not email.isprintable():
        return None, False
    return email, claims.get("email_verified") is True


def refused(reason: str) -> IdentityRefused:
    """The refusal of an answer that does not fit; the visitor is told no more than that.

    :param reason: one word for the log.
    """
    return IdentityRefused(
        "The answer of the identity provider does not fit what was asked, so nothing was changed"
        " and nobody was signed in. Begin again from here; if it happens again, tell whoever runs"
        " this site.",
        reason=reason,
    )
