"""The one way by which the rest of the package reaches identity providers."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from flask_tokenoffset.clock import SystemClock
from flask_tokenoffset.errors import NotFound, OutboundDisabled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask_tokenoffset.clock import Clock
    from flask_tokenoffset.host.identity_providers import IdentityProvider
    from flask_tokenoffset.oidc.client import IdentityClient
    from flask_tokenoffset.vault import Secret

logger = logging.getLogger(__name__)


class IdentityGateway:
    """A client for each provider of the settings; without any, nothing can be linked."""

    def __init__(
        self,
        providers: Mapping[str, IdentityProvider] | None = None,
        *,
        clock: Clock | None = None,
        outbound: bool = True,
    ) -> None:
        self._clients: dict[str, IdentityClient] = {}
        for name, provider in (providers or {}).items():
            # Authlib and joserfc are loaded only where there is a provider to speak to.
            from flask_tokenoffset.oidc.client import IdentityClient  # noqa: PLC0415

            clock = clock or SystemClock()
            self._clients[name] = IdentityClient(provider, clock=clock, outbound=outbound)

    @property
    def providers(self) -> tuple[IdentityProvider, ...]:
        """The providers, in the order of the settings."""
        return tuple(client.provider for client in self._clients.values())

    def find(self, name: str) -> IdentityClient | None:
        """The client of a provider, if the settings name it still."""
        return self._clients.get(name)

    def client(self, name: str) -> IdentityClient:
        """The client of a provider.

        :raises NotFound: the settings name none like this.
        """
        if (client := self.find(name)) is None:
            raise NotFound("There is no such thing here.")
        return client

    def give_back(self, name: str, token: Secret | None) -> bool:
        """Have a provider void a refresh token, once nothing of it is kept here.

        :param token: the token; ``None`` where it did not open.
        :return: whether the provider says that it is void.
        """
        client = self.find(name)
        if client is None or token is None:
            return False
        try:
            given_back = client.revoke(token)
        except OutboundDisabled:
            given_back = False
        if not given_back:
            logger.warning("A refresh token could not be given back to %s.", name)
        return given_back
