"""A pytest plugin that switches one enforcement off, to see whether a promise's test notices.

``ENFORCEMENT_OFF=name pytest -p tests.support.enforcement_off ...``
"""

from __future__ import annotations

import os
from typing import Any

from flask_tokenoffset.cli.enforcements import all_enforcements


def pytest_collection_finish() -> None:
    """Take the guard away once the tests are imported."""
    enforcement = all_enforcements()[os.environ["ENFORCEMENT_OFF"]]

    def guard_nothing(*_arguments: Any, **_named: Any) -> Any:
        return enforcement.off

    enforcement.guard = guard_nothing
