"""Watches every vendor call of a whole test run, and fails the run if one was not promised.

A test proves what it looks at; this looks at all of them. Whatever any test, in any process of the
run, makes the HTTP client send is held against the five promised endpoints. A call outside them
fails the run, and so does a promised endpoint that a run of the whole suite never called: a list
that nothing exercises proves nothing.

``pytest --endpoint-report PATH`` also writes down what was called. Workers of pytest-xdist hand
what they saw to the process that decides. Programs a test starts are not seen.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from flask_tokenoffset.providers import http as providers_http

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flask_tokenoffset.providers.http import SentCall

#: Provider, method, host and path; written out here, so that it does not follow the code.
Endpoint = tuple[str, str, str, str]

PROMISED: Final[frozenset[Endpoint]] = frozenset(
    {
        ("anthropic", "GET", "api.anthropic.com", "/v1/organizations/me"),
        ("anthropic", "GET", "api.anthropic.com", "/v1/organizations/usage_report/messages"),
        ("anthropic", "GET", "api.anthropic.com", "/v1/organizations/cost_report"),
        ("openai", "GET", "api.openai.com", "/v1/organization/usage/completions"),
        ("openai", "GET", "api.openai.com", "/v1/organization/costs"),
    }
)

_OUTPUT: Final = "tokenoffset_endpoint_calls"
_PLUGIN: Final = "tokenoffset-endpoint-recorder"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the option."""
    parser.addoption(
        "--endpoint-report",
        metavar="PATH",
        type=Path,
        help="write every vendor endpoint that was called to this JSON file",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Watch from before the first test on."""
    recorder = EndpointRecorder(config)
    config.pluginmanager.register(recorder, _PLUGIN)
    providers_http._observers.append(recorder.observe)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop watching."""
    recorder = config.pluginmanager.get_plugin(_PLUGIN)
    if isinstance(recorder, EndpointRecorder):
        providers_http._observers.remove(recorder.observe)


class EndpointRecorder:
    """Counts the calls of this process and of its workers, and judges them at the end.

    :param config: the run's configuration.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.calls: Counter[Endpoint] = Counter()
        #: A call that was not promised, and the tests in which it was made.
        self.outside: dict[Endpoint, set[str]] = {}
        self.faults: list[str] = []

    def observe(self, call: SentCall) -> None:
        """Note one call; the HTTP client calls this just before it leaves."""
        endpoint = (call.provider_name, call.method, call.host, call.path)
        self.calls[endpoint] += 1
        if endpoint not in PROMISED:
            test = os.environ.get("PYTEST_CURRENT_TEST", "(between two tests)").partition(" (")[0]
            self.outside.setdefault(endpoint, set()).add(test)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Report what this worker saw, or judge what all of them saw."""
        output = getattr(self._config, "workeroutput", None)
        if output is not None:
            output[_OUTPUT] = {
                "calls": [[*endpoint, count] for endpoint, count in self.calls.items()],
                "outside": [[*endpoint, sorted(tests)] for endpoint, tests in self.outside.items()],
            }
            return
        self.faults = self._judge(whole_suite=_is_whole_suite(session))
        report: Path | None = self._config.getoption("--endpoint-report")
        if report is not None:
            self._write(report)
        if self.faults and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        """Take in what a worker of pytest-xdist saw."""
        output = getattr(node, "workeroutput", {}).get(_OUTPUT, {"calls": [], "outside": []})
        for *endpoint, count in output["calls"]:
            self.calls[_endpoint(endpoint)] += count
        for *endpoint, tests in output["outside"]:
            self.outside.setdefault(_endpoint(endpoint), set()).update(tests)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what was found, in one line if all is well."""
        if self.faults:
            terminalreporter.section("vendor endpoints", red=True)
            for fault in self.faults:
                terminalreporter.line(fault, red=True)
        elif self.calls:
            terminalreporter.line(
                f"vendor endpoints: {self.calls.total()} calls,"
                f" {len(PROMISED & set(self.calls))} of {len(PROMISED)} promised endpoints,"
                " none outside"
            )

    def _judge(self, *, whole_suite: bool) -> list[str]:
        faults = [
            f"A call outside the promise: {_text(endpoint)}, in {', '.join(sorted(tests))}"
            for endpoint, tests in sorted(self.outside.items())
        ]
        if whole_suite:
            faults += [
                f"Promised, and never called by the whole suite: {_text(endpoint)}"
                for endpoint in sorted(PROMISED - set(self.calls))
            ]
        return faults

    def _write(self, report: Path) -> None:
        content = {
            "calls": [
                {"endpoint": _text(endpoint), "count": count, "promised": endpoint in PROMISED}
                for endpoint, count in sorted(self.calls.items())
            ],
            "faults": self.faults,
        }
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _is_whole_suite(session: pytest.Session) -> bool:
    """Whether every test was to run, and the run was not cut short."""
    option = session.config.option
    marks = option.markexpr not in {"", "not campaign"}
    chosen = option.keyword or marks or option.collectonly or getattr(option, "lf", False)
    return (
        session.config.args_source is pytest.Config.ArgsSource.TESTPATHS
        and session.exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}
        and not chosen
        and not session.shouldstop
        and not session.shouldfail
    )


def _endpoint(parts: Iterable[str]) -> Endpoint:
    provider, method, host, path = parts
    return provider, method, host, path


def _text(endpoint: Endpoint) -> str:
    provider, method, host, path = endpoint
    return f"{method} https://{host}{path} ({provider})"
