"""The one way by which the rest of the package reaches identity providers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_tokenoffset.clock import SystemClock
from flask_tokenoffset.errors import NotFound
from flask_tokenoffset.oidc.client import IdentityClient

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask_tokenoffset.clock import Clock
    from flask_tokenoffset.host.identity_providers import IdentityProvider


class IdentityGateway:
    """A client for each provider of the settings.

    :param providers: the providers by name; without any, nothing can be linked.
    :param clock: says what time it is.
    :param outbound: ``False`` refuses every call (``TOKENOFFSET_OUTBOUND``).
    """

    def __init__(
        self,
        providers: Mapping[str, IdentityProvider] | None = None,
        *,
        clock: Clock | None = None,
        outbound: bool = True,
    ) -> None:
        self._clients = {
            name: IdentityClient(provider, clock=clock or SystemClock(), outbound=outbound)
            for name, provider in (providers or {}).items()
        }

    @property
    def providers(self) -> tuple[IdentityProvider, ...]:
        """The providers, in the order of the settings."""
        return tuple(client.provider for client in self._clients.values())

    def find(self, name: str) -> IdentityClient | None:
        """The client of a provider, if the settings name it still.

        :param name: the provider's name.
        """
        return self._clients.get(name)

    def client(self, name: str) -> IdentityClient:
        """The client of a provider.

        :param name: the provider's name.
        :raises NotFound: the settings name none like this.
        """
        client = self.find(name)
        if client is None:
            raise NotFound("There is no such thing here.")
        return client
