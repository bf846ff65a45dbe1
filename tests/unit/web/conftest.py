from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.hosts.host_apps import dispose, make_host

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask


@pytest.fixture
def host() -> Iterator[Callable[..., Flask]]:
    """Call it for a host application; its connections are closed afterwards."""
    made: list[Flask] = []

    def make(**options: Any) -> Flask:
        made.append(make_host(**options))
        return made[-1]

    yield make
    for app in made:
        dispose(app)
