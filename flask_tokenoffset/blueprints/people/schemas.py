"""What a person looks like in the API."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self
from uuid import UUID

from pydantic import Field

from flask_tokenoffset.blueprints.schemas.base import Answer, Body
from flask_tokenoffset.models import LONGEST_NAME, MembershipStatus
from flask_tokenoffset.permissions import Role

if TYPE_CHECKING:
    from flask_tokenoffset.blueprints.access.context import CurrentUser
    from flask_tokenoffset.services.organizations.organizations import OrganizationMembership
    from flask_tokenoffset.services.people.profiles import Held

_Name = Annotated[str, Field(max_length=LONGEST_NAME)]


class PersonBody(Body):
    """What to correct. What is not named stays as it is; null or an empty text takes it away."""

    display_name: _Name = Field("", description="What to call the person; it cannot be taken away.")
    company: _Name | None = None
    job_role: _Name | None = Field(None, description="What the person does there.")
    heard_from: _Name | None = Field(None, description="How the person heard of this.")

    def said(self) -> dict[str, str | None]:
        """Only what was sent."""
        return self.model_dump(include=self.model_fields_set)


class PersonMembershipAnswer(Answer):
    """A membership of an organization."""

    organization_id: UUID
    organization_name: str
    role: Role
    status: MembershipStatus

    @classmethod
    def of(cls, joined: OrganizationMembership) -> Self:
        """Show a membership."""
        return super().of(joined.membership, organization_name=joined.organization.name)


class PersonAnswer(Answer):
    """What is held about the caller."""

    id: UUID | None = Field(description="Null before the first change.")
    display_name: str | None
    company: str | None
    job_role: str | None
    heard_from: str | None
    email: str | None
    email_verified: bool = Field(
        description="Whether the site, or the person by following a link, proved the address."
    )
    email_verified_at: datetime | None = Field(
        description="When that became known here; with the next change where it is not yet."
    )
    onboarded_at: datetime | None = Field(
        description="When the person first said what to call them."
    )
    memberships: list[PersonMembershipAnswer]
    created_at: datetime | None

    @classmethod
    def of(cls, user: CurrentUser, held: Held) -> PersonAnswer:
        """Show a person, before their first change as well."""
        person = user.person
        return cls(
            id=person.id if person else None,
            display_name=held.display_name,
            company=person.company if person else None,
            job_role=person.job_role if person else None,
            heard_from=person.heard_from if person else None,
            email=held.email,
            email_verified=held.verified,
            email_verified_at=held.verified_at,
            onboarded_at=person.onboarded_at if person else None,
            memberships=[PersonMembershipAnswer.of(each) for each in user.memberships],
            created_at=person.created_at if person else None,
        )
