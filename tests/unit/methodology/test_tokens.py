"""Counting tokens never loses or gains one."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_tokenoffset.methodology import TokenCounts, TokenKind
from flask_tokenoffset.methodology.tokens import apportion

counts = st.integers(min_value=0, max_value=10**15)
token_counts = st.builds(TokenCounts, counts, counts, counts, counts)
factors = st.fractions(min_value=0, max_value=100, max_denominator=10_000)


def test_the_kinds_are_told_apart_and_add_up() -> None:
    tokens = TokenCounts(1, 20, 300, 4000)
    assert [tokens.of(kind) for kind in TokenKind] == [1, 20, 300, 4000]
    assert tokens.total == 4321
    assert tokens + TokenCounts(output_tokens=1) == TokenCounts(1, 20, 300, 4001)


@given(st.lists(token_counts))
def test_a_sum_holds_every_token_of_every_kind(many: list[TokenCounts]) -> None:
    whole = TokenCounts.sum(many)
    for kind in TokenKind:
        assert whole.of(kind) == sum(tokens.of(kind) for tokens in many)
    assert whole + TokenCounts.zero() == whole


@given(token_counts, factors)
def test_scaled_kinds_add_up_and_none_is_off_by_a_whole_token(
    tokens: TokenCounts, factor: Fraction
) -> None:
    scaled = tokens.scaled(factor)
    assert scaled.total == round(tokens.total * factor)
    for kind in TokenKind:
        assert abs(scaled.of(kind) - tokens.of(kind) * factor) < 1


@given(st.integers(0, 10**12), st.lists(st.integers(0, 10**9), min_size=1).filter(any))
def test_sharing_out_gives_everything_away_and_nothing_to_those_without_weight(
    total: int, weights: list[int]
) -> None:
    parts = apportion(total, weights)
    assert sum(parts) == total
    assert all(not part for part, weight in zip(parts, weights, strict=True) if not weight)


def test_a_tie_goes_to_the_earlier_part() -> None:
    assert apportion(5, [1, 1]) == [3, 2]


def test_what_cannot_be_shared_out_is_refused() -> None:
    with pytest.raises(ValueError, match="every weight is zero"):
        apportion(1, [0, 0])
    with pytest.raises(ValueError, match="negative"):
        apportion(1, [2, -1])
    assert apportion(0, [0, 0]) == [0, 0]


@pytest.mark.parametrize("wrong", [1.0, True, "1"])
def test_a_count_that_is_not_a_whole_number_is_refused(wrong: object) -> None:
    with pytest.raises(TypeError, match="whole number"):
        TokenCounts(output_tokens=wrong)  # type: ignore[arg-type]  # the refusal is the point


def test_negative_counts_and_factors_are_refused() -> None:
    with pytest.raises(ValueError, match="cached_input tokens cannot be negative"):
        TokenCounts(cached_input_tokens=-1)
    with pytest.raises(ValueError, match="negative factor"):
        TokenCounts(1).scaled(-1)
