"""A login of our own, where the host has none: Flask-Login with people of ours.

The session names a person and their login epoch. Signing out raises the epoch, so a cookie that
a person kept is worthless afterwards, in every browser.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

import flask_login
from flask import current_app, session

from flask_tokenoffset.errors import ConfigurationError
from flask_tokenoffset.host.identity_providers import is_loopback_address
from flask_tokenoffset.host.users import HostUser
from flask_tokenoffset.services.sign_in.logins import find_login
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from flask import Flask

    from flask_tokenoffset.host.users import UserLoader
    from flask_tokenoffset.models import Person
    from flask_tokenoffset.settings import Settings

SIGN_IN_PAGE: Final = "tokenoffset.pages.sign_in"
_SETTING: Final = "TOKENOFFSET_SIGN_IN"


class OwnUser(flask_login.UserMixin):  # type: ignore[misc]  # Flask-Login has no types
    """A signed-in person, as ``flask_login.current_user`` on the host's own pages.

    :param person: their row.
    """

    def __init__(self, person: Person) -> None:
        self.id = person.user_key
        self.name = person.display_name or ""
        self._person_id = person.id
        self._epoch = person.login_epoch

    def get_id(self) -> str:
        """What the session keeps: who they are, and of which epoch this login is."""
        return f"{self._person_id}.{self._epoch}"


class OwnLoginManager(flask_login.LoginManager):  # type: ignore[misc]  # as above
    """Ours, and so told apart from one that a host sets up besides."""


def set_up(app: Flask, settings: Settings) -> UserLoader:
    """Set Flask-Login up with people of ours, and see that their cookie is safe.

    :param app: the host, which has no login of its own.
    :param settings: where the application is reached.
    :return: what says who is signed in.
    :raises ConfigurationError: the host has a login, or its session cookie could be read or sent
        where it must not.
    """
    if getattr(app, "login_manager", None) is not None:
        raise ConfigurationError(
            _SETTING,
            "it is «identity», but this application has a Flask-Login of its own, which says who is"
            " signed in. Remove that LoginManager, or set this to «host».",
        )
    _check_cookie(app, settings)
    manager = OwnLoginManager(app)
    manager.login_view = SIGN_IN_PAGE
    manager.login_message = None
    manager.user_loader(_load)
    return own_user


def own_user() -> HostUser | None:
    """The person who signed in here.

    :raises ConfigurationError: the host has set a Flask-Login of its own up after ours.
    """
    if not isinstance(getattr(current_app, "login_manager", None), OwnLoginManager):
        raise ConfigurationError(
            _SETTING,
            "it is «identity», but a LoginManager of the application has taken the place of ours."
            " Remove it, or set this to «host».",
        )
    user = flask_login.current_user._get_current_object()  # noqa: SLF001 - Werkzeug's documented way
    if not isinstance(user, OwnUser):
        return None
    # Not by the session: how long ago they proved who they are stands with the proof itself.
    return HostUser(key=user.id, name=user.name, fresh=False)


def log_in(person: Person) -> None:
    """Begin a new session for a person who has just signed in.

    Nothing of the session before goes on: anyone who planted it knows what is in it.

    :param person: who signed in.
    """
    session.clear()
    flask_login.login_user(OwnUser(person))
    # Where a host keeps sessions on the server (Flask-Session), the cookie holds nothing but an id.
    regenerate = getattr(current_app.session_interface, "regenerate", None)
    if regenerate is not None:
        regenerate(session)


def log_out() -> None:
    """End this browser's session. That the person's logins are over is a matter of the epoch."""
    flask_login.logout_user()
    session.clear()


def _load(text: str) -> OwnUser | None:
    person_id, _, epoch = text.partition(".")
    try:
        found = find_login(current_state().session, UUID(person_id), int(epoch))
    except ValueError:
        return None
    return None if found is None else OwnUser(found)


def _check_cookie(app: Flask, settings: Settings) -> None:
    """See that the cookie goes over https only, to no script, and comes back from a provider."""
    config = app.config
    on_this_machine = settings.public_url is not None and is_loopback_address(settings.public_url)
    if not config["SESSION_COOKIE_SECURE"] and not on_this_machine:
        raise ConfigurationError(
            "SESSION_COOKIE_SECURE",
            "it is off although people sign in here, so their session could be read on the way. Set"
            " it to True. (For development without https, set TOKENOFFSET_PUBLIC_URL to the address"
            " on this machine, as in «http://localhost:5000».)",
        )
    if not config["SESSION_COOKIE_HTTPONLY"]:
        raise ConfigurationError(
            "SESSION_COOKIE_HTTPONLY",
            "it is off although people sign in here, so any script on a page could take their"
            " session. Set it to True.",
        )
    if config["SESSION_COOKIE_SAMESITE"] is None:
        config["SESSION_COOKIE_SAMESITE"] = "Lax"
    if config["SESSION_COOKIE_SAMESITE"] != "Lax":
        raise ConfigurationError(
            "SESSION_COOKIE_SAMESITE",
            "people sign in here through identity providers. With «Strict» their browsers come back"
            " without the session, and with «None» other sites may send it. Set it to «Lax».",
        )
