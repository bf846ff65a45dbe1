"""Goes through every page and every operation of ours, and notes each answer.

Which routes there are is read from the application, so that a new page or operation that the walk
does not know yet fails the tests that say "everywhere".
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID

from flask import request, request_finished

from flask_tokenoffset.permissions import Role
from tests.support.asking import ask
from tests.support.consenting import decide
from tests.support.documents import published
from tests.support.erasing import receipt_token
from tests.support.inviting import delivered, invitation_token
from tests.support.linking import linked_identity
from tests.support.organizations import change_many, join
from tests.support.world import API

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask, Response
    from werkzeug.test import TestResponse

    from tests.support.world import Browser, World

#: Answer any method with the same refusal, or serve files of the package.
_NOT_ROUTES = {"tokenoffset.api.unknown", "tokenoffset.static"}


#: What an operation cannot be asked without.
_QUERIES: Final = {
    "/member-plans/preview": "?band=casual",
    "/documents/house-rules/compare": "?from_version=2026-11&to_version=2026-11",
}
#: How the rules of operations on one organization begin.
ORGANIZATION_API: Final = f"{API}/organizations/<uuid:organization_id>"


class Route(NamedTuple):
    """One route: a method and a path with its variable parts."""

    method: str
    rule: str


@dataclass
class Answers:
    """What an application answered."""

    routes: set[Route] = field(default_factory=set)
    #: Status line, headers and body of each answer.
    texts: list[bytes] = field(default_factory=list)


def routes_of(app: Flask) -> set[Route]:
    """Every route of ours."""
    return {
        Route(method, rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("tokenoffset.") and rule.endpoint not in _NOT_ROUTES
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


@contextmanager
def answers_of(app: Flask) -> Iterator[Answers]:
    """Everything the application answers while the block runs."""
    answers = Answers()

    def note(_sender: Flask, response: Response, **_more: Any) -> None:
        if request.url_rule is not None:
            answers.routes.add(Route(request.method, request.url_rule.rule))
        body = b"" if response.direct_passthrough else response.get_data()
        answers.texts.append(f"{response.status}\n{response.headers}\n".encode() + body)

    with request_finished.connected_to(note, sender=app):
        yield answers


def walk_pages(world: World, person: Browser, provider: str, keys: tuple[str, str]) -> None:
    """Do everything a person can do on pages, once: alone, and in an organization they make.

    :param keys: a key the vendor accepts, and one to replace it with.
    """
    _walk_account_pages(world, person, provider, keys)
    _follow_links(world, person)
    _come_and_go_on_pages(world.browser(f"passer-by of {person.name}"))
    name = f"The club of {person.name}"
    made = _expect(person.submit("/organizations", "/organizations", name=name), 303)
    inside = person.within(_named_organization(made.location))
    others = _others(world, inside)
    leaver = others[0][0].within(_named_organization(made.location))
    _walk_account_pages(world, inside, provider, keys, membership_id=others[0][1])
    _expect(inside.submit("/settings", "/settings/name", name=name), 303)
    _walk_invitation_pages(world, person, inside)
    first, second = (f"/members/{membership_id}" for _, membership_id in others)
    _expect(inside.submit(first, "/role", role="auditor"), 303)
    for change in ("suspend", "restore"):
        _expect(inside.submit(first, f"/{change}"), 303)
    _expect(inside.submit(f"{first}/transfer", "/transfer"), 303)
    back = leaver.page("/members").link(person.name or "")
    back = back.rpartition("/organizations/")[2].partition("/")[2]
    _expect(leaver.submit(f"/{back}/transfer", "/transfer"), 303)
    _expect(leaver.submit("/leave", "/leave"), 303)
    _expect(inside.submit(f"{second}/remove", "/remove"), 303)
    _expect(inside.submit("/settings/close", "/settings/close", name=name), 303)


def _come_and_go_on_pages(newcomer: Browser) -> None:
    """Say who one is, correct it, and have all of it deleted."""
    _expect(newcomer.submit("/welcome", "/welcome", display_name="Passer-by"), 303)
    _expect(newcomer.submit("/me", "/me", company="None"), 303)
    _expect(newcomer.submit("/privacy/deletion", "/privacy/deletion"), 303)
    _expect(newcomer.submit("/privacy/deletion", "/privacy/deletion/undo"), 303)


def _follow_links(world: World, person: Browser) -> None:
    """Have links mailed to prove an address and to confirm, and follow one."""
    _expect(person.post("/me/address"), 303)
    _expect(person.post("/confirm/mail"), 303)
    world.work()
    link = world.mail.link_to(person.address)
    _expect(person.submit(link, link), 303)


def _walk_invitation_pages(world: World, person: Browser, inside: Browser) -> None:
    """Invite one and many, send again, take back, and answer in both ways."""
    guests = [world.browser(f"guest-{number}-of-{id(inside)}") for number in range(3)]
    addresses = [guest.address for guest in guests]
    invited = _expect(
        inside.submit("/invitations", "/invitations", email=addresses[0], role="member"), 303
    )
    one = f"/invitations/{invited.location.rpartition('invitation=')[2]}"
    _expect(inside.submit("/invitations", f"{one}/resend"), 303)
    _expect(inside.submit("/invitations", f"{one}/cancel"), 303)
    many = "\n".join(addresses)
    _expect(inside.submit("/invitations", "/invitations/list", invitees=many, check="yes"), 200)
    _expect(inside.submit("/invitations", "/invitations/list", invitees=many), 200)
    link = delivered(world, addresses[0])
    _expect(guests[0].submit(link, link, choice="accept"), 303)
    _expect(guests[1].submit("/invitations", "/accept"), 303)
    _expect(guests[2].submit("/invitations", "/decline"), 303)


def _walk_account_pages(
    world: World, person: Browser, provider: str, keys: tuple[str, str], **ids: Any
) -> None:
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
    _expect(person.submit(f"/sources/{source_id}", "/label", label="Ours too"), 303)
    _expect(person.submit(f"/sources/{source_id}/key", "/key", key=keys[1]), 303)
    world.work()
    estimate_id = person.newest_estimate(source_id)["id"]
    _expect(person.submit(f"/estimates/{estimate_id}", "/plan/adoptions"), 303)
    world.bill()
    see_every_page(world, person, source_id, estimate_id, **ids)
    for ending in ("csv", "jsonl"):
        _expect(person.submit("/audit-events", f"/audit-events.{ending}"), 200)
    for change in ("pause", "resume"):
        _expect(person.submit("/plan", f"/plan/{change}"), 303)
    _expect(person.submit("/plan/end", "/plan/end"), 303)
    _expect(person.submit(f"/sources/{source_id}/disconnect", "/disconnect"), 303)
    person.page(f"/sources/{source_id}")


def see_every_page(
    world: World, person: Browser, source_id: UUID, estimate_id: str, **ids: Any
) -> None:
    """Open every page that the browser's prefix leads to.

    :param ids: what else stands in paths, by name.
    """
    if not person.prefix:
        ids.setdefault("invitation_token", invitation_token(world, person))
        ids.setdefault("identity_id", linked_identity(world, person))
        ids.setdefault("request_id", ask(person))
        ids.setdefault("event_id", decide(person))
        ids.setdefault("receipt_token", receipt_token(person.world))
    else:
        ids.setdefault("change_id", change_many(person))
    ids.update(source_id=source_id, estimate_id=estimate_id)
    # Only some pages are another for each vendor.
    paths = dict.fromkeys(
        path
        for provider in world.vendors
        for path in world.page_paths(person.prefix, provider=provider, **ids)
    )
    for path in paths:
        _expect(person.get(path), 200)


def walk_api(world: World, person: Browser, provider: str, keys: tuple[str, str]) -> None:
    """Call every operation of the API, once: alone, and in an organization they make.

    :param keys: a key the vendor accepts, and one to replace it with.
    """
    _walk_account_api(world, person, provider, keys)
    newcomer = world.browser(f"caller-by of {person.name}")
    _expect(newcomer.api("PATCH", "/me", {"display_name": "Caller-by"}), 200)
    _expect(newcomer.api("DELETE", "/me", {"confirm": True}), 202)
    _expect(newcomer.api("POST", "/privacy/deletion/undo"), 200)
    organization_id = person.create_organization(f"The club of {person.name}")
    inside = person.within(organization_id)
    others = _others(world, inside)
    leaver = others[0][0].within(organization_id)
    _walk_account_api(world, inside, provider, keys, membership_id=others[0][1])
    _expect(inside.api("PATCH", "", {"name": "The other club"}), 200)
    _walk_invitation_api(world, inside)
    first, second = (f"/members/{membership_id}" for _, membership_id in others)
    for change in ({"role": "auditor"}, {"status": "suspended"}, {"status": "active"}):
        _expect(inside.api("PATCH", first, change), 200)
    _expect(inside.api("DELETE", second), 204)
    own = inside.api("GET", "/membership").get_json()["id"]
    _expect(inside.api("POST", "/transfer", {"membership_id": str(others[0][1])}), 200)
    _expect(leaver.api("POST", "/transfer", {"membership_id": own}), 200)
    _expect(leaver.api("DELETE", "/membership"), 204)
    _expect(inside.api("DELETE", ""), 204)


def _walk_invitation_api(world: World, inside: Browser) -> None:
    """Invite, send again, take back, and answer in both ways."""
    guests = [world.browser(f"caller-{number}-of-{id(inside)}") for number in range(3)]
    body = {"invitations": [{"email": guest.address} for guest in guests]}
    items = _expect(inside.api("POST", "/invitations", body), 200).get_json()["items"]
    one, *others = (f"/invitations/{item['invitation_id']}" for item in items)
    _expect(inside.api("POST", f"{one}/resend"), 200)
    _expect(inside.api("DELETE", one), 204)
    assert world.mail.messages is not None
    for guest, path, choice in zip(guests[1:], others, ("accept", "decline"), strict=True):
        waiting = _expect(guest.api("GET", "/invitations"), 200).get_json()["items"]
        assert [item["id"] for item in waiting] == [path.rpartition("/")[2]]
        assert guest.api("POST", f"{path}/{choice}").status_code in {200, 204}


def _walk_account_api(
    world: World, person: Browser, provider: str, keys: tuple[str, str], **ids: Any
) -> None:
    source_id = person.connect(provider, key=keys[0])
    world.work()
    world.clock.move(hours=1)
    source = f"/sources/{source_id}"
    run = _expect(person.api("POST", f"{source}/samples"), 202).get_json()
    world.work()
    _expect(person.api("PUT", f"{source}/label", {"label": "Theirs"}), 200)
    _expect(person.api("PUT", f"{source}/key", {"key": keys[1]}), 202)
    world.work()
    estimate_id = person.newest_estimate(source_id)["id"]
    person.adopt(estimate_id)
    world.bill()
    ids.update(published(world))
    see_every_answer(person, source_id=source_id, estimate_id=estimate_id, run_id=run["id"], **ids)
    for change in ("pause", "resume", "end"):
        _expect(person.api("POST", f"/plan/{change}"), 200)
    _expect(person.api("DELETE", source), 204)


def see_every_answer(person: Browser, **ids: Any) -> None:
    """Call every operation that only reads, that the browser's prefix leads to.

    :param ids: what stands in paths, by name.
    """
    if person.prefix:
        ids.setdefault("change_id", change_many(person))
    else:
        ids.setdefault("request_id", ask(person))
        ids.setdefault("event_id", decide(person))
        ids.setdefault("receipt_token", receipt_token(person.world))
        ids.setdefault("export_id", _own_copy(person))
    for route in sorted(routes_of(person.client.application)):
        in_organization = route.rule.startswith(ORGANIZATION_API)
        if route.method != "GET" or not route.rule.startswith(API):
            continue
        if route.rule.startswith(f"{API}/requests"):
            continue  # An operator's.
        if in_organization == bool(person.prefix):
            path = route.rule.removeprefix(ORGANIZATION_API if in_organization else API)
            for name, value in ids.items():
                path = re.sub(f"<(uuid:)?{name}>", str(value), path)
            _expect(person.api("GET", path + _QUERIES.get(path, "")), 200)


def _own_copy(person: Browser) -> str:
    """The id of the newest copy of a person's data; one is asked for if there is none."""
    items = _expect(person.api("GET", "/privacy/exports"), 200).get_json()["items"]
    asked = items or [_expect(person.api("POST", "/privacy/exports"), 202).get_json()]
    return str(asked[0]["id"])


def _named_organization(location: str) -> UUID:
    """The organization that an address names."""
    return UUID(location.partition("/organizations/")[2].partition("/")[0])


def _others(world: World, inside: Browser) -> list[tuple[Browser, UUID]]:
    """Two further members of an organization, each with their membership."""
    organization_id = _named_organization(inside.prefix)
    browsers = [world.browser(f"{each} of {inside.name}") for each in ("friend", "other friend")]
    return [(each, join(world, organization_id, each, Role.MEMBER)) for each in browsers]


def _only_source(person: Browser) -> UUID:
    (row,) = _expect(person.api("GET", "/sources"), 200).get_json()["items"]
    return UUID(row["id"])


def _expect(response: TestResponse, status: int) -> TestResponse:
    assert response.status_code == status, f"{response.request.path}: {response.text}"
    return response
