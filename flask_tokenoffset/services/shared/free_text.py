"""What must not stand in any text that people type: numbers of payment cards and bank accounts.

Nobody is asked for one anywhere. Where a person types one all the same, for example into the name
of a source, it is refused instead of kept.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from unicodedata import category, decimal, normalize

from flask_tokenoffset.data_map.enforcement import enforces
from flask_tokenoffset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Digits of a primary account number: ISO/IEC 7812-1, and 13 of older Visa cards.
SHORTEST_CARD: Final = 13
LONGEST_CARD: Final = 19
#: What people put between groups of digits.
_SEPARATORS: Final = r"[\s._/\-\u00ad\u2010-\u2015\u2212]*"
_DIGITS: Final = re.compile(rf"\d(?:{_SEPARATORS}\d)*")
_GROUP: Final = re.compile(r"\d+")
#: ISO 13616: country, two check digits, and up to thirty letters and digits.
_ACCOUNT: Final = re.compile(
    rf"(?<![A-Z0-9])[A-Z]{{2}}\d{{2}}(?:{_SEPARATORS}[A-Z0-9]){{11,30}}", re.IGNORECASE
)
#: Characters of an account number by country, as the registry of ISO 13616 has them. Without them
#: any words after something like “EU27” would look like one.
_LENGTHS: Final[Mapping[str, int]] = {
    country: length
    for length, countries in {
        15: "NO",
        16: "BE",
        18: "DK FI FK FO GL NL SD",
        19: "MK SI",
        20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HU LB NI PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU YE",
        31: "MT SC",
        32: "LC",
        33: "RU",
    }.items()
    for country in countries.split()
}
_NINETY_SEVEN: Final = 97


@enforces("no-card-and-no-bank-account-in-free-text", "TO-035", off=None)
def refuse_account_numbers(text: str, *, field: str, label: str) -> None:
    """Refuse a text that holds the number of a payment card or of a bank account.

    :param text: what was typed.
    :param field: the field to name in a refusal.
    :param label: what the refusal calls it.
    :raises InvalidInput: it does; the refusal does not repeat the number.
    """
    plain = _plain(text)
    if holds_card_number(plain) or holds_bank_account(plain):
        raise InvalidInput(
            {
                field: f"The {label} holds what looks like the number of a payment card or a bank"
                " account. Nothing here needs one and none is kept, so take it out."
            }
        )


def holds_card_number(text: str) -> bool:
    """Whether there are 13 to 19 digits in a row, perhaps in groups, whose check digit is right.

    The digits of some neighbouring groups count together, so that neither a date before a number
    nor the way it is grouped hides it.

    :param text: with plain digits.
    """
    for run in _DIGITS.finditer(text):
        groups = _GROUP.findall(run.group())
        for first in range(len(groups)):
            digits = ""
            for group in groups[first:]:
                digits += group
                if len(digits) > LONGEST_CARD:
                    break
                if len(digits) >= SHORTEST_CARD and _is_luhn(digits):
                    return True
    return False


def holds_bank_account(text: str) -> bool:
    """Whether there is an international bank account number (IBAN) whose check digits are right.

    :param text: with plain digits.
    """
    for found in _ACCOUNT.finditer(text):
        characters = re.sub(r"[^A-Z0-9]", "", found.group().upper())
        # Words may follow without a mark that ends the number.
        length = _LENGTHS.get(characters[:2], len(characters) + 1)
        if length <= len(characters) and _is_iban(characters[:length]):
            return True
    return False


def _plain(text: str) -> str:
    """The text with every kind of digit as the ASCII one, and without what nobody sees."""
    return "".join(
        each if (digit := decimal(each, None)) is None else str(digit)
        for each in normalize("NFKC", text)
        if category(each) != "Cf"
    )


def _is_luhn(digits: str) -> bool:
    """ISO/IEC 7812-1 annex B: every second digit from the right is doubled, and nines cast out."""
    total = 0
    for position, each in enumerate(reversed(digits)):
        value = int(each) * (1 + position % 2)
        total += value - 9 if value > 9 else value  # noqa: PLR2004 - nines are cast out
    return total % 10 == 0


def _is_iban(characters: str) -> bool:
    """ISO 7064, MOD 97-10: letters count as 10 to 35, and the first four stand last."""
    turned = characters[4:] + characters[:4]
    return int("".join(str(int(each, 36)) for each in turned)) % _NINETY_SEVEN == 1
