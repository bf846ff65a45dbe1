from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.organizations import two_organizations
from tests.support.world import make_world, world

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World

__all__ = ["make_world", "two_organizations", "world"]


@pytest.fixture
def db_world(make_world: Callable[..., World], database_url: str) -> World:
    """A world on each kind of database."""
    return make_world(database_url)


@pytest.fixture
def pg_world(make_world: Callable[..., World], postgres_database: Callable[[], str]) -> World:
    """A world on PostgreSQL, where threads really run at once."""
    return make_world(postgres_database())
