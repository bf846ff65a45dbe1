"""The trampoline: what may run, where, and what gets out when it fails."""

from __future__ import annotations

import traceback
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest
from flask import Flask, current_app

from flask_tokenoffset.errors import ConfigurationError
from flask_tokenoffset.tasks import jobs
from flask_tokenoffset.tasks.jobs import JobFailed, UnknownTask, run_in_app
from flask_tokenoffset.unit_of_work import Task

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = "sk-admin-CANARY-0123456789"


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Call it to put tasks in the place of the real ones."""
    return lambda **tasks: monkeypatch.setattr(jobs, "TASKS", MappingProxyType(tasks))


def test_a_task_runs_in_the_current_application_and_a_context_of_its_own(
    tasks: Callable[..., None],
) -> None:
    app = Flask("host")
    seen: list[tuple[Flask, str]] = []
    ended: list[bool] = []
    app.teardown_appcontext(lambda _error: ended.append(True))
    tasks(note=lambda argument: seen.append((current_app._get_current_object(), argument)))  # type: ignore[attr-defined]  # Flask's documented way
    with app.app_context():
        run_in_app("note", "an-id")
        assert seen == [(app, "an-id")]
        assert ended == [True]


@pytest.mark.parametrize(
    "name", ["os.system", "flask_tokenoffset.tasks.sampling.sample", "", "note "]
)
def test_only_names_of_the_list_run(tasks: Callable[..., None], name: str) -> None:
    ran: list[str] = []
    tasks(note=ran.append)
    with Flask("host").app_context(), pytest.raises(UnknownTask):
        run_in_app(name, "an-id")
    assert ran == []


def test_the_real_list_holds_what_the_queue_sends() -> None:
    assert set(jobs.TASKS) == set(Task)


def test_a_failure_says_what_but_not_in_which_words(
    tasks: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(run_id: str) -> None:
        header = f"Bearer {SECRET}"
        raise ValueError(f"not accepted: {header} for {run_id}")

    tasks(fail=fail)
    with Flask("host").app_context(), pytest.raises(JobFailed) as failed:
        run_in_app("fail", "an-id")
    error = failed.value
    told = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert "ValueError" in str(error)
    assert error.__context__ is None
    for text in (told, caplog.text, repr(vars(error))):
        assert "CANARY" not in text
    assert "in fail" in caplog.text  # The log still says where.


def test_without_an_application_it_says_how_to_name_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in jobs.APP_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(ConfigurationError, match=r"TOKENOFFSET_APP.*package\.module:create_app"):
        run_in_app("sample", "an-id")
