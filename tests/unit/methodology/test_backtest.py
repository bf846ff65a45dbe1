"""What the outlook claims is what the real series in the repository gave."""

from pathlib import Path

import pytest

from flask_tokenoffset.methodology import next_month
from tools import backtest

DOCUMENT = Path(__file__).parents[3] / "docs" / "explanation" / "methodology.md"


def test_the_claimed_share_of_months_is_the_measured_one_and_at_least_four_fifths() -> None:
    months, _ = backtest.month_cases(backtest.ledger())
    assert next_month.ONE_PERSON.covered_percent == backtest.covered_percent(months) >= 80
    claimed = f"{len(months)} overlapping months of one ledger of {len(backtest.ledger())} days"
    assert next_month.ONE_PERSON.evidence == claimed


def test_the_claimed_share_of_weeks_of_many_is_the_measured_one_on_each_model_group() -> None:
    days = backtest.clients()
    weeks = backtest.week_cases(days, next_month.MANY_SEATS)
    assert next_month.MANY_PEOPLE.covered_percent == backtest.covered_percent(weeks) >= 80
    evidence = next_month.MANY_PEOPLE.evidence
    assert evidence.startswith(f"{len(weeks)} random groups of twenty among {len(days)} clients")
    groups = backtest.by_group(days, next_month.MANY_SEATS)
    assert len(groups) == 2
    assert all(percent >= 80 for _, percent in groups)


def test_a_narrower_range_would_not_have_covered() -> None:
    months, _ = backtest.month_cases(backtest.ledger())
    halves = [case.forecasts[0] / 2 <= case.actual <= case.forecasts[0] * 4 for case in months]
    assert sum(halves) / len(halves) == pytest.approx(0.30, abs=0.06)


def test_the_document_shows_what_the_script_prints() -> None:
    assert f"```text\n{backtest.report()}```" in DOCUMENT.read_text(encoding="utf-8")
