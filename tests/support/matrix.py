"""Calls every route as everyone, and says what each is answered.

A route is a method and a rule of the URL map. For each one :data:`tests.support.matrix_calls.CALLS`
holds one call that succeeds for a person, and who that is. What a cell is expected to answer is
written there by hand and not read from the permissions it checks.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from flask_tokenoffset.models import Identity
from flask_tokenoffset.permissions import Role
from flask_tokenoffset.services.people.profiles import find_person
from flask_tokenoffset.services.shared.attempts import AttemptLimiter
from flask_tokenoffset.state import EXTENSION_KEY
from tests.support.asking import ask
from tests.support.consenting import decide
from tests.support.html_page import HtmlPage
from tests.support.organizations import PARTS, Shape, join, make_shape
from tests.support.world import API, KEYS

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug.test import TestResponse

    from tests.support.every_route import Route
    from tests.support.world import Browser, World


#: An identity provider that is never called, because nothing here goes all the way to it.
PROVIDER: Final = "acme-id"
ISSUER: Final = "https://id.acme.example"
SETTINGS: Final[Mapping[str, Any]] = {
    "TOKENOFFSET_OAUTH_PROVIDERS": {
        PROVIDER: {
            "title": "Acme ID",
            "issuer": ISSUER,
            "client_id": "host",
            "endpoints": {
                "authorization": f"{ISSUER}/authorize",
                "token": f"{ISSUER}/token",
                "jwks": f"{ISSUER}/jwks",
            },
        }
    }
}


class Who(StrEnum):
    """Everyone a route may meet."""

    ANONYMOUS = "anonymous"
    STRANGER = "stranger"
    OWNER = "owner"
    ADMIN = "admin"
    AUDITOR = "auditor"
    MEMBER = "member"
    SUSPENDED = "suspended"
    OTHER_OWNER = "other organization's owner"
    #: Whom the host calls an operator of the platform; a member of nothing.
    OPERATOR = "operator"


class Outcome(StrEnum):
    """What a route may answer."""

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
    #: 410: what is worth nothing to them.
    GONE = "gone"
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
    :param before: brings about what the call needs, as a person who may; what it gives back is
        named by the call as well.
    :param else_: what everyone else is answered, where it is not the usual.
    """

    may: frozenset[Who]
    status: int
    sent: Sent | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[Stage], Mapping[str, str] | None] | None = None
    else_: Mapping[Who, Outcome] = field(default_factory=dict)

    def outcome(self, who: Who, *, below_organization: bool) -> Outcome:
        """What a person is expected to meet."""
        if who in self.may:
            return Outcome.SERVED
        if who in self.else_:
            return self.else_[who]
        if who is Who.ANONYMOUS:
            return Outcome.SIGN_IN
        outside = {Who.STRANGER, Who.OTHER_OWNER, Who.OPERATOR}
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

    def content(self) -> bytes:
        """All that is stored, as the pages of the database."""
        return self._database().serialize()

    def close(self) -> None:
        """Let go of the copy."""
        self._kept.close()

    def scene_of(self, route: Route) -> Scene:
        """What a route's calls name: the organization's things, or its owner's own."""
        return self.scene if in_organization(route.rule) else self.own

    def prepare(self, call: Call) -> Mapping[str, str]:
        """Bring about what a call needs; gives what it names besides the scene."""
        return (call.before(self) if call.before else None) or {}


def make(browser: Browser, route: Route, call: Call, scene: Scene) -> TestResponse:
    """Make a call.

    :param scene: what the path and the body name.
    """
    path = path_of(route.rule, {**scene, **call.parts})
    sent = None if call.sent is None else dict(call.sent(scene))
    query = dict(call.query)
    if path.startswith(API):
        body = None if route.method == "GET" else sent or {}
        return browser.client.open(path, method=route.method, json=body, query_string=query)
    if route.method == "GET":
        return browser.client.get(path, query_string=query)
    return browser.client.post(path, data={**_token_field(browser, path), **(sent or {})})


def _token_field(browser: Browser, path: str) -> Mapping[str, str]:
    """The token of a browser's session. Nobody has one but of a page that is for everyone."""
    if browser.name is not None:
        return browser.token_field
    return HtmlPage(browser.client.get(path).text).hidden_fields()


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
    410: Outcome.GONE,
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
    inviting = world.browser("carver-owner")
    third = f"/organizations/{inviting.create_organization('carver')}"
    owned = [_settle(world, shape, inviting, third) for shape in shapes]
    stages = []
    for mine, other in ((0, 1), (1, 0)):
        shape = shapes[mine]
        people = {
            **{who: shape[who.value] for who in Who if who.value in PARTS},
            Who.ANONYMOUS: world.nobody,
            Who.STRANGER: world.stranger,
            Who.OPERATOR: world.operator,
            Who.OTHER_OWNER: shapes[other][Role.OWNER],
        }
        stages.append(Stage(world, scenes[mine], owned[mine], people))
    return stages[0], stages[1]


def _furnish(world: World, shape: Shape) -> Scene:
    """Give an organization one of everything."""
    owner, prefix = shape[Role.OWNER], shape.path
    source = _made(
        owner.api(
            "POST",
            f"{prefix}/sources",
            {"provider": "anthropic", "key": KEYS["anthropic"], "label": f"{shape.name} key"},
        )
    )
    world.work()
    runs = owner.api("GET", f"{prefix}/sources/{source['id']}").get_json()
    estimate = _made(owner.api("POST", f"{prefix}/estimates", {"kind": "band", "band": "agentic"}))
    _made(owner.api("POST", f"{prefix}/plan/adoptions", {"estimate_id": estimate["id"]}))
    world.bill()
    target = join(world, shape.id, world.browser(f"{shape.name}-target"), Role.MEMBER)
    _plan_memberships(shape, target)
    invitee = f"{shape.name}-invitee@example.com"
    invitation = {"invitations": [{"email": invitee, "role": "member"}]}
    _made(owner.api("POST", f"{prefix}/invitations", invitation), 200)
    (listed,) = owner.api("GET", f"{prefix}/invitations").get_json()["items"]
    return {
        "organization_id": str(shape.id),
        "name": shape.name,
        "source_id": source["id"],
        "run_id": runs["newest_run"]["id"],
        "estimate_id": estimate["id"],
        "amount_cents": "3500",  # Agentic at the published rate: 140 million tokens.
        "shown_terms": world.shown_terms,
        "membership_id": str(target),
        "invitation_id": listed["id"],
        "change_id": _change_many(owner, prefix),
    }


def _plan_memberships(shape: Shape, target: UUID) -> None:
    """Let everyone pay their own plan, but for one member whose plan the organization pays."""
    owner, prefix = shape[Role.OWNER], shape.path
    terms = {
        "payer_rule": "member-chooses",
        "default_band": "worker",
        "default_coverage_percent": 100,
        "cap_cents_per_month": None,
    }
    _made(owner.api("PUT", f"{prefix}/terms", terms), 200)
    worker = {"band": "worker"}
    for role in Role:
        _made(shape[role].api("PUT", f"{prefix}/membership/plan/payer", {"payer": "member"}), 200)
        _made(shape[role].api("PUT", f"{prefix}/membership/plan", worker), 200)
    _made(owner.api("PUT", f"{prefix}/members/{target}/plan", worker), 200)


def _change_many(owner: Browser, prefix: str) -> str:
    wanted = {"band": "casual", "coverage_percent": 100}
    preview = owner.api("GET", f"{prefix}/member-plans/preview?band=casual").get_json()
    counted = {name: preview[name] for name in ("plans_to_change", "difference_cents")}
    change = _made(owner.api("POST", f"{prefix}/member-plans/changes", wanted | counted), 202)
    return str(change["id"])


def _settle(world: World, shape: Shape, inviting: Browser, third: str) -> Scene:
    """Give an organization's owner one of everything in their own account.

    :param inviting: who owns a third organization, which invites them.
    :param third: where that stands.
    """
    owner = shape[Role.OWNER]
    source_id = owner.settle()
    runs = owner.api("GET", f"/sources/{source_id}").get_json()
    invitation = {"invitations": [{"email": owner.address, "role": "member"}]}
    _made(inviting.api("POST", f"{third}/invitations", invitation), 200)
    (invited,) = owner.api("GET", "/invitations").get_json()["items"]
    world.work()
    return {
        "source_id": str(source_id),
        "run_id": runs["newest_run"]["id"],
        "estimate_id": owner.pick_band("worker"),
        "amount_cents": "125",  # 5 million tokens.
        "shown_terms": world.shown_terms,
        "invitation_id": invited["id"],
        "invitation_token": world.mail.link_to(owner.address).rpartition("/")[2],
        "identity_id": _link(world, owner),
        "request_id": ask(owner),
        "event_id": str(decide(owner)),
    }


def _link(world: World, owner: Browser) -> str:
    """Give a person a linked identity, as an authorization flow does."""
    with world.app.app_context(), world.state.unit_of_work() as work:
        person = find_person(work.session, owner.user_key)
        assert person is not None
        identity = Identity(
            account_id=person.account_id,
            person_id=person.id,
            provider=PROVIDER,
            issuer=ISSUER,
            subject=owner.name,
            email=owner.address,
            email_verified=True,
            linked_at=world.clock.now(),
        )
        work.session.add(identity)
        work.session.flush()
        return str(identity.id)


def _made(response: TestResponse, status: int = 201) -> dict[str, Any]:
    assert response.status_code == status, response.text
    return cast("dict[str, Any]", response.get_json())


def in_organization(rule: str) -> bool:
    """Whether a rule stands below an organization."""
    return "/organizations/<uuid:organization_id>" in rule
