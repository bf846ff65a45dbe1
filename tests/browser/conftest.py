"""The machine's own Chromium, and Fernhill served to it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.fernhill import Fernhill, served_fernhill
from tests.browser.watching import Watched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """Headless Chromium that talks to nobody but us; its sandbox needs rights a container lacks."""
    return {
        "executable_path": os.environ.get("TEST_CHROMIUM") or None,
        "args": [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ],
    }


@pytest.fixture
def fernhill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fernhill]:
    """The example host with simulated vendors, served from a folder of its own."""
    monkeypatch.setenv("EXAMPLE_DATA_FOLDER", str(tmp_path))
    for name in ("DATABASE_URL", "TOKENOFFSET_REDIS_URL", "TOKENOFFSET_KEYS", "SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    with served_fernhill() as served:
        yield served


@pytest.fixture
def watched(browser: Browser) -> Iterator[Callable[..., Watched]]:
    """Call it for a window whose every request and complaint is noted; both fail the test."""
    opened: list[Watched] = []

    def open_(address: str, **options: Any) -> Watched:
        opened.append(Watched(browser, address, **options))
        return opened[-1]

    yield open_
    for each in opened:
        each.close()
    assert [complaint for each in opened for complaint in each.complaints] == []
    assert [url for each in opened for url in each.requests_elsewhere] == []
