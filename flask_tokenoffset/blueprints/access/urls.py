"""The two places our pages and operations stand: a person's own account, and an organization's.

The same views serve both. Within one place an address is written relative (``url_for(".plan")``);
what leads from a page to its operation asks :func:`operation_url`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import url_for

from flask_tokenoffset.blueprints.access.context import named_organization
from flask_tokenoffset.permissions import Permission

if TYPE_CHECKING:
    from uuid import UUID

    from flask_tokenoffset.services.organizations.organizations import Place

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
    place = PAGES if named_organization() is None else ORGANIZATION_PAGES
    return url_for(f"{place}.{endpoint}", **values)


def operation_url(endpoint: str, **values: Any) -> str:
    """The address of an operation over the account the request is about.

    :param endpoint: the operation's function name.
    :param values: what stands in its path.
    """
    place = API if named_organization() is None else ORGANIZATION_API
    return url_for(f"{place}.{endpoint}", **values)


def organization_url(organization_id: UUID, endpoint: str, **values: Any) -> str:
    """The address of a page about an organization, from anywhere.

    :param endpoint: the page's function name.
    :param values: what stands in its path and query.
    """
    return url_for(f"{ORGANIZATION_PAGES}.{endpoint}", organization_id=organization_id, **values)


def home_of(place: Place) -> str:
    """The first page of an organization that somebody may see.

    :param place: theirs in it.
    """
    may_see_plan = Permission.READ_PLAN in place.permissions
    return organization_url(place.organization.id, "dashboard" if may_see_plan else "membership")
