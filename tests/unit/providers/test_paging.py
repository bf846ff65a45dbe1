"""A window is whole or it is a failure."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_tokenoffset.errors import IncompleteAnswer, MalformedAnswer, ProviderError
from flask_tokenoffset.providers import CostDay, Limits, ReportingClient, UsageDay
from tests.unit.providers.vendors import (
    ANTHROPIC,
    FIRST_DAY,
    OPENAI,
    VENDORS,
    Answers,
    Vendor,
    fixed,
    opened,
    paged,
    window_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

WINDOW = window_of(10)
REPORTS = ["usage", "costs"]


def read(client: ReportingClient, report: str) -> list[UsageDay] | list[CostDay]:
    if report == "usage":
        return [day for page in client.usage(WINDOW) for day in page]
    return [day for page in client.costs(WINDOW) for day in page]


def day(number: int) -> date:
    return FIRST_DAY + timedelta(days=number)


def row(vendor: Vendor, report: str, **changes: Any) -> dict[str, Any]:
    return vendor.usage(**changes) if report == "usage" else vendor.cost(**changes)


def refused_as_incomplete(vendor: Vendor, report: str, answers: Answers, **options: Any) -> str:
    with opened(vendor, answers, **options) as client, pytest.raises(IncompleteAnswer) as caught:
        read(client, report)
    return caught.value.message


@pytest.mark.parametrize("report", REPORTS)
def test_a_token_that_repeats_ends_the_run(vendor: Vendor, report: str) -> None:
    buckets = [vendor.bucket(FIRST_DAY, [])]
    answers = fixed(json=vendor.page_of(buckets, "again"))
    assert "circle" in refused_as_incomplete(vendor, report, answers)
    assert len(answers.requests) == 2


@pytest.mark.parametrize("report", REPORTS)
def test_a_cycle_of_two_tokens_ends_the_run(vendor: Vendor, report: str) -> None:
    tokens = ["A", "B", "A", "B", "A"]
    answers = paged([vendor.page_of([vendor.bucket(day(0), [])], token) for token in tokens])
    assert "circle" in refused_as_incomplete(vendor, report, answers)
    assert len(answers.requests) == 3


@pytest.mark.parametrize("report", REPORTS)
def test_an_empty_page_that_says_there_is_more_ends_the_run(vendor: Vendor, report: str) -> None:
    answers = paged([vendor.page_of([], "more")])
    assert "empty page" in refused_as_incomplete(vendor, report, answers)


@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize("token", [None, "", 7, [], {"page": "x"}, "x" * 4_097, "absent"])
def test_more_without_a_token_is_not_the_end(vendor: Vendor, report: str, token: object) -> None:
    page = {"data": [vendor.bucket(FIRST_DAY, [])], "has_more": True, "next_page": token}
    if token == "absent":
        del page["next_page"]
    assert "without saying how" in refused_as_incomplete(vendor, report, fixed(json=page))


@pytest.mark.parametrize("report", REPORTS)
def test_pages_without_end_are_counted(vendor: Vendor, report: str) -> None:
    numbers = iter(range(10_000))
    answers = Answers(
        lambda _request: httpx.Response(
            200, json=vendor.page_of([vendor.bucket(day(0), [])], f"page {next(numbers)}")
        )
    )
    message = refused_as_incomplete(vendor, report, answers, limits=Limits(pages=7))
    assert "more than 7 pages" in message
    assert len(answers.requests) == 7


def test_a_thousand_pages_are_the_limit_unless_said_otherwise() -> None:
    assert Limits().pages == 1_000


@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize("token", ["left over", 7, {"page": "x"}])
def test_no_more_beside_a_token_is_a_contradiction(
    vendor: Vendor, report: str, token: object
) -> None:
    page = {"data": [vendor.bucket(FIRST_DAY, [])], "has_more": False, "next_page": token}
    assert "no more pages" in refused_as_incomplete(vendor, report, fixed(json=page))


@pytest.mark.parametrize("end", [None, ""])
def test_no_more_without_a_token_means_the_end(vendor: Vendor, end: str | None) -> None:
    page = {"data": [vendor.bucket(FIRST_DAY, [])], "has_more": False, "next_page": end}
    answers = fixed(json=page)
    with opened(vendor, answers) as client:
        assert len(read(client, "usage")) == 1
    assert len(answers.requests) == 1


@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize(
    "page",
    [
        {"error": {"message": "down for maintenance"}},
        {"data": []},
        {"has_more": False},
        {"data": None, "has_more": False},
        {"data": {}, "has_more": False},
        {"data": [], "has_more": None},
        {"data": [], "has_more": 0},
        {"data": [], "has_more": "false"},
        [],
        "data",
        None,
        7,
    ],
)
def test_what_is_no_page_is_not_a_window_without_use(
    vendor: Vendor, report: str, page: object
) -> None:
    with opened(vendor, fixed(json=page)) as client, pytest.raises(MalformedAnswer):
        read(client, report)
    with opened(vendor, fixed(json=page)) as client, pytest.raises(MalformedAnswer):
        client.check(FIRST_DAY)


@pytest.mark.parametrize("report", REPORTS)
def test_an_error_in_the_middle_is_not_the_end(vendor: Vendor, report: str) -> None:
    pages = iter(
        [
            httpx.Response(200, json=vendor.page_of([vendor.bucket(day(0), [])], "second")),
            httpx.Response(400, json={"error": {"message": "stale page"}}),
        ]
    )
    seen: list[object] = []
    with opened(vendor, lambda _request: next(pages)) as client:
        report_pages: Iterator[object] = getattr(client, report)(WINDOW)
        with pytest.raises(ProviderError):
            seen.extend(report_pages)
    assert len(seen) == 1


@pytest.mark.parametrize("report", REPORTS)
def test_days_outside_the_window_are_dropped(vendor: Vendor, report: str) -> None:
    buckets = [vendor.bucket(day(n), [row(vendor, report)]) for n in (-2, -1, 0, 9, 10, 11)]
    with opened(vendor, fixed(json=vendor.page_of(buckets))) as client:
        assert [found.day for found in read(client, report)] == [day(0), day(9)]


@pytest.mark.parametrize("report", REPORTS)
def test_the_days_of_a_page_come_oldest_first(vendor: Vendor, report: str) -> None:
    buckets = [vendor.bucket(day(n), []) for n in (4, 0, 2)]
    with opened(vendor, fixed(json=vendor.page_of(buckets))) as client:
        assert [found.day for found in read(client, report)] == [day(0), day(2), day(4)]


@pytest.mark.parametrize("report", REPORTS)
def test_a_day_told_twice_and_alike_counts_once(vendor: Vendor, report: str) -> None:
    bucket = vendor.bucket(day(3), [row(vendor, report)])
    pages = [
        vendor.page_of([bucket, bucket], "second"),
        vendor.page_of([bucket, vendor.bucket(day(4), [])]),
    ]
    with opened(vendor, paged(pages)) as client:
        days = read(client, report)
    assert [found.day for found in days] == [day(3), day(4)]
    assert len(days[0].rows) == 1


@pytest.mark.parametrize("report", REPORTS)
def test_a_day_told_again_in_another_order_counts_once(vendor: Vendor, report: str) -> None:
    rows = [row(vendor, report, model=name, line_item=name, description=name) for name in "ab"]
    pages = [
        vendor.page_of([vendor.bucket(day(3), rows)], "second"),
        vendor.page_of([vendor.bucket(day(3), rows[::-1])]),
    ]
    with opened(vendor, paged(pages)) as client:
        [found] = read(client, report)
    assert len(found.rows) == 2


@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize("on_one_page", [True, False])
def test_a_day_told_twice_and_differently_is_refused(
    vendor: Vendor, report: str, on_one_page: bool
) -> None:
    first = vendor.bucket(day(3), [row(vendor, report)])
    second = vendor.bucket(day(3), [])
    pages = (
        [vendor.page_of([first, second])]
        if on_one_page
        else [vendor.page_of([first], "second"), vendor.page_of([second])]
    )
    assert "twice and differently" in refused_as_incomplete(vendor, report, paged(pages))


BROKEN_BUCKETS: list[Any] = [
    None,
    [],
    "bucket",
    {},
    {"results": []},
    {"starting_at": None, "start_time": None, "results": []},
    {"starting_at": "yesterday", "start_time": "1785542400", "results": []},
    {"starting_at": "2026-08-01T00:00:00", "start_time": True, "results": []},
    {"starting_at": 1785542400, "start_time": 10**30, "results": []},
    {"starting_at": "2026-08-01T00:00:00Z", "start_time": 1785542400, "results": []},
    {
        "starting_at": "2026-08-01T00:00:00Z",
        "ending_at": "2026-08-02T00:00:00Z",
        "start_time": 1785542400,
        "end_time": 1785628800,
        "results": None,
    },
    {
        "starting_at": "2026-08-01T00:00:00Z",
        "ending_at": "2026-08-01T12:00:00Z",
        "start_time": 1785542400,
        "end_time": 1785585600,
        "results": [],
    },
    {
        "starting_at": "2026-08-01T05:00:00+02:00",
        "ending_at": "2026-08-02T05:00:00+02:00",
        "start_time": 1785553200,
        "end_time": 1785639600,
        "results": [],
    },
]


@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize("bucket", BROKEN_BUCKETS, ids=range(len(BROKEN_BUCKETS)))
def test_a_bucket_that_is_no_whole_day_is_refused(
    vendor: Vendor, report: str, bucket: object
) -> None:
    answers = fixed(json=vendor.page_of([bucket]))
    with opened(vendor, answers) as client:
        if report == "costs" and isinstance(bucket, dict) and "end_time" in bucket:
            # Which day it is of is clear, so the cost of that day alone is not known.
            assert all(cost.fault and not cost.rows for cost in client_costs(client))
            return
        with pytest.raises(MalformedAnswer):
            read(client, report)


def client_costs(client: ReportingClient) -> list[CostDay]:
    return [day for page in client.costs(WINDOW) for day in page]


def test_days_are_utc_days_whatever_the_offset() -> None:
    bucket = {
        "starting_at": "2026-08-01T02:00:00+02:00",
        "ending_at": "2026-08-02T02:00:00+02:00",
        "results": [],
    }
    with opened(ANTHROPIC, fixed(json=ANTHROPIC.page_of([bucket]))) as client:
        assert [found.day for found in read(client, "usage")] == [FIRST_DAY]


# -- The sum that arrives is the sum that was sent, however it was cut into pages. ----------------

counts = st.integers(min_value=0, max_value=10**12)
models = st.sampled_from(["", "one", "two", "three"])
tiers = st.sampled_from(["standard", "batch", None])
nano_amounts = st.integers(min_value=-(10**12), max_value=10**12)


@st.composite
def pages_of(draw: st.DrawFn, vendor: Vendor, rows: st.SearchStrategy[Any]) -> tuple[Any, Any]:
    """Days with rows, and the same days cut into pages in some order, some of them told twice."""
    numbers = draw(st.lists(st.integers(-3, 12), unique=True, min_size=1, max_size=10))
    days = {
        # What tells the shares of one line apart is not asked for, and there all the same.
        number: [
            {**sent, "workspace_id": f"w{at}", "project_id": f"p{at}"}
            for at, sent in enumerate(draw(st.lists(rows, max_size=5)))
        ]
        for number in numbers
    }
    told = list(numbers) + draw(st.lists(st.sampled_from(numbers), max_size=4))
    order = draw(st.permutations(told))
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(order) - 1)), max_size=4)))
    edges = [0, *[cut for cut in cuts if cut < len(order)], len(order)]
    slices = [order[a:b] for a, b in pairwise(edges)]
    pages = [
        vendor.page_of(
            # A repeated day may list its rows in another order.
            [vendor.bucket(day(n), draw(st.permutations(days[n]))) for n in numbers_of_page],
            f"page {index}" if index < len(slices) else None,
        )
        for index, numbers_of_page in enumerate(slices, start=1)
    ]
    return days, pages


@st.composite
def anthropic_usage_rows(draw: st.DrawFn) -> dict[str, Any]:
    return ANTHROPIC.usage(
        uncached_input_tokens=draw(counts),
        cache_read_input_tokens=draw(counts),
        cache_creation={
            "ephemeral_5m_input_tokens": draw(counts),
            "ephemeral_1h_input_tokens": draw(counts),
        },
        output_tokens=draw(counts),
        model=draw(models),
        service_tier=draw(tiers),
    )


@st.composite
def openai_usage_rows(draw: st.DrawFn) -> dict[str, Any]:
    uncached, cached, written = draw(counts), draw(counts), draw(counts)
    row = OPENAI.usage(
        input_tokens=uncached + cached + written,
        input_cached_tokens=cached,
        input_cache_write_tokens=written,
        output_tokens=draw(counts),
        model=draw(models),
        service_tier=draw(tiers),
        batch=draw(st.sampled_from([True, False, None])),
    )
    return {**row, "input_uncached_tokens": uncached} if draw(st.booleans()) else row


def by_kind(vendor: Vendor, sent: dict[str, Any]) -> Counter[str]:
    if vendor is ANTHROPIC:
        return Counter(
            uncached=sent["uncached_input_tokens"],
            cached=sent["cache_read_input_tokens"],
            creation=sum(sent["cache_creation"].values()),
            output=sent["output_tokens"],
        )
    cached, written = sent["input_cached_tokens"], sent["input_cache_write_tokens"]
    return Counter(
        uncached=sent["input_tokens"] - cached - written,
        cached=cached,
        creation=written,
        output=sent["output_tokens"],
    )


@pytest.mark.promise("TO-005")
@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
@settings(max_examples=60)
@given(data=st.data())
def test_the_tokens_that_arrive_are_the_tokens_that_were_sent(
    vendor: Vendor, data: st.DataObject
) -> None:
    rows = anthropic_usage_rows() if vendor is ANTHROPIC else openai_usage_rows()
    days, pages = data.draw(pages_of(vendor, rows))
    with opened(vendor, paged(pages)) as client:
        found = {d.day: d.rows for page in client.usage(WINDOW) for d in page}
    assert set(found) == {day(n) for n in days if 0 <= n < 10}
    for number, sent in days.items():
        got = found.get(day(number), [])
        expected: Counter[str] = Counter()
        for one in sent if 0 <= number < 10 else ():
            expected += by_kind(vendor, one)
        total: Counter[str] = Counter()
        for one in got:
            total += Counter(
                uncached=one.uncached_input_tokens,
                cached=one.cached_input_tokens,
                creation=one.cache_creation_tokens,
                output=one.output_tokens,
            )
        assert total == expected
        # What was dropped is added up, so that no combination comes twice.
        assert len({one[:4] for one in got}) == len(got)


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
@settings(max_examples=60)
@given(data=st.data())
def test_the_cost_that_arrives_is_the_cost_that_was_sent(
    vendor: Vendor, data: st.DataObject
) -> None:
    descriptions = st.sampled_from(["", "input", "output", None])

    @st.composite
    def cost_rows(draw: st.DrawFn) -> dict[str, Any]:
        nano = draw(nano_amounts)
        sign, digits = "-" if nano < 0 else "", f"{abs(nano):020d}"
        if vendor is ANTHROPIC:
            text = f"{sign}{digits[:13].lstrip('0') or '0'}.{digits[13:]}"
            return ANTHROPIC.cost(amount=text, description=draw(descriptions), nano=nano)
        text = f"{sign}{digits[:11].lstrip('0') or '0'}.{digits[11:]}"
        value: Any = text if draw(st.booleans()) else f"NUMBER{text}"
        amount = {"value": value, "currency": "usd"}
        return OPENAI.cost(amount=amount, line_item=draw(descriptions), nano=nano)

    days, pages = data.draw(pages_of(vendor, cost_rows()))
    # A JSON number with all its digits, which a float would lose.
    bodies = iter(
        [_unquote_numbers(json.dumps(page, separators=(",", ":"))).encode() for page in pages]
    )
    with opened(vendor, lambda _request: httpx.Response(200, content=next(bodies))) as client:
        found = {d.day: d.rows for page in client.costs(WINDOW) for d in page}
    for number, sent in days.items():
        got = found.get(day(number), [])
        expected = sum(one["nano"] for one in sent) if 0 <= number < 10 else 0
        assert sum(one.cost_nano_usd for one in got) == expected
        assert len({(one.description, one.cost_type) for one in got}) == len(got)


def _unquote_numbers(text: str) -> str:
    head, *rest = text.split('"NUMBER')
    return head + "".join(part.replace('"', "", 1) for part in rest)
