"""Time as this package sees it: aware, UTC, and from one place."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Protocol

DAY = timedelta(days=1)


class Clock(Protocol):
    """Says what time it is. A test may hand in its own."""

    def now(self) -> datetime:
        """The present instant, aware and in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present instant, aware and in UTC."""
        return datetime.now(UTC)


def utc_midnight(day: date) -> datetime:
    """The first instant of a UTC day.

    :param day: a UTC date.
    """
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def last_settled_day(now: datetime, settling_hours: int) -> date:
    """The newest UTC day whose figures a vendor may be expected to have finished.

    A day counts as settled once ``settling_hours`` have passed since it closed. The running day
    never does. (Vendors publish usage within minutes but restate cost for some hours; see
    ``docs/explanation/sampling.md``.)

    :param now: the present instant, aware.
    :param settling_hours: hours after midnight UTC before the day before is trusted.
    """
    return (now.astimezone(UTC) - timedelta(hours=settling_hours)).date() - DAY


def first_of_month(day: date) -> date:
    """The first day of the month a date lies in."""
    return day.replace(day=1)


def next_month(day: date) -> date:
    """The first day of the month after the one a date lies in."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
