"""Answers that vendors gave or documented, read to totals that were added up by hand."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from flask_tokenoffset.clock import DayRange
from flask_tokenoffset.errors import MalformedAnswer
from flask_tokenoffset.providers import CostDay, CostRow, UsageDay, UsageRow
from tests.unit.providers.vendors import ANTHROPIC, OPENAI, fixed, opened, paged, recorded

if TYPE_CHECKING:
    from collections.abc import Sequence


def whole(name: str) -> dict[str, object]:
    """A documented page, without the next one that its documentation does not show."""
    return {**recorded(name), "has_more": False, "next_page": None}


def one_page(buckets: object) -> dict[str, object]:
    return {"object": "page", "data": buckets, "has_more": False, "next_page": None}


def rows_by_day(days: Sequence[UsageDay] | Sequence[CostDay]) -> dict[date, Sequence[object]]:
    return {day.day: day.rows for day in days}


@pytest.mark.promise("TO-005")
def test_anthropic_usage_as_documented() -> None:
    window = DayRange(date(2025, 8, 1), date(2025, 8, 2))
    with opened(ANTHROPIC, fixed(json=whole("anthropic-usage-documented.json"))) as client:
        [days] = client.usage(window)
    # Cache creation: 500 tokens for five minutes and 1,000 for an hour. Input in all: 3,200.
    row = UsageRow("claude-opus-4-6", "standard", "0-200k", "", 1_500, 200, 500 + 1_000, 500, 0)
    assert rows_by_day(days) == {date(2025, 8, 1): [row]}


def test_anthropic_cost_as_documented() -> None:
    window = DayRange(date(2025, 8, 1), date(2025, 8, 2))
    with opened(ANTHROPIC, fixed(json=whole("anthropic-cost-documented.json"))) as client:
        [days] = client.costs(window)
    # 123.78912 cents are 1.2378912 dollars.
    row = CostRow(
        "Claude Opus 5 Usage - Input Tokens",
        "tokens",
        "claude-opus-5",
        "standard",
        "uncached_input_tokens",
        1_237_891_200,
    )
    assert rows_by_day(days) == {date(2025, 8, 1): [row]}


@pytest.mark.promise("TO-030")
def test_anthropic_cost_in_the_shape_of_a_live_answer() -> None:
    # The live answer goes on to a second page; here it is an empty last one.
    pages = [recorded("anthropic-cost-ungrouped.json"), one_page([])]
    with opened(ANTHROPIC, paged(pages)) as client:
        days = [
            day
            for page in client.costs(DayRange(date(2025, 10, 1), date(2025, 10, 8)))
            for day in page
        ]
    # $401.2050125, then the vendor's two worked values: $1.2345 and $412.80. Four idle days.
    by_day = [sum(row.cost_nano_usd for row in day.rows) for day in days]
    assert by_day == [401_205_012_500, 1_234_500_000, 412_800_000_000, 0, 0, 0, 0]
    assert sum(by_day) == 815_239_512_500  # $815.2395125
    assert [len(day.rows) for day in days] == [1, 1, 1, 0, 0, 0, 0]
    assert days[0].rows[0].description == ""


def test_anthropic_organization_as_documented() -> None:
    answers = paged(
        [recorded("anthropic-organization-documented.json"), one_page([]), one_page([])]
    )
    with opened(ANTHROPIC, answers) as client:
        organization = client.check(date(2025, 8, 1))
    assert organization == ("12345678-1234-5678-1234-567812345678", "Organization Name")


def test_openai_usage_as_documented() -> None:
    window = DayRange(date(2024, 11, 1), date(2024, 11, 2))
    with opened(OPENAI, fixed(json=whole("openai-usage-documented.json"))) as client:
        [days] = client.usage(window)
    # Of 1,000 input tokens 400 were cached and 100 written to the cache, which leaves 500. The
    # audio, image and text counts are parts of these and not added.
    row = UsageRow("", "", "", "", 500, 400, 100, 500, 5)
    assert rows_by_day(days) == {date(2024, 11, 1): [row]}


def test_openai_costs_as_documented() -> None:
    window = DayRange(date(2024, 11, 1), date(2024, 11, 2))
    with opened(OPENAI, fixed(json=whole("openai-costs-documented.json"))) as client:
        [days] = client.costs(window)
    # 0.06 dollars.
    assert rows_by_day(days) == {date(2024, 11, 1): [CostRow("", "", "", "", "", 60_000_000)]}


@pytest.mark.promise("TO-005")
def test_openai_usage_as_recorded() -> None:
    buckets = recorded("openai-usage-recorded.json")
    # The recording's first bucket begins at 17:31, so the first whole day is the twelfth.
    window = DayRange(date(2025, 1, 12), date(2025, 1, 27))
    with opened(OPENAI, fixed(json=one_page(buckets))) as client:
        [days] = list(client.usage(window))
    assert [day.day for day in days] == [date(2025, 1, 12) + timedelta(n) for n in range(15)]
    rows = [row for day in days for row in day.rows]
    # Input, by day: 45,949 + 3,718,360 + 52,786 + 35,664 + 5,464 + 3,390,547 + 8,117,824 + 13,542
    # + 0 + 29,806 + 1,823 + 7,126 + 22,187 + 30,204 + 0 = 15,471,282, of which cached:
    # 76,544 + 5,440 + 192 + 25,344 + 46,464 + 640 = 154,624.
    assert sum(row.cached_input_tokens for row in rows) == 154_624
    assert sum(row.uncached_input_tokens for row in rows) == 15_471_282 - 154_624
    assert sum(row.cache_creation_tokens for row in rows) == 0
    # Output: 282 + 97,756 + 38,204 + 1,835 + 2,667 + 38,604 + 105,662 + 85 + 0 + 57,604 + 1,467
    # + 1,896 + 822 + 65,673 + 0 = 412,557.
    assert sum(row.output_tokens for row in rows) == 412_557
    # Requests: 150 + 3,053 + 157 + 55 + 8 + 2,687 + 6,335 + 46 + 0 + 98 + 7 + 19 + 75 + 99 + 0.
    assert sum(row.request_count for row in rows) == 12_789
    assert [day.day.day for day in days if not day.rows] == [20, 26]


def test_a_day_that_was_cut_is_refused_where_it_is_asked_for() -> None:
    buckets = recorded("openai-usage-recorded.json")
    window = DayRange(date(2025, 1, 11), date(2025, 1, 27))
    with (
        opened(OPENAI, fixed(json=one_page(buckets))) as client,
        pytest.raises(MalformedAnswer, match="only a part of 2025-01-11"),
    ):
        list(client.usage(window))


@pytest.mark.promise("TO-030")
def test_openai_costs_as_recorded() -> None:
    buckets = recorded("openai-costs-recorded.json")
    with opened(OPENAI, fixed(json=one_page(buckets))) as client:
        [days] = list(client.costs(DayRange(date(2025, 1, 11), date(2025, 1, 27))))
    # Each of the sixteen amounts is rounded to the nano-dollar; together they are $199.242205525.
    assert [sum(row.cost_nano_usd for row in day.rows) for day in days] == [
        130_804_383,
        122_704_233,
        9_888_144_383,
        350_763_933,
        297_748_119,
        9_254_855,
        8_889_884_137,
        21_167_310_118,
        49_556_368,
        322_618,
        632_036_368,
        52_415_587_618,
        104_887_612_353,
        337_603_039,
        62_551_043,
        321_957,
    ]
    assert sum(row.cost_nano_usd for day in days for row in day.rows) == 199_242_205_525


def test_openai_usage_by_model_in_the_shape_of_a_live_answer() -> None:
    pages = [recorded("openai-usage-by-model.json"), one_page([])]
    with opened(OPENAI, paged(pages)) as client:
        found = [
            day
            for page in client.usage(DayRange(date(2025, 10, 1), date(2025, 10, 5)))
            for day in page
        ]
    # Uncached is input less cached: 100,000; then 500,000 and 200,000; then 400,000.
    large, small = "gpt-5-2025-08-07", "gpt-5-mini-2025-08-07"
    assert rows_by_day(found) == {
        date(2025, 10, 1): [UsageRow(large, "", "", "", 100_000, 900_000, 0, 7_000, 20)],
        date(2025, 10, 2): [
            UsageRow(large, "", "", "", 500_000, 1_500_000, 0, 9_000, 31),
            UsageRow(small, "", "", "", 200_000, 100_000, 0, 4_000, 11),
        ],
        date(2025, 10, 3): [UsageRow(large, "", "", "", 400_000, 0, 0, 500, 3)],
    }


def test_openai_costs_may_come_in_quotes() -> None:
    row = OPENAI.cost(amount={"value": "12.50", "currency": "usd"})
    page = one_page([OPENAI.bucket(date(2026, 5, 1), [row])])
    with opened(OPENAI, fixed(json=page)) as client:
        [[day]] = list(client.costs(DayRange(date(2026, 5, 1), date(2026, 5, 2))))
    assert [row.cost_nano_usd for row in day.rows] == [12_500_000_000]
