"""What members look like in the API."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self
from uuid import UUID

from pydantic import Field

from flask_tokenoffset.blueprints.schemas.base import Answer, Body, ItemList, ListQuery
from flask_tokenoffset.models import MembershipStatus
from flask_tokenoffset.permissions import Role

if TYPE_CHECKING:
    from flask_tokenoffset.services.organizations.member_lists import Member

#: Characters of the longest text to look for.
LONGEST_SEARCH = 200


class MemberQuery(ListQuery):
    """Which members."""

    search: Annotated[str, Field(max_length=LONGEST_SEARCH)] = Field(
        "", description="A part of the name or the address, in any case."
    )
    role: Role | None = Field(None, description="Only members in this role.")
    status: MembershipStatus | None = Field(None, description="Only members of this status.")


class MemberBody(Body):
    """What to change of a member. What is not named stays as it is."""

    role: Role | None = Field(None, description="No role that holds more than the caller's own.")
    status: MembershipStatus | None = Field(
        None, description="`suspended` sees and does nothing until it is `active` again."
    )


class TransferBody(Body):
    """Who is to be the owner in the caller's place."""

    membership_id: Annotated[UUID, Field(strict=False)]


class MemberAnswer(Answer):
    """A person in an organization."""

    id: UUID = Field(description="The membership.")
    name: str
    email: str | None
    role: Role
    status: MembershipStatus
    joined_at: datetime

    @classmethod
    def of(cls, member: Member) -> Self:
        """Show a member."""
        return super().of(member, member.membership)


class MemberList(ItemList[MemberAnswer]):
    """One page of members, by name."""
