"""An estimate of a former version is priced as it was, to the cent, by the version of choice."""

import pytest

from flask_tokenoffset.methodology import (
    ModelUsage,
    TokenCounts,
    amount_cents,
    class_aware,
    class_aware_environment,
    estimate_environment,
)
from flask_tokenoffset.services.estimates import figures
from flask_tokenoffset.services.plans.both_methods import both_amounts

#: Sonnet is of another class in each version.
USE = (
    ModelUsage("claude-sonnet-4-5", TokenCounts(40_000_000, 900_000_000, 30_000_000, 9_000_000)),
    ModelUsage("claude-opus-5", TokenCounts(1_000_000, 2_000_000, 300_000, 400_000)),
)
USE_TOKENS = sum(usage.tokens.total for usage in USE)
# 27.713 kg of carbon at the high end by 2026.11, times $320 a tonne, is $8.87, suggested as $9.
CENTS = {"2026.11": 900, "2026.12": 2_000}


def stored_by(version: str) -> figures.Figures:
    environment = estimate_environment(USE, class_aware_method=class_aware(version))
    return figures.from_json(figures.to_json(USE, environment))


@pytest.mark.parametrize("made_by", CENTS)
@pytest.mark.parametrize("priced_by", CENTS)
def test_whichever_version_made_it_the_version_of_choice_prices_it(
    made_by: str, priced_by: str
) -> None:
    carbon = stored_by(made_by).shown_by(priced_by).co2e_g
    assert carbon == class_aware_environment(USE, class_aware(priced_by)).co2e_g
    assert amount_cents(priced_by, USE_TOKENS, carbon, 100) == CENTS[priced_by]


@pytest.mark.parametrize("made_by", CENTS)
def test_beside_the_flat_rate_stand_the_ranges_that_the_estimate_was_made_with(
    made_by: str,
) -> None:
    made = stored_by(made_by)
    assert made.shown_by("2026-05") == made
    flat, detailed = both_amounts(USE_TOKENS, made, 100, "2026-05")
    assert (detailed.version, detailed.amount_cents) == (made_by, CENTS[made_by])
    assert flat.prices_plans


@pytest.mark.parametrize("made_by", CENTS)
def test_all_that_is_shown_beside_an_amount_is_of_the_version_that_prices_it(made_by: str) -> None:
    assert stored_by(made_by).shown_by("2026.11") == stored_by("2026.11")
    assert stored_by("2026.11").energy_wh != stored_by("2026.12").energy_wh


def test_a_stored_sentence_of_former_times_is_made_from_parts_again() -> None:
    stored = figures.to_json(USE, estimate_environment(USE))
    former = stored | {"difference": "The published figure is about 9.9 times the class-aware one."}
    assert figures.from_json(former) == figures.from_json(stored)


def test_figures_from_before_months_of_whole_weeks_are_still_read() -> None:
    environment = estimate_environment(USE)
    stored = figures.to_json(USE, environment)
    stored["projection"] = {
        "basis_start": "2026-10-01",
        "basis_end": "2026-10-31",
        "basis_tokens": [1, 2, 3, 4],
        "basis_cost_nano_usd": None,
        "rolling": [10, 20, 30, 61],
        "mean_tokens_per_month": None,
        "first_use": "2026-08-01",
        "days_covered": 90,
        "active_days": 60,
    }
    projection = figures.from_json(stored).projection
    assert projection is not None
    assert projection.last_week_tokens is None
    assert projection.rolling is not None
    assert projection.rolling.days == 30
