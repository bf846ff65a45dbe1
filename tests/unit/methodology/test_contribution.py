"""What a person is charged: never less than the rate says, never a whole cent more."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.methodology import (
    ModelUsage,
    Range,
    amount_cents,
    bands,
    class_aware,
    class_aware_amount_cents,
    class_aware_environment,
    published,
    published_amount_cents,
    tidy_cents,
)

tokens = st.integers(0, 10**15)
coverages = st.integers(0, 1000)
carbon = st.decimals("0", "1e9", places=6)


def carbon_range(high: Decimal | int) -> Range:
    return Range(Decimal(0), Decimal(0), Decimal(high))


@pytest.mark.parametrize(
    ("tokens_per_month", "coverage_percent", "cents"),
    [
        (0, 100, 0),
        (1, 100, 1),
        (1_000_000, 100, 25),
        (1_000_001, 100, 26),
        (300_000, 100, 8),
        (5_000_000, 100, 125),
        (140_000_000, 100, 3_500),
        (1_500_000_000, 100, 37_500),
        (140_000_000, 50, 1_750),
        (140_000_000, 1000, 35_000),
        (140_000_000, 0, 0),
        (40_000, 100, 1),
        (40_001, 100, 2),
    ],
)
def test_the_published_amount(tokens_per_month: int, coverage_percent: int, cents: int) -> None:
    assert published_amount_cents(tokens_per_month, coverage_percent, published()) == cents


@given(tokens, coverages)
def test_rounding_up_never_undercharges_nor_overcharges_by_a_cent(
    tokens_per_month: int, coverage_percent: int
) -> None:
    exact = Fraction(tokens_per_month * 25 * coverage_percent, 100_000_000)
    over = published_amount_cents(tokens_per_month, coverage_percent, published()) - exact
    assert 0 <= over < 1


@given(tokens, tokens, coverages)
def test_more_use_never_costs_less(one: int, other: int, coverage_percent: int) -> None:
    few, many = sorted((one, other))
    method = published()
    assert published_amount_cents(few, coverage_percent, method) <= published_amount_cents(
        many, coverage_percent, method
    )


def test_the_suggestions_for_the_bands_are_the_documented_ones() -> None:
    method = class_aware()
    suggested = [
        class_aware_amount_cents(
            class_aware_environment(
                [ModelUsage.of_class(band.model_class, band.midpoint)], method
            ).co2e_g,
            100,
            method,
        )
        for band in bands()
    ]
    assert suggested == [100, 100, 200, 2_000]


@pytest.mark.parametrize(
    ("cents", "tidy"),
    [
        (0, 0),
        (1, 100),
        (100, 100),
        (101, 200),
        (1_000, 1_000),
        (1_001, 1_500),
        (9_501, 10_000),
        (10_000, 10_000),
        (10_001, 11_000),
        (11_000, 11_000),
        (99_001, 100_000),
        (100_001, 110_000),
        (Fraction(20_001, 2), 11_000),
    ],
)
def test_amounts_are_rounded_up_to_what_people_would_name(cents: int | Fraction, tidy: int) -> None:
    assert tidy_cents(cents, class_aware()) == tidy


@given(st.fractions(0, 10**9), st.fractions(0, 10**9))
def test_a_tidy_amount_is_never_below_the_exact_one_and_keeps_the_order(
    one: Fraction, other: Fraction
) -> None:
    method = class_aware()
    less, more = sorted((one, other))
    assert less <= tidy_cents(less, method) <= tidy_cents(more, method)
    # Rounding up adds less than a dollar to a small amount, and less than half to any other.
    assert tidy_cents(more, method) < max(more + 100, more * Fraction(3, 2))


def test_the_floor_holds_for_any_use_but_nobody_pays_for_none() -> None:
    method = class_aware()
    assert class_aware_amount_cents(carbon_range(0), 100, method) == 0
    assert class_aware_amount_cents(carbon_range(Decimal("0.000001")), 100, method) == 100


def test_coverage_is_applied_to_the_suggestion_and_rounded_up() -> None:
    method = class_aware()
    some = carbon_range(Decimal("0.5"))
    assert class_aware_amount_cents(some, 0, method) == 0
    assert class_aware_amount_cents(some, 33, method) == 33
    assert class_aware_amount_cents(some, 1000, method) == 1_000
    # 58.1 kg at 320 dollars a tonne is 18.59 dollars, suggested as 20.
    assert class_aware_amount_cents(carbon_range(58_100), 33, method) == 660


@given(carbon, coverages)
def test_the_class_aware_amount_covers_the_high_end_at_its_price(
    grams: Decimal, coverage_percent: int
) -> None:
    amount = class_aware_amount_cents(carbon_range(grams), coverage_percent, class_aware())
    assert amount >= Fraction(grams) * 32_000 / 1_000_000 * coverage_percent / 100


def test_the_version_a_plan_names_decides_the_method() -> None:
    some = carbon_range(58_100)
    assert amount_cents("2026-05", 1_000_000, some, 100) == 25
    assert amount_cents("2026-05", 1_000_000, None, 100) == 25
    assert amount_cents("2026.11", 1_000_000, some, 100) == 2_000


def test_what_a_method_needs_has_to_be_there() -> None:
    with pytest.raises(InvalidInput) as unknown:
        amount_cents("2019-01", 1, None, 100)
    assert "method_version" in unknown.value.errors
    with pytest.raises(ValueError, match="prices carbon"):
        amount_cents("2026.11", 1_000_000, None, 100)
    with pytest.raises(ValueError, match="fewer than no tokens"):
        amount_cents("2026-05", -1, None, 100)
    with pytest.raises(ValueError, match="negative"):
        amount_cents("2026.11", 1, Range(Decimal(-1), Decimal(0), Decimal(1)), 100)


@pytest.mark.parametrize("coverage", [-1, 1001, 100.0, True, "100", None])
@pytest.mark.parametrize("version", ["2026-05", "2026.11"])
def test_a_coverage_out_of_range_is_refused(version: str, coverage: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        amount_cents(version, 1_000_000, carbon_range(1), coverage)  # type: ignore[arg-type]  # the refusal is the point
    assert refused.value.errors == {
        "coverage_percent": "The contribution level is a whole number of percent from 0 to"
        " 1,000, where 100 is the 1x rate."
    }
