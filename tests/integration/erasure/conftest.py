from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World


@pytest.fixture
def db_world(make_world: Callable[..., World], database_url: str) -> World:
    """A world on each kind of database."""
    return make_world(database_url)


@pytest.fixture
def pg_world(make_world: Callable[..., World], postgres_database: Callable[[], str]) -> World:
    """A world on PostgreSQL, where threads really run at once."""
    return make_world(postgres_database())
