"""Applications whose connections and threads are gone when the test ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from flask_tokenoffset.state import state_of
from flask_tokenoffset.tasks.embedded import EmbeddedQueue
from tests.integration.tasks.host import make_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask


@pytest.fixture(autouse=True)
def _lent_databases(tables_may_be_there: None) -> None:
    """Every test here makes the tables itself where they are not there yet."""


class MakeApp(Protocol):
    """Makes an application; see :func:`tests.integration.tasks.host.make_app`."""

    def __call__(
        self, database_url: str, redis_url: str | None = None, *, scheduler_seconds: float = 3600
    ) -> Flask: ...


@pytest.fixture
def app_maker() -> Iterator[MakeApp]:
    apps: list[Flask] = []

    def make(
        database_url: str, redis_url: str | None = None, *, scheduler_seconds: float = 3600
    ) -> Flask:
        app = make_app(database_url, redis_url, scheduler_seconds=scheduler_seconds)
        apps.append(app)
        return app

    yield make
    for app in apps:
        state = state_of(app)
        if isinstance(state.queue, EmbeddedQueue):
            state.queue.close()
        with app.app_context():
            for engine in state.db.engines.values():
                engine.dispose()
