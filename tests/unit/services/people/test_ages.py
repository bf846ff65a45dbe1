"""Whether a person is old enough: the birthday is, the day before is not."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from flask_tokenoffset.host.users import HostUser
from flask_tokenoffset.services.people.minimum_age import is_too_young, years_between

TODAY = date(2026, 11, 20)
DAYS = st.dates(min_value=date(1900, 1, 1), max_value=date(2200, 1, 1))


@pytest.mark.promise("TO-053")
@pytest.mark.parametrize(
    ("birth_date", "today", "too_young"),
    [
        (date(2013, 11, 20), TODAY, False),
        (date(2013, 11, 21), TODAY, True),
        (date(2013, 11, 19), TODAY, False),
        (date(1926, 1, 1), TODAY, False),
        (TODAY, TODAY, True),
        # Born on a leap day: on the day itself where there is one, else on 1 March.
        (date(2012, 2, 29), date(2025, 2, 28), True),
        (date(2012, 2, 29), date(2025, 3, 1), False),
        (date(2016, 2, 29), date(2028, 2, 28), True),
        (date(2015, 2, 28), date(2028, 2, 28), False),
        (date(2015, 3, 1), date(2028, 2, 29), True),
        (date(2015, 3, 1), date(2028, 3, 1), False),
    ],
)
def test_the_birthday_is_old_enough_and_the_day_before_is_not(
    birth_date: date, today: date, *, too_young: bool
) -> None:
    assert is_too_young(birth_date, None, minimum_age=13, today=today) is too_young


def test_on_a_leap_day_the_eighth_birthday_of_a_person_who_was_born_on_one() -> None:
    born = date(2016, 2, 29)
    assert is_too_young(born, None, minimum_age=8, today=date(2024, 2, 28))
    assert not is_too_young(born, None, minimum_age=8, today=date(2024, 2, 29))


@pytest.mark.promise("TO-053")
@pytest.mark.parametrize(("age", "too_young"), [(0, True), (12, True), (13, False), (99, False)])
def test_a_stated_age_is_compared(age: int, *, too_young: bool) -> None:
    assert is_too_young(None, age, minimum_age=13, today=TODAY) is too_young


def test_of_two_statements_the_lower_one_counts() -> None:
    adult, child = date(1990, 1, 1), date(2020, 1, 1)
    assert is_too_young(adult, 12, minimum_age=13, today=TODAY)
    assert is_too_young(child, 40, minimum_age=13, today=TODAY)
    assert not is_too_young(adult, 40, minimum_age=13, today=TODAY)


def test_nobody_is_asked_where_nothing_is_stated_or_the_check_is_off() -> None:
    assert not is_too_young(None, None, minimum_age=13, today=TODAY)
    assert not is_too_young(date(2024, 1, 1), 2, minimum_age=0, today=TODAY)


def test_nobody_is_judged_by_a_birth_date_that_cannot_be_one() -> None:
    with pytest.raises(ValueError, match="future") as raised:
        is_too_young(TODAY + timedelta(days=1), None, minimum_age=13, today=TODAY)
    assert "2026" not in str(raised.value)


@given(birth_date=DAYS, lived=st.integers(-400, 400), minimum_age=st.integers(1, 100))
def test_a_person_is_too_young_until_one_day_and_never_again(
    birth_date: date, lived: int, minimum_age: int
) -> None:
    today = birth_date + timedelta(days=365 * minimum_age + lived)
    assume(today >= birth_date)

    def too_young(day: date) -> bool:
        return is_too_young(birth_date, None, minimum_age=minimum_age, today=day)

    assert too_young(today) >= too_young(today + timedelta(days=1))
    # Nobody's years are longer than 366 days or shorter than 365.
    assert not too_young(birth_date + timedelta(days=366 * minimum_age))
    assert too_young(birth_date + timedelta(days=365 * minimum_age - 1))


@given(birth_date=DAYS, years=st.integers(0, 120))
def test_a_birthday_comes_once_a_year(birth_date: date, years: int) -> None:
    """Counted in another way: as the days on which a year is completed."""
    last = birth_date.replace(year=birth_date.year + years, day=min(birth_date.day, 28))
    days = [last + timedelta(days=number) for number in range(-2, 4)]
    completed = [
        day
        for day in days
        if years_between(birth_date, day) == years
        and years_between(birth_date, day - timedelta(days=1)) == years - 1
    ]
    if birth_date.day > 28 and birth_date.month != 2:
        completed = completed or [birth_date.replace(year=birth_date.year + years)]
    assert len(completed) == 1


@pytest.mark.parametrize(
    "stated",
    [
        {"birth_date": "2013-11-20"},
        {"birth_date": datetime(2013, 11, 20)},  # noqa: DTZ001 - of no zone, as hosts have them
        {"birth_date": 20131120},
        {"age": "thirteen"},
        {"age": 13.5},
        {"age": True},
        {"age": -1},
        {"age": 151},
    ],
)
def test_a_host_that_states_something_else_is_told_without_repeating_it(
    stated: dict[str, object],
) -> None:
    with pytest.raises(ValueError, match=r"HostUser\.(birth_date|age)") as raised:
        HostUser(key="1", **stated)  # type: ignore[arg-type]  # that is the point
    assert "2013" not in str(raised.value)
    assert "thirteen" not in str(raised.value)


def test_a_host_user_does_not_show_how_old_they_are() -> None:
    user = HostUser(key="1", birth_date=date(2013, 11, 20), age=13)
    assert "13" not in repr(user)
