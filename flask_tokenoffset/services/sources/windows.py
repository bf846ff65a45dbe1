"""Which days a sample reads, and which of them are kept."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from flask_tokenoffset.clock import DAY, DayRange, last_settled_day
from flask_tokenoffset.data_map.enforcement import enforces
from flask_tokenoffset.services.shared.periods import day_cutoff


def sample_window(now: datetime, *, days: int, settling_hours: int) -> DayRange:
    """The days a sample taken now reads.

    The window ends with the last settled day and never with the running one, whose figures the
    vendor still changes.

    :param now: the present instant, aware.
    :param days: days of history to read, at least 1.
    :param settling_hours: hours after midnight UTC before the day before is trusted.
    """
    end = last_settled_day(now, settling_hours) + DAY
    return DayRange(end - timedelta(days=days), end)


@enforces("purged-days-are-not-read-again", "TS-010", "TG-009", off=date.min)
def first_kept_day(now: datetime, days: int) -> date:
    """The oldest day that is still kept; what is older was purged, and is not read again.

    :param now: the present instant, aware.
    :param days: for how long the account's usage is kept.
    """
    return day_cutoff(now, days) + DAY
