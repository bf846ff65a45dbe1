"""Calls every door as everybody, and says what each is answered.

A door is a method and a rule of the URL map. For each one :data:`tests.support.matrix_calls.CALLS`
holds one call that succeeds for somebody, and who that is. What a cell is expected to answer is
written there by hand and not read from the permissions it checks.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from flask_tokenoffset.permissions import Role
from flask_tokenoffset.services.attempts import AttemptLimiter
from flask_tokenoffset.state import EXTENSION_KEY
from tests.support.organizations import PARTS, Shape, make_shape
from tests.support.world import API, KEYS

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.every_door import Door
    from tests.support.world import Browser, World


class Who(StrEnum):
    """Everybody a door may meet."""

    ANONYMOUS = "anonymous"
    STRANGER = "stranger"
    OWNER = "owner"
    ADMIN = "admin"
    AUDITOR = "auditor"
    MEMBER = "member"
    SUSPENDED = "suspended"
    OTHER_OWNER = "other organization's owner"


class Outcome(StrEnum):
    """What a door may answer."""

    #: What the call asks for is done.
    SERVED = "served"
    #: 401, or the way to the sign-in page.
    SIGN_IN = "asked to sign in"
    #: 403.
    FORBIDDEN = "forbidden"
    #: 404, as for what does not exist.
    NOTHING_HERE = "nothing here"
    #: 409: there is nothing in one's own account that this could be done to.
    CONFLICT = "conflict"
    #: 303 to another page of their own, for the same reason.
    ELSEWHERE = "led elsewhere"


#: Everything of one account that a path or a body may name.
Scene: TypeAlias = Mapping[str, str]
Sent: TypeAlias = Callable[[Scene], Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call that succeeds for those who may make it.

    :param may: who is served.
    :param status: what they are answered.
    :param sent: the body's or the form's fields, by what the scene names.
    :param query: what stands behind the question mark.
    :param parts: parts of the path that are no ids of the scene.
    :param before: brings about what the call needs, as somebody who may.
    :param else_: what everybody else is answered, where it is not the usual.
    """

    may: frozenset[Who]
    status: int
    sent: Sent | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[Stage], None] | None = None
    else_: Mapping[Who, Outcome] = field(default_factory=dict)

    def outcome(self, who: Who, *, below_organization: bool) -> Outcome:
        """What somebody is expected to meet."""
        if who in self.may:
            return Outcome.SERVED
        if who in self.else_:
            return self.else_[who]
        if who is Who.ANONYMOUS:
            return Outcome.SIGN_IN
        outside = {Who.STRANGER, Who.OTHER_OWNER}
        if below_organization and who not in outside:
            return Outcome.FORBIDDEN
        return Outcome.NOTHING_HERE


@dataclass
class Stage:
    """A world with two organizations, which can be set back to where it was.

    :param scene: of the organization that is called.
    :param own: of the account of the person who owns it.
    :param people: who is who.
    """

    world: World
    scene: Scene
    own: Scene
    people: Mapping[Who, Browser]

    def keep(self) -> None:
        """Remember how everything is, for :meth:`reset`. On SQLite only."""
        self._now = self.world.clock.now()
        self._kept = sqlite3.connect(":memory:")
        self._database().backup(self._kept)

    def _database(self) -> sqlite3.Connection:
        with self.world.app.app_context():
            connection = self.world.state.engine.raw_connection()
            try:
                return cast("sqlite3.Connection", connection.driver_connection)
            finally:
                connection.close()

    def reset(self) -> None:
        """Let everything be as it was when :meth:`keep` was called."""
        self._kept.backup(self._database())
        self.world.clock.move_to(self._now)
        self.world.queue.run_ids.clear()
        self.world.queue.jobs.clear()
        app = self.world.app
        app.extensions[EXTENSION_KEY] = replace(self.world.state, attempts=AttemptLimiter(None))

    def content(self) -> int:
        """A digest of all that is stored."""
        return hash("\n".join(self._database().iterdump()))

    def close(self) -> None:
        """Let go of the copy."""
        self._kept.close()

    def scene_of(self, door: Door) -> Scene:
        """What a door's calls name: the organization's things, or its owner's own."""
        return self.scene if in_organization(door.rule) else self.own

    def make(self, who: Who, door: Door, call: Call) -> TestResponse:
        """Make a call; what it needs has been brought about."""
        return make(self.people[who], door, call, self.scene_of(door))


def make(browser: Browser, door: Door, call: Call, scene: Scene) -> TestResponse:
    """Make a call.

    :param scene: what the path and the body name.
    """
    path = path_of(door.rule, {**scene, **call.parts})
    sent = None if call.sent is None else dict(call.sent(scene))
    query = dict(call.query)
    if path.startswith(API):
        body = None if door.method == "GET" else sent or {}
        return browser.client.open(path, method=door.method, json=body, query_string=query)
    if door.method == "GET":
        return browser.client.get(path, query_string=query)
    return browser.client.post(path, data={**browser.token_field, **(sent or {})})


_PART: Final = re.compile(r"<(?:[a-z]+(?:\([^)]*\))?:)?(\w+)>")


def parts_of(rule: str) -> list[str]:
    """The names of a rule's variable parts."""
    return _PART.findall(rule)


def path_of(rule: str, values: Mapping[str, str]) -> str:
    """The path of a rule with its parts filled in."""
    return _PART.sub(lambda found: values[found[1]], rule)


_OUTCOMES: Final[Mapping[int, Outcome]] = {
    303: Outcome.ELSEWHERE,
    403: Outcome.FORBIDDEN,
    404: Outcome.NOTHING_HERE,
    409: Outcome.CONFLICT,
}


def outcome_of(response: TestResponse, status: int) -> Outcome | int:
    """What an answer amounts to.

    :param status: what a served call is answered.
    """
    if response.status_code == status and not _leads_to_sign_in(response):
        return Outcome.SERVED
    if response.status_code == 401 or _leads_to_sign_in(response):
        return Outcome.SIGN_IN
    return _OUTCOMES.get(response.status_code, response.status_code)


def _leads_to_sign_in(response: TestResponse) -> bool:
    location = response.headers.get("Location", "")
    return response.status_code in {302, 303} and location.startswith("/sign-in")


def set_stage(world: World) -> tuple[Stage, Stage]:
    """Two organizations of the same shape, and each as the other's stranger.

    :param world: an empty one.
    """
    shapes = make_shape(world, "acme"), make_shape(world, "bolt")
    scenes = [_furnish(world, shape) for shape in shapes]
    owned = [_settle(shape) for shape in shapes]
    stages = []
    for mine, other in ((0, 1), (1, 0)):
        shape = shapes[mine]
        people = {
            **{who: shape[who.value] for who in Who if who.value in PARTS},
            Who.ANONYMOUS: world.nobody,
            Who.STRANGER: world.stranger,
            Who.OTHER_OWNER: shapes[other][Role.OWNER],
        }
        stages.append(Stage(world, scenes[mine], owned[mine], people))
    return stages[0], stages[1]


def _furnish(world: World, shape: Shape) -> Scene:
    """Give an organization one of everything."""
    owner, place = shape[Role.OWNER], shape.path
    source = _made(
        owner.api(
            "POST",
            f"{place}/sources",
            {"provider": "anthropic", "key": KEYS["anthropic"], "label": f"{shape.name} key"},
        )
    )
    world.work()
    runs = owner.api("GET", f"{place}/sources/{source['id']}").get_json()
    estimate = _made(owner.api("POST", f"{place}/estimates", {"kind": "band", "band": "agentic"}))
    _made(owner.api("POST", f"{place}/plan/adoptions", {"estimate_id": estimate["id"]}))
    world.bill()
    return {
        "organization_id": str(shape.id),
        "name": shape.name,
        "source_id": source["id"],
        "run_id": runs["newest_run"]["id"],
        "estimate_id": estimate["id"],
        "amount_cents": "3500",  # Agentic at the published rate: 140 million tokens.
        "membership_id": str(shape.memberships[Role.MEMBER]),
    }


def _settle(shape: Shape) -> Scene:
    """Give an organization's owner one of everything in their own account."""
    owner = shape[Role.OWNER]
    source_id = owner.settle()
    runs = owner.api("GET", f"/sources/{source_id}").get_json()
    return {
        "source_id": str(source_id),
        "run_id": runs["newest_run"]["id"],
        "estimate_id": owner.pick_band("worker"),
        "amount_cents": "125",  # 5 million tokens.
    }


def _made(response: TestResponse) -> dict[str, Any]:
    assert response.status_code == 201, response.text
    return cast("dict[str, Any]", response.get_json())


def in_organization(rule: str) -> bool:
    """Whether a rule stands below an organization."""
    return "/organizations/<uuid:organization_id>" in rule
