"""Which test fails when an enforcement is switched off: its name to the node id of the test.

Short tests on SQLite are best, because each one is run once more with its guard away.
"""

from __future__ import annotations

from typing import Final

PROVED_BY: Final[dict[str, str]] = {}
