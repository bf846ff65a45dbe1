"""Whether a person is old enough to have an account, where the host says how old they are.

The answer is all that is ever kept of it, and only for the length of a request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_tokenoffset.data_map.enforcement import enforces

if TYPE_CHECKING:
    from datetime import date


@enforces("nobody-under-the-minimum-age", "TO-053", off=False)
def is_too_young(
    birth_date: date | None, age: int | None, *, minimum_age: int, today: date
) -> bool:
    """Whether a person is under the minimum age. Where both are stated, the lower one counts.

    :param birth_date: the day they were born, if it is stated.
    :param age: their age in whole years, if it is stated.
    :param minimum_age: TOKENOFFSET_MINIMUM_AGE; 0 lets everyone in.
    :param today: the UTC day. Where their own day has begun already, they may have to wait for some
        hours on their birthday; nobody is let in too early by more than a few.
    :raises ValueError: they are not born yet, so the host states something else than a birth date.
        Nobody is judged by that.
    """
    if not minimum_age:
        return False
    stated = [] if age is None else [age]
    if birth_date is not None:
        stated.append(years_between(birth_date, today))
    if min(stated, default=0) < 0:
        raise ValueError(
            "HostUser.birth_date lies in the future. State None where you do not know it."
        )
    return bool(stated) and min(stated) < minimum_age


def years_between(birth_date: date, today: date) -> int:
    """How many birthdays a person has had; the first year of life is 0.

    Anyone who was born on 29 February has their birthday on 1 March in years without that day.

    :param birth_date: the day they were born.
    :param today: the day to count to.
    """
    had_birthday = (today.month, today.day) >= (birth_date.month, birth_date.day)
    return today.year - birth_date.year - (0 if had_birthday else 1)
