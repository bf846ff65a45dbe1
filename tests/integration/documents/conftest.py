from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World


@pytest.fixture
def db_world(make_world: Callable[..., World], database_url: str) -> World:
    """A world on each kind of database."""
    # SQLite has one writer at a time, and two may want to write.
    options = {"connect_args": {"timeout": 30}} if database_url.startswith("sqlite") else {}
    return make_world(database_url, SQLALCHEMY_ENGINE_OPTIONS=options)
