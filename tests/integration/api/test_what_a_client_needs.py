"""What a person who has only the JSON API needs to go the whole way."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from flask_tokenoffset.models import Connection, Credential
from tests.integration.api.calls import assert_problem
from tests.support.world import KEYS

if TYPE_CHECKING:
    from tests.support.world import World


@pytest.mark.parametrize("coverage_percent", [0, 33, 100, 1000])
def test_the_amount_that_is_shown_is_the_amount_that_is_adopted(
    world: World, coverage_percent: int
) -> None:
    estimate_id = world.ada.newest_estimate(world.ada.sample())["id"]
    shown = world.ada.api(
        "GET", f"/estimates/{estimate_id}?coverage_percent={coverage_percent}"
    ).get_json()["contribution"]
    adopted = world.ada.api(
        "POST",
        "/plan/adoptions",
        {
            "estimate_id": estimate_id,
            "coverage_percent": coverage_percent,
            "amount_cents": shown["amount_cents"],
        },
    )
    assert adopted.status_code == 201, adopted.text
    assert adopted.get_json()["adoption"]["amount_cents"] == shown["amount_cents"]


@pytest.mark.parametrize("coverage_percent", ["-1", "1001", "much", "1e2"])
def test_a_coverage_out_of_range_is_refused(world: World, coverage_percent: str) -> None:
    estimate_id = world.ada.pick_band()
    answer = world.ada.api("GET", f"/estimates/{estimate_id}?coverage_percent={coverage_percent}")
    assert_problem(answer, 422, "invalid-input")


def test_the_sum_of_all_connections_can_be_had(world: World) -> None:
    parts = [world.ada.newest_estimate(world.ada.sample(each)) for each in KEYS]
    answer = world.ada.api("POST", "/estimates", {"kind": "combined"})
    assert answer.status_code == 200, answer.text
    combined = answer.get_json()
    assert combined["source_kind"] == "combined"
    assert combined["tokens_per_month"]["total"] == sum(
        part["tokens_per_month"]["total"] for part in parts
    )
    # It is one and the same until a newer sample is complete.
    again = world.ada.api("POST", "/estimates", {"kind": "combined"}).get_json()
    assert again["id"] == combined["id"]


def test_one_connection_alone_has_no_sum(world: World) -> None:
    world.ada.sample()
    assert_problem(world.ada.api("POST", "/estimates", {"kind": "combined"}), 409, "conflict")
    world.ben.sample("openai")
    assert_problem(world.ada.api("POST", "/estimates", {"kind": "combined"}), 409, "conflict")


def test_a_sum_needs_no_field(world: World) -> None:
    answer = world.ada.api("POST", "/estimates", {"kind": "combined", "band": "worker"})
    assert_problem(answer, 422, "invalid-input")


@pytest.mark.parametrize("provider", sorted(KEYS))
def test_an_organization_is_not_connected_twice(world: World, provider: str) -> None:
    source_id = world.ada.connect(provider, label="First")
    before = world.rows(Connection, Credential)
    answer = world.ada.api("POST", "/sources", {"provider": provider, "key": KEYS[provider]})
    problem = assert_problem(answer, 409, "conflict")
    assert "«First»" in problem["detail"]
    assert world.rows(Connection, Credential) == before
    # Another account may, and the same one again after a disconnect.
    assert isinstance(world.ben.connect(provider), UUID)
    assert world.ada.api("DELETE", f"/sources/{source_id}").status_code == 204
    assert isinstance(world.ada.connect(provider), UUID)


def test_adopting_what_is_charged_already_is_not_noted_twice(world: World) -> None:
    estimate_id = world.ada.pick_band()
    first = world.ada.adopt(estimate_id, 150)
    assert world.ada.adopt(estimate_id, 150)["adoption"]["id"] == first["adoption"]["id"]
    assert world.ada.adopt(estimate_id, 100)["adoption"]["id"] != first["adoption"]["id"]
    world.ada.api("POST", "/plan/end")
    begun_anew = world.ada.adopt(estimate_id, 100)
    assert begun_anew["status"] == "active"
