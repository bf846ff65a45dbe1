"""A secret of the browser's own, by which it is known again on the way back.

A mailed link and an authorization flow count only in the browser that began them. The
host's session is not used for that: it may begin anew on the way, and on some hosts its content can
be read. The cookie is set only by a request that changes something and needs it.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Final, cast

from flask import after_this_request, current_app, request

from flask_tokenoffset.blueprints.access.context import SAFE_METHODS
from flask_tokenoffset.data_map.enforcement import enforces
from flask_tokenoffset.services.shared.tokens import digest_of
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from flask import Response

#: On https; the prefix makes browsers refuse one that another host or plain http tries to plant.
SECURE_COOKIE: Final = "__Host-tokenoffset_browser"
#: On plain http, that is, on a developer's machine.
PLAIN_COOKIE: Final = "tokenoffset_browser"

#: 256 random bits, as ``secrets.token_urlsafe`` writes them.
_SECRET_BYTES: Final = 32
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{43}")
#: Where the present request keeps a secret that was just made.
_NEW: Final = "tokenoffset.new_browser_secret"


def browser_digest() -> str:
    """The digest of the browser's secret, which is made if the browser has none.

    :raises RuntimeError: it has none and the request is one that must change nothing.
    """
    return digest_of(browser_secret())


def known_browser_digest() -> str | None:
    """The digest of the secret the browser came with, if it came with one."""
    secret = known_browser_secret()
    return None if secret is None else digest_of(secret)


def browser_secret() -> str:
    """The browser's secret itself, to derive something from; made as by :func:`browser_digest`.

    :raises RuntimeError: it has none and the request is one that must change nothing.
    """
    known = known_browser_secret()
    if known is not None:
        return known
    _refuse_while_only_looking()
    made = secrets.token_urlsafe(_SECRET_BYTES)
    request.environ[_NEW] = made
    after_this_request(_set_cookie)
    return made


@enforces("no-cookie-by-looking", "TS-012", off=None)
def _refuse_while_only_looking() -> None:
    """Set no cookie for a person who only looks at pages.

    :raises RuntimeError: the request is one that must change nothing.
    """
    if request.method in SAFE_METHODS:
        raise RuntimeError("A browser's secret is made by a request that changes something.")


def known_browser_secret() -> str | None:
    """The secret the browser came with, or was given by this request."""
    made = cast("str | None", request.environ.get(_NEW))
    if made is not None:
        return made
    given = request.cookies.get(_cookie_name(), "")
    return given if _SECRET.fullmatch(given) else None


def _set_cookie(response: Response) -> Response:
    secure = _is_secure()
    response.set_cookie(
        _cookie_name(),
        request.environ[_NEW],
        # Browsers take a name with __Host- for the whole host only.
        path="/" if secure else (request.script_root + current_state().url_prefix),
        secure=secure,
        httponly=True,
        samesite="Lax",
    )
    return response


def _cookie_name() -> str:
    return SECURE_COOKIE if _is_secure() else PLAIN_COOKIE


def _is_secure() -> bool:
    """Whether people come by https, also where a proxy ends it and the host was not told."""
    public_url = current_state().settings.public_url or ""
    return (
        request.is_secure
        or public_url.startswith("https:")
        or bool(current_app.config["SESSION_COOKIE_SECURE"])
    )
