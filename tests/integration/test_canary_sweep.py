"""Plant marked keys and prompts, use everything, and search everything that came out.

One sweep goes through every page, every operation, the commands and a real worker over a real
Redis, with vendors that fail in ways made to give keys away, on SQLite and on PostgreSQL. Of the
keys nothing but their first six characters may be found anywhere, in any disguise, and of the
prompts nothing at all.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import signal
import sys
import urllib.parse
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
import redis
from click.testing import CliRunner
from flask import got_request_exception
from flask.cli import ScriptInfo
from sqlalchemy import delete, text

from flask_tokenoffset.blueprints.late import load_views
from flask_tokenoffset.cli import tokenoffset as command
from flask_tokenoffset.errors import TokenOffsetError
from flask_tokenoffset.models import Credential
from flask_tokenoffset.providers import http as providers_http
from flask_tokenoffset.signals import source_paused
from flask_tokenoffset.state import EXTENSION_KEY, state_of
from flask_tokenoffset.tasks import jobs
from flask_tokenoffset.tasks.queue import RedisQueue
from flask_tokenoffset.tasks.worker import TokenOffsetWorker
from flask_tokenoffset.testing import CANARY_TEXT
from flask_tokenoffset.testing.simulators import faults
from flask_tokenoffset.unit_of_work import Task
from flask_tokenoffset.vault import LocalKeyStore, Vault, generate_key, parse_key_ring
from tests.integration.tasks.sweep import everything_in
from tests.support.canaries import (
    PREFIXES,
    Canary,
    Sinks,
    logs_in,
    rendered,
    reprs_of_our_objects,
    signals_to,
    tables_of,
)
from tests.support.every_route import answers_of, routes_of, see_every_page, walk_api, walk_pages
from tests.support.matrix_calls import meet_the_rest
from tests.support.publishing import accept_everything
from tests.support.world import API, HeldQueue, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from flask import Flask
    from werkzeug.test import TestResponse

    from flask_tokenoffset.testing import Fault, Simulator
    from tests.support.world import Browser

#: Words of the prompts that the simulators send where nobody documented anything.
PROMPT_WORDS = ("CANARY-7c1d", "salary negotiation")
ROLES = ("page", "page, second", "api", "api, second", "refused", "sampled", "typed", "command")
MALFORMED: dict[str, Callable[[], Fault]] = {
    "cut": faults.cut_json,
    "bad UTF-8": faults.bad_utf8,
    "a list": faults.not_an_object,
    "prompts for rows": lambda: faults.wrong_type("results", CANARY_TEXT),
    "a prompt for a count": lambda: faults.wrong_type("output_tokens", CANARY_TEXT),
    "a prompt for an amount": lambda: faults.wrong_type("amount", CANARY_TEXT),
    "prompts everywhere": lambda: faults.new_field("prompt", CANARY_TEXT),
    "an error with a prompt": lambda: faults.status(
        400, body={"error": {"message": CANARY_TEXT, "type": CANARY_TEXT}}
    ),
    "down, with a prompt": lambda: faults.status(500, body=CANARY_TEXT.encode()),
}

# RQ forks while the thread that listens for its commands runs; Python 3.12 and later warn of that.
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")


class TeeQueue(HeldQueue):
    """Keeps jobs for the test, and puts them into Redis as well."""

    def __init__(self, redis_url: str) -> None:
        super().__init__()
        self._redis_queue = RedisQueue(redis_url)

    def enqueue(self, task: Task, row_id: UUID, *, attempt: int = 0) -> None:
        super().enqueue(task, row_id, attempt=attempt)
        self._redis_queue.enqueue(task, row_id, attempt=attempt)


@dataclass
class Sweep:
    """A world, what is planted in it, and what came out of it."""

    world: World
    database_url: str
    redis_url: str
    sinks: Sinks
    keys: dict[str, dict[str, Canary]]
    master: Canary

    @property
    def canaries(self) -> list[Canary]:
        """Everything of which no piece may be found."""
        return [self.master, *(each for roles in self.keys.values() for each in roles.values())]

    def dump(self, moment: str) -> None:
        """Take the database and Redis as they are now."""
        if self.database_url.startswith("sqlite"):
            path = Path(urlsplit(self.database_url).path)
            for file in sorted(path.parent.glob(f"{path.name}*")):
                self.sinks.add(f"database, {moment}", file.read_bytes())
        else:
            self.sinks.add(f"database, {moment}", tables_of(self.database_url))
        with redis.Redis.from_url(self.redis_url) as client:
            self.sinks.add(f"Redis, {moment}", everything_in(client))


@pytest.fixture
def sweep(
    database_url: str, redis_url: str, make_world: Callable[..., World], tmp_path: Path
) -> Sweep:
    keys = {
        provider: {
            role: Canary.key(f"{provider} key ({role})", prefix, f"{provider}/{role}")
            for role in ROLES
        }
        for provider, prefix in PREFIXES.items()
    }
    master = generate_key("2026-11")
    world = make_world(
        database_url,
        customer={"history": 200, "canary": CANARY_TEXT},
        TOKENOFFSET_KEYS=master,
        TOKENOFFSET_EMBEDDED_QUEUE=False,
        TOKENOFFSET_REDIS_URL=redis_url,
        TOKENOFFSET_KEY_CHECKS_PER_HOUR=1000,
    )
    world.queue = TeeQueue(redis_url)
    world.app.extensions[EXTENSION_KEY] = replace(state_of(world.app), queue=world.queue)
    for provider, simulator in world.vendors.items():
        for role, canary in keys[provider].items():
            simulator.set_key(canary.text, "revoked" if role == "refused" else "active")
    marked = Canary("the master key", "2026-11:", master.partition(":")[2])
    return Sweep(world, database_url, redis_url, Sinks(), keys, marked)


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries come at once."""
    monkeypatch.setattr(providers_http, "back_off_seconds", lambda *_arguments: 0.0)
    monkeypatch.setattr(providers_http, "unsaid_wait_seconds", lambda *_arguments: 0.0)


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("database_url", "vendors"),
    [
        ("postgresql", "one for pages, one for the API"),
        pytest.param("postgresql", "both for all", marks=pytest.mark.campaign),
        pytest.param("sqlite", "both for all", marks=pytest.mark.campaign),
    ],
    indirect=["database_url"],
)
@pytest.mark.promise("TO-004", "TO-015", "TO-034")
def test_no_piece_of_a_key_and_no_word_of_a_prompt_comes_out_anywhere(
    sweep: Sweep, no_waiting: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, vendors: str
) -> None:
    world, sinks = sweep.world, sweep.sinks
    log = tmp_path / "log"

    def note_error(_sender: Flask, exception: BaseException, **_more: Any) -> None:
        sinks.add("tracebacks", rendered(exception))

    with (
        logs_in(log),
        signals_to(sinks),
        answers_of(world.app) as answers,
        got_request_exception.connected_to(note_error, sender=world.app),
    ):
        for provider, simulator in world.vendors.items():
            keys = {role: canary.text for role, canary in sweep.keys[provider].items()}
            simulator.faults.add(look_around(sinks))
            on_pages, in_calls = world.browser(f"{provider} 1"), world.browser(f"{provider} 2")
            if vendors == "both for all" or provider == "anthropic":
                walk_pages(world, on_pages, provider, (keys["page"], keys["page, second"]))
            if vendors == "both for all" or provider == "openai":
                walk_api(world, in_calls, provider, (keys["api"], keys["api, second"]))
            try_refused_keys(sweep, provider, simulator)
            read_malformed_answers(sweep, provider, simulator)
            run_commands(sweep, provider, simulator)
        meet_the_rest(world, answers.routes)
        sweep.dump("before rotation")
        rotate(sweep)
        break_off_in_a_worker(sweep, monkeypatch)
        sweep.dump("at the end")
        sinks.add("reprs", reprs_of_our_objects())
    sinks.add("log", log.read_bytes())
    for answer in answers.texts:
        sinks.add("answers", answer)
    # A sweep that went past something would find nothing there.
    assert answers.routes >= routes_of(world.app)
    assert {sink.partition(",")[0] for sink in sinks.contents} == {
        "answers", "command line", "database", "log", "Redis", "reprs", "signals", "tracebacks",
    }  # fmt: skip
    assert "sk-ant" in str(sinks.contents["answers"])
    assert "in estimate\n" in str(b"".join(sinks.contents["tracebacks"]), "utf-8")
    assert b"The task sample failed with RuntimeError" in log.read_bytes()
    leaks = sinks.leaks(sweep.canaries)
    assert leaks == [], leaks
    for words in PROMPT_WORDS:
        assert sinks.holding(words) == []


def look_around(sinks: Sinks) -> Fault:
    """Answer rightly; meanwhile, while a key is in use, see how everything of ours shows itself."""

    def fault(incoming: Any, answer_of: Any) -> Any:
        sinks.add("reprs", reprs_of_our_objects())
        return answer_of(incoming)

    return fault


def try_refused_keys(sweep: Sweep, provider: str, simulator: Simulator) -> None:
    """Keys that a vendor refuses and repeats, and keys that are refused without asking."""
    person = sweep.world.browser(f"{provider} refused")
    refused, typed = (sweep.keys[provider][role].text for role in ("refused", "typed"))
    page = f"/sources/connect/{provider}"
    body = {"provider": provider, "key": refused}
    for fault in (faults.echoes_key(), faults.html(), faults.cut_json(), faults.breaks_off()):
        simulator.faults.add(fault, times=None)
        for answer in (
            person.submit(page, page, key=refused, label=""),
            person.api("POST", "/sources", body),
            once(person, body),
        ):
            assert answer.status_code in range(400, 504)
        simulator.faults.clear()
    ordinary = {"anthropic": "sk-ant-api03-", "openai": "sk-proj-"}[provider]
    marked = typed.removeprefix(PREFIXES[provider])
    for wrong in (
        f"{typed[:-9]} {typed[-9:]}",
        f"{typed}é",
        f"{typed}\x00",
        typed * 12,
        ordinary + marked,
        marked,
    ):
        assert person.submit(page, page, key=wrong).status_code == 422
        answer = person.api("POST", "/sources", {"provider": provider, "key": wrong})
        assert answer.status_code == 422
    assert once(person, {"provider": provider, "key": typed}).status_code == 201
    # In places where no key belongs.
    for misplaced in (
        {"provider": provider, "key": [typed]},
        {"provider": provider, "key": typed, "extra": typed},
        {"provider": typed, "key": typed},
    ):
        assert person.api("POST", "/sources", misplaced).status_code == 422
    simulator.faults.add(_broken, times=None)
    sweep.world.app.config["PROPAGATE_EXCEPTIONS"] = False
    for answer in (
        person.submit(page, page, key=typed, label=""),
        person.api("POST", "/sources", {"provider": provider, "key": typed}),
    ):
        assert answer.status_code == 500
    simulator.faults.clear()


def once(person: Browser, body: dict[str, str]) -> TestResponse:
    """Connect with a key for the call itself, for which what was sent and answered is kept."""
    headers = {"Idempotency-Key": f"call-{hashlib.sha256(repr(body).encode()).hexdigest()[:20]}"}
    return person.client.post(f"{API}/sources", json=body, headers=headers)


def _broken(*_arguments: object) -> Any:
    raise RuntimeError("This is no failure that anybody expects.")


def read_malformed_answers(sweep: Sweep, provider: str, simulator: Simulator) -> None:
    """A connection whose vendor sends everything but what it should, and then refuses the key."""
    world = sweep.world
    person = world.browser(f"{provider} malformed")
    key = sweep.keys[provider]["sampled"].text
    source_id = person.sample(provider, key=key)
    for make_fault in MALFORMED.values():
        simulator.faults.add(make_fault(), times=None)
        world.clock.move(days=1)
        person.api("POST", f"/sources/{source_id}/samples")
        for _ in range(6):  # A transient failure is tried five times.
            world.clock.move(hours=2)
            world.queue.run_ids += unfinished(person, source_id)
            world.work()
        person.page(f"/sources/{source_id}")
        simulator.faults.clear()
    world.clock.move(days=1)
    paused: list[Any] = []
    with source_paused.connected_to(lambda *_s, **values: paused.append(values)):
        simulator.faults.add(faults.echoes_key(), times=None)
        person.resample(source_id)
    simulator.faults.clear()
    assert len(paused) == 1
    estimate_id = person.newest_estimate(source_id)["id"]
    person.adopt(estimate_id)
    see_every_page(world, person, source_id, estimate_id)


def unfinished(person: Any, source_id: UUID) -> list[UUID]:
    """The run of a source that waits, as the schedule would find it."""
    run = person.api("GET", f"/sources/{source_id}").get_json()["newest_run"]
    return [UUID(run["id"])] if run["status"] == "queued" else []


def run_commands(sweep: Sweep, provider: str, simulator: Simulator) -> None:
    """Read a key on the command line: accepted, refused and repeated, mistyped."""
    key = sweep.keys[provider]["command"].text
    wanted = ["estimate", "--provider", provider]
    assert invoke(sweep, wanted, key) == 0
    assert invoke(sweep, [*wanted, "--json"], f"{key}\n") == 0
    simulator.faults.add(faults.echoes_key(), times=None)
    assert invoke(sweep, wanted, key) == 1
    simulator.faults.clear()
    assert invoke(sweep, wanted, f"{key[:20]} {key[20:]}") == 1
    assert invoke(sweep, [*wanted, "--simulate"], f"{key[:20]} {key[20:]}") == 1
    assert invoke(sweep, ["tick"]) == 0
    assert invoke(sweep, ["keys", "status"]) == 0


def invoke(sweep: Sweep, arguments: list[str], typed: str | None = None) -> int:
    """Run a command and keep what it prints and raises; returns its exit code."""
    info = ScriptInfo(create_app=lambda: sweep.world.app)
    # Standalone, click would print the error and end with one that has forgotten its cause.
    result = CliRunner().invoke(command, arguments, input=typed, obj=info, standalone_mode=False)
    sweep.sinks.add("command line", f"{result.stdout}\n{result.stderr}\n{result.exception}")
    if result.exception is not None:
        sweep.sinks.add("tracebacks", rendered(result.exception))
    return result.exit_code


def rotate(sweep: Sweep) -> None:
    """Change the master key, as a person does who runs the site."""
    world = sweep.world
    new = generate_key("2027-01")
    ring = parse_key_ring([new, sweep.master.text])
    world.app.extensions[EXTENSION_KEY] = replace(world.state, vault=Vault(LocalKeyStore(ring)))
    assert invoke(sweep, ["keys", "status"]) == 0
    assert invoke(sweep, ["keys", "rotate"]) == 0
    # A key version that is gone: the run fails, and says so.
    ring = parse_key_ring(generate_key("2027-02"))
    world.app.extensions[EXTENSION_KEY] = replace(world.state, vault=Vault(LocalKeyStore(ring)))
    assert invoke(sweep, ["keys", "rotate"]) == 1
    ring = parse_key_ring(new)
    world.app.extensions[EXTENSION_KEY] = replace(world.state, vault=Vault(LocalKeyStore(ring)))


def break_off_in_a_worker(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs whose errors quote the key, done by a real worker over a real Redis."""
    world = sweep.world
    with redis.Redis.from_url(sweep.redis_url) as client:
        client.flushdb()  # What the walk left there was seen, and two hundred jobs take long.
    for provider, simulator in world.vendors.items():
        person = world.browser(f"{provider} worker")
        accept_everything(person)  # The walk through all routes published something to accept.
        key = sweep.keys[provider]["sampled"].text
        source_id = person.connect(provider, key=key)
        simulator.faults.add(_quotes_the_key, times=None)
        work_for_real(sweep)  # Its run stays claimed, so a second try finds nothing to do.
        simulator.faults.clear()
        person.page(f"/sources/{source_id}")
        # One that fails at every try, so that Redis keeps what is to be kept of it.
        sweep.world.queue.enqueue(Task.SAMPLE, source_id, attempt=0)
        with monkeypatch.context() as patch:
            patch.setattr(jobs, "TASKS", MappingProxyType({"sample": _failing_task(key)}))
            work_for_real(sweep)
    with redis.Redis.from_url(sweep.redis_url) as client:
        left = everything_in(client)
    assert b"JobFailed" in left
    assert b"failed with RuntimeError" in left


def work_for_real(sweep: Sweep) -> None:
    """Run a worker of ours until the queue is empty; its jobs run in forked processes."""
    with kept_signal_handlers(), sweep.world.app.app_context():
        worker = TokenOffsetWorker(sweep.world.app, sweep.redis_url)
        worker.work(burst=True, logging_level="DEBUG")
        worker.connection.close()


def _failing_task(key: str) -> Callable[[str], None]:
    def fail(run_id: str) -> None:
        raise RuntimeError(f"Nobody knows {key} for {run_id}.")

    return fail


def _quotes_the_key(incoming: Any, _answer_of: Any) -> Any:
    key = incoming.headers.get("x-api-key") or incoming.headers["authorization"]
    raise RuntimeError(f"Nobody knows {key} here.")


@contextmanager
def kept_signal_handlers() -> Iterator[None]:
    """A worker sets handlers, and levels of RQ's loggers."""
    handlers = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    loggers = [logging.getLogger(name) for name in ("rq.worker", "rq.job")]
    before = [(each, list(each.handlers), each.level) for each in loggers]
    try:
        yield
    finally:
        for each, handler in handlers.items():
            signal.signal(each, handler)
        for logger, kept, level in before:
            logger.handlers[:] = kept
            logger.setLevel(level)


# --- the search itself ----------------------------------------------------------------------------

PROBE = Canary.key("probe", PREFIXES["openai"], "probe")
DISGUISES: dict[str, Callable[[str], str]] = {
    "whole": lambda key: f"the key {key} was refused",
    "in capitals": str.upper,
    "seven characters": lambda key: key[15:22],
    "hex": lambda key: key.encode().hex(),
    "hex in capitals": lambda key: key.encode().hex().upper(),
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "base64, shifted by one": lambda key: base64.b64encode(b"x" + key.encode()).decode(),
    "base64, shifted by two": lambda key: base64.b64encode(b"xy" + key.encode()).decode(),
    "base64 for addresses": lambda key: base64.urlsafe_b64encode(key.encode()).decode(),
    "URL-encoded": lambda key: urllib.parse.quote(key, safe=""),
    "URL-encoded throughout": lambda key: "".join(f"%{byte:02X}" for byte in key.encode()),
    "JSON escapes": lambda key: "".join(f"\\u{ord(each):04x}" for each in key),
    "HTML entities": lambda key: "".join(f"&#{ord(each)};" for each in key),
}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_the_search_finds_a_key_in_every_disguise(disguise: str) -> None:
    sinks = Sinks()
    sinks.add("somewhere", f"before {DISGUISES[disguise](PROBE.text)} after")
    assert len(sinks.leaks([PROBE])) == 1


def test_the_search_does_not_find_what_may_be_shown_or_is_not_there() -> None:
    sinks = Sinks()
    other = Canary.key("other", PREFIXES["openai"], "other")
    sinks.add(
        "somewhere", f"{PROBE.text[:6]} {PREFIXES['openai']} {other.text} {PROBE.text[15:21]}"
    )
    assert sinks.leaks([PROBE]) == []
    assert sinks.leaks([other]) == ["other in somewhere as plain text"]


@pytest.mark.parametrize("sink", ["answers", "database", "log", "Redis", "reprs", "signals"])
def test_a_leak_planted_in_each_sink_is_found(sweep: Sweep, sink: str, tmp_path: Path) -> None:
    """Each collector is given something to find; one that is blind would be worth nothing."""
    world, sinks, log = sweep.world, sweep.sinks, tmp_path / "log"
    canary = sweep.keys["openai"]["page"]
    with logs_in(log), signals_to(sinks), answers_of(world.app) as answers:
        if sink == "answers":
            # Nobody is signed in, so the way back after signing in repeats the address.
            world.nobody.get("/plan", query_string={"key": canary.text})
        elif sink == "database":
            world.ada.connect("openai", label=f"mine {canary.text[9:30]}")
            sweep.dump("now")
        elif sink == "log":
            try:
                raise ValueError(canary.text)
            except ValueError:
                logging.getLogger("flask_tokenoffset.anything").debug("failed", exc_info=True)
        elif sink == "Redis":
            with redis.Redis.from_url(sweep.redis_url) as client:
                packed = base64.b64encode(zlib.compress(canary.text.encode()))
                client.hset("rq:job:1", "exc_info", packed)
            sweep.dump("now")
        elif sink == "reprs":
            kept = TokenOffsetError(canary.text)
            sinks.add("reprs", reprs_of_our_objects())
            assert kept.message
        else:
            source_paused.send(world.app, reason_code=canary.text)
    sinks.add("log", log.read_bytes())
    for answer in answers.texts:
        sinks.add("answers", answer)
    assert any(found.startswith(f"{canary.name} in {sink}") for found in sinks.leaks([canary]))


def test_a_leak_in_a_local_variable_is_found_in_a_rendered_traceback() -> None:
    namespace: dict[str, Any] = {}
    code = compile("def fail(key):\n    raise ValueError\n", "/somewhere/else.py", "exec")
    exec(code, namespace)
    sinks = Sinks()
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - its words do not matter
        namespace["fail"](PROBE.text)
    sinks.add("tracebacks", rendered(caught.value))
    assert sinks.leaks([PROBE]) == ["probe in tracebacks as plain text"]


# --- errors at any line between the view and the vault --------------------------------------------

#: Where a pasted key passes through on its way to the vault.
ON_THE_WAY = (
    "blueprints/sources/api.py",
    "blueprints/sources/connecting.py",
    "blueprints/sources/pages.py",
    "services/sampling/connections.py",
    "services/sources/credentials.py",
    "services/sampling/runs.py",
    "services/sources/listing.py",
    "vault/vault.py",
)


class StruckError(Exception):
    """Something that can happen at any line: no memory, a database that is gone."""


class Lines:
    """Which lines of ours a piece of work passes, and an error at one of them."""

    def __init__(self) -> None:
        self.passed: dict[tuple[str, int], None] = {}
        self.strike_at: tuple[str, int] | None = None

    def _trace(self, frame: FrameType, event: str, _argument: object) -> Any:
        if not frame.f_code.co_filename.endswith(ON_THE_WAY):
            return None
        place = (frame.f_code.co_filename, frame.f_lineno)
        if event == "line":
            self.passed[place] = None
            if place == self.strike_at:
                self.strike_at = None
                raise StruckError
        return self._trace

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch while the block runs."""
        previous = sys.gettrace()
        sys.settrace(self._trace)
        try:
            yield
        finally:
            sys.settrace(previous)


@pytest.mark.timeout(300)
@pytest.mark.promise("TO-004", "TO-015")
@pytest.mark.parametrize("entry", ["page", "api", "worker"])
def test_an_error_at_any_line_on_a_keys_way_shows_nothing_of_it(
    make_world: Callable[..., World], entry: str, caplog: pytest.LogCaptureFixture
) -> None:
    world = make_world(customer={"history": 2}, TOKENOFFSET_KEY_CHECKS_PER_HOUR=10_000)
    world.app.config["PROPAGATE_EXCEPTIONS"] = False
    load_views(world.app)  # An import is passed once only.
    canary = Canary.key("the key", PREFIXES["openai"], entry)
    world.openai.set_key(canary.text, "active")
    sinks, lines, person = Sinks(), Lines(), world.ada
    page = "/sources/connect/openai"
    assert person.token_field

    def pass_through() -> None:
        with lines.watched():
            if entry == "page":
                person.post(page, key=canary.text, label="")
            elif entry == "api":
                person.api("POST", "/sources", {"provider": "openai", "key": canary.text})
            else:
                world.work()

    def note_error(_sender: Flask, exception: BaseException, **_more: Any) -> None:
        sinks.add("tracebacks", rendered(exception))

    def begin() -> None:
        disconnect_everything(world)
        if entry == "worker":
            person.connect("openai", key=canary.text)

    begin()
    pass_through()
    places = list(lines.passed)
    assert len(places) > 30
    with got_request_exception.connected_to(note_error, sender=world.app):
        for place in places:
            begin()
            lines.strike_at = place
            try:
                pass_through()
            except StruckError as error:
                sinks.add("tracebacks", rendered(error))
            assert lines.strike_at is None, place
    sinks.add("log", caplog.text)
    struck = b"".join(sinks.contents["tracebacks"])
    assert struck.count(b"StruckError\n") + struck.count(b"StruckError") >= len(places) // 2
    assert sinks.leaks([canary]) == []


def disconnect_everything(world: World) -> None:
    """Make room for another connection, without the product's help."""
    world.queue.run_ids.clear()
    with world.app.app_context(), world.state.unit_of_work() as work:
        work.session.execute(delete(Credential))
        for table in ("sample_run", "connection"):
            work.session.execute(text(f"UPDATE tokenoffset_{table} SET status = 'gone'"))
        work.session.execute(text("UPDATE tokenoffset_connection SET status = 'disconnected'"))


# --- disconnecting --------------------------------------------------------------------------------


def test_disconnecting_deletes_the_sealed_key_and_a_waiting_job_calls_nobody(sweep: Sweep) -> None:
    world = sweep.world
    source_id = world.ada.connect("openai", key=sweep.keys["openai"]["page"].text)
    (sealed,) = world.rows(Credential)["tokenoffset_credential"]
    secret_parts = [part for part in sealed if isinstance(part, bytes)]
    assert len(secret_parts) == 3
    calls_before = len(world.openai.calls)
    assert world.ada.api("DELETE", f"/sources/{source_id}").status_code == 204
    world.work()
    assert len(world.openai.calls) == calls_before
    left = repr(world.rows())
    for part in secret_parts:
        assert repr(part) not in left
    if not sweep.database_url.startswith("sqlite"):
        assert not [part for part in secret_parts if part.hex() in tables_of(sweep.database_url)]
