"""Identity providers that speak OpenID Connect: no database, no Flask."""

from __future__ import annotations

from flask_tokenoffset.oidc.flows import AuthorizationAnswer, AuthorizationFlow, ProvedIdentity
from flask_tokenoffset.oidc.gateway import IdentityGateway

__all__ = ["AuthorizationAnswer", "AuthorizationFlow", "IdentityGateway", "ProvedIdentity"]
