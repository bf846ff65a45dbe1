"""Numbers of cards and bank accounts are found however they are written, and no others are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.services.shared.free_text import refuse_account_numbers

#: The numbers that card schemes publish for tests, and the examples of the IBAN registry.
CARDS = (
    "4222222222222",  # 13 digits
    "30569309025904",  # 14
    "378282246310005",  # 15
    "4111111111111111",  # 16
    "5555555555554444",
    "6011000990139424",
    "6304000000000000000",  # 19
)
ACCOUNTS = (
    "NO9386011117947",
    "BE68539007547034",
    "DE89370400440532013000",
    "GB29NWBK60161331926819",
    "FR1420041010050500013M02606",
    "MT84MALT011000012345MTLCAST001S",
)


def refused(text: str) -> bool:
    try:
        refuse_account_numbers(text, field="label", label="label")
    except InvalidInput:
        return True
    return False


def grouped(number: str, separator: str, size: int = 4) -> str:
    return separator.join(number[start : start + size] for start in range(0, len(number), size))


@pytest.mark.promise("TO-035")
@pytest.mark.parametrize("number", [*CARDS, *ACCOUNTS])
@pytest.mark.parametrize(
    "separator", ["", " ", "-", ".", " - ", "\u00a0", "\u2009", "\u200b", "\u2013"]
)
def test_a_number_is_found_however_it_is_grouped(number: str, separator: str) -> None:
    written = grouped(number, separator)
    assert refused(written)
    assert refused(f"My account, {written}, of 2026-11-20")
    assert refused(f"2026 {written} 12")


def test_the_refusal_names_the_field_and_does_not_repeat_the_number() -> None:
    with pytest.raises(InvalidInput) as refusal:
        refuse_account_numbers(CARDS[3], field="label", label="label")
    assert set(refusal.value.errors) == {"label"}
    assert refusal.value.errors["label"].startswith("The label holds what looks like the number")
    assert CARDS[3] not in repr(refusal.value.errors)


@pytest.mark.promise("TO-035")
def test_a_number_in_other_digits_and_small_letters_is_found() -> None:
    assert refused("".join(chr(ord("\N{FULLWIDTH DIGIT ZERO}") + int(d)) for d in CARDS[3]))
    assert refused("".join(chr(ord("\N{ARABIC-INDIC DIGIT ZERO}") + int(d)) for d in CARDS[3]))
    assert refused(ACCOUNTS[2].lower())
    assert refused(f"please use {ACCOUNTS[2]} from now on")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Team of 12, founded 2026-11-20",
        "4111111111111112",  # A wrong check digit.
        "411111111111",  # Twelve digits.
        "DE89370400440532013001",
        "EU27 Sustainability reporting of all members",
        "AB12 Laboratory for measuring things of any kind",
        "+41 44 668 18 00",
        "10.1000/xyz123",
        "9f86d081-884c-4d65-9a2f-eaa0c55ad015",
        "claude-sonnet-4-5-20250929",
        "De 12 vrienden van Amsterdam en omstreken",
    ],
)
def test_what_is_no_such_number_is_left_alone(text: str) -> None:
    assert not refused(text)


def check_digit(digits: str) -> str:
    """Luhn's, by the definition and not as the code has it."""
    doubled = [int(each) for each in digits]
    for place in range(len(doubled) - 1, -1, -2):
        doubled[place] = sum(divmod(doubled[place] * 2, 10))
    return str(-sum(doubled) % 10)


@pytest.mark.promise("TO-035")
@given(st.text("0123456789", min_size=12, max_size=18), st.integers(1, 9))
def test_every_number_with_a_right_check_digit_is_found_and_with_a_wrong_one_not(
    digits: str, off_by: int
) -> None:
    right = check_digit(digits)
    assert refused(digits + right)
    assert not refused(digits + str((int(right) + off_by) % 10))
