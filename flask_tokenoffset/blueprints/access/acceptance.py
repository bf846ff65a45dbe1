"""Where a person is sent who has to accept documents first, with the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlencode

from flask import current_app, redirect, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from flask_tokenoffset.blueprints.access.next_path import local_path

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from flask_tokenoffset.errors import AcceptanceRequired

_PAGE: Final = "tokenoffset.pages.acceptance"
_HOME: Final = "tokenoffset.pages.dashboard"


def acceptance_url() -> str:
    """The page that asks for what is in force."""
    return url_for(_PAGE)


def home_url() -> str:
    """Where to go on to without a way back."""
    return url_for(_HOME)


def send_to_acceptance(_error: AcceptanceRequired) -> ResponseReturnValue:
    """Where a page sends a person who has not accepted what is in force, with the way back."""
    query = urlencode({"next": _way_back()})
    return redirect(f"{acceptance_url()}?{query}", code=303)


def _way_back() -> str:
    """The page they asked for. What a form had sent is lost; the page it stands on is not."""
    if not _can_be_opened():
        return home_url()
    query = request.query_string.decode("latin-1")
    path = request.script_root + request.path
    return local_path(f"{path}?{query}" if query else path, home_url())


def _can_be_opened() -> bool:
    """Whether there is a page at the present path, whatever method the request came with."""
    try:
        cast("Any", current_app.create_url_adapter(request)).match(method="GET")
    except (HTTPException, RequestRedirect):
        return False
    return True
