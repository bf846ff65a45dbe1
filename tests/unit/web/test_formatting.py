from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_tokenoffset import formatting
from flask_tokenoffset.methodology import Quantity, Range

SPACE = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("cents", "written"),
    [(0, "$0.00"), (8, "$0.08"), (1250, "$12.50"), (123_456_789, "$1,234,567.89"), (-5, "-$0.05")],
)
def test_an_amount_is_written_in_dollars_and_cents(cents: int, written: str) -> None:
    assert formatting.money_cents(cents) == written


@given(st.integers(min_value=-(10**15), max_value=10**15))
def test_no_cent_is_lost_in_writing(cents: int) -> None:
    written = formatting.money_cents(cents)
    assert Decimal(written.replace("$", "").replace(",", "")) * 100 == cents


@pytest.mark.parametrize(
    ("amount_nano_usd", "written"),
    [
        (0, "$0.00"),
        (1, "less than $0.01"),
        (9_999_999, "less than $0.01"),
        (10_000_000, "$0.01"),
        (412_800_000_000, "$412.80"),
        (412_804_999_999, "$412.80"),
        (412_805_000_001, "$412.81"),
        (-1, "a credit of less than $0.01"),
        (-1_200_000_000, "-$1.20"),
    ],
)
def test_a_vendors_cost_is_rounded_to_the_cent(amount_nano_usd: int, written: str) -> None:
    assert formatting.nano_usd(amount_nano_usd) == written


@pytest.mark.parametrize(
    ("count", "written", "short"),
    [
        (0, "0", "0"),
        (999, "999", "999"),
        (300_000, "300,000", "300k"),
        (999_999, "999,999", "1M"),
        (1_000_000, f"1{SPACE}million", "1M"),
        (140_000_000, f"140{SPACE}million", "140M"),
        (1_500_000_000, f"1.5{SPACE}billion", "1.5B"),
        (12_345_678, f"12.3{SPACE}million", "12.3M"),
        (999_600_000, f"1{SPACE}billion", "1B"),
        (7_000_000_000_000, f"7{SPACE}trillion", "7T"),
        (10**19, f"10,000{SPACE}quadrillion", "10,000Q"),
    ],
)
def test_tokens_are_written_as_people_say_them(count: int, written: str, short: str) -> None:
    assert formatting.tokens(count) == written
    assert formatting.tokens_short(count) == short


@pytest.mark.parametrize(
    ("low", "high", "written"),
    [
        (0, 2_000_000, f"up to 2{SPACE}million"),
        (2_000_000, 20_000_000, f"2 to 20{SPACE}million"),
        (500_000_000, 1_500_000_000, f"500{SPACE}million to 1.5{SPACE}billion"),
        (300_000, 2_000_000, f"300,000 to 2{SPACE}million"),
        (500_000_000, None, f"over 500{SPACE}million"),
    ],
)
def test_a_range_of_tokens_says_its_scale_once(low: int, high: int | None, written: str) -> None:
    assert formatting.tokens_range(low, high) == written


@given(st.integers(min_value=0, max_value=10**17))
def test_shortened_tokens_are_within_half_a_percent(count: int) -> None:
    figure, _, scale = formatting.tokens(count).replace(",", "").partition(SPACE)
    powers = {"": 0, "million": 6, "billion": 9, "trillion": 12, "quadrillion": 15}
    shown = Decimal(figure).scaleb(powers[scale])
    assert abs(shown - count) * 200 <= count


def test_whole_numbers_and_shares_have_separators() -> None:
    assert formatting.integer(1_500_000) == "1,500,000"
    assert formatting.percent(150) == f"150{SPACE}%"
    assert formatting.percent(1000) == f"1,000{SPACE}%"


def test_days_are_written_out() -> None:
    day = date(2026, 11, 5)
    assert formatting.date(day) == "5 November 2026"
    assert formatting.short_date(day) == "5 Nov"
    assert formatting.month(day) == "November 2026"


def test_a_moment_is_shown_in_utc() -> None:
    moment = datetime(2026, 11, 5, 23, 30, tzinfo=timezone(timedelta(hours=-2)))
    assert formatting.datetime_utc(moment) == f"6 November 2026, 01:30{SPACE}UTC"
    assert formatting.datetime_utc(datetime(2026, 1, 2, 3, 4, tzinfo=UTC)).endswith(
        f"03:04{SPACE}UTC"
    )


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        formatting.datetime_utc(datetime(2026, 11, 5, 8))  # noqa: DTZ001 - the refused case


def test_a_range_keeps_its_numbers_and_units_together() -> None:
    energy = Range(Decimal(1300), Decimal(5000), Decimal(14000))
    expected = f"between 1.3 and 14{SPACE}kWh, most likely 5.0{SPACE}kWh"
    assert formatting.quantity_range(energy, "energy") == expected
    assert formatting.quantity_range(energy, Quantity.ENERGY) == expected
    assert formatting.quantity(Decimal(5000), "energy") == f"5.0{SPACE}kWh"
    assert formatting.quantity(Decimal(250), "carbon") == f"250{SPACE}g"


def test_an_unknown_quantity_is_refused() -> None:
    with pytest.raises(KeyError):
        formatting.quantity(Decimal(1), "joy")


@pytest.mark.parametrize(
    ("whole_percent", "level"),
    [(0, "0x"), (5, "0.05x"), (50, "0.5x"), (100, "1x"), (225, "2.25x"), (1000, "10x")],
)
def test_a_contribution_level_says_how_many_times_the_rate(whole_percent: int, level: str) -> None:
    assert formatting.contribution_level(whole_percent) == f"{level}\N{NO-BREAK SPACE}rate"


def test_a_method_is_called_as_beside_the_amounts() -> None:
    assert formatting.method_name("2026-05") == "Flat rate, 2026-05"
    assert formatting.method_name("2026.11") == "Detailed, 2026.11"
