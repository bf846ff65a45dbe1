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

from flask_tokenoffset.outbound import Limits, Transport
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
)
from flask_tokenoffset.providers.endpoints import Endpoint
from flask_tokenoffset.providers.gateway import Gateway
from flask_tokenoffset.providers.http import VendorHTTP
from flask_tokenoffset.providers.keys import KeyKind, require_key_kind
from flask_tokenoffset.providers.money import (
    nano_usd_from_cents_text,
    nano_usd_from_dollars,
    require_usd,
)
from flask_tokenoffset.providers.registry import PROVIDERS, enabled_providers, get
from flask_tokenoffset.providers.rows import cost_day, usage_day

__all__ = [
    "PROVIDERS",
    "Columns",
    "CostDay",
    "CostRow",
    "Endpoint",
    "Gateway",
    "KeyKind",
    "Limits",
    "Provider",
    "ReportingClient",
    "Transport",
    "UsageDay",
    "UsageRow",
    "VendorHTTP",
    "VendorOrganization",
    "WalkThrough",
    "cost_day",
    "enabled_providers",
    "get",
    "nano_usd_from_cents_text",
    "nano_usd_from_dollars",
    "require_key_kind",
    "require_usd",
    "usage_day",
]
