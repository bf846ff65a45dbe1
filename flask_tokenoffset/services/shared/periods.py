"""When a period is over, to the second; said once, so that everyone counts alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from flask_tokenoffset.data_map.enforcement import enforces

if TYPE_CHECKING:
    from datetime import date

#: Older than anything there is.
_BEFORE_EVERYTHING: Final = datetime(1970, 1, 1, tzinfo=UTC)


@enforces(
    "what-was-kept-long-enough-goes",
    "TO-043",
    "TS-010",
    "TG-009",
    "TB-005",
    off=_BEFORE_EVERYTHING,
)
def period_end(now: datetime, days: int) -> datetime:
    """What a clock says at most whose period is over: then, or earlier.

    :param now: the present instant, aware.
    :param days: the period.
    """
    return now - timedelta(days=days)


def day_cutoff(now: datetime, days: int) -> date:
    """The newest UTC day whose period is over; it counts from the beginning of the day.

    :param now: the present instant, aware.
    :param days: the period.
    """
    return period_end(now, days).astimezone(UTC).date()
