"""The client of one identity provider: authorization code with PKCE, refresh, revocation.

Nothing is stored here but what the provider publishes about itself. What a trip needs is handed in
(:class:`Trip`), and what comes of it handed out (:class:`ProvedIdentity`); the access token never
leaves this module, and the refresh token only sealed in a
:class:`~flask_tokenoffset.vault.Secret`.
"""

from __future__ import annotations

import base64
import hashlib
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from flask_tokenoffset.errors import IdentityProviderUnavailable, IdentityRefused
from flask_tokenoffset.host.identity_providers import OFFLINE_ACCESS
from flask_tokenoffset.oidc.http import IdentityHTTP
from flask_tokenoffset.oidc.metadata import (
    Metadata,
    configured_metadata,
    discovery_address,
    read_metadata,
)
from flask_tokenoffset.vault import Secret

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from flask_tokenoffset.clock import Clock
    from flask_tokenoffset.host.identity_providers import IdentityProvider
    from flask_tokenoffset.oidc.http import Reply
    from flask_tokenoffset.oidc.id_tokens import Claims, Keys

#: How long metadata and keys are believed before they are read again.
KEPT_SECONDS: Final = 3600.0
#: How soon keys may be fetched again for a token that names an unknown one.
KEYS_INTERVAL_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """What belongs to one trip of a browser to the provider and back.

    :param redirect_uri: where it comes back; the same text at both ends.
    :param state: ties the answer to the question.
    :param nonce: ties the ID token to the question.
    :param code_verifier: ties the code to us (RFC 7636).
    :param fresh_since: where the person must prove anew who they are: when they were asked to.
    """

    redirect_uri: str
    state: Secret
    nonce: Secret
    code_verifier: Secret
    fresh_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationAnswer:
    """What a browser brings back from a provider, or from whoever wrote the address.

    :param state: names the trip it claims to end.
    :param code: becomes tokens.
    :param issuer: who says to have answered (RFC 9207).
    :param error: what went wrong, as a code of the protocol.
    """

    state: Secret | None
    code: Secret | None
    issuer: str | None
    error: str | None

    @classmethod
    def read(cls, query: Mapping[str, str]) -> AuthorizationAnswer:
        """Take out of a query what the protocol knows.

        :param query: the parameters, each of which stands there once.
        """
        return cls(
            state=_secret(query, "state"),
            code=_secret(query, "code"),
            issuer=query.get("iss"),
            error=query.get("error"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvedIdentity:
    """Somebody at a provider, proved just now.

    :param provider: the provider's name here.
    :param title: its name as a person writes it.
    :param issuer: its issuer identifier.
    :param subject: who they are there; with the issuer, the only thing that names them.
    :param email: what address the provider states; it names nobody.
    :param email_verified: whether it says to have verified that.
    :param refresh_token: to ask again later, where the provider gave one.
    """

    provider: str
    title: str
    issuer: str
    subject: str
    email: str | None
    email_verified: bool
    refresh_token: Secret | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class _Tokens:
    id_token: Secret | None
    access_token: Secret | None
    refresh_token: Secret | None


class IdentityClient:
    """Speaks to one provider.

    :param provider: which one.
    :param clock: says what time it is, for the instants in a token.
    :param outbound: ``False`` refuses every call.
    :param monotonic: measures the age of what is kept, in seconds.
    """

    def __init__(
        self,
        provider: IdentityProvider,
        *,
        clock: Clock,
        outbound: bool = True,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.provider = provider
        self._clock = clock
        self._monotonic = monotonic
        self._http = IdentityHTTP(provider.title, transport=provider.transport, outbound=outbound)
        self._lock = threading.Lock()
        self._metadata: tuple[Metadata, float] | None = None
        self._keys: tuple[Keys, float] | None = None

    def authorization_address(self, trip: Trip) -> str:
        """Where to send the browser; it holds the state, so it belongs into no log.

        :param trip: the trip that begins.
        :raises IdentityProviderUnavailable: the provider's metadata cannot be read.
        """
        address = self.metadata().authorization
        scopes = self.provider.scopes
        parameters = {
            "response_type": "code",
            "client_id": self.provider.client_id,
            "redirect_uri": trip.redirect_uri,
            "scope": " ".join(scopes),
            "state": trip.state.reveal(),
            "nonce": trip.nonce.reveal(),
            "code_challenge": _challenge(trip.code_verifier),
            "code_challenge_method": "S256",
        }
        if trip.fresh_since is not None:
            parameters |= {"prompt": "login", "max_age": "0"}
        elif OFFLINE_ACCESS in scopes:
            # Without it a provider may leave the refresh token out (OpenID Connect Core, 11).
            parameters["prompt"] = "consent"
        return f"{address}{'&' if '?' in address else '?'}{urlencode(parameters)}"

    def check_answer(self, answer: AuthorizationAnswer) -> Secret:
        """The code in what came back, once it is known to come from this provider.

        :param answer: what came back; its state was compared already.
        :raises IdentityRefused: another provider answered, or this one said no.
        """
        from flask_tokenoffset.oidc.id_tokens import refused  # noqa: PLC0415 - slow to import

        if answer.issuer is None:
            if self.metadata().names_issuer:
                raise refused("iss missing")
        elif answer.issuer != self.provider.issuer:
            raise refused("iss")
        if answer.error is not None:
            raise self._said_no(answer.error)
        if answer.code is None:
            raise refused("code")
        return answer.code

    def exchange(self, code: Secret, trip: Trip) -> ProvedIdentity:
        """Turn a code into a proved identity.

        :param code: from the callback.
        :param trip: the trip that it ends.
        :raises IdentityRefused: the code or what came for it is not accepted.
        :raises IdentityProviderUnavailable: the provider cannot be reached.
        """
        tokens = self._tokens(
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": trip.redirect_uri,
                "code_verifier": trip.code_verifier,
            }
        )
        if tokens is None:
            raise self._not_accepted("code refused")
        claims = self._claims(tokens.id_token, nonce=trip.nonce, fresh_since=trip.fresh_since)
        return self._proved(self._with_userinfo(claims, tokens.access_token), tokens.refresh_token)

    def refresh(self, refresh_token: Secret, subject: str) -> ProvedIdentity:
        """Ask the provider again about somebody, without them.

        :param refresh_token: what it gave; it gives a new one, or the old one goes on.
        :param subject: whom it must be about.
        :raises IdentityRefused: the provider takes it no longer, or states somebody else.
        :raises IdentityProviderUnavailable: the provider cannot be reached.
        """
        from flask_tokenoffset.oidc.id_tokens import Claims  # noqa: PLC0415 - slow to import

        tokens = self._tokens({"grant_type": "refresh_token", "refresh_token": refresh_token})
        if tokens is None:
            raise self._not_accepted("refresh refused")
        if tokens.id_token is None:
            # A provider need not send another one (OpenID Connect Core 1.0, section 12.2).
            claims = Claims(
                subject=subject, email=None, email_verified=False, authenticated_at=None
            )
        else:
            claims = self._claims(tokens.id_token, nonce=None, subject=subject)
        return self._proved(
            self._with_userinfo(claims, tokens.access_token),
            tokens.refresh_token or refresh_token,
        )

    def revoke(self, refresh_token: Secret) -> bool:
        """Give a refresh token back (RFC 7009).

        :param refresh_token: of an identity that was unlinked.
        :return: whether the provider says that it is void now.
        """
        try:
            address = self.metadata().revocation
            if address is None:
                return False
            reply = self._post(
                address, {"token": refresh_token, "token_type_hint": "refresh_token"}
            )
        except IdentityProviderUnavailable:
            return False
        return reply.status == HTTPStatus.OK

    def metadata(self) -> Metadata:
        """Where the provider answers; read once an hour where it publishes that.

        :raises IdentityProviderUnavailable: it cannot be read, or is another provider's.
        """
        if (configured := configured_metadata(self.provider)) is not None:
            return configured
        with self._lock:
            kept = self._metadata
        if kept is None or self._monotonic() - kept[1] >= KEPT_SECONDS:
            document = self._http.get(discovery_address(self.provider))
            kept = read_metadata(self.provider, document), self._monotonic()
            with self._lock:
                self._metadata = kept
        return kept[0]

    def _claims(
        self,
        id_token: Secret | None,
        *,
        nonce: Secret | None,
        subject: str | None = None,
        fresh_since: datetime | None = None,
    ) -> Claims:
        from flask_tokenoffset.oidc import id_tokens  # noqa: PLC0415 - slow to import

        if id_token is None:
            raise id_tokens.refused("id_token missing")
        for longest_age_seconds in (KEPT_SECONDS, KEYS_INTERVAL_SECONDS):
            try:
                return id_tokens.check_id_token(
                    self.provider,
                    id_token,
                    self._public_keys(longest_age_seconds),
                    now=self._clock.now(),
                    nonce=nonce,
                    subject=subject,
                    authenticated_after=fresh_since,
                )
            except id_tokens.UnknownKey:
                continue
        raise id_tokens.refused("key")

    def _public_keys(self, longest_age_seconds: float) -> Keys:
        from flask_tokenoffset.oidc.id_tokens import read_keys  # noqa: PLC0415 - slow to import

        with self._lock:
            kept = self._keys
        if kept is None or self._monotonic() - kept[1] >= longest_age_seconds:
            keys = read_keys(self._http.get(self.metadata().jwks))
            if keys is None:
                raise IdentityProviderUnavailable(
                    f"{self.provider.title} publishes no key that could sign, so its answer cannot"
                    " be checked and nothing was changed. Try again later."
                )
            kept = keys, self._monotonic()
            with self._lock:
                self._keys = kept
        return kept[0]

    def _with_userinfo(self, claims: Claims, access_token: Secret | None) -> Claims:
        """Fill in the address from userinfo, where the ID token leaves it out."""
        from flask_tokenoffset.oidc.id_tokens import stated_address  # noqa: PLC0415 - slow to import

        address = self.metadata().userinfo
        if claims.email is not None or address is None or access_token is None:
            return claims
        if "email" not in self.provider.scopes:
            return claims
        stated = self._http.get(address, bearer=access_token)
        # Only about the very same person (OpenID Connect Core 1.0, section 5.3.2).
        if not isinstance(stated, Mapping) or stated.get("sub") != claims.subject:
            return claims
        email, verified = stated_address(stated)
        return replace(claims, email=email, email_verified=verified)

    def _proved(self, claims: Claims, refresh_token: Secret | None) -> ProvedIdentity:
        if not self.provider.allows_address(claims.email, verified=claims.email_verified):
            raise IdentityRefused(
                f"Only verified addresses at {', '.join(self.provider.allowed_domains)} may come"
                f" here through {self.provider.title}. Use the account of your organization.",
                reason="domain",
            )
        return ProvedIdentity(
            provider=self.provider.name,
            title=self.provider.title,
            issuer=self.provider.issuer,
            subject=claims.subject,
            email=claims.email,
            email_verified=claims.email_verified,
            refresh_token=refresh_token,
        )

    def _post(self, address: str, fields: Mapping[str, str | Secret]) -> Reply:
        """Call an endpoint as the client that we are registered as."""
        provider, secret = self.provider, self.provider.client_secret
        if secret is None:
            return self._http.post(address, {**fields, "client_id": provider.client_id})
        if self.metadata().secret_in_body:
            named = {**fields, "client_id": provider.client_id, "client_secret": secret}
            return self._http.post(address, named)
        return self._http.post(address, fields, basic=(provider.client_id, secret))

    def _tokens(self, fields: Mapping[str, str | Secret]) -> _Tokens | None:
        """What the token endpoint gives; ``None`` where it refuses.

        Nothing is raised with its answer at hand: it holds tokens, or words that quote the code.
        """
        reply = self._post(self.metadata().token, fields)
        if reply.status != HTTPStatus.OK or not isinstance(reply.body, Mapping):
            return None
        return _Tokens(*(_secret(reply.body, name) for name in _TOKEN_NAMES))

    def _not_accepted(self, reason: str) -> IdentityRefused:
        return IdentityRefused(
            f"{self.provider.title} did not accept the answer that came back, so nothing was"
            " changed. It may have been too old, or used already. Begin again.",
            reason=reason,
        )

    def _said_no(self, code: str) -> IdentityRefused:
        if code == "access_denied":
            sentence = f"You did not agree at {self.provider.title}, so nothing was changed."
        else:
            sentence = (
                f"{self.provider.title} could not do what was asked, so nothing was changed. Try"
                " again; if it stays like this, tell whoever runs this site."
            )
        # The code comes out of the address, where anybody may have written it.
        known = code if code in _ERROR_CODES else "unknown"
        return IdentityRefused(sentence, reason=f"error {known}")


_TOKEN_NAMES: Final = ("id_token", "access_token", "refresh_token")
#: RFC 6749 section 4.1.2.1 and OpenID Connect Core 1.0 section 3.1.2.6.
_ERROR_CODES: Final = frozenset(
    {
        *("invalid_request", "unauthorized_client", "access_denied", "unsupported_response_type"),
        *("invalid_scope", "server_error", "temporarily_unavailable", "interaction_required"),
        *("login_required", "account_selection_required", "consent_required"),
    }
)


def _secret(answer: Mapping[str, object], name: str) -> Secret | None:
    value = answer.get(name)
    return Secret(value) if isinstance(value, str) and value else None


def _challenge(code_verifier: Secret) -> str:
    digest = hashlib.sha256(code_verifier.reveal().encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
