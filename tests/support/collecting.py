"""How a run is shared: the same tests in the same order everywhere, and enough processes.

Parameters from a set come in the order of the process's hash seed, and pytest-xdist refuses
processes that differ, without saying why. This says why.
"""

from __future__ import annotations

import gc
import os

import pytest
from hypothesis import HealthCheck, settings

#: Two fifths of the time of a test is waiting for a server, a worker or a lease.
PROCESSES_PER_CORE = 2

#: How many new objects there are before the collector looks at them; Python's own is 700, 10, 10.
GARBAGE_THRESHOLDS = (50_000, 20, 50)


def pytest_configure() -> None:
    """Let no example of Hypothesis fail for being slow: tests share the cores of the machine."""
    settings.register_profile(
        "shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("shared machine")
    # What is collected stays until the end: looking through it for garbage finds none.
    gc.disable()


def pytest_collection_finish() -> None:
    """Look for garbage from here on, in what the tests make."""
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    gc.enable()


def pytest_xdist_auto_num_workers() -> int:
    """How many processes ``-n auto`` starts: more than cores, because many tests wait."""
    return PROCESSES_PER_CORE * len(os.sched_getaffinity(0))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Refuse parameters that have no order."""
    for mark in metafunc.definition.iter_markers("parametrize"):
        values = mark.args[1] if len(mark.args) > 1 else mark.kwargs.get("argvalues")
        if isinstance(values, set | frozenset):
            raise pytest.UsageError(
                f"{metafunc.definition.nodeid} takes its parameters from a set, which has another"
                " order in each process. Sort them."
            )
