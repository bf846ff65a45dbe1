"""The outlook reports what happened to others; it is no forecast and nothing is charged by it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_tokenoffset.methodology import Range, RecentUse, outlook
from flask_tokenoffset.methodology.next_month import MANY_PEOPLE, ONE_PERSON
from flask_tokenoffset.methodology.projection import DAYS_PER_MONTH


@pytest.mark.parametrize(
    ("seats", "low", "high"),
    [(None, 100, 9_600), (1, 100, 9_600), (19, 100, 9_600), (20, 200, 2_400), (500, 200, 2_400)],
)
def test_many_people_vary_less_than_one(seats: int | None, low: int, high: int) -> None:
    result = outlook(600, seats)
    assert (result.low_tokens, result.high_tokens) == (low, high)


@pytest.mark.parametrize(("seats", "width"), [(None, ONE_PERSON), (25, MANY_PEOPLE)])
def test_it_says_what_share_such_ranges_held_and_of_what(seats: int | None, width: object) -> None:
    result = outlook(1_200_000, seats)
    assert width in (ONE_PERSON, MANY_PEOPLE)
    chosen = MANY_PEOPLE if seats else ONE_PERSON
    assert result.covered_percent == chosen.covered_percent
    assert f"held {chosen.covered_percent} % of {chosen.evidence}." in result.sentence
    assert ("an organization of 25 people" in result.sentence) is (seats == 25)


def test_it_is_worded_as_what_was_seen() -> None:
    assert outlook(1_200_000).sentence.startswith(
        "The use of one person may move this far from one month to the next: to between 200,000 and"
        " 19,000,000 tokens."
    )


@given(st.integers(1, 10**15), st.none() | st.integers(0, 100), st.integers(0, 10**15))
def test_this_month_and_the_accounts_own_past_lie_within_it(
    tokens: int, seats: int | None, pace: int
) -> None:
    result = outlook(tokens, seats, RecentUse(pace, pace // 2, pace * 2))
    assert result.low_tokens <= min(tokens, pace // 2)
    assert result.high_tokens >= max(tokens, pace * 2)


@pytest.mark.parametrize("seats", [None, 30])
def test_a_silent_month_is_said_in_words_and_not_as_nothing_to_nothing(seats: int | None) -> None:
    result = outlook(0, seats, RecentUse(0, 0, 5_000_000))
    assert (result.low_tokens, result.high_tokens) == (0, 5_000_000)
    assert result.covered_percent is None
    assert "Nothing was used in the latest month" in result.sentence
    assert "5,000,000 tokens a month" in result.sentence
    assert "between" not in outlook(0, seats).sentence


@pytest.mark.parametrize(
    ("last_week", "word"), [(4_000_000, "far above"), (0, "far below"), (1_000_000, None)]
)
def test_a_step_of_the_last_days_is_told_apart(last_week: int, word: str | None) -> None:
    sentence = outlook(1_000_000, None, RecentUse(last_week)).sentence
    assert ("The last seven days ran" in sentence) is (word is not None)
    assert word is None or word in sentence


@pytest.mark.parametrize("weeks", [2, 3, 4])
def test_a_step_is_measured_against_the_other_weeks_of_a_short_history_too(weeks: int) -> None:
    quiet, busy = 700_000, 14_000_000
    month = round((quiet * (weeks - 1) + busy) * DAYS_PER_MONTH / (7 * weeks))
    recent = RecentUse.of_window(busy, None, basis_days=7 * weeks)
    sentence = outlook(month, None, recent).sentence
    # 700,000 x 30.44 / 7 = 3,044,000
    assert "far above the weeks before" in sentence
    assert "against 3,000,000" in sentence


def test_it_widens_physical_figures_in_log_space() -> None:
    certain = Range.exactly(Decimal(12))
    assert outlook(1).widen(certain) == Range(Decimal(2), Decimal(12), Decimal(192))
    doubtful = Range(Decimal(5), Decimal(10), Decimal(40))
    wide = outlook(1).widen(doubtful)
    assert Decimal(0) < wide.low < 5
    assert 160 < wide.high < 640


def test_a_negative_month_is_refused() -> None:
    with pytest.raises(ValueError, match="fewer than no tokens"):
        outlook(-1)
