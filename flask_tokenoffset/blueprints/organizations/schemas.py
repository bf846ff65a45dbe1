"""What organizations look like in the API."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self
from uuid import UUID

from pydantic import Field

from flask_tokenoffset.blueprints.schemas.base import Answer, Body, ItemList
from flask_tokenoffset.models import MembershipStatus
from flask_tokenoffset.permissions import Role

if TYPE_CHECKING:
    from flask_tokenoffset.services.organizations.organizations import OrganizationMembership


class OrganizationBody(Body):
    """What an organization is called."""

    name: Annotated[str, Field(min_length=1, max_length=400)] = Field(
        description="Up to 120 characters. Two organizations may have the same name."
    )


class OrganizationAnswer(Answer):
    """An organization the caller belongs to, and what they are there."""

    id: UUID
    name: str
    created_at: datetime
    membership_id: UUID = Field(description="The caller's own membership.")
    role: Role = Field(description="The caller's role.")
    status: MembershipStatus = Field(
        description="The caller's own: whoever is suspended can do nothing there."
    )

    @classmethod
    def of(cls, joined: OrganizationMembership) -> Self:
        """Show an organization as one of its members sees it."""
        return super().of(
            joined.organization, joined.membership, membership_id=joined.membership.id
        )


class OrganizationList(ItemList[OrganizationAnswer]):
    """One page of the caller's organizations, by name."""
