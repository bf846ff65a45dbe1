from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.linking import OWN_LOGIN, Scene
from tests.support.world import make_world, world

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World

__all__ = ["make_world", "world"]


@pytest.fixture
def scene(make_world: Callable[..., World]) -> Scene:
    """A host with users of its own, who may link accounts at two providers."""
    return Scene(make_world)


@pytest.fixture
def own(make_world: Callable[..., World]) -> Scene:
    """A host without users, where a linked identity or a mailed link is the login."""
    return Scene(make_world, **OWN_LOGIN)
