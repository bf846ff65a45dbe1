from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.organizations import Shape, make_shape, two_organizations
from tests.support.world import make_world, world

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World

__all__ = ["make_world", "two_organizations", "world"]


@pytest.fixture
def pg_world(make_world: Callable[..., World], postgres_database: Callable[[], str]) -> World:
    """A world on PostgreSQL, where threads really run at once."""
    return make_world(postgres_database())


@pytest.fixture
def acme(world: World) -> Shape:
    """An organization with a person in each role; Ada, whom it invites, is none of them."""
    return make_shape(world, "acme")


@pytest.fixture
def pg_acme(pg_world: World) -> Shape:
    """The same on PostgreSQL."""
    return make_shape(pg_world, "acme")
