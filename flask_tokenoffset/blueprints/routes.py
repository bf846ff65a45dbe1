"""Every feature that has pages or operations; a new one is named here and nowhere else.

A feature is a package ``blueprints/<feature>/`` with a module ``pages``, a module ``api``, or both.
Each exports what adds its routes to a blueprint, made anew for each application: ``register`` for
those over a person's own account, ``register_in_organization`` for those over an organization's,
and the same under both names where the account may be either. Nothing is registered on a blueprint
at import time.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final, cast

from flask_tokenoffset.blueprints.json_api import openapi

if TYPE_CHECKING:
    from types import ModuleType

    from flask_tokenoffset.blueprints.route_table import Register

FEATURES: Final = (
    "dashboard",
    "sources",
    "usage",
    "estimates",
    "plans",
    "billing",
    "audit",
    "people",
    "erasures",
    "identities",
    "organizations",
    "members",
    "membership",
    "member_plans",
    "invitations",
    "methodology",
    "connections",
    "documents",
    "links",
    "privacy",
    "rights_requests",
    "request_queue",
    "restrictions",
    "exports",
    "consents",
    "acceptances",
    "product_updates",
    "components",
    "data_map",
    "retention",
)


def _exported(module: str, name: str, features: tuple[str, ...] = FEATURES) -> tuple[Register, ...]:
    """What the modules of one name export under another, in the order of the features."""
    modules = (_find(f"{__package__}.{feature}.{module}") for feature in features)
    found = (getattr(each, name, None) for each in modules)
    return tuple(cast("Register", register) for register in found if register is not None)


def _find(path: str) -> ModuleType | None:
    try:
        return import_module(path)
    except ModuleNotFoundError as error:
        if error.name != path:
            raise
        return None  # A feature may have no pages, or no operations.


#: Adds pages to the blueprint ``tokenoffset.pages``.
PAGES: Final = _exported("pages", "register")
#: Adds pages to the blueprint ``tokenoffset.organization``, below ``/organizations/<id>``.
ORGANIZATION_PAGES: Final = _exported("pages", "register_in_organization")
#: Adds operations to the blueprint ``tokenoffset.api``, below ``/api/v1``.
OPERATIONS: Final = _exported("api", "register")
#: Adds the description of the API itself.
DESCRIPTION: Final[tuple[Register, ...]] = (openapi.register,)
#: Adds operations to ``tokenoffset.organization_api``, below ``/api/v1/organizations/<id>``.
ORGANIZATION_OPERATIONS: Final = _exported("api", "register_in_organization")
#: Pages that stand beside the others where the host has no login of its own.
OWN_LOGIN_PAGES: Final = _exported("pages", "register", ("sign_in",))
