"""Writes down what became of the tests that prove promises: ``pytest --promise-report PATH``.

``tools/promises.py`` reads the file beside docs/promises.yaml. The marks travel in the reports'
``user_properties``, which pytest-xdist carries from its workers to the process that writes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

PROPERTY = "promise"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the option."""
    parser.addoption(
        "--promise-report",
        metavar="PATH",
        type=Path,
        help="write the outcome of every test marked with a promise to this JSON file",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Start the report in the one process that writes it."""
    path: Path | None = config.getoption("--promise-report")
    if path is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(PromiseReport(path), "promise-report")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Attach the marks to what each test will report."""
    for item in items:
        for mark in item.iter_markers("promise"):
            item.user_properties.extend((PROPERTY, promise) for promise in mark.args)


class PromiseReport:
    """Gathers outcomes and writes them when the run ends.

    A test has passed when each of its phases has, and one that was skipped, or that was expected to
    fail, proves nothing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._tests: dict[str, dict[str, object]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in one phase (set-up, call, tear-down) of one test."""
        promises = [str(value) for name, value in report.user_properties if name == PROPERTY]
        if not promises:
            return
        test = self._tests.setdefault(
            report.nodeid, {"test": report.nodeid, "promises": promises, "outcome": "passed"}
        )
        if report.failed:
            test["outcome"] = "failed"
        elif (report.skipped or hasattr(report, "wasxfail")) and test["outcome"] == "passed":
            test["outcome"] = "skipped"

    def pytest_sessionfinish(self) -> None:
        """Write the file, also when the run was cut short."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps({"tests": list(self._tests.values())}, indent=1) + "\n")
