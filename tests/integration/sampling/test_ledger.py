"""What is stored is what the vendor counted, to the token and the billionth of a dollar."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from flask_tokenoffset.testing import EVERY_FAULT
from tests.integration.sampling.books import (
    runs,
    stored_costs,
    stored_usage,
    true_costs,
    true_usage,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World

WINDOW = (date(2026, 8, 22), date(2026, 11, 20))
VENDORS = pytest.mark.parametrize("provider", ["anthropic", "openai"])


@VENDORS
@pytest.mark.promise("TO-005")
def test_every_cell_of_the_vendors_ledger_is_kept(db_world: World, provider: str) -> None:
    source_id = db_world.ada.sample(provider)
    vendor = db_world.vendors[provider]
    usage, costs = true_usage(vendor, *WINDOW), true_costs(vendor, *WINDOW)
    assert len({key[0] for key in usage}) > 60
    assert stored_usage(db_world, source_id) == usage
    assert stored_costs(db_world, source_id) == costs


@VENDORS
@pytest.mark.promise("TO-005", "TO-030")
def test_the_api_shows_every_days_tokens_and_charges(db_world: World, provider: str) -> None:
    source_id = db_world.ada.sample(provider)
    answer = db_world.ada.api("GET", f"/sources/{source_id}/usage").get_json()
    assert (answer["window_start"], answer["window_end"]) == ("2026-08-22", "2026-11-20")
    shown = {
        date.fromisoformat(day["day"]): (
            day["uncached_input_tokens"],
            day["cached_input_tokens"],
            day["cache_creation_tokens"],
            day["output_tokens"],
            Decimal(day["cost_usd"]),
        )
        for day in answer["items"]
    }
    truth = db_world.vendors[provider].ledger.by_day(*WINDOW)
    assert shown == {
        day: (
            totals.uncached_input_tokens,
            totals.cached_input_tokens,
            totals.cache_creation_tokens,
            totals.output_tokens,
            Decimal(totals.cost_nano_usd).scaleb(-9),
        )
        for day, totals in truth.items()
    }


@VENDORS
@pytest.mark.promise("TO-030")
def test_a_projection_stands_beside_what_was_charged_for_the_same_days(
    world: World, provider: str
) -> None:
    estimate = world.ada.newest_estimate(world.ada.sample(provider))
    basis = estimate["projection"]
    days = (date.fromisoformat(basis["basis_start"]), date.fromisoformat(basis["basis_end"]))
    assert days == (date(2026, 10, 23), date(2026, 11, 20))
    totals = world.vendors[provider].ledger.totals(*days)
    assert Decimal(basis["basis_cost_usd"]) == Decimal(totals.cost_nano_usd).scaleb(-9)
    month = Decimal("30.44") / 28
    assert abs(estimate["tokens_per_month"]["total"] - totals.tokens * month) <= 1
    charged = Decimal(estimate["cost_usd_per_month"])
    assert abs(charged - Decimal(totals.cost_nano_usd).scaleb(-9) * month) < Decimal("1e-9")


def test_a_large_customer_is_kept_exactly(
    make_world: Callable[..., World], database_url: str
) -> None:
    world = make_world(database_url, customer={"profile": "large"})
    source_id = world.ada.sample("openai")
    assert stored_usage(world, source_id) == true_usage(world.openai, *WINDOW)
    assert stored_costs(world, source_id) == true_costs(world.openai, *WINDOW)


@pytest.mark.parametrize("fault", ["new_field", "compressed", "newest_first", "clock_skew"])
def test_manners_of_a_vendor_that_can_be_borne_change_no_figure(world: World, fault: str) -> None:
    source_id = world.ada.connect()
    world.anthropic.faults.add(EVERY_FAULT[fault](), times=None)
    world.work()
    assert [run.status for run in runs(world)] == ["complete"]
    assert stored_usage(world, source_id) == true_usage(world.anthropic, *WINDOW)
    assert stored_costs(world, source_id) == true_costs(world.anthropic, *WINDOW)
