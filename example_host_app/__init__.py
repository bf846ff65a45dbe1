"""Fernhill, an invented writing tool for teams: a partner product that mounts flask-tokenoffset.

It has users, pages, a database, migrations and a look of its own. All it does for the extension
stands in :mod:`example_host_app.footprint`. ``make demo`` shows the two together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Flask

from example_host_app import (
    accounts,
    commands,
    config,
    database,
    mailbox,
    security,
    without_login,
    workspaces,
)
from example_host_app.footprint import mount_footprint

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["create_app"]


def create_app(settings: Mapping[str, Any] | None = None) -> Flask:
    """Make the application.

    :param settings: come before those of the environment. ``FOOTPRINT`` false leaves the extension
        out, which is how a test and a benchmark look at Fernhill alone.
    """
    app = Flask(__name__, instance_path=str(config.data_folder()))
    config.configure(app, settings or {})
    database.init_app(app)
    security.init_app(app)
    if app.config["LOGIN"]:
        accounts.init_app(app)
        workspaces.init_app(app)
    else:
        without_login.init_app(app)
    mailbox.init_app(app)
    commands.init_app(app)
    if app.config["FOOTPRINT"]:
        mount_footprint(app)
    return app
