"""What belongs to another organization answers exactly as what does not exist, on PostgreSQL."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

import pytest

from tests.support.matrix import SETTINGS, Scene, Stage, Who, make, path_of, set_stage
from tests.support.matrix_calls import CALLS
from tests.support.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from werkzeug.test import TestResponse

    from tests.support.every_route import Route


class Tenants(NamedTuple):
    """The stage as the owner of one organization sees it, and as the other does."""

    mine: Stage
    theirs: Stage


@pytest.fixture(scope="module")
def tenants(postgres_url_of_module: str) -> Iterator[Tenants]:
    world = World(postgres_url_of_module, customer={"history": 40}, **SETTINGS)
    yield Tenants(*set_stage(world))
    world.close()


class _Names(dict[str, str]):
    """Each name for itself, so that it shows where a call uses it."""

    def __missing__(self, name: str) -> str:
        return f"({name})"


def named_ids(route: Route, scene: Scene) -> list[str]:
    """What a call names by an id, in its path or in its body.

    The id of a published document is not among them: those are the same for everyone.
    """
    call = CALLS[route]
    names = _Names(call.parts)
    in_path = path_of(route.rule, names)
    sent = "" if call.sent is None else repr(call.sent(names))
    return [name for name in scene if name.endswith("_id") and f"({name})" in in_path + sent]


def scenes(tenants: Tenants, route: Route) -> tuple[Scene, Scene]:
    """What a route's calls name, as the one tenant has it and as the other."""
    mine, theirs = tenants.mine.scene_of(route), tenants.theirs.scene_of(route)
    if set(_ID.findall(route.rule)) <= set(mine):
        return mine, theirs
    call = CALLS[route]
    return (
        {**mine, **tenants.mine.prepare(call)},
        {**theirs, **tenants.theirs.prepare(call)},
    )


def plain(response: TestResponse, *ids: str) -> tuple[int, str, str]:
    """An answer without what is another with every request."""
    text = response.text
    for each in ids:
        text = text.replace(each, "ID")
    text = re.sub(r'"request_id":"[0-9a-f]+"', "", text)
    text = re.sub(r"\b[0-9a-f]{32}\b", "REQUEST", text)
    text = re.sub(r'name="tokenoffset_csrf" value="[^"]+"', "", text)
    return response.status_code, response.content_type, text


_ID = re.compile(r"<uuid:(\w+)>")
NAMING_IDS = sorted(route for route in CALLS if "<uuid:" in route.rule or CALLS[route].sent)


@pytest.mark.promise("TO-044", "TG-014")
@pytest.mark.parametrize("route", NAMING_IDS, ids=lambda route: f"{route.method} {route.rule}")
def test_an_id_of_another_tenant_answers_as_one_that_does_not_exist(
    tenants: Tenants, route: Route
) -> None:
    scene, other = scenes(tenants, route)
    owner = tenants.mine.people[Who.OWNER]
    # An operator's routes are closed to owners, whatever they name.
    refusals = {404, 422} if Who.OWNER in CALLS[route].may else {403, 404}
    for name in named_ids(route, scene):
        missing = str(uuid4())
        # Everything else is their own, so that nothing but this one id is wrong.
        theirs = make(owner, route, CALLS[route], {**scene, name: other[name]})
        nobodys = make(owner, route, CALLS[route], {**scene, name: missing})
        assert nobodys.status_code in refusals, f"{name}: {nobodys.text}"
        assert plain(theirs, other[name]) == plain(nobodys, missing), name


@pytest.mark.promise("TO-044", "TG-014")
@pytest.mark.parametrize(
    "route",
    sorted(route for route in CALLS if "<uuid:organization_id>" in route.rule),
    ids=lambda route: f"{route.method} {route.rule}",
)
def test_another_organization_answers_as_one_that_does_not_exist(
    tenants: Tenants, route: Route
) -> None:
    """All ids are theirs, as they would be in an address that leaked."""
    other, missing = tenants.theirs.scene, str(uuid4())
    owner = tenants.mine.people[Who.OWNER]
    theirs = make(owner, route, CALLS[route], other)
    nobodys = make(owner, route, CALLS[route], {**other, "organization_id": missing})
    assert nobodys.status_code == 404
    organization_id = other["organization_id"]
    assert plain(theirs, organization_id) == plain(nobodys, missing)


@pytest.mark.promise("TO-044", "TG-014")
@pytest.mark.parametrize(
    "route",
    sorted(route for route in CALLS if route.method == "GET" and Who.OWNER in CALLS[route].may),
    ids=lambda route: route.rule,
)
def test_nothing_that_is_read_holds_anything_of_another_tenant(
    tenants: Tenants, route: Route
) -> None:
    mine, theirs = tenants.mine, tenants.theirs
    scene = {**mine.scene_of(route), **mine.prepare(CALLS[route])}
    response = make(mine.people[Who.OWNER], route, CALLS[route], scene)
    assert response.status_code == CALLS[route].status, response.text
    canaries = {"bolt", *theirs.scene.values(), *theirs.own.values()} - set(mine.scene.values())
    canaries -= set(mine.own.values())
    assert {each for each in canaries if each in response.text} == set()
