"""Goes through every page and every operation of ours, and notes each answer.

Which doors there are is read from the application, so that a new page or operation that the walk
does not know yet fails the tests that say "everywhere".
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from flask import request, request_finished

from tests.support.world import API

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask, Response
    from werkzeug.test import TestResponse

    from tests.support.world import Browser, World

#: Answer any method with the same refusal, or serve files of the package.
_NOT_DOORS = {"tokenoffset.api.unknown", "tokenoffset.static"}


class Door(NamedTuple):
    """One way in: a method and a path with its variable parts."""

    method: str
    rule: str


@dataclass
class Answers:
    """What an application answered."""

    doors: set[Door] = field(default_factory=set)
    #: Status line, headers and body of each answer.
    texts: list[bytes] = field(default_factory=list)


def doors_of(app: Flask) -> set[Door]:
    """Every door of ours."""
    return {
        Door(method, rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("tokenoffset.") and rule.endpoint not in _NOT_DOORS
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


@contextmanager
def answers_of(app: Flask) -> Iterator[Answers]:
    """Everything the application answers while the block runs."""
    answers = Answers()

    def note(_sender: Flask, response: Response, **_more: Any) -> None:
        if request.url_rule is not None:
            answers.doors.add(Door(request.method, request.url_rule.rule))
        body = b"" if response.direct_passthrough else response.get_data()
        answers.texts.append(f"{response.status}\n{response.headers}\n".encode() + body)

    with request_finished.connected_to(note, sender=app):
        yield answers


def walk_pages(world: World, person: Browser, provider: str, keys: tuple[str, str]) -> None:
    """Do everything a person can do on pages, once.

    :param keys: a key the vendor accepts, and one to replace it with.
    """
    person.page("/bands")
    _expect(person.submit("/bands", "/estimates", band="worker"), 303)
    connect = f"/sources/connect/{provider}"
    _expect(person.submit(connect, connect, key=f"{keys[0]} ", label="Ours"), 303)
    source_id = _only_source(person)
    world.work()
    _expect(person.submit(f"/sources/{source_id}", "/samples"), 429)
    world.clock.move(hours=1)
    _expect(person.submit(f"/sources/{source_id}", "/samples"), 303)
    world.work()
    _expect(person.submit(f"/sources/{source_id}/key", "/key", key=keys[1]), 303)
    world.work()
    estimate_id = person.newest_estimate(source_id)["id"]
    _expect(person.submit(f"/estimates/{estimate_id}", "/plan/adoptions"), 303)
    world.bill()
    see_every_page(world, person, source_id, estimate_id)
    for change in ("pause", "resume"):
        _expect(person.submit("/plan", f"/plan/{change}"), 303)
    _expect(person.submit("/plan/end", "/plan/end"), 303)
    _expect(person.submit(f"/sources/{source_id}/disconnect", "/disconnect"), 303)
    person.page(f"/sources/{source_id}")


def see_every_page(world: World, person: Browser, source_id: UUID, estimate_id: str) -> None:
    """Open every page."""
    for provider in world.vendors:
        for path in world.page_paths(
            provider=provider, source_id=source_id, estimate_id=estimate_id
        ):
            _expect(person.get(path), 200)


def walk_api(world: World, person: Browser, provider: str, keys: tuple[str, str]) -> None:
    """Call every operation of the API, once.

    :param keys: a key the vendor accepts, and one to replace it with.
    """
    source_id = person.connect(provider, key=keys[0])
    world.work()
    world.clock.move(hours=1)
    source = f"/sources/{source_id}"
    run = _expect(person.api("POST", f"{source}/samples"), 202).get_json()
    world.work()
    _expect(person.api("PUT", f"{source}/key", {"key": keys[1]}), 202)
    world.work()
    estimate_id = person.newest_estimate(source_id)["id"]
    person.adopt(estimate_id)
    world.bill()
    see_every_answer(person, source_id, estimate_id, run["id"])
    for change in ("pause", "resume", "end"):
        _expect(person.api("POST", f"/plan/{change}"), 200)
    _expect(person.api("DELETE", source), 204)


def see_every_answer(person: Browser, source_id: UUID, estimate_id: str, run_id: str) -> None:
    """Call every operation that only reads."""
    parts = {"source_id": source_id, "estimate_id": estimate_id, "run_id": run_id}
    for door in sorted(doors_of(person.client.application)):
        if door.method == "GET" and door.rule.startswith(API):
            path = door.rule.removeprefix(API)
            for name, value in parts.items():
                path = path.replace(f"<uuid:{name}>", str(value))
            _expect(person.api("GET", path), 200)


def _only_source(person: Browser) -> UUID:
    (row,) = _expect(person.api("GET", "/sources"), 200).get_json()["items"]
    return UUID(row["id"])


def _expect(response: TestResponse, status: int) -> TestResponse:
    assert response.status_code == status, f"{response.request.path}: {response.text}"
    return response
