"""What a real run leaves outside the database is in the data map, key by key and value by value."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

import pytest
import redis
from rq import Queue

from flask_tokenoffset.data_map import load
from flask_tokenoffset.state import EXTENSION_KEY, state_of
from flask_tokenoffset.tasks.queue import QUEUE_NAME, SERIALIZER, RedisQueue
from flask_tokenoffset.tasks.worker import TokenOffsetWorker
from flask_tokenoffset.unit_of_work import Task
from tests.integration.test_canary_sweep import kept_signal_handlers
from tests.support.asking import ask
from tests.support.organizations import change_many

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.world import World

# RQ forks while the thread that listens for its commands runs; Python 3.12 and later warn of that.
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")

#: What Redis calls an event for each key that is written.
_WRITTEN: Final = "__keyspace@*__:*"
#: What only RQ 3.0 and newer leave.
OF_RQ_3: Final = {"rq:worker:*:executions", "rq:clean_groups"}


@dataclass
class Carried:
    """What went through Redis.

    :param keys: the name of every key that was written, also of those that are gone again.
    :param jobs: what each job was given.
    """

    keys: set[str] = field(default_factory=set)
    jobs: list[tuple[str, list[Any], dict[str, Any], str]] = field(default_factory=list)


@contextmanager
def noted_keys(redis_url: str, carried: Carried) -> Iterator[None]:
    """Have Redis say which keys are written while the block runs."""
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        before = client.config_get("notify-keyspace-events")["notify-keyspace-events"]
        client.config_set("notify-keyspace-events", "KA")
        listening = client.pubsub()
        listening.psubscribe(_WRITTEN)
        over = threading.Event()

        def listen() -> None:
            # Whatever is still on its way when the block ends is waited for.
            while (message := listening.get_message(timeout=0.5)) or not over.is_set():
                if message and message["type"] == "pmessage":
                    carried.keys.add(message["channel"].partition("__:")[2])

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            listening.close()
            client.config_set("notify-keyspace-events", before)


def fits(pattern: str, key: str) -> bool:
    """Whether a key is one that an entry of the map stands for."""
    parts = (re.escape(part) for part in pattern.split("*"))
    return re.fullmatch("[^:]*".join(parts), key) is not None


@pytest.fixture
def redis_world(make_world: Callable[..., World], redis_url: str, tmp_path: Path) -> World:
    world = make_world(
        f"sqlite:///{tmp_path}/world.sqlite",
        TOKENOFFSET_EMBEDDED_QUEUE=False,
        TOKENOFFSET_REDIS_URL=redis_url,
    )
    queue: Any = RedisQueue(redis_url)
    world.app.extensions[EXTENSION_KEY] = replace(state_of(world.app), queue=queue)
    return world


def look_at_jobs(redis_url: str, carried: Carried) -> None:
    with redis.Redis.from_url(redis_url) as client:
        for job in Queue(QUEUE_NAME, connection=client, serializer=SERIALIZER).get_jobs():
            said = (str(job.func_name), list(job.args or ()), dict(job.kwargs or {}))
            carried.jobs.append((*said, job.description or ""))
            assert job.meta == {}


def work(world: World, redis_url: str, carried: Carried) -> None:
    """Look at the jobs that wait, and have a real worker do them."""
    look_at_jobs(redis_url, carried)
    with kept_signal_handlers(), world.app.app_context():
        worker = TokenOffsetWorker(world.app, redis_url)
        worker.work(burst=True)
        worker.connection.close()


def use_everything_that_is_carried(world: World, redis_url: str) -> Carried:
    carried = Carried()
    with noted_keys(redis_url, carried):
        ada = world.ada
        source_id = ada.connect()
        work(world, redis_url, carried)
        ada.post("/me/address")
        ada.post("/confirm/mail")
        inside = ada.within(ada.create_organization())
        inside.api("POST", "/invitations", {"invitations": [{"email": "ben@example.com"}]})
        change_many(inside)
        ask(ada)
        ada.api("DELETE", f"/sources/{source_id}")
        ada.api("POST", "/privacy/exports")
        # Every task there is, and one that fails at each of its tries.
        for task in Task:
            world.state.queue.enqueue(task, uuid4())
        world.state.queue.enqueue("no-such-task", uuid4())  # type: ignore[arg-type]  # on purpose
        work(world, redis_url, carried)
        assert world.mail.messages is not None
    return carried


@pytest.mark.timeout(120)
def test_every_key_and_every_job_of_a_real_run_is_in_the_map(
    redis_world: World, redis_url: str
) -> None:
    carried = use_everything_that_is_carried(redis_world, redis_url)
    entries = load().of_kind("redis")
    unknown = {key for key in carried.keys if not any(fits(entry.name, key) for entry in entries)}
    assert unknown == set()
    assert any(key.startswith("tokenoffset:tokenoffset/magic-link") for key in carried.keys)
    assert any(key.startswith("rq:results:no-such-task") for key in carried.keys)
    never_seen = {
        entry.name for entry in entries if not any(fits(entry.name, key) for key in carried.keys)
    }
    assert never_seen == (set() if int(version("rq").partition(".")[0]) >= 3 else OF_RQ_3)

    tasks = {entry.name for entry in load().of_kind("job")}
    assert {arguments[0] for _, arguments, _, _ in carried.jobs} == tasks | {"no-such-task"}
    for function, arguments, named, description in carried.jobs:
        assert function == "flask_tokenoffset.tasks.jobs.run_in_app"
        task, row_id = arguments
        assert str(UUID(row_id)) == row_id
        assert named == {}
        assert description == f"{task} {row_id}"


@pytest.mark.timeout(120)
@pytest.mark.promise("TS-015", "TO-043")
def test_no_key_stays_for_longer_than_its_rule_says(redis_world: World, redis_url: str) -> None:
    use_everything_that_is_carried(redis_world, redis_url)
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        # A name of our queue, which says nothing of anyone, and the list of failed jobs, whose
        # entries RQ takes out by the time that stands beside each.
        lasting = {key for key in client.scan_iter() if client.ttl(key) < 0}
        assert lasting <= {"rq:queues", f"rq:failed:{QUEUE_NAME}"}
        for key in set(client.scan_iter()) - lasting:
            assert client.ttl(key) <= 24 * 60 * 60, key
        ends = [end for _, end in client.zrange(f"rq:failed:{QUEUE_NAME}", 0, -1, withscores=True)]
        now = client.time()[0]
        assert ends
        assert all(0 < end - now <= 24 * 60 * 60 for end in ends)


@pytest.mark.parametrize(
    ("pattern", "key", "does"),
    [
        ("rq:job:*", "rq:job:mail-1", True),
        ("rq:job:*", "rq:job:mail-1:address", False),
        ("rq:queues", "rq:queues", True),
        ("rq:queues", "rq:queues2", False),
    ],
)
def test_a_pattern_stands_for_no_more_than_it_says(pattern: str, key: str, does: bool) -> None:
    assert fits(pattern, key) is does
