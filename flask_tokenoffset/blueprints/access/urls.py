"""The addresses of our pages and operations, over a person's own account or an organization's.

The same views serve both. Within one blueprint an address is relative (``url_for(".plan")``);
what leads from a page to its operation asks :func:`operation_url`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import redirect, url_for

from flask_tokenoffset.blueprints.access.context import named_organization
from flask_tokenoffset.permissions import Permission

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug import Response

    from flask_tokenoffset.services.organizations.organizations import OrganizationMembership

#: The names of the blueprints.
PAGES: Final = "tokenoffset.pages"
API: Final = "tokenoffset.api"
ORGANIZATION_PAGES: Final = "tokenoffset.organization"
ORGANIZATION_API: Final = "tokenoffset.organization_api"


def page_url(endpoint: str, **values: Any) -> str:
    """The address of a page over the account the request is about.

    :param endpoint: the page's function name.
    :param values: what stands in its path and query.
    """
    blueprint = PAGES if named_organization() is None else ORGANIZATION_PAGES
    return url_for(f"{blueprint}.{endpoint}", **values)


def operation_url(endpoint: str, **values: Any) -> str:
    """The address of an operation over the account the request is about.

    :param endpoint: the operation's function name.
    :param values: what stands in its path.
    """
    blueprint = API if named_organization() is None else ORGANIZATION_API
    return url_for(f"{blueprint}.{endpoint}", **values)


def organization_url(organization_id: UUID, endpoint: str, **values: Any) -> str:
    """The address of a page about an organization, from anywhere.

    :param endpoint: the page's function name.
    :param values: what stands in its path and query.
    """
    return url_for(f"{ORGANIZATION_PAGES}.{endpoint}", organization_id=organization_id, **values)


def home_of(membership: OrganizationMembership) -> str:
    """The first page of an organization that a member may see.

    :param membership: theirs in it.
    """
    may_see_plan = Permission.READ_PLAN in membership.permissions
    return organization_url(
        membership.organization.id, "dashboard" if may_see_plan else "membership"
    )


def see_other(endpoint: str, **values: Any) -> Response:
    """Send the browser on to a page, which it asks for by GET, whatever it sent.

    :param endpoint: as for :func:`flask.url_for`.
    :param values: what stands in its path and query.
    """
    return see_other_at(url_for(endpoint, **values))


def see_other_at(address: str) -> Response:
    """The same with an address that is known already."""
    return redirect(address, code=303)
