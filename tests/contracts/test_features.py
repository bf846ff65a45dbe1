"""Every feature is registered: what has pages or operations stands in the one list of features."""

from __future__ import annotations

from pathlib import Path

from flask_tokenoffset import blueprints
from flask_tokenoffset.blueprints.routes import FEATURES

#: Mounted only where the host has no login of its own.
OWN_LOGIN = "sign_in"


def test_every_package_with_pages_or_operations_is_named_once() -> None:
    folder = Path(blueprints.__file__).parent
    found = {path.parent.name for name in ("pages", "api") for path in folder.glob(f"*/{name}.py")}
    assert sorted(FEATURES) == sorted(found - {OWN_LOGIN})
