"""The published bands."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.methodology import TokenCounts, band, band_for, bands


def test_ranges_and_midpoints_are_the_promised_ones() -> None:
    assert [(b.name, b.low_tokens, b.high_tokens, b.midpoint_tokens) for b in bands()] == [
        ("Casual", 0, 2_000_000, 300_000),
        ("Worker", 2_000_000, 20_000_000, 5_000_000),
        ("Agentic", 20_000_000, 500_000_000, 140_000_000),
        ("Extreme", 500_000_000, None, 1_500_000_000),
    ]


def test_the_bands_leave_no_gap_and_each_mix_is_whole() -> None:
    for lower, upper in pairwise(bands()):
        assert lower.high_tokens == upper.low_tokens
    for each in bands():
        assert sum(each.mix_percent.values()) == 100
        assert each.sources
        assert band_for(each.midpoint_tokens) == each


def test_the_midpoint_is_split_by_the_mix() -> None:
    assert band("agentic").midpoint == TokenCounts(5_600_000, 128_800_000, 4_900_000, 700_000)


@pytest.mark.parametrize(
    ("tokens", "key"),
    [
        (0, "casual"),
        (2_000_000, "casual"),
        (2_000_001, "worker"),
        (20_000_000, "worker"),
        (20_000_001, "agentic"),
        (500_000_000, "agentic"),
        (500_000_001, "extreme"),
        (10**15, "extreme"),
    ],
)
def test_an_upper_edge_still_belongs_to_its_band(tokens: int, key: str) -> None:
    assert band_for(tokens).key == key


@given(st.integers(0, 10**13), st.sampled_from([b.key for b in bands()]))
def test_splitting_a_total_keeps_every_token(tokens: int, key: str) -> None:
    assert band(key).split(tokens).total == tokens


def test_an_unknown_band_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidInput) as refused:
        band("Agentic")
    assert "casual, worker, agentic, extreme" in refused.value.errors["band"]


def test_a_negative_use_has_no_band() -> None:
    with pytest.raises(ValueError, match="fewer than no tokens"):
        band_for(-1)
