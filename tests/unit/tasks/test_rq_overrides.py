"""What we override of RQ exists in the RQ that is installed, and stays callable."""

from __future__ import annotations

import inspect
import os
import re
import signal
from typing import TYPE_CHECKING

import pytest
from rq import Worker, job
from rq.job import Job
from rq.worker import base, worker_classes

from flask_tokenoffset.tasks import rq_overrides, worker
from flask_tokenoffset.tasks.rq_overrides import PatientWorker, TokenOffsetJob, stop_signals_held
from flask_tokenoffset.tasks.worker import TokenOffsetWorker

if TYPE_CHECKING:
    from collections.abc import Iterator

#: An attribute of an object, or a method, whose name says that it is private.
PRIVATE = re.compile(r"(?:\.|def )(_(?!_)\w+)")
#: What is our own: RQ knows nothing of it.
OUR_OWN = {"glance"}
#: RQ 2.8 has no webhooks yet.
FROM_LATER_VERSIONS = {"send_webhooks"}


def public_methods(owner: type) -> set[str]:
    return {
        name
        for name, value in vars(owner).items()
        if not name.startswith("_") and (callable(value) or isinstance(value, property))
    }


OVERRIDDEN = sorted(
    {
        (ours, theirs, name)
        for ours, theirs in (
            (PatientWorker, Worker),
            (TokenOffsetWorker, Worker),
            (TokenOffsetJob, Job),
        )
        for name in public_methods(ours) - OUR_OWN - FROM_LATER_VERSIONS
    },
    key=lambda each: (each[0].__name__, each[2]),
)


@pytest.mark.parametrize(
    ("ours", "theirs", "name"), OVERRIDDEN, ids=lambda each: getattr(each, "__name__", each)
)
def test_what_we_override_is_there_and_takes_whatever_rq_hands_over(
    ours: type, theirs: type, name: str
) -> None:
    original = getattr(theirs, name, None)
    assert original is not None, f"This RQ has no {theirs.__name__}.{name}: our override is dead."
    override = vars(ours)[name]
    if isinstance(override, property):
        assert isinstance(original, property)
        return
    kinds = {each.kind for each in inspect.signature(override).parameters.values()}
    assert {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD} <= kinds


def test_we_touch_nothing_private_of_rq() -> None:
    """Neither on purpose nor because one of our own attributes happens to bear the same name."""
    own, rqs = (
        {name for module in modules for name in PRIVATE.findall(inspect.getsource(module))}
        for modules in ((rq_overrides, worker), (base, worker_classes, job))
    )
    assert {"_refused_since", "_wait"} <= own
    assert {"_stop_requested", "_shutdown", "_success_callback"} <= rqs
    assert not own & rqs


@pytest.fixture
def noted() -> Iterator[list[int]]:
    """The signals that got through."""
    through: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: through.append(number))
    yield through
    signal.signal(signal.SIGTERM, before)


def test_a_signal_to_stop_waits_for_the_end_of_what_must_not_be_cut(noted: list[int]) -> None:
    with stop_signals_held():
        os.kill(os.getpid(), signal.SIGTERM)
        assert noted == []
    assert noted == [signal.SIGTERM]


def test_a_second_signal_does_not_wait(noted: list[int]) -> None:
    with stop_signals_held():
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        assert noted == [signal.SIGTERM]
    assert noted == [signal.SIGTERM]


def test_without_a_signal_the_handlers_are_as_before(noted: list[int]) -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with stop_signals_held():
        pass
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
    assert noted == []
