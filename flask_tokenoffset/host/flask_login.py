"""Who is signed in, asked of Flask-Login: the default where a host hands in no hook of its own."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Final

import flask_login
from flask import current_app, session
from sqlalchemy import inspect
from sqlalchemy.exc import NoInspectionAvailable
from sqlalchemy.orm import InstanceState

from flask_tokenoffset.errors import ConfigurationError
from flask_tokenoffset.host.users import HostUser

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_NAMES: Final = ("name", "full_name", "display_name", "username")


def flask_login_user() -> HostUser | None:
    """The user Flask-Login knows, by the primary key of their row.

    Never by ``get_id()``: some hosts change that with the password, and a person would lose what
    is theirs.

    :raises ConfigurationError: if the host has no Flask-Login, or its users have no single primary
        key that SQLAlchemy could tell.
    """
    if getattr(current_app, "login_manager", None) is None:
        raise ConfigurationError(
            "user_loader",
            "this application has no Flask-Login, so nobody can say who is signed in. Pass"
            " TokenOffset(user_loader=...), a function that returns a HostUser or None, or set"
            " Flask-Login up.",
        )
    user = flask_login.current_user._get_current_object()  # noqa: SLF001 - Werkzeug's documented way
    if not user.is_authenticated:
        return None
    return HostUser(
        key=_primary_key(user),
        name=next(_texts(user, _NAMES), ""),
        email=next(_texts(user, ("email",)), None),
        email_verified=getattr(user, "email_verified", False) is True,
        fresh=_is_fresh(),
        operator=getattr(user, "tokenoffset_operator", False) is True,
        birth_date=_birth_date(user),
    )


def _birth_date(user: object) -> date | None:
    """The day a user was born, where the host keeps it under that name as a day."""
    birth_date = getattr(user, "birth_date", None)
    is_day = isinstance(birth_date, date) and not isinstance(birth_date, datetime)
    return birth_date if is_day else None


def _is_fresh() -> bool | None:
    """Whether the login is a fresh one, where it stands in the session at all.

    Flask-Login calls every other one stale, for instance one by a header of each request.
    """
    return bool(flask_login.login_fresh()) if "_fresh" in session else None


def _primary_key(user: object) -> str:
    try:
        state = inspect(user)
    except NoInspectionAvailable:
        state = None
    identity = state.identity if isinstance(state, InstanceState) else None
    if identity is None or len(identity) != 1:
        raise ConfigurationError(
            "user_loader",
            f"the primary key of a signed-in {type(user).__name__} cannot be told, because it is"
            " not a stored SQLAlchemy object with one primary key column. Pass"
            " TokenOffset(user_loader=...), a function that returns HostUser(key=...) with a key"
            " that never changes.",
        )
    return str(identity[0])


def _texts(user: object, names: Iterable[str]) -> Iterator[str]:
    """Those attributes of a user that hold a text, in order."""
    for name in names:
        value = getattr(user, name, None)
        if isinstance(value, str) and value.strip():
            yield value
