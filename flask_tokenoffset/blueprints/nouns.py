"""Every noun that has pages or operations; a new one is named here and nowhere else.

A noun is a package ``blueprints/<noun>/`` with a module ``pages`` and a module ``api``. Each has
one function ``register(blueprint)`` that adds its routes to the blueprint it is given, made anew
for each application. Nothing is registered on a blueprint at import time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

from flask import Blueprint

from flask_tokenoffset.blueprints.billing import api as billing_api
from flask_tokenoffset.blueprints.estimates import api as estimates_api
from flask_tokenoffset.blueprints.methodology import api as methodology_api
from flask_tokenoffset.blueprints.plans import api as plans_api
from flask_tokenoffset.blueprints.sources import api as sources_api

if TYPE_CHECKING:
    from flask_tokenoffset.blueprints.rendering import NavigationItem

Register: TypeAlias = Callable[[Blueprint], None]

#: Adds pages to the blueprint ``tokenoffset.pages``.
PAGES: Final[tuple[Register, ...]] = ()
#: Adds operations to the blueprint ``tokenoffset.api``, below ``/api/v1``.
OPERATIONS: Final[tuple[Register, ...]] = (
    methodology_api.register,
    sources_api.register,
    estimates_api.register,
    plans_api.register,
    billing_api.register,
)
#: The navigation our layout shows, in order.
NAVIGATION: Final[tuple[NavigationItem, ...]] = ()
