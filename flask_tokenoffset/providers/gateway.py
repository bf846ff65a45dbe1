"""The one way by which the rest of the package reaches a vendor."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.providers.http import VendorHTTP
from flask_tokenoffset.providers.registry import PROVIDERS
from flask_tokenoffset.providers.removed import RemovedProvider

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from flask_tokenoffset.clock import Clock
    from flask_tokenoffset.outbound import Transport
    from flask_tokenoffset.providers.base import Provider, ReportingClient
    from flask_tokenoffset.vault import Secret


class Gateway:
    """Opens reporting clients for the vendors that are enabled.

    :param providers: the enabled providers by name.
    :param clock: says what time it is, for instants in a vendor's headers.
    :param transports: provider name to the transport that carries its requests in place of the
        network (``TOKENOFFSET_HTTP_TRANSPORTS``).
    :param outbound: ``False`` refuses every call (``TOKENOFFSET_OUTBOUND``).
    """

    def __init__(
        self,
        providers: Sequence[Provider],
        *,
        clock: Clock,
        transports: Mapping[str, Transport],
        outbound: bool,
    ) -> None:
        self._providers = {provider.name: provider for provider in providers}
        self._clock = clock
        self._transports = transports
        self._outbound = outbound

    @property
    def providers(self) -> tuple[Provider, ...]:
        """The enabled providers, in the order of the settings."""
        return tuple(self._providers.values())

    def provider(self, name: str) -> Provider:
        """An enabled provider.

        :param name: its stable name, for example ``"openai"``.
        :raises InvalidInput: there is none of that name, or it is not enabled here.
        """
        try:
            return self._providers[name]
        except KeyError:
            known = ", ".join(self._providers) or "none"
            raise InvalidInput(
                {"provider": f"There is no such provider here. Choose one of: {known}."}
            ) from None

    def vendor_of(self, stored_name: str) -> Provider:
        """The vendor of a connection that is stored, for words about it; nothing is sent.

        It may be none that is enabled: a host that names fewer vendors, or removes the package of
        one, keeps what was read before.

        :param stored_name: the name that is stored with the connection.
        """
        found = self._providers.get(stored_name) or PROVIDERS.get(stored_name)
        return found or RemovedProvider(stored_name)

    @contextmanager
    def open(
        self, name: str, key: Secret, *, should_continue: Callable[[], None] | None = None
    ) -> Iterator[ReportingClient]:
        """A client that reads one organization's reports, closed when the block is left.

        :param name: the provider's stable name.
        :param key: the admin key to read with.
        :param should_continue: called before each request; raises to stop the work there.
        :raises InvalidInput: the provider is not enabled.
        :raises WrongKeyKind: the key is not the kind this vendor needs; nothing was sent.
        """
        provider = self.provider(name)
        provider.check_key_kind(key)
        with VendorHTTP(
            name,
            provider.endpoints,
            key,
            transport=self._transports.get(name),
            clock=self._clock,
            outbound=self._outbound,
            should_continue=should_continue,
        ) as http:
            yield provider.open(key, http)
