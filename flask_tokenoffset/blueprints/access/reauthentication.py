"""Asking for reauthentication before something that matters.

A browser that was left open must not be enough to change a key or link an identity.
The host may know that the person signed in just now; otherwise they confirm that it is they, which
counts for some minutes in this browser alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask import current_app, redirect, request
from flask_login import login_url

from flask_tokenoffset.blueprints.access.browser_cookie import known_browser_digest
from flask_tokenoffset.blueprints.access.context import current_user
from flask_tokenoffset.blueprints.access.next_path import local_path
from flask_tokenoffset.errors import ReauthenticationRequired, SignInRequired
from flask_tokenoffset.services.sign_in.reauthentication import is_proved
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from flask_tokenoffset.host.users import HostUser
    from flask_tokenoffset.models import Person


def require_reauthentication(*, strict: bool) -> None:
    """Refuse a request of a user who has not reauthenticated a moment ago.

    :param strict: whether a host that cannot tell (``HostUser.fresh`` is ``None``) is believed to
        have asked. Strict asks for a proof then.
    :raises SignInRequired: nobody is signed in.
    :raises ReauthenticationRequired: they must confirm first. Pages redirect to ``/confirm``.
    """
    user = current_user()
    if user.host_user is None:
        raise SignInRequired("You are not signed in. Sign in and try again.")
    if not is_reauthenticated(user.host_user, user.person, strict=strict):
        raise ReauthenticationRequired


def is_reauthenticated(host_user: HostUser, person: Person | None, *, strict: bool) -> bool:
    """Whether a user has reauthenticated.

    :param person: their row, if they have one; a proof is theirs alone.
    :param strict: as for :func:`require_reauthentication`.
    """
    if host_user.fresh or (host_user.fresh is None and not strict):
        return True
    digest = known_browser_digest()
    if person is None or digest is None:
        return False
    state = current_state()
    return is_proved(
        state.session,
        person.id,
        digest,
        minutes=state.settings.fresh_sign_in_minutes,
        now=state.clock.now(),
    )


def send_to_confirm(_error: ReauthenticationRequired) -> ResponseReturnValue:
    """Where a page sends a person who must confirm first, with the way back."""
    query = urlencode({"next": _way_back()})
    return redirect(f"{_root()}/confirm?{query}", code=303)


def host_sign_in_url(next_path: str) -> str | None:
    """The host's own page to sign in at, if it has one.

    :param next_path: a local path to go on to afterwards.
    """
    settings = current_state().settings
    if settings.sign_in != "host":
        return None  # Signing in again here is a mailed link or a linked identity.
    login_manager = getattr(current_app, "login_manager", None)
    page = (
        getattr(login_manager, "refresh_view", None)
        or getattr(login_manager, "login_view", None)
        or (settings.login_url and request.script_root + settings.login_url)
    )
    return None if not page else str(login_url(page, next_url=next_path))


def _way_back() -> str:
    """The page they were on: what a form had sent is lost, the form is not."""
    rule = request.url_rule
    home = _root() or "/"
    if rule is None or "GET" not in (rule.methods or ()):
        return home
    query = request.query_string.decode("latin-1")
    path = request.script_root + request.path
    return local_path(f"{path}?{query}" if query else path, home)


def _root() -> str:
    return request.script_root + current_state().url_prefix.rstrip("/")
