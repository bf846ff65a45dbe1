from __future__ import annotations

from tests.support.prepared import prepared_world
from tests.support.world import make_world, settled_world, world

__all__ = ["make_world", "prepared_world", "settled_world", "world"]
