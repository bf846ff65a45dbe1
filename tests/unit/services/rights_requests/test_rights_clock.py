"""The clock of requests: what ends first holds, at every end of a month."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flask_tokenoffset.services.rights_requests.deadlines import (
    due_at,
    latest_extension,
    months_after,
)

INSTANTS = st.datetimes(
    min_value=datetime(2020, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
    max_value=datetime(2099, 1, 1),  # noqa: DTZ001 - as above
    timezones=st.just(UTC),
)


@pytest.mark.parametrize(
    ("received", "due"),
    [
        ("2026-01-31", "2026-02-28"),
        ("2028-01-31", "2028-02-29"),
        ("2028-02-29", "2028-03-29"),
        ("2027-02-28", "2027-03-28"),
        ("2026-03-31", "2026-04-30"),
        ("2026-12-31", "2027-01-31"),
        ("2026-11-20", "2026-12-20"),
    ],
)
def test_a_month_ends_on_the_same_day_or_on_the_last_one(received: str, due: str) -> None:
    morning = datetime.fromisoformat(f"{received}T10:30:00+00:00")
    assert due_at(morning) == datetime.fromisoformat(f"{due}T10:30:00+00:00")


def test_the_day_is_counted_in_utc() -> None:
    east = timezone(timedelta(hours=14))
    assert due_at(datetime(2026, 3, 1, 1, 0, tzinfo=east)) == datetime(
        2026, 3, 28, 11, 0, tzinfo=UTC
    )


@given(INSTANTS)
@example(datetime(2028, 2, 29, 23, 59, 59, tzinfo=UTC))
def test_an_answer_is_due_within_both_laws(received: datetime) -> None:
    due = due_at(received)
    assert received + timedelta(days=28) <= due <= received + timedelta(days=31)
    assert due <= received + timedelta(days=45)
    # Whichever calendar one looks at: no later than the same day of the next month.
    following = (received.year * 12 + received.month, due.year * 12 + due.month)
    assert following[1] - following[0] == 1
    last_day = monthrange(due.year, due.month)[1]
    assert due.day == min(received.day, last_day)
    assert due.timetz() == received.timetz()


@given(INSTANTS)
def test_an_extension_stays_within_both_laws(received: datetime) -> None:
    latest = latest_extension(received)
    assert latest <= months_after(received, 3)
    assert latest <= received + timedelta(days=90)
    assert latest in {months_after(received, 3), received + timedelta(days=90)}
