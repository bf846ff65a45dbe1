"""Figures in the words of a reader."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_tokenoffset.methodology import (
    Quantity,
    Range,
    describe,
    describe_range,
    figure,
    percent,
    percents,
    significant,
)


@pytest.mark.parametrize(
    ("low", "central", "high", "quantity", "words"),
    [
        ("1308", "4955", "14312", "ENERGY", "between 1.3 and 14 kWh, most likely 5.0 kWh"),
        ("19.7", "88.8", "262", "ENERGY", "between 20 and 260 Wh, most likely 89 Wh"),
        ("160197", "651320", "1993296", "ENERGY", "between 160 and 2,000 kWh, most likely 650 kWh"),
        ("435", "2370", "7470", "WATER", "between 0.44 and 7.5 L, most likely 2.4 L"),
        ("1e6", "2e6", "3e6", "WATER", "between 1.0 and 3.0 m³, most likely 2.0 m³"),
        ("528", "2110", "6160", "CARBON", "between 0.53 and 6.2 kg, most likely 2.1 kg"),
        ("1e6", "2.5e6", "4e6", "CARBON", "between 1.0 and 4.0 t, most likely 2.5 t"),
        ("5", "5", "5", "CARBON", "about 5.0 g"),
        ("0", "0", "0", "ENERGY", "about 0 Wh"),
    ],
)
def test_a_range_in_words(low: str, central: str, high: str, quantity: str, words: str) -> None:
    value = Range(Decimal(low), Decimal(central), Decimal(high))
    assert describe_range(value, Quantity[quantity]) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [("994", "990 Wh"), ("996", "1.0 kWh"), ("0.0296", "0.030 Wh"), ("3e9", "3.0 GWh")],
)
def test_the_unit_follows_the_figure_that_is_shown(value: str, words: str) -> None:
    assert describe(Decimal(value), Quantity.ENERGY) == words


@given(st.decimals("0.000001", "1e15", places=6))
def test_two_digits_are_within_a_twentieth_of_the_value(value: Decimal) -> None:
    shown = significant(value)
    assert abs(shown - value) * 20 <= value
    assert len(shown.as_tuple().digits) == 2
    assert Decimal(figure(value).replace(",", "")) == shown


@pytest.mark.parametrize(
    ("share", "words"),
    [
        ("0", "0 %"),
        ("0.0001", "less than 1 %"),
        ("0.3841", "38 %"),
        ("0.9999", "more than 99 %"),
        ("1", "100 %"),
    ],
)
def test_a_share_is_never_said_to_be_nothing_or_all_when_it_is_not(share: str, words: str) -> None:
    assert percent(Decimal(share)) == words


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ((1, 1, 1), ("34 %", "33 %", "33 %")),
        ((914, 42, 36, 8), ("91 %", "4 %", "4 %", "1 %")),
        ((9999, 1), ("more than 99 %", "less than 1 %")),
        ((5, 0), ("100 %", "0 %")),
        ((0, 0), ("0 %", "0 %")),
    ],
)
def test_shares_of_a_whole_are_rounded_together(
    parts: tuple[int, ...], words: tuple[str, ...]
) -> None:
    assert percents(parts) == words


@given(st.lists(st.integers(0, 10**15), min_size=1, max_size=8).filter(any))
def test_shares_of_a_whole_add_up_to_a_hundred(parts: list[int]) -> None:
    counted = {"less than 1 %": 0, "more than 99 %": 100}
    shown = [
        counted.get(share, int(share.split()[0]) if share[0].isdigit() else 0)
        for share in percents(parts)
    ]
    assert sum(shown) == 100
    for each, part in zip(shown, parts, strict=True):
        assert abs(each * sum(parts) - part * 100) < sum(parts)
