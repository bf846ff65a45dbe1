"""Every route, met by everyone: each is served or refused as the hand-written table says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.every_route import routes_of
from tests.support.matrix import (
    SETTINGS,
    Outcome,
    Stage,
    Who,
    in_organization,
    make,
    outcome_of,
    set_stage,
)
from tests.support.matrix_calls import CALLS
from tests.support.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.every_route import Route


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    world = World(customer={"history": 40}, **SETTINGS)
    stage, _ = set_stage(world)
    stage.keep()
    yield stage
    stage.close()
    world.close()


@pytest.mark.promise("TO-044", "TB-004")
def test_every_route_has_an_expectation_and_there_is_none_for_a_route_that_is_gone(
    stage: Stage,
) -> None:
    assert routes_of(stage.world.app) == set(CALLS)


@pytest.mark.promise("TO-044", "TB-004", "TG-014")
@pytest.mark.parametrize("route", sorted(CALLS), ids=lambda route: f"{route.method} {route.rule}")
def test_everyone_is_answered_as_expected_and_a_refusal_writes_nothing(
    stage: Stage, route: Route
) -> None:
    call = CALLS[route]
    answered = {}
    expected = {}
    for who in Who:
        stage.reset()
        scene = {**stage.scene_of(route), **stage.prepare(call)}
        before = stage.content()
        response = make(stage.people[who], route, call, scene)
        answered[who] = outcome_of(response, call.status)
        expected[who] = call.outcome(who, below_organization=in_organization(route.rule))
        if answered[who] is not Outcome.SERVED:
            assert stage.content() == before, f"{who} was refused, and yet something was written"
    assert answered == expected
    assert Outcome.SERVED in answered.values(), "a route that serves nobody proves nothing"
