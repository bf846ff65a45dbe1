"""What a worker runs: a task by its short name, inside the host's application.

Redis is not trusted with more than that. A job names a task of the list below and carries ids; it
can neither name a function to import nor an application to load.
"""

from __future__ import annotations

import logging
import os
import traceback
from functools import cache
from typing import TYPE_CHECKING, Final, cast

from flask import Flask, current_app, has_app_context
from flask.cli import ScriptInfo

from flask_tokenoffset.errors import ConfigurationError
from flask_tokenoffset.state import current_state
from flask_tokenoffset.tasks.bulk_changes import change_plans
from flask_tokenoffset.tasks.documents import tell_of_document
from flask_tokenoffset.tasks.erasing import erase
from flask_tokenoffset.tasks.exporting import export
from flask_tokenoffset.tasks.mail import mail
from flask_tokenoffset.tasks.sampling import sample
from flask_tokenoffset.unit_of_work import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

logger = logging.getLogger(__name__)

#: What each task runs.
TASKS: Final[Mapping[str, Callable[..., None]]] = {
    Task.SAMPLE: sample,
    Task.MAIL: mail,
    Task.EXPORT: export,
    Task.BULK_CHANGE: change_plans,
    Task.ERASE: erase,
    Task.DOCUMENT_NOTICE: tell_of_document,
}

#: Where a worker that we did not start finds the host's application, in order.
APP_VARIABLES: Final = ("TOKENOFFSET_APP", "FLASK_APP")


class JobFailed(Exception):
    """A task failed. Says which and how, without the words and values of the original error.

    The queue keeps the text of whatever a job raises for days, and the words of an arbitrary error
    may quote a secret. The worker's log has the places it passed through.
    """


class UnknownTask(Exception):
    """A job names a task that is not on the list; nothing was run."""


def run_in_app(task_name: str, *arguments: str) -> None:
    """Run a task in the application's context. The one function our jobs name.

    :param task_name: a key of :data:`TASKS`.
    :param arguments: what the task takes: ids as text.
    :raises UnknownTask: there is no such task.
    :raises JobFailed: the task raised; the cause is in the log.
    """
    app = _application()
    # A context of the job's own, so that its session ends with it.
    with app.app_context():
        _leave_inherited_connections()
        run_task(task_name, *arguments)


def run_task(task_name: str, *arguments: str) -> None:
    """Run a task in the present context, and let no detail of a failure out.

    :raises UnknownTask: there is no such task.
    :raises JobFailed: the task raised; the cause is in the log.
    """
    task = TASKS.get(task_name)
    if task is None:
        raise UnknownTask(
            f"There is no task {task_name[:40]!r}. Either the queue carries jobs of a newer"
            " release of flask-tokenoffset than this worker's, or somebody else writes to it."
        )
    try:
        task(*arguments)
    except Exception as error:  # noqa: BLE001 - whatever it was, its words stay here
        failure = _describe(task_name, error)
    else:
        return
    # Raised out here so that the failure does not even carry the original as its context.
    raise JobFailed(failure)


def _describe(task_name: str, error: Exception) -> str:
    """Log the places an error passed through, and return a sentence that is safe to keep."""
    kind = type(error).__name__
    logger.error(
        "The task %s failed with %s. It came by these places (no values are shown):\n%s",
        task_name,
        kind,
        "".join(traceback.format_tb(error.__traceback__)),
    )
    return f"The task {task_name} failed with {kind}; the worker's log says where."


def _application() -> Flask:
    """The current application, or the one that the environment names."""
    if has_app_context():
        # Flask documents this method for handing the application itself on.
        return cast("Flask", current_app._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001
    for variable in APP_VARIABLES:
        if path := os.environ.get(variable):
            return _load(path)
    raise ConfigurationError(
        APP_VARIABLES[0],
        "it is missing from the worker's environment, so the job finds no application to run in."
        " Start workers with «flask tokenoffset worker», or set it to your application or"
        " factory, as in «package.module:create_app».",
    )


@cache
def _load(path: str) -> Flask:
    """Load the host's application, once for each process."""
    return ScriptInfo(app_import_path=path, set_debug_flag=False).load_app()


#: The process in which the pools' connections were opened, as far as we know.
_pools_belong_to = os.getpid()


def _leave_inherited_connections() -> None:
    """Forget the database connections of the process this one was forked from.

    Parent and child would otherwise talk over the same socket. They are not closed: they are still
    the parent's.
    """
    global _pools_belong_to  # noqa: PLW0603 - one fact about this process
    if os.getpid() == _pools_belong_to:
        return
    for engine in current_state().db.engines.values():
        engine.dispose(close=False)
    _pools_belong_to = os.getpid()
