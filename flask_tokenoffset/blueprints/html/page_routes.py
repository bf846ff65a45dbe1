"""The pages of a feature with their paths, in one table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Blueprint

#: A path in Flask's notation, its view, and the methods it answers; none for ``GET``.
PageRoute: TypeAlias = "tuple[str, Callable[..., Any], *tuple[str, ...]]"


def page_routes(*routes: PageRoute) -> Callable[[Blueprint], None]:
    """What adds pages to a blueprint; each page's endpoint is the name of its view.

    :param routes: the pages, in order.
    """

    def register(pages: Blueprint) -> None:
        for rule, view, *methods in routes:
            pages.add_url_rule(rule, view_func=view, methods=methods or None)

    return register
