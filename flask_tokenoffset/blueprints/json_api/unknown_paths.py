"""What answers a path below the API that does not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from flask import current_app, request
from werkzeug.exceptions import MethodNotAllowed as RoutedElsewhere
from werkzeug.exceptions import NotFound as RoutedNowhere
from werkzeug.routing import RequestRedirect

from flask_tokenoffset.blueprints.schemas.refusals import MethodNotAllowed
from flask_tokenoffset.errors import NotFound
from flask_tokenoffset.permissions import Permission, requires

if TYPE_CHECKING:
    from flask import Blueprint, Response

#: The endpoint of the rule that answers for paths that do not exist.
ENDPOINT: Final = "unknown"

_ANY_METHOD: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def answer_unknown_paths(api: Blueprint) -> None:
    """Answer every other path below the API ourselves.

    A blueprint never hears of a path that matches none of its routes; without this one the host's
    HTML page would answer.
    """
    for rule in ("/", "/<path:path>"):
        api.add_url_rule(
            rule,
            ENDPOINT,
            _unknown,
            methods=_ANY_METHOD,
            provide_automatic_options=False,
        )


@requires(Permission.READ_PUBLISHED)
def _unknown(path: str = "") -> Response:
    """Say whether it is the path or only the method that does not exist, or what OPTIONS asks."""
    del path  # the routes are asked about the request as a whole
    routes = current_app.create_url_adapter(request)
    allowed: set[str] = set()
    for method in _ANY_METHOD:
        try:
            endpoint, _ = cast("Any", routes).match(method=method)
        except (RoutedNowhere, RoutedElsewhere, RequestRedirect):
            continue
        if endpoint != request.endpoint:
            allowed.add(method)
    if allowed:
        allowed.add("OPTIONS")
        if request.method == "OPTIONS":
            return current_app.response_class(
                status=204, headers={"Allow": ", ".join(sorted(allowed))}
            )
        raise MethodNotAllowed(allowed)
    raise NotFound("There is no such thing here.")
