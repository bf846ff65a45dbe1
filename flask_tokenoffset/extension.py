"""The extension object: reads the settings, wires the parts, mounts the pages and the API."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, TypeVar, cast
from weakref import WeakKeyDictionary

from flask import has_request_context, request
from werkzeug.local import LocalProxy

from flask_tokenoffset.blueprints import mount, offer_to_host
from flask_tokenoffset.clock import SystemClock
from flask_tokenoffset.errors import ConfigurationError
from flask_tokenoffset.host.flask_login import flask_login_user
from flask_tokenoffset.host.tables import METADATA
from flask_tokenoffset.migrations.host import protect_host_migrations
from flask_tokenoffset.services.retention import rules as retention_rules
from flask_tokenoffset.settings import Settings
from flask_tokenoffset.state import EXTENSION_KEY, State
from flask_tokenoffset.vault import LocalKeyStore, Vault, parse_key_ring

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask_sqlalchemy import SQLAlchemy

    from flask_tokenoffset.clock import Clock
    from flask_tokenoffset.host.mailer import Mailer
    from flask_tokenoffset.host.users import UserLoader
    from flask_tokenoffset.job_queue import JobQueue
    from flask_tokenoffset.oidc import IdentityGateway
    from flask_tokenoffset.providers import Gateway
    from flask_tokenoffset.services.shared.attempts import AttemptLimiter
    from flask_tokenoffset.vault import KeyStore

Made = TypeVar("Made")

#: Applications that are alive and the bind our tables have in them. The bind stands on the
#: metadata, which the process has once, so two applications must agree on it.
_binds: Final[WeakKeyDictionary[Flask, str | None]] = WeakKeyDictionary()


class TokenOffset:
    """Mounts AI usage estimates, plans and their pages in a Flask application.

    The object holds nothing but what it was given; everything of an application hangs on
    ``app.extensions["tokenoffset"]``, so one object may serve several applications.

    :param app: the application, or ``None`` to call :meth:`init_app` later.
    :param db: the host's Flask-SQLAlchemy; found on the application without it.
    :param user_loader: says who is signed in; without it, Flask-Login is asked.
    :param url_prefix: where the pages and the API are mounted.
    """

    def __init__(
        self,
        app: Flask | None = None,
        *,
        db: SQLAlchemy | None = None,
        user_loader: UserLoader | None = None,
        url_prefix: str = "/tokenoffset",
    ) -> None:
        self._db = db
        self._user_loader = user_loader
        self._url_prefix = url_prefix
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Set an application up. Nothing is done on routes that are not ours.

        :param app: the application, with its settings and its Flask-SQLAlchemy in place.
        :raises ConfigurationError: for a setting that is missing or wrong, with the cure.
        :raises RuntimeError: the application was set up before.
        """
        if EXTENSION_KEY in app.extensions:
            raise RuntimeError(
                "flask-tokenoffset is set up on this application already. Create TokenOffset(app)"
                " once, or call init_app once."
            )
        settings = Settings.from_config(app.config)
        retention_rules.check_settings(settings)
        clock = SystemClock()
        state = State(
            settings=settings,
            db=self._find_db(app),
            user_loader=self._find_user_loader(app, settings),
            url_prefix=_checked_prefix(self._url_prefix),
            clock=clock,
            vault=Vault(_key_store(settings), shut_because=_debugger_check(app, settings)),
            gateway=_gateway(settings, clock),
            identities=_late(lambda: _identities(settings, clock)),
            queue=_queue(app, settings),
            attempts=_late(lambda: _attempts(settings)),
            mailer=None if settings.mailer is None else _mailer(settings),
        )
        _claim_bind(app, settings.bind_key)
        app.extensions[EXTENSION_KEY] = state
        mount(app, state)
        offer_to_host(app)
        protect_host_migrations(app)

    def serve_gpc(self, app: Flask) -> None:
        """Have an application say at ``/.well-known/gpc.json`` that it abides by the signal.

        Only on request, because the file speaks for the whole site; see :mod:`.gpc`.

        :param app: the application.
        """
        from flask_tokenoffset.blueprints.access.gpc import serve_gpc  # noqa: PLC0415 - see _late

        serve_gpc(app)

    def _find_user_loader(self, app: Flask, settings: Settings) -> UserLoader:
        if settings.sign_in == "host":
            return self._user_loader or flask_login_user
        if self._user_loader is not None:
            raise ConfigurationError(
                "TOKENOFFSET_SIGN_IN",
                "it is «identity», so people sign in here, but a user_loader says who is signed in"
                " as well. Remove one of them.",
            )
        from flask_tokenoffset.blueprints.access import own_login  # noqa: PLC0415 - see _late

        return own_login.set_up(app, settings)

    def _find_db(self, app: Flask) -> SQLAlchemy:
        db: SQLAlchemy | None = self._db or app.extensions.get("sqlalchemy")
        if db is None:
            raise ConfigurationError(
                "db",
                "this application has no Flask-SQLAlchemy yet, and the tables need one. Call"
                " db.init_app(app) before TokenOffset(app), or pass TokenOffset(app, db=db).",
            )
        return db


def _checked_prefix(prefix: str) -> str:
    if not prefix.startswith("/") or prefix.endswith("/"):
        raise ConfigurationError(
            "url_prefix",
            f"it must start with a slash and not end with one, as in «/tokenoffset», not"
            f" {prefix!r}.",
        )
    return prefix


def _key_store(settings: Settings) -> KeyStore:
    if settings.key_store is not None:
        return settings.key_store
    return LocalKeyStore(parse_key_ring(settings.keys))


def _late(make: Callable[[], Made]) -> Made:
    """What stands for a collaborator that is made, and its modules loaded, when it is first used.

    Importing and mounting the extension is paid for by every process of the host's, its commands
    included; most of them never sample, sign in or send.

    :param make: makes it.
    """
    return cast("Made", LocalProxy(cache(make)))


def _gateway(settings: Settings, clock: Clock) -> Gateway:
    if settings.providers is None and not settings.http_transports:
        return _late(lambda: _checked_gateway(settings, clock))
    # What the settings name is looked at now, which loads the vendors.
    return _checked_gateway(settings, clock)


def _checked_gateway(settings: Settings, clock: Clock) -> Gateway:
    from flask_tokenoffset.providers import (  # noqa: PLC0415 - see _late
        PROVIDERS,
        Gateway,
        enabled_providers,
    )

    enabled = enabled_providers(settings.providers)
    known = {*PROVIDERS, *(provider.name for provider in enabled)}
    if unknown := sorted(set(settings.http_transports) - known):
        # Its requests would go to the network, in a test that believes that none do.
        raise ConfigurationError(
            "TOKENOFFSET_HTTP_TRANSPORTS",
            f"it names {', '.join(unknown)}, and the vendors here are {', '.join(sorted(known))}."
            " Correct the name, or add it to TOKENOFFSET_PROVIDERS.",
        )
    return Gateway(
        enabled, clock=clock, transports=settings.http_transports, outbound=settings.outbound
    )


def _identities(settings: Settings, clock: Clock) -> IdentityGateway:
    from flask_tokenoffset.oidc import IdentityGateway  # noqa: PLC0415 - see _late

    return IdentityGateway(settings.oauth_providers, clock=clock, outbound=settings.outbound)


def _attempts(settings: Settings) -> AttemptLimiter:
    from flask_tokenoffset.services.shared.attempts import (  # noqa: PLC0415 - see _late
        AttemptLimiter,
    )

    return AttemptLimiter(settings.redis_url)


def _mailer(settings: Settings) -> Mailer:
    from flask_tokenoffset.host.mailer import as_mailer  # noqa: PLC0415 - see _late

    return as_mailer(settings.mailer)


def _queue(app: Flask, settings: Settings) -> JobQueue:
    if settings.redis_url is None:
        return _late(lambda: _embedded_queue(app))
    from flask_tokenoffset.tasks.queue import RedisQueue  # noqa: PLC0415 - see _late

    queue = RedisQueue(settings.redis_url)
    queue.check()
    return queue


def _embedded_queue(app: Flask) -> JobQueue:
    from flask_tokenoffset.tasks.embedded import EmbeddedQueue  # noqa: PLC0415 - see _late

    return EmbeddedQueue(app)


def _claim_bind(app: Flask, bind_key: str | None) -> None:
    """Put our tables on a bind, for every application of the process alike."""
    for other_app, other_key in _binds.items():
        if other_app is not app and other_key != bind_key:
            raise ConfigurationError(
                "TOKENOFFSET_BIND_KEY",
                f"it is {bind_key!r} here and {other_key!r} in another application of this process,"
                " and the tables can have one bind in a process only. Use the same value, or run"
                " the applications in processes of their own.",
            )
    _binds[app] = bind_key
    if bind_key is None:
        METADATA.info.pop("bind_key", None)
    else:
        METADATA.info["bind_key"] = bind_key


def _debugger_check(app: Flask, settings: Settings) -> Callable[[], str | None]:
    """What says why the vault must stay shut at the moment, if it must."""

    def check() -> str | None:
        in_debugger = app.debug or (
            has_request_context() and "werkzeug.debug.preserve_context" in request.environ
        )
        if not in_debugger or settings.allow_vault_in_debug:
            return None
        return (
            "Connected keys cannot be used while debug mode or the interactive debugger is on,"
            " because it would show them. Run the application without debug."
        )

    return check
