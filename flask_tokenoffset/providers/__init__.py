"""The vendors whose usage can be read, and how.

::

    provider = providers.get("anthropic")
    provider.check_key_kind(key)
    with VendorHTTP(provider.name, provider.endpoints, key) as http:
        client = provider.open(key, http)
        for days in client.usage(window):
            ...

A client knows no database and no Flask. It makes the calls in ``provider.endpoints`` and no other.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from flask_tokenoffset.outbound import Limits, Transport
from flask_tokenoffset.providers.anthropic import AnthropicProvider
from flask_tokenoffset.providers.base import (
    Columns,
    CostDay,
    CostRow,
    Provider,
    ReportingClient,
    UsageDay,
    UsageRow,
    VendorOrganization,
    WalkThrough,
    Window,
)
from flask_tokenoffset.providers.endpoints import Endpoint
from flask_tokenoffset.providers.gateway import Gateway
from flask_tokenoffset.providers.http import VendorHTTP
from flask_tokenoffset.providers.openai import OpenAIProvider

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "PROVIDERS",
    "Columns",
    "CostDay",
    "CostRow",
    "Endpoint",
    "Gateway",
    "Limits",
    "Provider",
    "ReportingClient",
    "Transport",
    "UsageDay",
    "UsageRow",
    "VendorHTTP",
    "VendorOrganization",
    "WalkThrough",
    "Window",
    "get",
]

#: Every vendor, by the name that is stored with a connection.
PROVIDERS: Final[Mapping[str, Provider]] = MappingProxyType(
    {provider.name: provider for provider in (AnthropicProvider(), OpenAIProvider())}
)


def get(name: str) -> Provider:
    """The vendor of that name.

    :param name: a key of :data:`PROVIDERS`.
    :raises KeyError: where there is none; what a person typed is checked before.
    """
    return PROVIDERS[name]
