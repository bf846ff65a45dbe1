"""Every route as data, so that mounting imports no view: a feature loads when it is first used.

The table ``route_table.json`` is written from what the features register (``make routes``), and a
test compares the two. A line holds the rule, the endpoint, the methods, the permission, and the
module and name of the view.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from flask import Blueprint

from flask_tokenoffset.blueprints.late import LateView
from flask_tokenoffset.permissions import Permission

if TYPE_CHECKING:
    from collections.abc import Mapping

Register: TypeAlias = Callable[[Blueprint], None]
Group: TypeAlias = Literal[
    "pages",
    "own_login_pages",
    "organization_pages",
    "operations",
    "description_operations",
    "organization_operations",
]

#: Where the API stands below our prefix.
API_PREFIX: Final = "/api/v1"
FILE: Final = Path(__file__).with_suffix(".json")

#: One for each view, as it would be if the view stood there.
_view: Final = cache(LateView)


class Route(NamedTuple):
    """One line of the table.

    :param methods: separated by blanks, without those that Flask adds.
    :param view: module and name below ``blueprints``, as in ``sources.pages:list_sources``.
    """

    rule: str
    endpoint: str
    methods: str
    permission: str
    view: str


@cache
def read() -> Mapping[str, tuple[Route, ...]]:
    """The routes of each group, in the order in which they are added."""
    table = json.loads(FILE.read_text(encoding="utf-8"))
    return {group: tuple(Route(*line) for line in lines) for group, lines in table.items()}


def registered(group: Group) -> tuple[Register, ...]:
    """What adds the routes of a group to a blueprint.

    :param group: which ones.
    """

    def register(blueprint: Blueprint) -> None:
        # Flask's own answer to OPTIONS would name every method, since the rule for unknown paths of
        # the API takes every one.
        options = False if group.endswith("operations") else None
        for route in read()[group]:
            blueprint.add_url_rule(
                route.rule,
                route.endpoint,
                _view(route.view, Permission(route.permission)),
                provide_automatic_options=options,
                methods=route.methods.split(),
            )

    return (register,)
