"""Types and conditions that tables of several features share."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

INSTANT: Final = sa.DateTime(timezone=True)
#: SQLite numbers rows by itself only in a column declared INTEGER.
ROW_NUMBER: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UNFINISHED: Final = sa.text("status IN ('queued', 'running')")
