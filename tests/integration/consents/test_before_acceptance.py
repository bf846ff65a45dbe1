"""Every route, met by a person who has accepted nothing: open or closed as the reference says."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from flask_tokenoffset.services.documents.documents import required
from tests.support.every_route import Route, routes_of
from tests.support.matrix import SETTINGS, Outcome, Stage, Who, make, outcome_of, set_stage
from tests.support.matrix_calls import CALLS
from tests.support.publishing import publish_required
from tests.support.world import API, PREFIX, World

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from werkzeug.test import TestResponse

PAGE: Final = Path(__file__).parents[3] / "docs" / "reference" / "acceptance.md"


def documented(title: str) -> set[Route]:
    """The routes that stand under a heading of the reference."""
    section = PAGE.read_text(encoding="utf-8").partition(f"## {title}\n")[2].partition("\n## ")[0]
    return {
        Route(method, PREFIX + path)
        for method, path in re.findall(r"^\| `(\w+)` \| `([^`]+)` \|$", section, re.MULTILINE)
    }


OPEN: Final = documented("Open")
ASKING: Final = documented("Asks first")

_PLACE: Final = "/organizations/<uuid:organization_id>"
_SHARING: Final = "/membership/usage-sharing"
_CHANGE: Final = "/plan/<any(pause, resume, end):change>"
_ANSWER: Final = "/invitations/<uuid:invitation_id>/<any(accept, decline):choice>"
#: Open routes behind which something can be ended, of which the matrix begins it.
ENDING: Final[Mapping[Route, Mapping[str, Any]]] = {
    Route("POST", f"{PREFIX}/invitations/<invitation_token>"): {"choice": "decline"},
    Route("POST", f"{PREFIX}{_PLACE}{_SHARING}"): {"shared": "no"},
    Route("PUT", f"{API}{_PLACE}{_SHARING}"): {"shared": False},
}
#: The open routes behind which something can begin: what is sent for it, and the path's parts.
BEGINNING: Final[Mapping[Route, tuple[Mapping[str, Any], Mapping[str, str]]]] = {
    Route("POST", f"{PREFIX}/invitations/<invitation_token>"): ({"choice": "accept"}, {}),
    Route("POST", PREFIX + _ANSWER): ({}, {"choice": "accept"}),
    Route("POST", f"{PREFIX}{_PLACE}{_SHARING}"): ({"shared": "yes"}, {}),
    Route("PUT", f"{API}{_PLACE}{_SHARING}"): ({"shared": True}, {}),
    Route("POST", PREFIX + _CHANGE): ({}, {"change": "resume"}),
    Route("POST", PREFIX + _PLACE + _CHANGE): ({}, {"change": "resume"}),
    Route("POST", f"{PREFIX}{_PLACE}/membership{_CHANGE}"): ({}, {"change": "resume"}),
}


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    world = World(customer={"history": 40}, **SETTINGS)
    stage, _ = set_stage(world)
    stage.keep()
    yield stage
    stage.close()
    world.close()


def test_the_reference_names_every_route_once_and_none_that_is_gone(stage: Stage) -> None:
    assert routes_of(stage.world.app) == OPEN | ASKING
    assert not OPEN & ASKING


@pytest.mark.promise("TO-058")
@pytest.mark.parametrize("route", sorted(CALLS), ids=lambda route: f"{route.method} {route.rule}")
def test_a_person_who_has_accepted_nothing_meets_each_route_as_the_reference_says(
    stage: Stage, route: Route
) -> None:
    call = CALLS[route]
    if route in ENDING:
        call = replace(call, sent=lambda _scene: ENDING[route])
    stage.reset()
    scene = {**stage.scene_of(route), **stage.prepare(call)}
    with stage.world.app.app_context():
        asked = required(stage.world.state.session, stage.world.clock.now())
    if not asked:
        publish_required(stage.world)
    before = stage.content()
    who = next(each for each in Who if each in call.may and each is not Who.ANONYMOUS)
    response = make(stage.people[who], route, call, scene)
    assert is_asked(response) == (route in ASKING)
    if route in ASKING:
        assert stage.content() == before
    else:
        assert outcome_of(response, call.status) is Outcome.SERVED, response.text


@pytest.mark.promise("TO-058")
@pytest.mark.parametrize(
    "route", sorted(BEGINNING), ids=lambda route: f"{route.method} {route.rule}"
)
def test_what_begins_behind_an_open_route_asks_all_the_same(stage: Stage, route: Route) -> None:
    sent, parts = BEGINNING[route]
    call = replace(CALLS[route], sent=lambda _scene: sent, parts=parts)
    stage.reset()
    publish_required(stage.world)
    before = stage.content()
    assert route in OPEN
    assert is_asked(make(stage.people[Who.OWNER], route, call, stage.scene_of(route)))
    assert stage.content() == before


@pytest.mark.promise("TO-044")
def test_who_may_not_come_in_at_all_is_not_told_of_documents(stage: Stage) -> None:
    stage.reset()
    publish_required(stage.world)
    path = f"{PREFIX}/organizations/{stage.scene['organization_id']}/members"
    answers = {who: browser.client.get(path) for who, browser in stage.people.items()}
    for who, answer in answers.items():
        allowed = who in {Who.OWNER, Who.ADMIN, Who.AUDITOR}
        assert is_asked(answer) == allowed, who
    assert answers[Who.STRANGER].status_code == 404
    assert answers[Who.MEMBER].status_code == 403


def is_asked(response: TestResponse) -> bool:
    """Whether an answer asks for acceptance in place of doing what was wanted."""
    if response.status_code == 303:
        return response.location.startswith(f"{PREFIX}/privacy/acceptance?next=")
    return response.status_code == 403 and (
        response.is_json and response.get_json()["code"] == "acceptance-required"
    )
