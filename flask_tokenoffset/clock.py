"""Time as this package sees it: aware, UTC, and from one place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

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


@dataclass(frozen=True, slots=True)
class DayRange:
    """UTC days in a row, half open. Its length is their number, and it yields them in order.

    :param start: the first day.
    :param end: the day after the last.
    :raises ValueError: there is not one day in it.
    """

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError(
                f"There is no day from {self.start} up to {self.end}; it takes at least one day."
            )

    def __len__(self) -> int:
        return (self.end - self.start).days

    def __iter__(self) -> Iterator[date]:
        return (self.start + at * DAY for at in range(len(self)))

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end

    def last(self, days: int) -> DayRange:
        """The last so many days of it."""
        return DayRange(self.end - days * DAY, self.end)


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
