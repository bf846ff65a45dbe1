"""Identity providers that speak OpenID Connect: no database, no Flask."""

from __future__ import annotations

from flask_tokenoffset.oidc.client import (
    AuthorizationAnswer,
    IdentityClient,
    ProvedIdentity,
    Trip,
)
from flask_tokenoffset.oidc.gateway import IdentityGateway

__all__ = ["AuthorizationAnswer", "IdentityClient", "IdentityGateway", "ProvedIdentity", "Trip"]
