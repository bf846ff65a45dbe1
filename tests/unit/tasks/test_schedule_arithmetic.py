"""When a connection's weekly turn comes, and which days its sample reads."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_tokenoffset.clock import DayRange
from flask_tokenoffset.errors import ConfigurationError
from flask_tokenoffset.services.sampling.weekly_schedule import refresh_offset_seconds, weekly_slot
from flask_tokenoffset.services.sources.windows import sample_window
from flask_tokenoffset.settings import Settings

instants = st.integers(min_value=0, max_value=4_000_000_000).map(
    lambda seconds: datetime.fromtimestamp(seconds, UTC)
)


@pytest.mark.promise("TO-027")
@given(instants)
def test_the_weekly_slot_is_the_newest_sunday_0800_utc(now: datetime) -> None:
    slot = weekly_slot(now)
    assert (slot.strftime("%A %H:%M:%S.%f"), slot.tzinfo) == ("Sunday 08:00:00.000000", UTC)
    assert timedelta(0) <= now - slot < timedelta(days=7)


@pytest.mark.parametrize(
    ("now", "slot"),
    [
        ("2026-11-22T07:59:59.999999+00:00", "2026-11-15T08:00:00+00:00"),
        ("2026-11-22T08:00:00+00:00", "2026-11-22T08:00:00+00:00"),
        ("2026-11-28T23:59:59+00:00", "2026-11-22T08:00:00+00:00"),
        # Other zones: Sunday 09:30 in Berlin is 08:30 UTC, and Monday in Auckland still Sunday.
        ("2026-11-22T09:30:00+01:00", "2026-11-22T08:00:00+00:00"),
        ("2026-11-22T20:59:00+13:00", "2026-11-15T08:00:00+00:00"),
    ],
)
def test_the_weekly_slot_turns_over_at_the_second(now: str, slot: str) -> None:
    assert weekly_slot(datetime.fromisoformat(now)) == datetime.fromisoformat(slot)


@pytest.mark.promise("TO-027")
@given(st.uuids(), st.integers(min_value=1, max_value=24 * 60))
def test_a_connections_place_is_fixed_and_lies_inside_the_window(
    source_id: UUID, window_minutes: int
) -> None:
    place = refresh_offset_seconds(source_id, window_minutes)
    assert 0 <= place < window_minutes * 60
    assert place == refresh_offset_seconds(UUID(str(source_id)), window_minutes)


@pytest.mark.parametrize("kind", ["random", "counted"])
def test_ten_thousand_connections_lie_evenly_over_the_window(kind: str) -> None:
    ids = [uuid4() if kind == "random" else UUID(int=number) for number in range(10_000)]
    minutes = Counter(refresh_offset_seconds(each, 120) // 60 for each in ids)
    assert max(minutes.values()) <= 2 * 10_000 / 120


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        # At 05:59 the day before is not settled yet; at 06:00 it is.
        ("2026-11-22T05:59:00+00:00", DayRange(date(2026, 8, 23), date(2026, 11, 21))),
        ("2026-11-22T06:00:00+00:00", DayRange(date(2026, 8, 24), date(2026, 11, 22))),
        ("2026-11-22T23:59:00+00:00", DayRange(date(2026, 8, 24), date(2026, 11, 22))),
    ],
)
def test_a_sample_reads_ninety_days_up_to_the_last_settled_one(
    now: str, expected: DayRange
) -> None:
    assert sample_window(datetime.fromisoformat(now), days=90, settling_hours=6) == expected


@given(instants, st.integers(1, 365), st.integers(0, 72))
def test_a_sample_never_reads_the_running_day(now: datetime, days: int, hours: int) -> None:
    window = sample_window(now, days=days, settling_hours=hours)
    assert window.end <= now.date()
    assert (window.end - window.start).days == days


def test_the_vendor_cap_is_a_setting_with_bounds() -> None:
    config: dict[str, Any] = {"TOKENOFFSET_KEYS": "k", "TOKENOFFSET_EMBEDDED_QUEUE": True}
    assert Settings.from_config(config).vendor_starts_per_minute == 150
    config["TOKENOFFSET_VENDOR_STARTS_PER_MINUTE"] = "40"
    assert Settings.from_config(config).vendor_starts_per_minute == 40
    for refused in (0, 10_001, "many", True):
        config["TOKENOFFSET_VENDOR_STARTS_PER_MINUTE"] = refused
        with pytest.raises(ConfigurationError, match="TOKENOFFSET_VENDOR_STARTS_PER_MINUTE"):
            Settings.from_config(config)
