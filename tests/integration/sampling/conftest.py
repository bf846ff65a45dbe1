from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from flask_tokenoffset.providers.http import VendorHTTP

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait between a client's attempts at a vendor that is in trouble."""
    monkeypatch.setitem(
        cast("dict[str, Any]", VendorHTTP.__init__.__kwdefaults__),
        "sleep",
        lambda _seconds: None,
    )


@pytest.fixture
def db_world(make_world: Callable[..., World], database_url: str) -> World:
    """A world on each kind of database."""
    return make_world(database_url)


@pytest.fixture
def pg_world(make_world: Callable[..., World], postgres_database: Callable[[], str]) -> World:
    """A world on PostgreSQL, where threads really run at once."""
    return make_world(postgres_database())
