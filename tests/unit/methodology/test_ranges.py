"""A range keeps its order and does not depend on the machine."""

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_tokenoffset.methodology import Range
from flask_tokenoffset.methodology.ranges import combined

amounts = st.decimals("0", "1e12", places=6)
lows = st.decimals("0.01", "1", places=4)
highs = st.decimals("1", "50", places=4)
factors = st.lists(st.tuples(lows, highs), max_size=6)


@st.composite
def ranges(draw: st.DrawFn) -> Range:
    return Range(*sorted(draw(st.tuples(amounts, amounts, amounts))))


@given(ranges(), ranges(), amounts)
def test_adding_and_scaling_keep_the_order(one: Range, other: Range, factor: Decimal) -> None:
    for result in (one + other, one * factor, factor * one):
        assert result.low <= result.central <= result.high
    assert (one + other).central == one.central + other.central


@given(st.decimals("0.01", "1e12", places=6), factors)
def test_a_combined_range_is_wider_than_any_factor_and_narrower_than_all_at_once(
    central: Decimal, many: list[tuple[Decimal, Decimal]]
) -> None:
    result = combined(central, many)
    slack = Decimal("0.000002")
    worst = best = central
    for low, high in many:
        assert result.low <= central * low + slack
        assert result.high >= central * high - slack
        best, worst = best * low, worst * high
    assert result.high <= worst + slack
    assert result.low >= best - slack


def test_two_equal_factors_widen_by_the_root_of_two_in_log_space() -> None:
    result = combined(Decimal(1), [(Decimal("0.5"), Decimal(2))] * 2)
    # 2 to the power of the square root of 2.
    assert result == Range(Decimal("0.375214"), Decimal(1), Decimal("2.665144"))


def test_the_result_does_not_depend_on_the_precision_the_host_has_chosen() -> None:
    many = [(Decimal("0.3"), Decimal("2.7")), (Decimal("0.9"), Decimal("1.3"))]
    usual = combined(Decimal("651320.704335"), many)
    with localcontext() as host:
        host.prec = 3
        assert combined(Decimal("651320.704335"), many) == usual
        assert usual + usual == usual * 2


@given(ranges(), lows, highs)
def test_one_more_doubt_never_narrows_a_range(known: Range, low: Decimal, high: Decimal) -> None:
    wide = known.widened(low_factor=low, high_factor=high)
    slack = Decimal("0.000001")
    assert wide.low <= known.low + slack
    assert wide.high >= known.high - slack
    assert wide.central == known.central


@pytest.mark.parametrize(
    "ends", [("2", "1", "3"), ("1", "3", "2"), ("NaN", "1", "2"), ("1", "2", "Infinity")]
)
def test_a_range_out_of_order_is_refused(ends: tuple[str, str, str]) -> None:
    with pytest.raises(ValueError, match="from low to high"):
        Range(*map(Decimal, ends))


def test_a_range_is_not_turned_round_by_a_negative_factor() -> None:
    with pytest.raises(ValueError, match="negative factor"):
        Range.exactly(Decimal(1)) * -1
