"""The table of routes, by which features are mounted without being loaded, says what they say."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from flask_tokenoffset import HostUser, TokenOffset
from flask_tokenoffset.blueprints import check_declarations, late
from flask_tokenoffset.blueprints.route_table import FILE
from flask_tokenoffset.permissions import Permission
from flask_tokenoffset.vault import generate_key
from tools.route_table import written

MOUNTED = """
import json, sys
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from flask_tokenoffset import HostUser, TokenOffset

app = Flask("host")
app.config |= json.loads(sys.argv[1])
SQLAlchemy(app)
TokenOffset(app, user_loader=lambda: HostUser(key="ada"))
print(json.dumps(sorted(sys.modules)))
"""
CONFIG = {
    "SECRET_KEY": "secret",
    "SQLALCHEMY_DATABASE_URI": "sqlite://",
    "TOKENOFFSET_EMBEDDED_QUEUE": True,
    "TOKENOFFSET_KEYS": generate_key("first"),
}
#: What features and their first use are made of.
NOT_LOADED = {
    "flask_tokenoffset.blueprints.routes",
    "flask_tokenoffset.blueprints.frame",
    "flask_tokenoffset.models",
    "flask_tokenoffset.providers",
    "flask_tokenoffset.oidc",
    "flask_tokenoffset.tasks",
    "alembic",
    "httpx",
    "limits",
    "markdown_it",
    "pydantic",
    "redis",
    "rq",
    "svg",
}


def test_the_table_is_what_the_features_register() -> None:
    assert FILE.read_text(encoding="utf-8") == written(), "Run `make routes`."


def test_every_view_of_the_table_loads_and_declares_what_it_needs() -> None:
    app = Flask("host")
    app.config |= CONFIG
    SQLAlchemy(app)
    TokenOffset(app, user_loader=lambda: HostUser(key="ada"))
    views = late.load_views(app)
    assert sum(isinstance(view, late.LateView) for view in app.view_functions.values()) > 200
    assert not any(isinstance(view, late.LateView) for view in views.values())
    check_declarations(app.url_map, views)


def test_a_view_that_asks_for_another_permission_than_the_table_is_not_served() -> None:
    view = late.LateView("plans.pages:plan", Permission.READ_PUBLISHED)
    with pytest.raises(RuntimeError, match="make routes"):
        view()


def test_mounting_loads_no_feature() -> None:
    run = subprocess.run(
        [sys.executable, "-c", MOUNTED, json.dumps(CONFIG)], capture_output=True, check=True
    )
    loaded = set(json.loads(run.stdout))
    assert "flask_tokenoffset.extension" in loaded
    assert loaded & NOT_LOADED == set()
