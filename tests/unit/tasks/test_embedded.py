"""The development queue: threads of the web process, started when first needed."""

from __future__ import annotations

import threading
from types import MappingProxyType
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from flask import Flask, current_app

from flask_tokenoffset.tasks import embedded, jobs
from flask_tokenoffset.tasks.embedded import EmbeddedQueue
from flask_tokenoffset.unit_of_work import Task

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 10


@pytest.fixture
def app() -> Flask:
    return Flask("host")


@pytest.fixture
def queue(app: Flask) -> Iterator[EmbeddedQueue]:
    queue = EmbeddedQueue(app, worker_count=1, scheduler_seconds=3600)
    yield queue
    queue.close()


def ours() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name.startswith("tokenoffset")]


def set_sample(monkeypatch: pytest.MonkeyPatch, task: object) -> None:
    monkeypatch.setattr(jobs, "TASKS", MappingProxyType({"sample": task}))


def test_nothing_starts_before_it_is_needed(
    queue: EmbeddedQueue, caplog: pytest.LogCaptureFixture
) -> None:
    queue.check()
    assert ours() == []
    for _ in range(3):
        queue.start()
    assert sorted(ours()) == ["tokenoffset-tick", "tokenoffset-worker-0"]
    assert caplog.text.count("meant for development") == 1
    queue.close()
    assert ours() == []


def test_it_runs_jobs_in_the_applications_context_and_goes_on_after_a_failure(
    app: Flask, queue: EmbeddedQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[tuple[str, str]] = []
    done = threading.Event()
    runs = [uuid4(), uuid4()]

    def sample(run_id: str) -> None:
        ran.append((current_app.name, run_id))
        if run_id == str(runs[0]):
            raise ValueError("broken")
        done.set()

    set_sample(monkeypatch, sample)
    for run_id in runs:
        queue.enqueue(Task.SAMPLE, run_id, attempt=0)
    assert done.wait(SECONDS)
    assert ran == [("host", str(run_id)) for run_id in runs]


def test_a_run_that_waits_already_is_not_queued_twice(
    queue: EmbeddedQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []
    gate, begun, done = threading.Event(), threading.Event(), threading.Event()
    blocker, waiting, last = uuid4(), uuid4(), uuid4()

    def sample(run_id: str) -> None:
        ran.append(run_id)
        if run_id == str(blocker):
            begun.set()
            gate.wait(SECONDS)
        if run_id == str(last):
            done.set()

    set_sample(monkeypatch, sample)
    queue.enqueue(Task.SAMPLE, blocker, attempt=0)
    assert begun.wait(SECONDS)
    for _ in range(3):
        queue.enqueue(Task.SAMPLE, waiting, attempt=0)
    queue.enqueue(Task.SAMPLE, last, attempt=0)
    gate.set()
    assert done.wait(SECONDS)
    assert ran == [str(blocker), str(waiting), str(last)]


def test_it_runs_the_scheduler(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[str] = []
    twice = threading.Event()

    def run_scheduler(state: object) -> None:
        runs.append(f"{current_app.name}: {state}")
        if len(runs) > 1:
            twice.set()

    app.extensions["tokenoffset"] = "the state"
    monkeypatch.setattr(embedded, "run_scheduler", run_scheduler)
    queue = EmbeddedQueue(app, scheduler_seconds=0.01)
    queue.start()
    assert twice.wait(SECONDS)
    queue.close()
    assert set(runs) == {"host: the state"}


def test_it_can_be_used_again_after_it_was_closed(
    queue: EmbeddedQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = threading.Event()
    set_sample(monkeypatch, lambda _run_id: done.set())
    queue.start()
    queue.close()
    queue.enqueue(Task.SAMPLE, uuid4(), attempt=0)
    assert done.wait(SECONDS)


def test_a_forked_process_starts_threads_of_its_own(
    queue: EmbeddedQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.start()
    parents, closing, jobs_of_parent = queue._threads, queue._closing, queue._jobs
    monkeypatch.setattr("os.getpid", lambda: -1)
    queue.start()
    assert not set(queue._threads) & set(parents)
    assert all(thread.is_alive() for thread in queue._threads)
    # In a real child the parent's threads do not exist; here they have to be ended.
    closing.set()
    jobs_of_parent.put(None)
    for thread in parents:
        thread.join(SECONDS)
