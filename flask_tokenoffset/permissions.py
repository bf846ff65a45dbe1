"""The permissions that views and API operations name, and the roles that hold them.

Every route of ours names exactly one permission with :func:`requires`; ``init_app`` refuses to
start with a route that names none. Who holds a permission is decided here and nowhere else: over
their own account a person holds what :data:`OWN_ACCOUNT` lists, in an organization what
:data:`ROLES` gives their role, and someone not signed in only the public ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final, TypeVar

View = TypeVar("View", bound=Callable[..., Any])

_ATTRIBUTE: Final = "tokenoffset_permission"
_BEFORE_ACCEPTANCE: Final = "tokenoffset_before_acceptance"


class Role(StrEnum):
    """What a member is in an organization."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    AUDITOR = "auditor"


class Permission(StrEnum):
    """What may be done. Which roles hold it is said in :data:`ROLES`."""

    #: Read the methodology, the bands, the connections page and the API description. Anyone.
    READ_PUBLISHED = "published:read"
    #: Sign in, and follow a link that was mailed. Anyone.
    SIGN_IN = "sign-in"

    #: See and correct what is held about oneself, one's linked identities and invitations.
    READ_SELF = "self:read"
    CHANGE_SELF = "self:change"
    #: Create an organization, and become its owner.
    CREATE_ORGANIZATION = "organization:create"

    #: See the dashboard, the plan, its history and its billing records.
    READ_PLAN = "plan:read"
    #: Adopt an estimate; pause, resume or end the plan.
    CHANGE_PLAN = "plan:change"
    #: See estimate sources, their runs and the usage read.
    READ_SOURCES = "sources:read"
    #: Connect, re-sample and disconnect estimate sources.
    CHANGE_SOURCES = "sources:change"
    #: See estimates.
    READ_ESTIMATES = "estimates:read"
    #: Make an estimate from a band, an amount or a sample.
    MAKE_ESTIMATES = "estimates:make"

    #: See an organization one belongs to, and one's own membership; leave it.
    READ_MEMBERSHIP = "membership:read"
    CHANGE_MEMBERSHIP = "membership:change"
    #: Rename the organization; say who pays, what new members begin with, and the monthly cap.
    CHANGE_ORGANIZATION = "organization:change"
    #: Close the organization, or hand it to another owner.
    OWN_ORGANIZATION = "organization:own"
    #: See members and invitations.
    READ_MEMBERS = "members:read"
    #: Invite, remove, suspend and restore members; give them roles.
    CHANGE_MEMBERS = "members:change"
    #: See the plans of members, in all and one by one.
    READ_MEMBER_PLANS = "member-plans:read"
    #: Change the plans of members.
    CHANGE_MEMBER_PLANS = "member-plans:change"
    #: See the audit log.
    READ_AUDIT = "audit:read"
    #: Take the audit log away as a file.
    EXPORT_AUDIT = "audit:export"

    #: Answer people's requests under their rights. Anyone who the host calls an operator.
    HANDLE_REQUESTS = "requests:handle"


PUBLIC: Final = frozenset({Permission.READ_PUBLISHED, Permission.SIGN_IN})

_ABOUT_ONESELF: Final = PUBLIC | {
    Permission.READ_SELF,
    Permission.CHANGE_SELF,
    Permission.CREATE_ORGANIZATION,
}
_READ_ACCOUNT: Final = {
    Permission.READ_PLAN,
    Permission.READ_SOURCES,
    Permission.READ_ESTIMATES,
}
_CHANGE_ACCOUNT: Final = {
    Permission.CHANGE_PLAN,
    Permission.CHANGE_SOURCES,
    Permission.MAKE_ESTIMATES,
}
#: What a person signed in holds outside of any organization: everything over their own account.
#: Their own audit log is theirs to read, too.
OWN_ACCOUNT: Final = (
    _ABOUT_ONESELF
    | _READ_ACCOUNT
    | _CHANGE_ACCOUNT
    | {Permission.READ_AUDIT, Permission.EXPORT_AUDIT}
)

#: What a person holds beside that whom the host calls an operator of the platform.
OPERATOR: Final = frozenset({Permission.HANDLE_REQUESTS})

_MEMBER: Final = PUBLIC | {Permission.READ_MEMBERSHIP, Permission.CHANGE_MEMBERSHIP}
_AUDITOR: Final = (
    _MEMBER
    | _READ_ACCOUNT
    | {
        Permission.READ_MEMBERS,
        Permission.READ_MEMBER_PLANS,
        Permission.READ_AUDIT,
        Permission.EXPORT_AUDIT,
    }
)
_ADMIN: Final = (
    _AUDITOR
    | _CHANGE_ACCOUNT
    | {
        Permission.CHANGE_ORGANIZATION,
        Permission.CHANGE_MEMBERS,
        Permission.CHANGE_MEMBER_PLANS,
    }
)
#: What each role holds over its organization. The matrix in the documentation is written from it.
ROLES: Final[Mapping[Role, frozenset[Permission]]] = {
    Role.OWNER: _ADMIN | {Permission.OWN_ORGANIZATION},
    Role.ADMIN: _ADMIN,
    Role.AUDITOR: _AUDITOR,
    Role.MEMBER: _MEMBER,
}


#: What needs no acceptance of the documents in force, in one's own account: one's rights, and to
#: read and correct what is held. In an organization there is no such permission.
BEFORE_ACCEPTANCE: Final = PUBLIC | {
    Permission.READ_SELF,
    Permission.CHANGE_SELF,
    Permission.READ_AUDIT,
    Permission.EXPORT_AUDIT,
    Permission.HANDLE_REQUESTS,
}


def may_grant(granting: Role, granted: Role) -> bool:
    """Whether a person in one role may give another one, or take it away.

    Nobody may give what they do not hold.

    :param granting: the role of the person who acts.
    :param granted: the role that is given or taken.
    """
    return ROLES[granted] <= ROLES[granting] and Permission.CHANGE_MEMBERS in ROLES[granting]


def requires(
    permission: Permission, *, before_acceptance: bool | None = None
) -> Callable[[View], View]:
    """Declare the one permission a view needs.

    :param permission: checked by the blueprint before the view runs.
    :param before_acceptance: whether the view serves people who have not accepted the documents in
        force. Without it, :data:`BEFORE_ACCEPTANCE` says so by the permission. What ends something
        or takes a consent back is opened; what begins something under a right of one's own is not.
    """

    def mark(view: View) -> View:
        setattr(view, _ATTRIBUTE, permission)
        setattr(view, _BEFORE_ACCEPTANCE, before_acceptance)
        return view

    return mark


def declared(view: Callable[..., Any]) -> Permission | None:
    """The permission a view was declared with, if any."""
    permission = getattr(view, _ATTRIBUTE, None)
    return permission if isinstance(permission, Permission) else None


def opens_before_acceptance(view: Callable[..., Any], *, in_organization: bool) -> bool:
    """Whether a view serves people who have not accepted the documents in force.

    :param view: declared with :func:`requires`.
    :param in_organization: whether the request names an organization.
    """
    said = getattr(view, _BEFORE_ACCEPTANCE, None)
    if isinstance(said, bool):
        return said
    return declared(view) in (PUBLIC if in_organization else BEFORE_ACCEPTANCE)


def permissions_of(*, signed_in: bool, operator: bool = False) -> frozenset[Permission]:
    """What a person may do outside of any organization.

    :param signed_in: whether it is known who is there.
    :param operator: whether the host says that they work for the platform.
    """
    if not signed_in:
        return PUBLIC
    return OWN_ACCOUNT | OPERATOR if operator else OWN_ACCOUNT
