"""What one application's extension consists of, once it is set up.

It hangs on ``app.extensions["tokenoffset"]`` and is frozen. Entry points (views, tasks, commands)
take from it what the service they call needs; services never see it.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, cast

from flask import Flask, current_app, has_request_context, request

from flask_tokenoffset.errors import ConfigurationError
from flask_tokenoffset.unit_of_work import Origin, UnitOfWork
from flask_tokenoffset.vault.derived_keys import derive_key, derive_keys

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from flask_sqlalchemy import SQLAlchemy
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from flask_tokenoffset.clock import Clock
    from flask_tokenoffset.host.mailer import Mailer
    from flask_tokenoffset.host.users import UserLoader
    from flask_tokenoffset.job_queue import JobQueue
    from flask_tokenoffset.oidc import IdentityGateway
    from flask_tokenoffset.providers import Gateway
    from flask_tokenoffset.services.audit.chain import AuditKeys
    from flask_tokenoffset.services.erasures.steps import Means
    from flask_tokenoffset.services.erasures.tombstones import TombstoneKeys
    from flask_tokenoffset.services.shared.attempts import AttemptLimiter
    from flask_tokenoffset.settings import Settings
    from flask_tokenoffset.unit_of_work import Entry
    from flask_tokenoffset.vault import Vault

EXTENSION_KEY: Final = "tokenoffset"
_LINK_LABEL: Final = b"flask-tokenoffset link v1"


def _no_providers() -> IdentityGateway:
    from flask_tokenoffset.oidc import IdentityGateway  # noqa: PLC0415 - as below

    return IdentityGateway()


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The collaborators of one application."""

    settings: Settings
    #: The host's Flask-SQLAlchemy.
    db: SQLAlchemy
    #: Says who is signed in.
    user_loader: UserLoader
    #: Where our pages are mounted, as given to the constructor.
    url_prefix: str
    clock: Clock
    vault: Vault
    #: Opens reporting clients for vendors.
    gateway: Gateway
    #: Carries job ids to workers.
    queue: JobQueue
    #: Counts attempts against abuse.
    attempts: AttemptLimiter
    #: Hands mail over; none where the host sends none.
    mailer: Mailer | None = None
    #: Speaks to identity providers.
    identities: IdentityGateway = field(default_factory=_no_providers)

    @property
    def session(self) -> Session:
        """The host's session for the present context."""
        return cast("Session", self.db.session)

    def public_url(self, path: str) -> str:
        """The address of one of our pages from outside, for mail. Needs no request.

        :param path: below our prefix, as in ``/links/...``.
        :raises ConfigurationError: if ``TOKENOFFSET_PUBLIC_URL`` is not set.
        """
        base = self.settings.public_url
        if base is None:
            raise ConfigurationError(
                "TOKENOFFSET_PUBLIC_URL",
                "it is missing, so no link to a page here can be written into mail. Set it, as in"
                " «https://app.example.com».",
            )
        return base + self.url_prefix.rstrip("/") + path

    @property
    def link_key(self) -> bytes:
        """The key under which the tokens of mailed links are derived."""
        return derive_key(current_app.secret_key, _LINK_LABEL)

    @property
    def link_keys(self) -> tuple[bytes, ...]:
        """The same, and those of the secrets before it, for links that work for years."""
        return derive_keys(
            current_app.secret_key,
            current_app.config.get("SECRET_KEY_FALLBACKS"),
            _LINK_LABEL,
        )

    @property
    def flow_key(self) -> bytes:
        """The key under which what belongs to an authorization flow is derived."""
        return derive_key(current_app.secret_key, b"flask-tokenoffset identity trip v1")

    @property
    def audit_keys(self) -> AuditKeys:
        """The keys that sign the audit log, and those that signed it before."""
        from flask_tokenoffset.services.audit.chain import AuditKeys  # noqa: PLC0415 - as below

        return AuditKeys.derive(
            current_app.secret_key, current_app.config.get("SECRET_KEY_FALLBACKS")
        )

    @property
    def tombstone_keys(self) -> TombstoneKeys:
        """The keys that mark erased people, and those that did before."""
        from flask_tokenoffset.services.erasures.tombstones import (  # noqa: PLC0415 - as below
            TombstoneKeys,
        )

        return TombstoneKeys.derive(
            current_app.secret_key, current_app.config.get("SECRET_KEY_FALLBACKS")
        )

    @property
    def erasure_means(self) -> Means:
        """What an erasure needs beside the database."""
        from flask_tokenoffset.services.erasures.steps import Means  # noqa: PLC0415 - rarely needed

        return Means(
            clock=self.clock,
            vault=self.vault,
            give_back=self.identities.give_back,
            link_key=self.link_key,
            tombstone_keys=self.tombstone_keys,
            proof_years=self.settings.proof_years,
            has_hook=self.settings.erasure_hook is not None,
        )

    @property
    def engine(self) -> Engine:
        """The engine of the database that holds our tables. Needs an application context.

        :raises ConfigurationError: if ``TOKENOFFSET_BIND_KEY`` names no bind of the host's.
        """
        bind_key = self.settings.bind_key
        engine = self.db.engines.get(bind_key)
        if engine is None:
            raise ConfigurationError(
                "TOKENOFFSET_BIND_KEY",
                f"SQLALCHEMY_BINDS has no bind {bind_key!r}, so there is no database for the"
                " tables. Add the bind or remove the setting.",
            )
        return engine

    @contextmanager
    def unit_of_work(self) -> Iterator[UnitOfWork]:
        """One transaction over the host's session; see :class:`UnitOfWork`."""
        self._begin_on_sqlite()
        sender = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
        with UnitOfWork(
            self.session,
            sender=sender,
            recorder=self._append_to_audit_log,
            origin=origin_of_request() if has_request_context() else None,
            enqueue=self.queue.enqueue,
        ) as work:
            yield work

    def _append_to_audit_log(
        self, session: Session, entries: Sequence[Entry], origin: Origin
    ) -> None:
        # An application is set up without loading the models.
        from flask_tokenoffset.services.audit import log as audit_log  # noqa: PLC0415

        audit_log.append(
            session,
            entries,
            origin,
            keys=self.audit_keys,
            now=self.clock.now(),
            keep_origin=self.settings.audit_origin_days > 0,
        )

    def _begin_on_sqlite(self) -> None:
        """Make Python's SQLite driver begin a transaction as every other driver does.

        By itself it begins one with the first INSERT, so that a savepoint before that would stand
        alone and its release would commit. It is begun for writing, because a transaction that
        reads first and then finds another one writing cannot go on. A host that has mended its
        engine is left alone.
        """
        from flask_tokenoffset.models import Account  # noqa: PLC0415 - as above

        connection = self.session.connection(bind_arguments={"mapper": Account})
        raw = connection.connection.dbapi_connection
        if connection.dialect.name == "sqlite" and not getattr(raw, "in_transaction", True):
            connection.exec_driver_sql("BEGIN IMMEDIATE")


def origin_of_request() -> Origin:
    """Where the present request comes from, as the server says.

    Anyone who stands behind a proxy configures Werkzeug's ``ProxyFix``: ``X-Forwarded-For`` can be
    written by anyone, so it is not looked at here.
    """
    from flask_tokenoffset.models import (  # noqa: PLC0415 - as above
        LONGEST_ADDRESS,
        LONGEST_USER_AGENT,
    )

    return Origin(
        _fitting(request.remote_addr, LONGEST_ADDRESS),
        _fitting(request.user_agent.string, LONGEST_USER_AGENT),
    )


def _fitting(text: str | None, longest: int) -> str | None:
    """A text as its column takes it; characters that cannot be shown become question marks."""
    shown = "".join(each if each.isprintable() else "?" for each in (text or "")[:longest])
    return shown or None


def state_of(app: Flask) -> State:
    """The extension's state of an application.

    :raises RuntimeError: if the extension was not set up on it.
    """
    state: State | None = app.extensions.get(EXTENSION_KEY)
    if state is None:
        raise RuntimeError(
            "flask-tokenoffset is not set up on this application. Call TokenOffset(app) or"
            " tokenoffset.init_app(app) where the application is made."
        )
    return state


def current_state() -> State:
    """The extension's state of the current application."""
    return state_of(current_app)
