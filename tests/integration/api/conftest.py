from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.api.calls import SMALL

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World


@pytest.fixture
def small_world(make_world: Callable[..., World]) -> World:
    """Ada and Ben have everything, of customers with a short history; one stranger has nothing."""
    world = make_world(customer=SMALL)
    world.ada.settle()
    world.ben.settle()
    return world


@pytest.fixture
def db_world(make_world: Callable[..., World], database_url: str) -> World:
    """The same on each kind of database."""
    world = make_world(database_url, customer=SMALL)
    world.ada.settle()
    world.ben.settle()
    return world
