"""Fernhill's settings, and what it makes up for itself where none are given.

===========================  ===================================================================
``EXAMPLE_DATA_FOLDER``      where the files below are kept; ``.demo`` beside the package if unset
``DATABASE_URL``             the database; a SQLite file if unset
``SECRET_KEY``               signs sessions; made and kept in a file if unset
``TOKENOFFSET_KEYS``         protect connected vendor keys; made and kept in a file if unset
``TOKENOFFSET_REDIS_URL``    carries jobs to workers; threads of the web process do it if unset
``TOKENOFFSET_PUBLIC_URL``   where links in mail lead; this machine's port 5040 if unset
``EXAMPLE_SIMULATE``         ``1`` puts simulators in the vendors' place
``EXAMPLE_LOGIN``            ``0`` leaves Fernhill's own login out; see ``without_login.py``
===========================  ===================================================================

Mail is kept in a folder instead of being sent, and shown on the page ``/mailbox``.

A key made up and kept beside the database is good enough for an example that runs on one machine.
A real product takes its keys from a secret store.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from example_host_app import without_login
from flask_tokenoffset.host.mailer import MailboxMailer
from flask_tokenoffset.testing import AnthropicSimulator, OpenAISimulator
from flask_tokenoffset.vault import generate_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx
    from flask import Flask

#: How long a writer waits for another one, in seconds, before SQLite gives up.
SQLITE_TIMEOUT_SECONDS = 20
#: Where the demo is served.
HOST = "127.0.0.1"
PORT = 5040
#: What pages, notices and receipts say of Fernhill; its documents stand in ``legal/``.
_TOLD_ON_PAGES: Final = {
    "TOKENOFFSET_CONTROLLER": "Fernhill Writing Ltd, 3 Quay Lane, Port Ellery",
    "TOKENOFFSET_PRIVACY_CONTACT": "privacy@fernhill.example",
    "TOKENOFFSET_STORAGE_PLACE": "Ireland, at Harbour Hosting",
    "TOKENOFFSET_JURISDICTION": "European Union (GDPR)",
    "TOKENOFFSET_PROGRAMMES": [
        {
            "name": "Ellery Peatland Trust",
            "what_it_does": "Blocks old drains, so that peat stays wet.",
            "address": "https://peatland.example",
            "share_percent": 60,
        },
        {
            "name": "Harbour Kelp",
            "what_it_does": "Replants kelp along the coast, and counts what grows.",
            "address": "https://kelp.example",
            "share_percent": 40,
        },
    ],
}


def data_folder() -> Path:
    """Where Fernhill keeps the files it makes."""
    default = Path(__file__).parent.parent / ".demo"
    return Path(os.environ.get("EXAMPLE_DATA_FOLDER") or default).absolute()


def configure(app: Flask, given: Mapping[str, Any]) -> None:
    """Settle every setting: what is given, else the environment, else what is made up.

    :param given: settings that come first.
    """
    app.config.update(
        FOOTPRINT=True,
        LOGIN=os.environ.get("EXAMPLE_LOGIN") != "0",
        FORM_ACTION=(),
        SIMULATE=os.environ.get("EXAMPLE_SIMULATE") == "1",
        SESSION_COOKIE_NAME="fernhill",
        SESSION_COOKIE_SAMESITE="Lax",
    )
    app.config.update(given)
    folder = Path(app.instance_path)
    if "SQLALCHEMY_DATABASE_URI" not in given:
        app.config["SQLALCHEMY_DATABASE_URI"] = _database_url(folder, login=app.config["LOGIN"])
    if "SECRET_KEY" not in given:
        app.config["SECRET_KEY"] = os.environ.get("SECRET_KEY") or _kept(
            folder / "secret-key", secrets.token_urlsafe
        )
    if app.config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite"):
        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
            "connect_args": {"timeout": SQLITE_TIMEOUT_SECONDS}
        }
    if app.config["FOOTPRINT"]:
        _make_up_footprint(app, folder)


def _make_up_footprint(app: Flask, folder: Path) -> None:
    """Fill in, for this example only, what a real product is given by its environment."""
    redis_url = app.config.get("TOKENOFFSET_REDIS_URL") or os.environ.get("TOKENOFFSET_REDIS_URL")
    if redis_url is None:
        app.config.setdefault("TOKENOFFSET_EMBEDDED_QUEUE", True)
    if not (app.config.get("TOKENOFFSET_KEYS") or os.environ.get("TOKENOFFSET_KEYS")):
        app.config["TOKENOFFSET_KEYS"] = _kept(
            folder / "master-key", lambda: generate_key("example")
        )
    if not (app.config.get("TOKENOFFSET_PUBLIC_URL") or os.environ.get("TOKENOFFSET_PUBLIC_URL")):
        app.config["TOKENOFFSET_PUBLIC_URL"] = f"http://{HOST}:{PORT}"
    for name, said in _TOLD_ON_PAGES.items():
        if name not in os.environ:
            app.config.setdefault(name, said)
    app.config.setdefault("TOKENOFFSET_MAILER", MailboxMailer(folder / "mail"))
    if not app.config["LOGIN"]:
        without_login.configure(app)
    if app.config["SIMULATE"]:
        app.config["TOKENOFFSET_HTTP_TRANSPORTS"] = simulated_vendors()


def simulated_vendors() -> dict[str, httpx.BaseTransport]:
    """A small team at each vendor. The figures are the same in every process."""
    return {
        simulator.name: simulator.transport()
        for simulator in (
            AnthropicSimulator(organization="Harbour Almanac"),
            OpenAISimulator(organization="Harbour Almanac"),
        )
    }


def _database_url(folder: Path, *, login: bool) -> str:
    url = os.environ.get("DATABASE_URL")
    if not url:
        folder.mkdir(parents=True, exist_ok=True)
        # People are known by other keys where they sign in elsewhere.
        return f"sqlite:///{folder / ('fernhill.sqlite' if login else 'without-login.sqlite')}"
    # Without a driver's name SQLAlchemy would look for one that is not installed.
    scheme, _separator, rest = url.partition("://")
    return f"postgresql+psycopg://{rest}" if scheme in {"postgres", "postgresql"} else url


def _kept(path: Path, make: Callable[[], str]) -> str:
    """A secret from a file that only its owner may read, made when it is not there yet."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # A temporary file is readable by its owner only. Linking it into place either happens
        # wholly or not at all, so two processes that start together end with one secret.
        with tempfile.NamedTemporaryFile("w", dir=path.parent, encoding="utf-8") as file:
            file.write(make())
            file.flush()
            with suppress(FileExistsError):
                os.link(file.name, path)
    return path.read_text(encoding="utf-8")
