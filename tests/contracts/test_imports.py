"""Imports go down only, and each library is known in its own package: docs/architecture.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.layers import PACKAGE, find_faults, find_imports, read_layers

ROOT = Path(__file__).parent.parent.parent
LAYERS = read_layers((ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"))


def faults_of(folder: Path, module: str, source: str) -> list[str]:
    """The faults of one module, standing alone in a package with the packages it may name."""
    for package in LAYERS:
        (folder / package).mkdir()
        (folder / package / "__init__.py").touch()
    path = folder.joinpath(*module.split(".")).with_suffix(".py")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    return find_faults(find_imports(folder), LAYERS)


def test_the_package_keeps_to_its_layers() -> None:
    assert find_faults(find_imports(ROOT / PACKAGE), LAYERS) == []


def test_the_table_of_layers_is_read_whole() -> None:
    assert set(LAYERS.values()) == {1, 2, 3, 4, 5}
    assert LAYERS["extension"] == 5
    assert LAYERS["unit_of_work"] == 1


def test_every_module_of_the_package_stands_on_a_layer() -> None:
    modules = {path.stem for path in (ROOT / PACKAGE).glob("*.py")}
    packages = {path.parent.name for path in (ROOT / PACKAGE).glob("*/__init__.py")}
    assert (modules | packages) - {"__init__", "__main__"} <= LAYERS.keys()


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("errors", "from flask_tokenoffset.services import plans"),
        ("errors", "from flask_tokenoffset import services"),
        ("errors", "import flask_tokenoffset"),
        ("errors", "from flask_tokenoffset import TokenOffset"),
        ("models.plans", "from ..services import plans"),
        ("cli.database", "from flask_tokenoffset import __main__"),
        ("models.plans", "from .. import services"),
        ("services.plans", "from flask_tokenoffset.blueprints.plans import pages"),
        ("services.plans", "def late():\n    import flask_tokenoffset.tasks"),
        (
            "services.plans",
            "from importlib import import_module\nimport_module('flask_tokenoffset.cli')",
        ),
        (
            "models.plans",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..services import plans",
        ),
        ("models.plans", "from flask_tokenoffset.methodology import bands"),
        ("models.plans", "from flask_tokenoffset import migrations"),
        ("providers.openai", "from ..models import usage"),
        ("testing.simulators.anthropic", "from flask_tokenoffset.errors import InvalidKey"),
        ("services.plans", "from flask import current_app"),
        ("services.plans", "import flask_sqlalchemy"),
        ("providers.openai", "import sqlalchemy.orm"),
        ("providers.openai", "from flask import g"),
        ("methodology.footprint", "import os.path"),
        ("methodology.footprint", "from urllib.request import urlopen"),
        ("providers.openai", "import httpx"),
        ("providers.http", "import httpx"),
        ("oidc.http", "import httpx"),
        ("outbound.client", "from flask_tokenoffset.providers import Endpoint"),
        ("oidc.http", "from flask_tokenoffset.providers import Limits"),
        ("providers.http", "from authlib.oauth2 import OAuth2Client"),
        ("oidc.client", "from authlib.integrations.httpx_client import OAuth2Client"),
        ("oidc.client", "from joserfc import jwt"),
        ("services.sampling", "def late():\n    import httpx"),
        ("testing.client", "import httpx"),
        ("services.sampling", "from rq import Queue"),
        ("blueprints.sources", "import redis"),
        ("models.plans", "from sqlalchemy_utils import UUIDType"),
        ("cli.database", "from alembic import command"),
        ("unheard_of", "import json"),
    ],
)
def test_an_import_that_is_not_allowed_is_refused(tmp_path: Path, module: str, source: str) -> None:
    assert len(faults_of(tmp_path, module, source)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("extension", "from flask_tokenoffset.blueprints import mount"),
        ("__main__", "from flask_tokenoffset.cli import tokenoffset"),
        ("blueprints.plans", "from ..state import State\nfrom ..services import plans"),
        ("services.plans", "from flask_tokenoffset import errors\nfrom ..models.plans import Plan"),
        ("models.plans", "from .base import Base\nfrom ..vault import Secret"),
        ("models.base", "from sqlalchemy.orm import DeclarativeBase"),
        ("outbound.client", "import httpx"),
        ("providers.http", "from flask_tokenoffset.outbound import OutboundHTTP"),
        ("oidc.client", "from authlib.oauth2 import OAuth2Client"),
        ("oidc.id_tokens", "from joserfc import jwt"),
        ("testing.client", "def transport():\n    import httpx"),
        ("testing.simulators.transport", "import httpx"),
        ("testing.key_store", "from ..vault import KeyStore"),
        ("testing.key_store.cases", "from flask_tokenoffset.vault import KeyStore"),
        ("testing.provider", "from ..providers import Provider"),
        (
            "testing.simulators.anthropic",
            "from flask_tokenoffset.testing.simulators.truth import Truth",
        ),
        ("methodology.footprint", "import tomllib\nfrom importlib.resources import files"),
        ("tasks.queue", "import redis\nfrom rq import Queue"),
        ("blueprints.limits", "from limits.storage import storage_from_string"),
        ("migrations.environment", "from alembic import context\nfrom ..models import base"),
        ("cli.database", "def upgrade():\n    from alembic import command"),
    ],
)
def test_an_import_that_is_allowed_passes(tmp_path: Path, module: str, source: str) -> None:
    assert faults_of(tmp_path, module, source) == []
