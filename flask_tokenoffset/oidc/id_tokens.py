"""Reading ID tokens: signatures by joserfc, the protocol's claims by Authlib, the rest by us."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import ClaimError, InvalidKeyIdError, JoseError, UnsupportedAlgorithmError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from flask_tokenoffset.errors import IdentityProviderUnavailable, IdentityRefused

if TYPE_CHECKING:
    from datetime import datetime

    from flask_tokenoffset.host.identity_providers import IdentityProvider
    from flask_tokenoffset.oidc.flows import AuthorizationFlow
    from flask_tokenoffset.vault import Secret

#: A provider's public keys, and that none of them bears the name that a token gives.
Keys: TypeAlias = KeySet
UnknownKey: TypeAlias = InvalidKeyIdError

#: What may sign: never ``none``, and never a shared secret, which the public key could stand for.
ALGORITHMS: Final = frozenset(
    {
        *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
        *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
    }
)
_RSA_CHARACTERS: Final = 342  #: of base64url, that a modulus of 2048 bits has
#: How far two clocks may be apart.
LEEWAY_SECONDS: Final = 60
LONGEST_TEXT: Final = 255


class Person(NamedTuple):
    """The person as a provider states them: their lasting id there, and their address."""

    subject: str
    email: str | None = None
    email_verified: bool = False


class _Signatures(JWSRegistry):
    """Takes the algorithms above and no other.

    joserfc's own refuses unknown names in a header, which RFC 7515 section 4 tells to ignore, and
    warns of EdDSA, whose new names few providers write yet.
    """

    max_header_length = 16_384

    def get_alg(self, name: str) -> Any:
        if name not in ALGORITHMS or name not in self.algorithms:
            raise UnsupportedAlgorithmError
        return self.algorithms[name]


_SIGNATURES: Final = _Signatures(strict_check_header=False)


def read_keys(provider: IdentityProvider, document: object) -> Keys:
    """The public keys of a JSON Web Key Set but for symmetric, short and unreadable ones.

    :raises IdentityProviderUnavailable: no other is in it.
    """
    entries = document.get("keys") if isinstance(document, Mapping) else None
    keys = []
    for entry in entries if isinstance(entries, list) else ():
        try:
            strong = len(entry["n"]) >= _RSA_CHARACTERS if entry["kty"] == "RSA" else True
            if entry["kty"] in {"RSA", "EC", "OKP"} and entry.get("use", "sig") == "sig" and strong:
                keys += KeySet.import_key_set({"keys": [entry]}).keys
        except (JoseError, ValueError, LookupError, TypeError, AttributeError):
            continue  # One key that cannot be read must not keep the others from working.
    if not keys:
        raise IdentityProviderUnavailable(
            f"{provider.title} publishes no key that could sign, so its answer cannot be checked"
            " and nothing was changed. Try again later."
        )
    return KeySet(keys)


def check_id_token(
    provider: IdentityProvider,
    token: Secret,
    keys: Keys,
    now: datetime,
    flow: AuthorizationFlow | None,
) -> Person:
    """Check an ID token by OpenID Connect Core 1.0, sections 3.1.3.7 and 12.2.

    :param now: the present instant, aware.
    :param flow: what it answers; ``None`` after a refresh, which repeats no nonce.
    :raises UnknownKey: the keys have to be fetched again.
    :raises IdentityRefused: it is not accepted.
    """
    # The claims repeat the nonce, so they stand in no local variable; the object shows nothing.
    signed = _signed(token, keys)
    if fault := _fault(provider, signed, now.timestamp(), flow):
        raise refused(fault)
    person = Person(signed.claims["sub"], *stated_address(signed.claims))
    # A NUL or half a character could not even be stored.
    if not 0 < len(person.subject) <= LONGEST_TEXT or not person.subject.isprintable():
        raise refused("sub")
    for name, wanted in provider.required_claims.items():
        stated = signed.claims.get(name)
        values = stated if isinstance(stated, list) else [stated]
        # By type as well: to Python, True is 1.
        if not any(type(v) is type(w) and v == w for v in values for w in wanted):
            raise IdentityRefused(
                f"{provider.title} lets only some of its accounts in here, and this one is not"
                " among them. Use the account of your organization.",
                reason=f"claim {name}",
            )
    return person


def _signed(token: Secret, keys: Keys) -> jwt.Token:
    try:
        return jwt.decode(token.reveal(), keys, registry=_SIGNATURES)
    except InvalidKeyIdError as error:
        raise error.with_traceback(None) from None
    except (JoseError, ValueError, TypeError, KeyError):
        pass  # It may be broken in any way, and joserfc lets some of Python's own errors through.
    # Raised out here, the error does not carry the frames that hold the token.
    raise refused("signature")


def _fault(
    provider: IdentityProvider, signed: jwt.Token, now: float, flow: AuthorizationFlow | None
) -> str | None:
    """The claim that is wrong; returned, so that no error carries the frames with the nonce."""
    # Stricter than the specification: a token that others may show as well is none of ours.
    if signed.claims.get("aud") not in (provider.client_id, [provider.client_id]):
        return "aud"
    if signed.claims.get("azp", provider.client_id) != provider.client_id:
        return "azp"
    try:
        CodeIDToken(
            signed.claims,
            signed.header,
            {"iss": {"value": provider.issuer}},
            {"nonce": None if flow is None else flow.nonce.reveal()},
        ).validate(now, LEEWAY_SECONDS)
    except ClaimError as error:
        return error.claim
    # Authlib compares neither how far the end is nor when they proved who they are.
    if signed.claims["exp"] >= 1e11:  # noqa: PLR2004 - the year 5138; no clock goes beyond
        return "exp"
    since = None if flow is None else flow.authenticated_since
    moment: Any = signed.claims.get("auth_time", now if since is None else None)
    earliest = 0 if since is None else since.timestamp() - LEEWAY_SECONDS
    if type(moment) not in {int, float} or not earliest <= moment <= now + LEEWAY_SECONDS:
        return "auth_time"
    return None


def stated_address(claims: Mapping[str, Any]) -> tuple[str | None, bool]:
    """The address that claims state, if it can be shown, and whether it was verified there."""
    email = claims.get("email")
    if not isinstance(email, str) or not email or not email.isprintable():
        return None, False
    return email, claims.get("email_verified") is True


def refused(reason: str) -> IdentityRefused:
    """The refusal of an answer that does not fit; only the log is told the reason."""
    return IdentityRefused(
        "The answer of the identity provider does not fit what was asked, so nothing was changed"
        " and nobody was signed in. Begin again from here; if it happens again, tell whoever runs"
        " this site.",
        reason=reason,
    )
