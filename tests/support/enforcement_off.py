"""Runs a test within a test, with one enforcement switched off, to see whether it notices.

It is a whole run of pytest in the same process: what was imported, collected and built is there
already, so that it takes hardly longer than the test by itself.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.promise_report import PROPERTY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask_tokenoffset.data_map.enforcement import Enforcement

ROOT: Final = Path(__file__).parents[2]
#: Plugins that are there for the whole process, and of which the outer run's go on.
_OUTER: Final = (
    *("cacheprovider", "faulthandler", "threadexception", "unraisableexception"),
    "playwright",  # It is there after `make browser`, and cannot be nested.
)


class RunWithout:
    """A plugin that takes a guard away between collecting and the end, and keeps what failed.

    :param enforcement: the guard.
    """

    def __init__(self, enforcement: Enforcement[..., Any]) -> None:
        self._enforcement = enforcement
        #: How many tests were begun.
        self.begun = 0
        #: For each failed phase of a test: the promises that the test proves, and how it failed.
        self.failed: list[tuple[set[str], str]] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Iterator[Any]:
        """Everything was imported by now, and nothing has been run."""
        guard, off = self._enforcement.guard, self._enforcement.off
        self._enforcement.guard = lambda *_arguments, **_named: off
        try:
            return (yield)
        finally:
            self._enforcement.guard = guard

    def pytest_runtest_logstart(self) -> None:
        """Count a test."""
        self.begun += 1

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep a failure."""
        if report.failed:
            promises = {str(value) for name, value in report.user_properties if name == PROPERTY}
            self.failed.append((promises, report.longreprtext))


def run_without(
    enforcement: Enforcement[..., Any], node: str, folder: Path
) -> tuple[int, RunWithout]:
    """Run one test with a guard taken away: the exit code of the run, and what it saw.

    :param node: the node id of the test, from the project's folder.
    :param folder: for the temporary files of the run.
    """
    run = RunWithout(enforcement)
    arguments = [
        *(
            "-c",
            str(ROOT / "pyproject.toml"),
            f"--rootdir={ROOT}",
            f"--basetemp={folder / 'inner'}",
        ),
        # Neither processes of its own nor a second alarm clock: the outer run has them.
        *("-o", "addopts=--import-mode=importlib --strict-markers", "-o", "timeout=0"),
        *(argument for plugin in _OUTER for argument in ("-p", f"no:{plugin}")),
        str(ROOT / node),
    ]
    outer = os.environ.get("PYTEST_CURRENT_TEST", "")
    code = pytest.main(arguments, plugins=[run])
    os.environ["PYTEST_CURRENT_TEST"] = outer
    return int(code), run
