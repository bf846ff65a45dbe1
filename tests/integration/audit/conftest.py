from __future__ import annotations

from tests.support.organizations import two_organizations
from tests.support.world import make_world, world

__all__ = ["make_world", "two_organizations", "world"]
