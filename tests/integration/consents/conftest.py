from __future__ import annotations

from tests.support.world import make_world, settled_world, world

__all__ = ["make_world", "settled_world", "world"]
