"""What was measured becomes tokens a month; what was not is never made up."""

from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_tokenoffset.clock import DayRange
from flask_tokenoffset.methodology import (
    DailySeries,
    DayUsage,
    NoProjection,
    NoProjectionReason,
    Note,
    NoteCode,
    Projection,
    QualityTier,
    TokenCounts,
    project,
)

START = date(2026, 6, 1)
MONTH = Fraction("30.44")
STEADY = TokenCounts(100, 2_000, 30, 4)


def day(at: int) -> date:
    return START + timedelta(at)


def series(
    days: int,
    use: Callable[[int], TokenCounts] = lambda _: STEADY,
    *,
    unknown: frozenset[int] = frozenset(),
    cost_nano_usd: int | None = 5,
) -> DailySeries:
    known = {
        day(at): DayUsage({"model": use(at)}, cost_nano_usd)
        for at in range(days)
        if at not in unknown
    }
    return DailySeries(DayRange(START, day(days)), known)


def projected(of: DailySeries) -> Projection:
    result = project(of)
    assert isinstance(result, Projection), result
    return result


def refused(of: DailySeries) -> NoProjection:
    result = project(of)
    assert isinstance(result, NoProjection), result
    return result


def note(of: Projection, code: NoteCode) -> Note:
    return next(note for note in of.notes if note.code is code)


def codes(of: Projection) -> set[NoteCode]:
    return {note.code for note in of.notes}


@given(st.builds(TokenCounts, *[st.integers(0, 10**10)] * 4).filter(lambda t: t.total))
def test_constant_use_is_projected_as_itself_times_a_mean_month(tokens: TokenCounts) -> None:
    result = projected(series(90, lambda _: tokens))
    assert result.tokens_per_month == tokens.scaled(MONTH)
    assert result.mean_tokens_per_month == round(tokens.total * MONTH)
    assert result.quality_tier is QualityTier.MEASURED_28_DAYS
    assert result.rolling is not None
    assert (
        result.rolling.smallest_tokens
        == result.rolling.median_tokens
        == result.rolling.largest_tokens
        == tokens.total * 28
    )
    assert result.rolling.count == 63
    assert result.notes == ()


def test_only_the_last_four_weeks_count_for_the_central_value() -> None:
    result = projected(series(90, lambda at: STEADY if at >= 62 else TokenCounts(10**9)))
    assert result.tokens_per_month == STEADY.scaled(MONTH)
    assert (result.basis_start, result.basis_end) == (day(62), day(90))
    assert (result.window_start, result.window_end) == (day(0), day(90))


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["claude-opus-5", "gpt-6", "o3-pro"]),
            st.builds(TokenCounts, *[st.integers(0, 10**7)] * 4),
        ),
        min_size=14,
        max_size=90,
    )
)
def test_kinds_and_models_always_add_up_and_growth_is_never_invented(
    days: list[dict[str, TokenCounts]],
) -> None:
    known = {day(at): DayUsage(by_model) for at, by_model in enumerate(days)}
    result = project(DailySeries(DayRange(START, day(len(days))), known))
    if isinstance(result, NoProjection):
        return
    monthly = result.tokens_per_month
    assert monthly == TokenCounts.sum(result.tokens_per_month_by_model.values())
    basis_days = (result.basis_end - result.basis_start).days
    assert monthly.total == round(result.basis_tokens.total * MONTH / basis_days)
    busiest = max(sum(tokens.total for tokens in by_model.values()) for by_model in days)
    assert monthly.total <= round(busiest * MONTH)
    if result.rolling is not None:
        rolling = result.rolling
        assert rolling.smallest_tokens <= rolling.median_tokens <= rolling.largest_tokens
        assert rolling.smallest_tokens <= result.basis_tokens.total <= rolling.largest_tokens


@pytest.mark.parametrize("phase", range(7))
def test_weekday_only_use_gives_the_same_month_on_every_weekday_of_sampling(phase: int) -> None:
    # Five days in seven are worked, whichever weekday the window ends on.
    result = projected(
        series(90, lambda at: STEADY if (at + phase) % 7 < 5 else TokenCounts.zero())
    )
    assert result.tokens_per_month == STEADY.scaled(MONTH * 5 / 7)


def test_rising_use_is_not_carried_on() -> None:
    result = projected(series(90, TokenCounts))
    assert result.tokens_per_month.total == round(sum(range(62, 90)) * MONTH / 28)


def test_models_and_kinds_are_kept_apart() -> None:
    known = {
        day(at): DayUsage({"a": TokenCounts(at % 7, 0, 0, 1), "b": TokenCounts(0, 1000, 0, 3)})
        for at in range(90)
    }
    result = projected(DailySeries(DayRange(START, day(90)), known))
    assert list(result.tokens_per_month_by_model) == ["a", "b"]
    assert result.tokens_per_month_by_model["b"] == TokenCounts(0, 30_440, 0, 91)
    assert result.tokens_per_month_by_model["a"].cached_input_tokens == 0


def test_days_before_the_first_use_are_not_days_without_use() -> None:
    result = projected(series(90, lambda at: STEADY if at >= 69 else TokenCounts.zero()))
    assert result.quality_tier is QualityTier.SHORT_HISTORY
    assert result.first_use == day(69)
    assert result.days_covered == 21
    assert result.tokens_per_month == STEADY.scaled(MONTH)
    assert result.mean_tokens_per_month == round(STEADY.total * MONTH)
    assert result.rolling is None


def test_days_without_use_after_the_first_one_are_counted() -> None:
    result = projected(series(90, lambda at: STEADY if at % 2 else TokenCounts.zero()))
    assert result.tokens_per_month == STEADY.scaled(MONTH / 2)
    assert result.active_days == 45


def test_a_short_history_rests_on_whole_weeks_and_says_so() -> None:
    # 27 days: the first 6 are no whole week, and hold a use unlike the rest.
    result = projected(series(27, lambda at: TokenCounts(10**6) if at < 6 else STEADY))
    assert result.quality_tier is QualityTier.SHORT_HISTORY
    assert result.basis_start == day(6)
    assert result.tokens_per_month == STEADY.scaled(MONTH)
    assert "3 whole weeks" in note(result, NoteCode.SHORT_HISTORY).sentence


@pytest.mark.parametrize(
    ("days", "tier"),
    [(14, "short_history"), (27, "short_history"), (28, "measured_28_days")],
)
def test_the_tier_follows_the_length_of_the_history(days: int, tier: str) -> None:
    assert projected(series(days)).quality_tier.value == tier


def test_under_fourteen_days_there_is_no_estimate() -> None:
    result = refused(series(13))
    assert result.reason_code is NoProjectionReason.TOO_FEW_DAYS
    assert "Only 13 days" in result.sentence
    assert "band" in result.sentence
    # The window may be long: it is the history that counts.
    late = series(90, lambda at: STEADY if at >= 77 else TokenCounts.zero())
    assert refused(late).reason_code is NoProjectionReason.TOO_FEW_DAYS
    assert "13 days ago" in refused(late).sentence


def test_under_three_active_days_there_is_no_estimate() -> None:
    def on(*days: int) -> DailySeries:
        return series(90, lambda at: STEADY if at in days else TokenCounts.zero())

    assert refused(on(3, 80)).reason_code is NoProjectionReason.TOO_FEW_ACTIVE_DAYS
    assert projected(on(3, 70, 80)).active_days == 3
    assert refused(on()).reason_code is NoProjectionReason.NO_USE


def test_with_more_than_a_tenth_of_the_days_unknown_there_is_no_estimate() -> None:
    ten = refused(series(90, unknown=frozenset(range(10))))
    assert ten.reason_code is NoProjectionReason.UNKNOWN_DAYS
    assert "10 of 90 days" in ten.sentence
    assert projected(series(90, unknown=frozenset(range(9)))).unknown_days == tuple(
        day(at) for at in range(9)
    )


def test_an_unknown_day_is_neither_filled_nor_averaged_over() -> None:
    # Before the unknown day 3 tokens a day were used, after it 5 a day.
    result = projected(
        series(90, lambda at: TokenCounts(3 if at < 80 else 5), unknown=frozenset([80]))
    )
    assert (result.basis_start, result.basis_end) == (day(52), day(80))
    assert result.tokens_per_month.total == round(3 * MONTH)
    assert result.quality_tier is QualityTier.MEASURED_28_DAYS
    assert "newest 10 days" in note(result, NoteCode.BASIS_ENDS_EARLY).sentence
    assert "1 day of 90" in note(result, NoteCode.UNKNOWN_DAYS).sentence
    assert note(result, NoteCode.UNKNOWN_DAYS).days == (day(80),)
    assert result.mean_tokens_per_month is None
    assert result.rolling is not None
    assert result.rolling.largest_tokens == 84


def test_without_28_known_days_in_a_row_the_latest_whole_weeks_stand_in() -> None:
    result = projected(series(90, unknown=frozenset([20, 45, 70])))
    assert result.quality_tier is QualityTier.SHORT_HISTORY
    assert (result.basis_start, result.basis_end) == (day(76), day(90))
    assert result.rolling is None


def test_old_days_do_not_stand_in_for_a_month_that_could_not_be_read() -> None:
    # From day 50 on no fourteen known days stand in a row.
    unknown = frozenset([50, 58, 66, 74, 82])
    assert refused(series(90, unknown=unknown)).reason_code is NoProjectionReason.UNKNOWN_DAYS


def test_use_that_has_ended_is_projected_as_none_and_said() -> None:
    result = projected(series(90, lambda at: STEADY if at < 50 else TokenCounts.zero()))
    assert result.tokens_per_month == TokenCounts.zero()
    assert result.tokens_per_month_by_model == {}
    assert NoteCode.NO_RECENT_USE in codes(result)


def test_outlier_days_stay_in_and_are_named() -> None:
    # Of 57 tokens in four weeks, 30 fell on one.
    result = projected(series(90, lambda at: TokenCounts(30 if at == 75 else 1)))
    assert result.basis_tokens.total == 57
    named = note(result, NoteCode.OUTLIER_DAYS)
    assert named.days == (day(75),)
    assert named.sentence == "1 day made up 53 % of this estimate (15 August 2026)."


@pytest.mark.parametrize(("busiest", "named"), [(2, False), (4, True)])
def test_a_day_below_a_tenth_of_the_month_is_not_named(busiest: int, named: bool) -> None:
    # Beside 27 days of one token, 2 are 7 % and 4 are 13 %.
    result = projected(series(90, lambda at: TokenCounts(busiest if at == 75 else 1)))
    assert (NoteCode.OUTLIER_DAYS in codes(result)) is named


def test_a_person_who_works_a_few_days_a_month_has_no_outliers() -> None:
    result = projected(series(90, lambda at: STEADY if at % 6 == 0 else TokenCounts.zero()))
    assert NoteCode.OUTLIER_DAYS not in codes(result)


def test_the_vendors_charge_is_scaled_like_the_tokens() -> None:
    result = projected(series(90, cost_nano_usd=1_000))
    assert result.basis_cost_nano_usd == 28_000
    assert result.cost_nano_usd_per_month == 30_440


def test_a_charge_that_is_not_known_is_not_made_up() -> None:
    result = projected(series(90, cost_nano_usd=None))
    assert result.basis_cost_nano_usd is None
    assert result.cost_nano_usd_per_month is None
    assert NoteCode.COST_UNKNOWN in codes(result)


def test_a_series_is_gathered_from_rows() -> None:
    window = DayRange(START, day(3))
    gathered = DailySeries.from_rows(
        window,
        [day(0), day(1)],
        [
            (day(0), "a", TokenCounts(1)),
            (day(0), "a", TokenCounts(2)),
            (day(0), "b", TokenCounts(output_tokens=7)),
            # A row of a day that was not read in full counts for nothing.
            (day(2), "a", TokenCounts(100)),
        ],
        [(day(0), 40), (day(0), 2)],
    )
    assert gathered.known[day(0)] == DayUsage(
        {"a": TokenCounts(3), "b": TokenCounts(output_tokens=7)}, 42
    )
    assert gathered.known[day(1)] == DayUsage({}, 0)
    assert gathered.unknown == (day(2),)
    without_cost = DailySeries.from_rows(window, [day(0)], [])
    assert without_cost.known[day(0)].cost_nano_usd is None


def test_an_unread_day_cost_what_the_vendor_says_and_nothing_only_where_it_says_so() -> None:
    days = [day(at) for at in range(4)]
    gathered = DailySeries.from_rows(
        DayRange(START, day(4)), [day(0)], [], [(day(1), 5), (day(2), 0)], cost_days=days
    )
    assert [gathered.cost_of(each) for each in days] == [0, 5, 0, None]
    assert gathered.cost_unknown == (day(3),)


def test_a_day_outside_the_window_is_refused() -> None:
    with pytest.raises(ValueError, match="outside the window"):
        DailySeries(DayRange(START, day(3)), {day(3): DayUsage()})
    with pytest.raises(ValueError, match="no day"):
        DayRange(START, START)
