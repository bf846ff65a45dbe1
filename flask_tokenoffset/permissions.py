"""The permissions that views and API operations name, and the routes that declare them.

Every route of ours names exactly one permission with :func:`requires`; ``init_app`` refuses to
start with a route that names none. Who holds a permission is decided in one place,
:func:`permissions_of`: a person holds them all over their own account, a visitor only the public
ones.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final, TypeVar

View = TypeVar("View", bound=Callable[..., Any])

_ATTRIBUTE: Final = "tokenoffset_permission"


class Permission(StrEnum):
    """What may be done, each over one account unless it says otherwise."""

    #: Read the methodology, the bands, the connections page and the API description. Anybody.
    READ_PUBLISHED = "published:read"
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


PUBLIC: Final = frozenset({Permission.READ_PUBLISHED})
OWN_ACCOUNT: Final = frozenset(Permission)


def requires(permission: Permission) -> Callable[[View], View]:
    """Declare the one permission a view needs.

    :param permission: checked by the blueprint before the view runs.
    """

    def mark(view: View) -> View:
        setattr(view, _ATTRIBUTE, permission)
        return view

    return mark


def declared(view: Callable[..., Any]) -> Permission | None:
    """The permission a view was declared with, if any."""
    permission = getattr(view, _ATTRIBUTE, None)
    return permission if isinstance(permission, Permission) else None


def permissions_of(*, signed_in: bool) -> frozenset[Permission]:
    """What somebody may do over the account they act for.

    :param signed_in: whether the host says who is there.
    """
    return OWN_ACCOUNT if signed_in else PUBLIC
