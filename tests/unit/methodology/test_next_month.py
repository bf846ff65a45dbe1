"""The outlook reports what happened to others; it is no forecast and nothing is charged by it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_tokenoffset.methodology import Range, outlook


@pytest.mark.parametrize(
    ("seats", "low", "high"),
    [(None, 300, 2_400), (1, 300, 2_400), (19, 300, 2_400), (20, 400, 1_200), (500, 400, 1_200)],
)
def test_many_people_vary_less_than_one(seats: int | None, low: int, high: int) -> None:
    result = outlook(600, seats)
    assert (result.low_tokens, result.high_tokens) == (low, high)


def test_it_is_worded_as_what_was_seen() -> None:
    assert outlook(1_000_000).sentence == (
        "Use like yours has moved this much from one month to the next: to between 500,000 and"
        " 4,000,000 tokens."
    )


@given(st.integers(0, 10**15), st.none() | st.integers(0, 100))
def test_this_month_lies_within_it(tokens: int, seats: int | None) -> None:
    result = outlook(tokens, seats)
    assert result.low_tokens <= tokens <= result.high_tokens


def test_it_widens_physical_figures_in_log_space() -> None:
    certain = Range.exactly(Decimal(10))
    assert outlook(1).widen(certain) == Range(Decimal(5), Decimal(10), Decimal(40))
    doubtful = Range(Decimal(5), Decimal(10), Decimal(40))
    wide = outlook(1).widen(doubtful)
    assert Decimal(0) < wide.low < 5
    assert 40 < wide.high < 160


def test_a_negative_month_is_refused() -> None:
    with pytest.raises(ValueError, match="fewer than no tokens"):
        outlook(-1)
