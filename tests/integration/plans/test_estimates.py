"""Estimates of each kind, and that their stored figures follow from the versions they name."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from flask_tokenoffset.clock import DayRange
from flask_tokenoffset.methodology import (
    DailySeries,
    TokenCounts,
    bands,
    class_aware,
    estimate_environment,
    project,
    published,
)
from flask_tokenoffset.models import Estimate
from flask_tokenoffset.services.estimates import figures

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World

WINDOW = DayRange(date(2026, 8, 22), date(2026, 11, 20))


@pytest.fixture
def db_world(make_world: Callable[..., World], database_url: str) -> World:
    return make_world(database_url)


def estimates(world: World) -> list[Estimate]:
    with world.app.app_context():
        return list(world.state.session.scalars(select(Estimate).order_by(Estimate.created_at)))


def make_one_of_each(world: World) -> None:
    for band in bands():
        world.ada.pick_band(band.key)
    for tokens in (1, 999, 5_000_001, 10**15):
        answer = world.ada.api("POST", "/estimates", {"kind": "custom", "tokens_per_month": tokens})
        assert answer.status_code == 201
    world.ada.sample("anthropic")
    world.ada.sample("openai")


def test_stored_figures_follow_digit_for_digit_from_the_versions_they_name(
    db_world: World,
) -> None:
    make_one_of_each(db_world)
    made = estimates(db_world)
    assert {each.source_kind for each in made} == {"band", "custom", "sampled", "combined"}
    for estimate in made:
        models = figures.from_json(estimate.figures).models
        environment = estimate_environment(
            models, published(estimate.published_version), class_aware(estimate.class_aware_version)
        )
        again = figures.to_json(models, environment)
        for part in ("models", "published", "class_aware", "difference"):
            assert again[part] == estimate.figures[part], (estimate.source_kind, part)
        tokens = TokenCounts.sum(usage.tokens for usage in models)
        assert tokens.counts() == (
            estimate.uncached_input_tokens_per_month,
            estimate.cached_input_tokens_per_month,
            estimate.cache_creation_tokens_per_month,
            estimate.output_tokens_per_month,
        )


@pytest.mark.parametrize("provider", ["anthropic", "openai"])
def test_a_sampled_estimate_follows_from_the_vendors_ledger(db_world: World, provider: str) -> None:
    db_world.ada.sample(provider)
    ledger = db_world.vendors[provider].ledger
    used = ledger.usage(WINDOW.start, WINDOW.end)
    # Anthropic charges for its priority tier elsewhere, which the estimate says.
    elsewhere = {
        row.day
        for row in used
        if provider == "anthropic" and row.dimensions["service_tier"] == "priority"
    }
    projection = project(
        DailySeries.from_rows(
            WINDOW,
            WINDOW,
            [
                (
                    row.day,
                    str(row.dimensions["model"]),
                    TokenCounts(
                        row.counts.uncached_input_tokens,
                        row.counts.cached_input_tokens,
                        row.counts.cache_creation_tokens,
                        row.counts.output_tokens,
                    ),
                )
                for row in used
            ],
            [(line.day, line.cost_nano_usd) for line in ledger.costs(WINDOW.start, WINDOW.end)],
            partly_charged=sorted(elsewhere),
        )
    )
    (estimate,) = estimates(db_world)
    stored = figures.from_json(estimate.figures)
    assert estimate.tokens_per_month == projection.tokens_per_month.total  # type: ignore[union-attr]
    assert {each.model: each.tokens for each in stored.models} == dict(
        projection.tokens_per_month_by_model  # type: ignore[union-attr]
    )
    again: Any = figures.to_json(
        stored.models,
        estimate_environment(stored.models),
        projection=projection,  # type: ignore[arg-type]
    )
    assert again == estimate.figures
    assert estimate.quality == projection.quality_tier  # type: ignore[union-attr]
    assert estimate.cost_nano_usd_per_month == projection.cost_nano_usd_per_month  # type: ignore[union-attr]


def test_a_band_is_its_midpoint_and_a_typed_amount_itself(world: World) -> None:
    for band in bands():
        shown = world.ada.api("GET", f"/estimates/{world.ada.pick_band(band.key)}").get_json()
        assert (shown["tokens_per_month"]["total"], shown["band"], shown["quality"]) == (
            band.midpoint_tokens,
            band.key,
            "band",
        )
    answer = world.ada.api("POST", "/estimates", {"kind": "custom", "tokens_per_month": 7_654_321})
    shown = answer.get_json()
    assert (shown["tokens_per_month"]["total"], shown["band"], shown["quality"]) == (
        7_654_321,
        "worker",
        "typed",
    )


def test_an_estimate_is_never_edited(world: World) -> None:
    first = world.ada.pick_band("worker")
    before = world.ada.api("GET", f"/estimates/{first}").get_json()
    world.clock.move(days=40)
    assert world.ada.pick_band("worker") != first
    assert world.ada.api("GET", f"/estimates/{first}").get_json() == before


def test_making_estimates_never_touches_a_plan(world: World) -> None:
    world.ada.adopt(world.ada.pick_band("worker"))
    plan = world.ada.api("GET", "/plan").get_json()
    make_one_of_each(world)
    assert world.ada.api("GET", "/plan").get_json() == plan
