"""A real developer's ledger, with totals added up by hand from the file."""

import csv
from datetime import date, timedelta
from pathlib import Path

import pytest

from flask_tokenoffset.clock import DayRange
from flask_tokenoffset.methodology import (
    DailySeries,
    NoteCode,
    Projection,
    QualityTier,
    TokenCounts,
    project,
)

LEDGER = Path(__file__).parents[3] / "docs" / "data" / "usage-series" / "individual-a-daily.csv"
END = date(2026, 9, 15)
MODEL = "unnamed"


@pytest.fixture(scope="module")
def rows() -> list[tuple[date, str, TokenCounts]]:
    with LEDGER.open(encoding="utf-8", newline="") as file:
        return [
            (
                date.fromisoformat(row["date"]),
                MODEL,
                TokenCounts(
                    int(row["uncached_input_tokens"]),
                    int(row["cached_input_tokens"]),
                    int(row["cache_creation_tokens"]),
                    int(row["output_tokens"]),
                ),
            )
            for row in csv.DictReader(file)
        ]


def projection_at(rows: list[tuple[date, str, TokenCounts]], end: date, days: int) -> Projection:
    window = DayRange(end - timedelta(days), end)
    known = [day for day, _, _ in rows if day in window]
    result = project(DailySeries.from_rows(window, known, rows))
    assert isinstance(result, Projection), result
    return result


def test_ninety_days_give_the_last_four_weeks_as_a_month(
    rows: list[tuple[date, str, TokenCounts]],
) -> None:
    result = projection_at(rows, END, 90)
    assert result.basis_tokens == TokenCounts(801_271_132, 21_150_351_226, 0, 84_753_330)
    assert result.basis_tokens.total == 22_036_375_688
    # 22,036,375,688 x 30.44 / 28 = 23,956,688,426.5
    assert result.tokens_per_month.total == 23_956_688_427
    assert result.quality_tier is QualityTier.MEASURED_28_DAYS
    assert (result.days_covered, result.active_days) == (90, 63)
    assert result.rolling is not None
    assert result.rolling.smallest_tokens == 360_985_372
    assert result.rolling.median_tokens == 1_998_658_598
    assert result.rolling.largest_tokens == 23_286_025_340
    # 26,355,285,540 x 30.44 / 90 = 8,913,943,242.6
    assert result.mean_tokens_per_month == 8_913_943_243


def test_the_two_extreme_days_are_named_and_stay_in(
    rows: list[tuple[date, str, TokenCounts]],
) -> None:
    result = projection_at(rows, END, 90)
    named = next(note for note in result.notes if note.code is NoteCode.OUTLIER_DAYS)
    assert named.days == (date(2026, 9, 5), date(2026, 9, 6))
    # (5,798,489,048 + 4,342,974,216) / 22,036,375,688 = 46.0 %
    assert named.sentence == (
        "2 days made up 46 % of this estimate (5 September 2026, 6 September 2026)."
    )


def test_the_value_follows_what_was_used_and_knows_nothing_of_what_comes(
    rows: list[tuple[date, str, TokenCounts]],
) -> None:
    before = projection_at(rows, date(2026, 9, 5), 90)
    assert before.tokens_per_month.total < projection_at(rows, END, 90).tokens_per_month.total / 2
    assert before.basis_end == date(2026, 9, 5)
