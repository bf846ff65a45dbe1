"""Linked identities as the API shows them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self
from uuid import UUID

from pydantic import Field

from flask_tokenoffset.blueprints.schemas.base import Answer

if TYPE_CHECKING:
    from flask_tokenoffset.services.identities.links import LinkedIdentity


class IdentityAnswer(Answer):
    """An account at an identity provider that is linked to one's own."""

    id: UUID
    provider: str = Field(description="The provider's name in this application's settings.")
    email: str | None = Field(description="What the provider stated last; it names nobody.")
    email_verified: bool
    linked_at: datetime
    last_used_at: datetime | None
    refreshable: bool = Field(description="Whether a sealed refresh token is kept.")

    @classmethod
    def of(cls, linked: LinkedIdentity) -> Self:
        """Show an identity."""
        return super().of(linked, linked.identity)


class IdentityListAnswer(Answer):
    """A person's linked identities; at most ten, so there are no pages."""

    items: list[IdentityAnswer]
