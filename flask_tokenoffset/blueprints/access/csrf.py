"""Keeps other sites from acting through a signed-in browser, on our routes only.

Two fences. The first asks the browser where an unsafe request began (``Sec-Fetch-Site``, or
``Origin`` where a browser does not send it). The second is a token bound to the host's session and
to the current user: in the form on pages, and on the API the content type, which no other site
can set without asking. The session alone would not do: most hosts keep it when a person signs in or
out, and then a token planted before, or a form another person left open, would be good afterwards.

Flask-WTF makes and checks the token, under a key and a session entry of our own, so that the host's
``WTF_CSRF_*`` settings neither weaken nor break it. A host's own ``CSRFProtect`` is told to leave
our blueprints to us; it goes on guarding the host's routes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast
from urllib.parse import urlsplit

from flask import current_app, g, request
from flask_wtf.csrf import ValidationError, generate_csrf, validate_csrf

from flask_tokenoffset.blueprints.access.context import SAFE_METHODS, current_user
from flask_tokenoffset.blueprints.schemas.refusals import (
    CrossSiteRequest,
    FormExpired,
    WrongContentType,
)
from flask_tokenoffset.host.secret_key import require_secret_key
from flask_tokenoffset.vault.derived_keys import derive_keys

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flask import Blueprint, Flask

View = TypeVar("View", bound=Callable[..., Any])

#: The hidden input of our forms, and the entry of the session that belongs to it.
CSRF_FIELD: Final = "tokenoffset_csrf"
#: The header by which scripts send the same token.
CSRF_HEADER: Final = "X-CSRFToken"
#: How long a form may stay open; the token ends with the session anyway.
TOKEN_LIFETIME_SECONDS: Final = 12 * 60 * 60

_TOLD_BY_LINK: Final = "tokenoffset_told_by_link"
_LABEL: Final = b"flask-tokenoffset csrf v1"
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def told_by_link(view: View) -> View:
    """Mark a view that acts on what its address says and never on who is signed in.

    A mail program may call it for its reader, without cookies and without a form; and another site
    that knew the address could do no more than its owner wants.

    :param view: takes a token that cannot be guessed.
    """
    setattr(view, _TOLD_BY_LINK, True)
    return view


def _is_told_by_link() -> bool:
    view = current_app.view_functions.get(request.endpoint or "")
    return getattr(view, _TOLD_BY_LINK, False) is True


def csrf_token() -> str:
    """The token for a form on the present page. Asking for it begins a session."""
    return cast("str", generate_csrf(secret_key=_signing_keys(), token_key=CSRF_FIELD))


def forget_token() -> None:
    """Sign anew the next time: Flask-WTF keeps the text in ``g``, which may outlive a request."""
    g.pop(CSRF_FIELD, None)


def has_valid_token(token: str | None) -> bool:
    """Whether a token was made by us, for this session and person, and not too long ago."""
    try:
        validate_csrf(
            token,
            secret_key=_signing_keys(),
            time_limit=TOKEN_LIFETIME_SECONDS,
            token_key=CSRF_FIELD,
        )
    except ValidationError:
        return False
    return True


def refuse_cross_site() -> None:
    """Refuse an unsafe request that a browser started on another origin.

    Programs that are not browsers send neither header; they carry no cookie by accident, so they
    pass.

    :raises CrossSiteRequest: if it came from elsewhere, a sibling domain included.
    """
    if request.method in SAFE_METHODS or _is_told_by_link():
        return
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        if site not in {"same-origin", "none"}:
            raise CrossSiteRequest
        return
    origin = request.headers.get("Origin")
    if origin is not None and not _is_own_host(origin):
        raise CrossSiteRequest


def check_form_token() -> None:
    """Refuse an unsafe page request without a valid token.

    :raises FormExpired: if the token is missing, too old, or of another session or person.
    """
    if request.method in SAFE_METHODS or _is_told_by_link():
        return
    if not has_valid_token(request.form.get(CSRF_FIELD) or request.headers.get(CSRF_HEADER)):
        raise FormExpired


def check_json_call() -> None:
    """Refuse an unsafe API call that a foreign page's plain form could have sent.

    :raises WrongContentType: unless it is declared as JSON, or has no body and a valid token.
    """
    if request.method in SAFE_METHODS or request.mimetype == "application/json":
        return
    has_body = bool(request.content_length) or "Transfer-Encoding" in request.headers
    if has_body or not has_valid_token(request.headers.get(CSRF_HEADER)):
        raise WrongContentType


def exempt_from_host(app: Flask, blueprints: Iterable[Blueprint]) -> None:
    """Tell the host's ``CSRFProtect``, if there is one, that these blueprints guard themselves.

    It runs before each of our requests reaches the host's own check, so it does not matter which
    of the two extensions was set up first. Doing it again changes nothing.
    """
    protect = app.extensions.get("csrf")
    exempt = getattr(protect, "exempt", None)
    if exempt is None:
        return
    for blueprint in blueprints:
        exempt(blueprint)


def _signing_keys() -> list[str]:
    """Keys of our own derived from the host's, the present one last as the signer expects."""
    require_secret_key(current_app)
    host_user = current_user().host_user
    person = b"" if host_user is None else host_user.key.encode()
    keys = derive_keys(
        current_app.secret_key,
        current_app.config.get("SECRET_KEY_FALLBACKS"),
        _LABEL + b"\0" + person,
    )
    return [key.hex() for key in reversed(keys)]


def _is_own_host(origin: str) -> bool:
    """Compare host and port only: behind a proxy that ends TLS we may not know our own scheme."""
    try:
        theirs = urlsplit(origin)
        ours = urlsplit(f"//{request.host}")
        default = _DEFAULT_PORTS.get(theirs.scheme)
        ports = theirs.port or default, ours.port or default
    except ValueError:  # a port that is no number
        return False
    return theirs.hostname is not None and theirs.hostname == ours.hostname and len(set(ports)) == 1
