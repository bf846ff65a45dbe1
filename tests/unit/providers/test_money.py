from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_tokenoffset.errors import MalformedAnswer
from flask_tokenoffset.providers.money import (
    exact_nano_usd_from_cents_texts,
    exact_nano_usd_from_dollars,
    nano_usd_from_cents_text,
    nano_usd_from_dollars,
    require_usd,
    rounded_nano_usd,
    within_column,
)
from flask_tokenoffset.providers.rows import merged_costs


def nano_usd_from_cents_texts(amounts: list[object]) -> list[int]:
    """Many amounts of one day, each on a line of its own."""
    return rounded_nano_usd(exact_nano_usd_from_cents_texts(amounts))


@pytest.mark.parametrize(
    ("cents", "nano_usd"),
    [
        ("123.45", 1_234_500_000),  # Anthropic's worked value: $1.23 when shown
        ("41280.000000", 412_800_000_000),  # Anthropic's worked value: $412.80
        ("83391.52823", 833_915_282_300),
        ("0", 0),
        ("-0.5", -5_000_000),
        ("0.00000005", 0),  # half a nano-dollar rounds to even
        ("0.00000015", 2),
        # Whatever notation, it is one exact number.
        ("+1.5", 15_000_000),
        (".5", 5_000_000),
        ("5.", 50_000_000),
        ("1.5e2", 1_500_000_000),
        ("1.5E+0", 15_000_000),
        ("0E-6176", 0),
        ("-0.000e+99999999999999999999", 0),
        ("1E-6176", 0),
        ("0.362750000000000000000000000000000000", 3_627_500),
        ("000000000000000000123.45", 1_234_500_000),
        ("123456.789012345678901234567890", 1_234_567_890_123),
    ],
)
def test_cents_become_nano_dollars(cents: str, nano_usd: int) -> None:
    assert nano_usd_from_cents_text(cents) == nano_usd
    assert nano_usd_from_cents_texts(["1.5", cents, "2"]) == [15_000_000, nano_usd, 20_000_000]


@pytest.mark.parametrize(
    ("dollars", "nano_usd"),
    [
        (Decimal("0.06"), 60_000_000),
        (Decimal("0.13080438340307526"), 130_804_383),
        (Decimal("3E-7"), 300),
        (Decimal("1e-999999999"), 0),
        ("12.50", 12_500_000_000),
        ("0E-6176", 0),
        (Decimal("0E-6176"), 0),
        (Decimal("-0E+6000"), 0),
        ("0.003627500000000000000000000000000000", 3_627_500),
        (Decimal("0.003627500000000000000000000000000000"), 3_627_500),
        ("+.25E1", 2_500_000_000),
        ("1.5e2", 150_000_000_000),
        (7, 7_000_000_000),
        (Decimal("-4.25"), -4_250_000_000),
        (0, 0),
    ],
)
def test_dollars_become_nano_dollars(dollars: object, nano_usd: int) -> None:
    assert nano_usd_from_dollars(dollars) == nano_usd


@pytest.mark.parametrize(
    "amount",
    [
        *(
            None,
            "",
            " 1",
            "1 ",
            "1,000",
            "1_000",
            "NaN",
            "Infinity",
            "0x1",
            "\uff11\uff12",
            "$1",
            ".",
            "1e",
            "e5",
            "1.2.3",
            "--1",
            "1" * 200,
        ),
        *(True, 1.5, [], {}, b"1", "9" * 17, "1\n"),
    ],
)
def test_neither_unit_takes_what_is_not_a_decimal_number(amount: object) -> None:
    with pytest.raises(MalformedAnswer):
        nano_usd_from_cents_text(amount)
    with pytest.raises(MalformedAnswer):
        nano_usd_from_cents_texts(["1.5", amount])
    with pytest.raises(MalformedAnswer):
        nano_usd_from_dollars(amount)


@pytest.mark.parametrize("amounts", [["1\n2", ""], ["", "1\n2"], ["1\n"], ["1 2"]])
def test_an_amount_is_never_taken_for_two(amounts: list[object]) -> None:
    with pytest.raises(MalformedAnswer):
        nano_usd_from_cents_texts(amounts)


@pytest.mark.parametrize("cents", [123, Decimal("1.5")])
def test_cents_come_as_text_only(cents: object) -> None:
    with pytest.raises(MalformedAnswer):
        nano_usd_from_cents_text(cents)


@pytest.mark.parametrize(
    "dollars",
    [
        Decimal("1e999999999"),  # would fill the memory as an integer
        Decimal("NaN"),
        Decimal("Infinity"),
        Decimal("1e10"),
        10**10,
        "1e99",
        9_223_372_037,
    ],
)
def test_amounts_that_cannot_be_true_are_refused(dollars: object) -> None:
    with pytest.raises(MalformedAnswer):
        nano_usd_from_dollars(dollars)


def test_the_largest_amount_that_a_column_holds_is_the_largest_accepted() -> None:
    assert within_column(2**63 - 1) == 2**63 - 1
    assert within_column(1 - 2**63) == 1 - 2**63
    for beyond in (2**63, -(2**63)):
        with pytest.raises(MalformedAnswer):
            within_column(beyond)


@pytest.mark.parametrize("currency", ["USD", "usd"])
def test_us_dollars_are_accepted(currency: str) -> None:
    require_usd(currency)


@pytest.mark.parametrize("currency", ["EUR", "", None, "Usd ", 840, ["USD"]])
def test_every_other_currency_is_refused(currency: object) -> None:
    with pytest.raises(MalformedAnswer, match="not in US dollars"):
        require_usd(currency)


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=12))
def test_both_conversions_are_exact_to_the_nano_dollar(amount: Decimal) -> None:
    exact_dollars = Fraction(amount)
    assert nano_usd_from_dollars(amount) == round(exact_dollars * 10**9)
    assert nano_usd_from_cents_text(f"{amount:f}") == round(exact_dollars * 10**7)


@given(st.lists(st.decimals(min_value=-(10**6), max_value=10**6, places=14), max_size=20))
def test_equal_lines_of_a_day_are_added_up_exactly_and_rounded_once(amounts: list[Decimal]) -> None:
    exact = [exact_nano_usd_from_dollars(f"{abs(each):f}") for each in amounts]
    line: list[tuple[str, ...]] = [("input", "", "", "", "")] * len(exact)
    whole = round(sum((abs(Fraction(each)) for each in amounts), Fraction(0)) * 10**9)
    assert merged_costs(line, exact).figures == ([whole] if exact else [],)


@given(st.integers(min_value=-(10**17), max_value=10**17))
def test_every_nano_dollar_survives_the_way_through_both_units(nano_usd: int) -> None:
    dollars = Decimal(nano_usd).scaleb(-9)
    cents = Decimal(nano_usd).scaleb(-7)
    assert nano_usd_from_dollars(f"{dollars:f}") == nano_usd
    assert nano_usd_from_cents_text(f"{cents:f}") == nano_usd
    assert nano_usd_from_cents_texts([f"{cents:f}"]) == [nano_usd]
