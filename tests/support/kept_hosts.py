"""The hosts of worlds: built once for each process and way of signing in, and then lent out.

To mount the extension, to compile its templates and to build its statements costs more than most
tests. So a world that ends gives its host back, and the next one gets it with a configuration, an
engine, collaborators and tables of its own; it keeps its routes and what was compiled.

A host goes to nobody else if the test changed more about it than its configuration and the
extension's state, or did not close its world. A test that changes what was compiled, such as the
template loader, asks for a host that nobody had before: ``make_world(new_host=True)``.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

import blinker
import flask
import flask_login
from flask import Flask, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import select
from werkzeug.utils import cached_property

from flask_tokenoffset import TokenOffset, extension, signals
from flask_tokenoffset.state import EXTENSION_KEY
from tests.support.tables import make_tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Engine

#: The name of the host's user who is an operator.
OPERATOR: Final = "operator"
#: How settings begin that a kept host may be given anew.
_READ_LATE: Final = (
    "SECRET_KEY",
    "SESSION_",
    "SQLALCHEMY_DATABASE_URI",
    "SQLALCHEMY_ENGINE_OPTIONS",
    "TOKENOFFSET_",
)
#: What changes how statements are compiled must not meet statements that were compiled before.
_ENGINE_OPTIONS: Final = frozenset({"connect_args", "max_overflow", "pool_size", "pool_timeout"})
#: What mounting calls; a host that is mounted already keeps what it was given.
_MOUNTING: Final = ("mount", "offer_to_host", "protect_host_migrations")
_MISSING: Final = object()


class Host:
    """A host with the extension in it.

    :param config: its whole configuration.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.app = Flask("host")
        self.app.config.update(config)
        self.db = SQLAlchemy(self.app)
        self.signs_in_here = _signs_in_here(config)
        self._is_usual = _is_usual(config)
        if not self.signs_in_here:
            _add_login(self.app, self.db)
        TokenOffset(self.app)
        # Flask makes these when they are first asked for, and they must not count as changes.
        for kind in Flask.__mro__:
            for name, value in vars(kind).items():
                if isinstance(value, cached_property):
                    getattr(self.app, name)
        self._built = _attributes_of(self.app)
        self._begun = self._look()
        #: The first engine of each kind of database, whose compiled statements the others use.
        self._engines: dict[str, Engine] = {}
        self._share_statements(config)

    def begin(self, config: Mapping[str, Any]) -> None:
        """Start over with another configuration; only routes and templates stay.

        :param config: the whole configuration, as for a new host.
        """
        app = self.app
        app.config.clear()
        app.config.update(_defaults() | dict(config))
        app.extensions.pop("sqlalchemy")
        app.extensions.pop(EXTENSION_KEY)
        if self.signs_in_here:
            vars(app).pop("login_manager")
        app._got_first_request = False
        self.db.session.registry.registry.clear()
        self.db.init_app(app)
        with _nothing_mounted():
            TokenOffset(app)
        # What the two added once more is there already.
        _put_back(app, self._built, but=("login_manager",) if self.signs_in_here else ())
        self._begun = self._look()
        self._share_statements(config)

    def may_be_kept(self) -> bool:
        """Whether a beginning brings back everything that was changed."""
        return self._is_usual and _same(self._begun, self._look())

    def create_tables(self) -> None:
        """Make every table, ours and the host's."""
        with self.app.app_context():
            make_tables(self.db.engine)
            self.db.create_all()

    def _share_statements(self, config: Mapping[str, Any]) -> None:
        with self.app.app_context():
            engine = self.db.engine
        if not set(config.get("SQLALCHEMY_ENGINE_OPTIONS", {})) <= _ENGINE_OPTIONS:
            return
        first = self._engines.setdefault(engine.dialect.name, engine)
        # The cache knows a statement by the dialect that compiled it.
        engine.dialect = first.dialect
        engine._compiled_cache = first._compiled_cache

    def _look(self) -> dict[str, Any]:
        """What a test may have changed, and nothing but a new host would bring back."""
        app = self.app
        return {
            "app": _attributes_of(app),
            "login": dict(vars(vars(app)["login_manager"])),
            "extensions": {
                name: value for name, value in app.extensions.items() if name != EXTENSION_KEY
            },
            "templates": {
                "loader": app.jinja_env.loader,
                "reload": app.jinja_env.auto_reload,
                "globals": dict(app.jinja_env.globals),
                "filters": dict(app.jinja_env.filters),
                "tests": dict(app.jinja_env.tests),
            },
            "routes": len(app.url_map._rules),
            "receivers": [len(list(each.receivers_for(app))) for each in _signals()],
        }


_idle: Final[dict[bool, list[Host]]] = {}


def take_host(config: Mapping[str, Any], *, new: bool = False) -> Host:
    """A host of this configuration; give it back with :func:`give_back`.

    :param new: whether it must be one that nobody had before.
    """
    idle = _idle.get(_signs_in_here(config), [])
    if new or not idle or not _is_usual(config):
        return Host(config)
    host = idle.pop()
    host.begin(config)
    return host


def give_back(host: Host) -> None:
    """Keep a host for the next world, unless it is not what it was."""
    with host.app.app_context():
        host.db.session.remove()
        for engine in host.db.engines.values():
            engine.dispose()
    if host.may_be_kept():
        _idle.setdefault(host.signs_in_here, []).append(host)


def _signs_in_here(config: Mapping[str, Any]) -> bool:
    return config.get("TOKENOFFSET_SIGN_IN") == "identity"


def _is_usual(config: Mapping[str, Any]) -> bool:
    """Whether nothing is set that is read only when an application is built."""
    return all(
        name.startswith(_READ_LATE) and name != "TOKENOFFSET_BIND_KEY"
        for name, value in config.items()
        if _defaults().get(name, _MISSING) != value
    )


@cache
def _defaults() -> dict[str, Any]:
    return dict(Flask("host").config)


def _signals() -> Iterator[blinker.Signal]:
    for module in (flask.signals, flask_login.signals, signals):
        for value in vars(module).values():
            if isinstance(value, blinker.Signal):
                yield value


@contextmanager
def _nothing_mounted() -> Iterator[None]:
    with ExitStack() as patches:
        for name in _MOUNTING:
            patches.enter_context(patch.object(extension, name))
        yield


def _attributes_of(app: Flask) -> dict[str, Any]:
    left = {"config", "extensions", "_got_first_request"}
    return {name: _copy(value) for name, value in vars(app).items() if name not in left}


def _copy(value: Any, depth: int = 2) -> Any:
    """The containers in which Flask keeps what was registered; everything else as it is."""
    if depth and isinstance(value, dict):
        return {key: _copy(each, depth - 1) for key, each in value.items()}
    if depth and isinstance(value, list):
        return [_copy(each, depth - 1) for each in value]
    return value


def _put_back(app: Flask, attributes: dict[str, Any], *, but: tuple[str, ...]) -> None:
    for name, value in attributes.items():
        there = vars(app)[name]
        if name in but or _same(_copy(there), value):
            continue
        if isinstance(there, list):
            there[:] = value
        elif isinstance(there, dict):
            for key, each in value.items():
                if isinstance(each, list):
                    there[key][:] = each
                else:
                    there[key] = each
        else:
            setattr(app, name, value)


def _same(one: Any, other: Any) -> bool:
    """Whether two looks saw the same things, not only equal ones."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return one is other or (isinstance(one, str | int | tuple) and bool(one == other))


def address_of(name: str) -> str:
    """Where one of the host's users gets mail.

    :param name: what the host calls them; no address has spaces.
    """
    return f"{name.replace(' ', '.')}@example.com"


def _add_login(app: Flask, db: SQLAlchemy) -> None:
    """Give the host users of its own, and a way to sign in without a password."""

    class User(db.Model, flask_login.UserMixin):  # type: ignore[name-defined, misc]
        id = db.Column(db.Integer, primary_key=True)
        name = db.Column(db.String(40), unique=True)
        email = db.Column(db.String(320))
        email_verified = db.Column(db.Boolean, default=False)

        @property
        def tokenoffset_operator(self) -> bool:
            return bool(self.name == OPERATOR)

    manager = flask_login.LoginManager(app)
    manager.login_view = "sign_in_page"
    manager.user_loader(lambda key: db.session.get(User, int(key)))

    @app.get("/sign-in")
    def sign_in_page() -> str:
        return "please sign in"

    @app.post("/sign-in")
    def sign_in() -> str:
        name = request.form["name"]
        user = db.session.scalar(select(User).where(User.name == name))
        if user is None:
            verified = bool(request.form.get("verified"))
            user = User(name=name, email=address_of(name), email_verified=verified)
            db.session.add(user)
            db.session.commit()
        flask_login.login_user(user)
        return str(user.id)

    @app.post("/address")
    def change_address() -> tuple[str, int]:
        flask_login.current_user.email = request.form["email"]
        flask_login.current_user.email_verified = bool(request.form["verified"])
        db.session.commit()
        return "", 204
