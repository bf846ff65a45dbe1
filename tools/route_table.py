"""Write the table of routes from what the features register: ``make routes``."""

# ruff: noqa: INP001 - a folder of scripts

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from flask import Blueprint

from flask_tokenoffset.blueprints import routes
from flask_tokenoffset.blueprints.route_table import FILE, Route
from flask_tokenoffset.permissions import declared

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

GROUPS = {
    "pages": routes.PAGES,
    "own_login_pages": routes.OWN_LOGIN_PAGES,
    "organization_pages": routes.ORGANIZATION_PAGES,
    "operations": routes.OPERATIONS,
    "description_operations": routes.DESCRIPTION,
    "organization_operations": routes.ORGANIZATION_OPERATIONS,
}
PACKAGE = "flask_tokenoffset.blueprints."


class Notebook(Blueprint):
    """A blueprint that notes the routes it is given.

    :param group: what its routes are called in the table.
    """

    def __init__(self, group: str) -> None:
        super().__init__(group, __name__)
        self.routes: list[Route] = []

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: Callable[..., Any] | None = None,
        provide_automatic_options: bool | None = None,  # noqa: FBT001 - Flask's signature
        **options: Any,
    ) -> None:
        """Note a route.

        :raises RuntimeError: the table could not hold it.
        """
        methods = options.pop("methods", ["GET"])
        permission = None if view_func is None else declared(view_func)
        in_api = self.name.endswith("operations")
        if view_func is None or permission is None:
            raise RuntimeError(f"The route {rule} declares no permission. Decorate its view.")
        if options or (provide_automatic_options is False) is not in_api:
            raise RuntimeError(f"The table has no column for an option of {rule}: {options}.")
        name, module = view_func.__name__, view_func.__module__
        if getattr(sys.modules[module], name, None) is not view_func:
            raise RuntimeError(f"The view of {rule} is not {name} of {module}.")
        view = f"{module.removeprefix(PACKAGE)}:{name}"
        self.routes.append(Route(rule, endpoint or name, " ".join(methods), permission, view))


def routes_of(group: str, features: Sequence[Callable[[Blueprint], None]]) -> list[Route]:
    """The routes that features register, in order.

    :param group: what they are called in the table.
    :param features: the functions that add them to a blueprint.
    """
    notebook = Notebook(group)
    for register in features:
        register(notebook)
    return notebook.routes


def written() -> str:
    """The table as it should be, a route on each line."""
    groups = []
    for group, features in GROUPS.items():
        lines = ",\n".join(f"    {json.dumps(route)}" for route in routes_of(group, features))
        groups.append(f"  {json.dumps(group)}: [\n{lines}\n  ]")
    return "{\n" + ",\n".join(groups) + "\n}\n"


if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
