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


def named_ids(door: Door, scene: Scene) -> list[str]:
    """What a call names by an id, in its path or in its body."""
    call = CALLS[door]
    in_path = path_of(door.rule, {**{name: f"({name})" for name in scene}, **call.parts})
    sent = "" if call.sent is None else repr(call.sent({name: f"({name})" for name in scene}))
    return [name for name in scene if name.endswith("_id") and f"({name})" in in_path + sent]


def plain(response: TestResponse, *ids: str) -> tuple[int, str, str]:
    """An answer without what is another with every request."""
    text = response.text
    for each in ids:
        text = text.replace(each, "ID")
    text = re.sub(r'"request_id":"[0-9a-f]+"', "", text)
    text = re.sub(r"\b[0-9a-f]{32}\b", "REQUEST", text)
    text = re.sub(r'name="tokenoffset_csrf" value="[^"]+"', "", text)
    return response.status_code, response.content_type, text


NAMING_IDS = sorted(door for door in CALLS if "<uuid:" in door.rule or CALLS[door].sent)


@pytest.mark.promise("TO-044", "TG-014")
@pytest.mark.parametrize("door", NAMING_IDS, ids=lambda door: f"{door.method} {door.rule}")
def test_an_id_of_another_tenant_answers_as_one_that_does_not_exist(
    tenants: Tenants, door: Door
) -> None:
    scene, other = tenants.mine.scene_of(door), tenants.theirs.scene_of(door)
    owner = tenants.mine.people[Who.OWNER]
    for name in named_ids(door, scene):
        missing = str(uuid4())
        # Everything else is their own, so that nothing but this one id is wrong.
        theirs = make(owner, door, CALLS[door], {**scene, name: other[name]})
        nobodys = make(owner, door, CALLS[door], {**scene, name: missing})
        assert nobodys.status_code in {404, 422}, f"{name}: {nobodys.text}"
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
    sorted(door for door in CALLS if door.method == "GET"),
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
