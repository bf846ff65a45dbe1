"""When vendors are asked, as the schedule and the settings have it: what pages print."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from flask_tokenoffset.services.sampling.weekly_schedule import SLOT_HOUR, WEEK, weekly_slot

if TYPE_CHECKING:
    from datetime import datetime

    from flask_tokenoffset.models import Connection
    from flask_tokenoffset.settings import Settings


@dataclass(frozen=True, slots=True)
class Cadence:
    """How often a connection is sampled, and over which days.

    :param weekly_at: the day and time of the weekly refresh.
    :param window_minutes: runs start within so many minutes after it.
    :param sample_days: days of history that a sample reads.
    :param settling_hours: hours after midnight UTC before the day before counts as complete.
    :param resample_interval_minutes: what a person waits between two samples they asked for.
    """

    weekly_at: str
    window_minutes: int
    sample_days: int
    settling_hours: int
    resample_interval_minutes: int

    @classmethod
    def of(cls, settings: Settings) -> Cadence:
        """What holds in this application."""
        return cls(
            weekly_at=f"Sundays {SLOT_HOUR:02}:00 UTC",
            window_minutes=settings.refresh_window_minutes,
            sample_days=settings.sample_days,
            settling_hours=settings.settling_hours,
            resample_interval_minutes=settings.resample_interval_minutes,
        )


def next_refresh(connection: Connection, now: datetime) -> datetime:
    """When a connection's next weekly refresh has its turn.

    :param now: the present instant, aware.
    """
    turn = weekly_slot(now) + timedelta(seconds=connection.refresh_offset_seconds)
    return turn if turn > now else turn + WEEK
