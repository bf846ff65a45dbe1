"""What tests of mail share."""

from __future__ import annotations

from tests.support.outbox import outbox

__all__ = ["outbox"]
