"""What every test may ask for. The pieces stand in tests/support/."""

from __future__ import annotations

from importlib.util import find_spec

pytest_plugins = [
    "tests.support.collecting",
    "tests.support.databases",
    "tests.support.endpoint_recorder",
    "tests.support.network",
    "tests.support.promise_report",
]

# `make browser` installs Playwright; without it these tests cannot even be imported.
collect_ignore = [] if find_spec("playwright") else ["browser"]


def pytest_report_header() -> list[str]:
    """Say what a plain run leaves out."""
    return ["tests/browser: not collected, see make browser"] if collect_ignore else []
