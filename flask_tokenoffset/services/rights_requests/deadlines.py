"""How long a request under a person's rights may take.

Two laws count differently, and what ends first holds: one month (GDPR Art. 12(3)) and 45 days
(California, 11 CCR 7021(b)). Both allow for more time once, if the person is told why before the
first period is over: two further months, and 45 further days. A month ends on the day of the same
number, and where the last month has none, on its last day (Regulation 1182/71, Art. 3(2)(c)).
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime, timedelta
from typing import Final

from flask_tokenoffset.data_map.enforcement import enforces

#: What California gives for an answer, and once more for a late one.
ANSWER_DAYS: Final = timedelta(days=45)
#: What the GDPR gives for an answer, and what it adds for a late one.
ANSWER_MONTHS: Final = 1
FURTHER_MONTHS: Final = 2
#: How long before the end the operator is warned.
DUE_SOON: Final = timedelta(days=3)


@enforces("a-request-is-due-within-a-month", "TB-006", off=datetime.max.replace(tzinfo=UTC))
def due_at(received_at: datetime) -> datetime:
    """When a request has to be answered at the latest.

    :param received_at: when it came in, aware.
    """
    return min(months_after(received_at, ANSWER_MONTHS), received_at + ANSWER_DAYS)


def latest_extension(received_at: datetime) -> datetime:
    """Until when a request may be extended at most.

    :param received_at: when it came in, aware.
    """
    return min(
        months_after(received_at, ANSWER_MONTHS + FURTHER_MONTHS), received_at + 2 * ANSWER_DAYS
    )


def months_after(instant: datetime, months: int) -> datetime:
    """The same day and time of a later month, in UTC; its last day where it has no such day.

    :param instant: aware.
    :param months: how many, from 1 on.
    """
    start = instant.astimezone(UTC)
    years, month = divmod(start.month - 1 + months, 12)
    year, month = start.year + years, month + 1
    return start.replace(year=year, month=month, day=min(start.day, monthrange(year, month)[1]))
