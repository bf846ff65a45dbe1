"""The search over members, and the words in which roles are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from flask_tokenoffset.blueprints.members.schemas import LONGEST_SEARCH
from flask_tokenoffset.models import MembershipStatus
from flask_tokenoffset.permissions import Role
from flask_tokenoffset.services.organizations.member_lists import MemberFilter

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What a role may do, in a sentence.
ROLE_SENTENCES: Final[Mapping[Role, str]] = {
    Role.OWNER: "Everything, including to close the organization and to make other owners.",
    Role.ADMIN: "Manages sources, plans, members and settings; makes no owner and closes nothing.",
    Role.AUDITOR: "Sees everything, the audit log included, and changes nothing.",
    Role.MEMBER: "Sees their own membership, and nothing else of the organization.",
}
#: Roles and statuses as pages write them.
ROLE_TITLES: Final[Mapping[Role, str]] = {role: role.capitalize() for role in Role}
STATUS_TITLES: Final[Mapping[MembershipStatus, str]] = {
    status: status.capitalize() for status in MembershipStatus
}


@dataclass(frozen=True, slots=True)
class SearchForm:
    """What a person looks for. An address that names no role of ours looks for every role.

    :param search: as typed.
    :param role: as chosen; empty for any.
    :param status: as chosen; empty for any.
    """

    search: str
    role: str
    status: str

    @classmethod
    def read(cls, sent: Mapping[str, str]) -> Self:
        """Take what was sent."""
        search = "".join(filter(str.isprintable, sent.get("search", "")))[:LONGEST_SEARCH]
        role, status = sent.get("role", ""), sent.get("status", "")
        return cls(
            search=search.strip(),
            role=role if role in set(Role) else "",
            status=status if status in set(MembershipStatus) else "",
        )

    def wanted(self) -> MemberFilter:
        """The same for the service."""
        return MemberFilter(
            search=self.search,
            role=Role(self.role) if self.role else None,
            status=MembershipStatus(self.status) if self.status else None,
        )

    def query(self) -> dict[str, Any]:
        """The same as a query, without what is empty."""
        given = {"search": self.search, "role": self.role, "status": self.status}
        return {name: value for name, value in given.items() if value}


def read_role(sent: Mapping[str, str]) -> Role | None:
    """The role that a form names, if it is one of ours."""
    role = sent.get("role", "")
    return Role(role) if role in set(Role) else None
