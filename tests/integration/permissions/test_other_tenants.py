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

    from tests.support.every_door import Door


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


def named_ids(door: Door, scene: Scene) -> list[str]:
    """What a call names by an id, in its path or in its body.

    The id of a published document is not among them: those are the same for everybody.
    """
    call = CALLS[door]
    names = _Names(call.parts)
    in_path = path_of(door.rule, names)
    sent = "" if call.sent is None else repr(call.sent(names))
    return [name for name in scene if name.endswith("_id") and f"({name})" in in_path + sent]


def scenes(tenants: Tenants, door: Door) -> tuple[Scene, Scene]:
    """What a door's calls name, as the one tenant has it and as the other."""
    mine, theirs = tenants.mine.scene_of(door), tenants.theirs.scene_of(door)
    if set(_ID.findall(door.rule)) <= set(mine):
        return mine, theirs
    call = CALLS[door]
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
NAMING_IDS = sorted(door for door in CALLS if "<uuid:" in door.rule or CALLS[door].sent)


@pytest.mark.promise("TO-044", "TG-014")
@pytest.mark.parametrize("door", NAMING_IDS, ids=lambda door: f"{door.method} {door.rule}")
def test_an_id_of_another_tenant_answers_as_one_that_does_not_exist(
    tenants: Tenants, door: Door
) -> None:
    scene, other = scenes(tenants, door)
    owner = tenants.mine.people[Who.OWNER]
    # An operator's doors are closed to owners, whatever they name.
    refusals = {404, 422} if Who.OWNER in CALLS[door].may else {403, 404}
    for name in named_ids(door, scene):
        missing = str(uuid4())
        # Everything else is their own, so that nothing but this one id is wrong.
        theirs = make(owner, door, CALLS[door], {**scene, name: other[name]})
        nobodys = make(owner, door, CALLS[door], {**scene, name: missing})
        assert nobodys.status_code in refusals, f"{name}: {nobodys.text}"
        assert plain(theirs, other[name]) == plain(nobodys, missing), name


@pytest.mark.promise("TO-044", "TG-014")
@pytest.mark.parametrize(
    "door",
    sorted(door for door in CALLS if "<uuid:organization_id>" in door.rule),
    ids=lambda door: f"{door.method} {door.rule}",
)
def test_another_organization_answers_as_one_that_does_not_exist(
    tenants: Tenants, door: Door
) -> None:
    """All ids are theirs, as they would be in an address that leaked."""
    other, missing = tenants.theirs.scene, str(uuid4())
    owner = tenants.mine.people[Who.OWNER]
    theirs = make(owner, door, CALLS[door], other)
    nobodys = make(owner, door, CALLS[door], {**other, "organization_id": missing})
    assert nobodys.status_code == 404
    organization_id = other["organization_id"]
    assert plain(theirs, organization_id) == plain(nobodys, missing)


@pytest.mark.promise("TO-044", "TG-014")
@pytest.mark.parametrize(
    "door",
    sorted(door for door in CALLS if door.method == "GET" and Who.OWNER in CALLS[door].may),
    ids=lambda door: door.rule,
)
def test_nothing_that_is_read_holds_anything_of_another_tenant(
    tenants: Tenants, door: Door
) -> None:
    mine, theirs = tenants.mine, tenants.theirs
    scene = {**mine.scene_of(door), **mine.prepare(CALLS[door])}
    response = make(mine.people[Who.OWNER], door, CALLS[door], scene)
    assert response.status_code == CALLS[door].status, response.text
    canaries = {"bolt", *theirs.scene.values(), *theirs.own.values()} - set(mine.scene.values())
    canaries -= set(mine.own.values())
    assert {each for each in canaries if each in response.text} == set()
