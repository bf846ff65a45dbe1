"""The client of one identity provider: authorization code with PKCE, refresh, revocation.

The protocol is Authlib's, over our own HTTP; what no library checks is checked here. The access
token never leaves this module, and the refresh token only sealed in a ``Secret``.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus

from authlib.oauth2 import OAuth2Client, OAuth2Error

from flask_tokenoffset.errors import IdentityProviderUnavailable, IdentityRefused
from flask_tokenoffset.host.identity_providers import OFFLINE_ACCESS
from flask_tokenoffset.oidc import id_tokens
from flask_tokenoffset.oidc.flows import ProvedIdentity
from flask_tokenoffset.oidc.http import IdentityHTTP
from flask_tokenoffset.oidc.id_tokens import Person, refused
from flask_tokenoffset.oidc.metadata import Metadata, read_metadata
from flask_tokenoffset.vault import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask_tokenoffset.clock import Clock
    from flask_tokenoffset.host.identity_providers import IdentityProvider
    from flask_tokenoffset.oidc.flows import AuthorizationAnswer, AuthorizationFlow

#: How long metadata and keys are believed before they are read again.
KEPT_SECONDS: Final = 3600.0
#: How soon keys may be fetched again for a token that names an unknown one.
KEYS_INTERVAL_SECONDS: Final = 10.0
#: Every error that Authlib knows, and two of RFC 6749 section 4.1.2.1 that it has no class for.
_ERROR_CODES: Final = {each.error for each in OAuth2Error.__subclasses__()} | {
    *("server_error", "temporarily_unavailable")
}


class IdentityClient:
    """Speaks to one provider."""

    def __init__(self, provider: IdentityProvider, *, clock: Clock, outbound: bool = True) -> None:
        self.provider = provider
        self._clock = clock
        self._monotonic = time.monotonic
        self._http = IdentityHTTP(provider.title, transport=provider.transport, outbound=outbound)
        self._metadata: tuple[Metadata, float] | None = None
        self._keys: tuple[id_tokens.Keys, float] | None = None

    def authorization_address(self, flow: AuthorizationFlow) -> str:
        """Where to send the browser; it holds the state, so it belongs into no log.

        :raises IdentityProviderUnavailable: the provider's metadata cannot be read.
        """
        more = {}
        if flow.authenticated_since is not None:
            more = {"prompt": "login", "max_age": "0"}
        elif OFFLINE_ACCESS in self.provider.scopes:
            # Without it a provider may leave the refresh token out (OpenID Connect Core, 11).
            more = {"prompt": "consent"}
        oauth = OAuth2Client(self._http, self.provider.client_id, code_challenge_method="S256")
        address, _ = oauth.create_authorization_url(
            self.metadata().authorization,
            state=flow.state.reveal(),
            nonce=flow.nonce.reveal(),
            code_verifier=flow.code_verifier.reveal(),
            redirect_uri=flow.redirect_uri,
            scope=self.provider.scopes,
            **more,
        )
        return str(address)

    def check_answer(self, answer: AuthorizationAnswer) -> Secret:
        """The code in what came back, whose state was compared, once this provider sent it.

        :raises IdentityRefused: another provider answered, or this one said no.
        """
        if answer.issuer is None and self.metadata().names_issuer:
            raise refused("iss missing")
        if answer.issuer not in {None, self.provider.issuer}:
            raise refused("iss")
        if answer.error == "access_denied":
            raise IdentityRefused(
                f"You did not agree at {self.provider.title}, so nothing was changed.",
                reason="error access_denied",
            )
        if answer.error is not None:
            # The code comes out of the address, where anyone may have written it.
            known = answer.error if answer.error in _ERROR_CODES else "unknown"
            raise IdentityRefused(
                f"{self.provider.title} could not do what was asked, so nothing was changed. Try"
                " again; if it stays like this, tell whoever runs this site.",
                reason=f"error {known}",
            )
        if answer.code is None:
            raise refused("code")
        return answer.code

    def exchange(self, code: Secret, flow: AuthorizationFlow) -> ProvedIdentity:
        """Turn a code into a proved identity.

        :raises IdentityRefused: the code or what came for it is not accepted.
        :raises IdentityProviderUnavailable: the provider cannot be reached.
        """
        tokens = self._tokens(
            "code",
            lambda client: client.fetch_token(
                self.metadata().token,
                grant_type="authorization_code",
                code=code.reveal(),
                redirect_uri=flow.redirect_uri,
                code_verifier=flow.code_verifier.reveal(),
            ),
        )
        if "id_token" not in tokens:
            raise refused("id_token missing")
        return self._proved(self._person(tokens["id_token"], flow), tokens)

    def refresh(self, refresh_token: Secret, subject: str) -> ProvedIdentity:
        """Ask the provider again about a person, without them.

        :param refresh_token: what it gave; it gives a new one, or the old one goes on.
        :raises IdentityRefused: the provider takes it no longer, or states another person.
        :raises IdentityProviderUnavailable: the provider cannot be reached.
        """
        tokens = self._tokens(
            "refresh",
            lambda client: client.refresh_token(
                self.metadata().token, refresh_token=refresh_token.reveal()
            ),
        )
        # A provider need not send another ID token (OpenID Connect Core 1.0, section 12.2).
        id_token = tokens.get("id_token")
        person = Person(subject) if id_token is None else self._person(id_token)
        if person.subject != subject:
            raise refused("sub")
        return self._proved(person, tokens)

    def revoke(self, refresh_token: Secret) -> bool:
        """Give a refresh token back (RFC 7009); whether the provider says that it is void now."""
        try:
            address = self.metadata().revocation
            reply: Any = address and self._ask(
                lambda client: client.revoke_token(
                    address,
                    token=refresh_token.reveal(),
                    token_type_hint="refresh_token",  # noqa: S106 - the kind, not the token
                )
            )
        except IdentityProviderUnavailable:
            return False
        return bool(reply) and reply.status_code == HTTPStatus.OK

    def metadata(self) -> Metadata:
        """Where the provider answers; read once an hour where it publishes that.

        :raises IdentityProviderUnavailable: it cannot be read, or is another provider's.
        """
        if self.provider.endpoints is not None:
            return Metadata(**asdict(self.provider.endpoints))
        kept = self._metadata
        if kept is None or self._monotonic() - kept[1] >= KEPT_SECONDS:
            address = f"{self.provider.issuer.removesuffix('/')}/.well-known/openid-configuration"
            document = self._http.get(address)
            kept = self._metadata = read_metadata(self.provider, document), self._monotonic()
        return kept[0]

    def _person(self, id_token: Secret, flow: AuthorizationFlow | None = None) -> Person:
        now = self._clock.now()
        for longest_age_seconds in (KEPT_SECONDS, KEYS_INTERVAL_SECONDS):
            kept = self._keys
            if kept is None or self._monotonic() - kept[1] >= longest_age_seconds:
                keys = id_tokens.read_keys(self.provider, self._http.get(self.metadata().jwks))
                kept = self._keys = keys, self._monotonic()
            try:
                return id_tokens.check_id_token(self.provider, id_token, kept[0], now, flow)
            except id_tokens.UnknownKey:
                continue
        raise refused("key")

    def _proved(self, person: Person, tokens: Mapping[str, Secret]) -> ProvedIdentity:
        address = self.metadata().userinfo if "email" in self.provider.scopes else None
        if person.email is None and address is not None and "access_token" in tokens:
            stated = self._http.get(address, bearer=tokens["access_token"])
            # Only about the very same person (OpenID Connect Core 1.0, section 5.3.2).
            if isinstance(stated, Mapping) and stated.get("sub") == person.subject:
                person = Person(person.subject, *id_tokens.stated_address(stated))
        if not self.provider.allows_address(person.email, verified=person.email_verified):
            raise IdentityRefused(
                f"Only verified addresses at {', '.join(self.provider.allowed_domains)} may come"
                f" here through {self.provider.title}. Use the account of your organization.",
                reason="domain",
            )
        return ProvedIdentity(
            provider=self.provider.name,
            title=self.provider.title,
            issuer=self.provider.issuer,
            **person._asdict(),
            refresh_token=tokens.get("refresh_token"),
        )

    def _tokens(
        self, what: str, call: Callable[[OAuth2Client], Mapping[str, str]]
    ) -> Mapping[str, Secret]:
        """The sealed answer of the token endpoint to a code, or to a refresh token."""
        tokens: Mapping[str, Secret] | None = self._ask(
            lambda client: {name: Secret(text) for name, text in call(client).items()}
        )
        if tokens is None:
            raise IdentityRefused(
                f"{self.provider.title} did not accept the answer that came back, so nothing was"
                " changed. It may have been too old, or used already. Begin again.",
                reason=f"{what} refused",
            )
        return tokens

    def _ask(self, call: Callable[[OAuth2Client], Any]) -> Any:
        """What comes of a call as the client that we are registered as; ``None`` if refused.

        Nothing is raised with its answer at hand: it holds tokens, or words that quote the code.
        Authlib's client keeps what it is told, so each call has its own.
        """
        secret = self.provider.client_secret
        method = "none" if secret is None else self.metadata().auth_method
        # RFC 6749 section 2.3.1 asks for the form encoding before Base64; Authlib leaves it out.
        encoded = quote_plus if method == "client_secret_basic" else str
        client = OAuth2Client(
            self._http,
            encoded(self.provider.client_id),
            None if secret is None else encoded(secret.reveal()),
            token_endpoint_auth_method=method,
            revocation_endpoint_auth_method=method,
        )
        try:
            return call(client)
        except OAuth2Error:
            return None
        except BaseException as error:  # noqa: BLE001  # raised again at once
            # The frames below hold codes and tokens, which reports with local variables would show.
            raise error.with_traceback(None) from None
