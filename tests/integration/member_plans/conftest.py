"""An organization on either database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.clubs import Club, found
from tests.support.world import make_world, world

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World

__all__ = ["make_world", "world"]


@pytest.fixture
def db_world(make_world: Callable[..., World], database_url: str) -> World:
    return make_world(database_url)


@pytest.fixture
def club(db_world: World) -> Club:
    """Ada's organization, without anyone else in it."""
    return found(db_world, db_world.ada)
