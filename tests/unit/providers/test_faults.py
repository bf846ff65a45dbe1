"""Whatever a vendor does, it ends whole, retried, or refused with a reason; never half."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from flask_tokenoffset.errors import (
    KeyRefused,
    MalformedAnswer,
    ProviderError,
    RateLimited,
    RequestRefused,
    VendorUnavailable,
)
from tests.unit.providers.vendors import (
    ANTHROPIC,
    FIRST_DAY,
    OPENAI,
    Answers,
    FakeTime,
    Vendor,
    opened,
    window_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask_tokenoffset.providers import CostDay, UsageDay


@dataclass(frozen=True)
class Fault:
    """What comes instead of an answer, and what it has to end in.

    ``attempts`` is how often the vendor is asked in all, where the fault stays.
    """

    name: str
    make: Callable[[Vendor], httpx.Response | Exception]
    error: type[ProviderError]
    attempts: int


def status(code: int, error: type[ProviderError], attempts: int, **headers: str) -> Fault:
    body = {"error": {"type": "x", "message": "vendor words"}}
    name = "-".join([str(code), *headers.values()])
    named = {header.replace("_", "-"): value for header, value in headers.items()}
    return Fault(name, lambda _v: httpx.Response(code, json=body, headers=named), error, attempts)


def body(name: str, content: bytes, **headers: str) -> Fault:
    return Fault(
        name, lambda _v: httpx.Response(200, content=content, headers=headers), MalformedAnswer, 1
    )


def raised(name: str, error: Exception, attempts: int = 5) -> Fault:
    return Fault(name, lambda _v: error, VendorUnavailable, attempts)


def usage_row(name: str, **changes: Any) -> Fault:
    def make(vendor: Vendor) -> httpx.Response:
        row = vendor.usage(**changes.get(vendor.name, {}))
        page = vendor.page_of([vendor.bucket(FIRST_DAY, [row])])
        return httpx.Response(200, content=json.dumps(page).encode("ascii"))

    return Fault(name, make, MalformedAnswer, 1)


def both(a: str, o: str, value: Any) -> dict[str, dict[str, Any]]:
    return {"anthropic": {a: value}, "openai": {o: value}}


NO_INTEGERS: list[Any] = [-1, 2**63, 10**30, 1.5, "100", None, True, [], {}]
NO_COUNTS: list[Any] = [-1, 2**63, "1", True, [1]]
FAULTS = [
    status(400, RequestRefused, 1),
    status(401, KeyRefused, 1),
    status(402, RequestRefused, 1),
    status(403, KeyRefused, 1),
    status(404, RequestRefused, 1),
    status(408, VendorUnavailable, 5),
    status(409, RequestRefused, 1),
    status(413, RequestRefused, 1),
    status(429, RateLimited, 5, retry_after="2"),
    status(429, RateLimited, 5, retry_after="Fri, 20 Nov 2026 12:00:03 GMT"),
    status(429, RateLimited, 1),
    status(429, RateLimited, 1, retry_after="99999999999"),
    status(429, RateLimited, 1, retry_after="soon"),
    status(500, VendorUnavailable, 5),
    status(502, VendorUnavailable, 5),
    status(503, VendorUnavailable, 5),
    status(503, RateLimited, 1, retry_after="600"),
    status(504, VendorUnavailable, 5),
    status(529, VendorUnavailable, 5),
    status(204, MalformedAnswer, 1),
    status(206, MalformedAnswer, 1),
    status(302, RequestRefused, 1, location="https://elsewhere.example/"),
    status(307, RequestRefused, 1, location="http://elsewhere.example/"),
    raised("connect time-out", httpx.ConnectTimeout("slow")),
    raised("read time-out", httpx.ReadTimeout("slow")),
    raised("write time-out", httpx.WriteTimeout("slow")),
    raised("connection refused", httpx.ConnectError("refused")),
    raised("connection reset", httpx.ReadError("reset")),
    raised("closed without an answer", httpx.RemoteProtocolError("closed")),
    raised("certificate not trusted", httpx.ConnectError("CERTIFICATE_VERIFY_FAILED")),
    body("empty", b""),
    body("cut JSON", b'{"data": [{"results": ['),
    body("HTML", b"<!doctype html><title>Maintenance</title>", content_type="text/html"),
    body("bad UTF-8", b'{"data": ["\xff\xfe"], "has_more": false}'),
    body("UTF-16", '{"data": [], "has_more": false}'.encode("utf-16")),
    body("NaN", b'{"data": [], "has_more": false, "x": NaN}'),
    body("Infinity", b'{"data": [], "has_more": false, "x": -Infinity}'),
    body(
        "fraction beyond Decimal", b'{"data": [], "has_more": false, "x": 1e99999999999999999999}'
    ),
    body("number of 5,000 digits", b'{"data": [], "has_more": false, "x": ' + b"9" * 5_000 + b"}"),
    body("nested without end", b"[" * 200_000),
    body("two documents", b'{"data": [], "has_more": false}{}'),
    Fault(
        "error envelope with 200",
        lambda _v: httpx.Response(200, json={"error": {"message": "overloaded"}}),
        MalformedAnswer,
        1,
    ),
    *(
        usage_row(f"input {value!r}", **both("uncached_input_tokens", "input_tokens", value))
        for value in NO_INTEGERS
    ),
    *(
        usage_row(f"output {value!r}", **both("output_tokens", "output_tokens", value))
        for value in NO_INTEGERS
    ),
    *(
        usage_row(
            f"cached {value!r}", **both("cache_read_input_tokens", "input_cached_tokens", value)
        )
        for value in NO_COUNTS
    ),
]


def answering(vendor: Vendor, fault: Fault) -> Answers:
    def answer(_request: httpx.Request) -> httpx.Response:
        made = fault.make(vendor)
        if isinstance(made, Exception):
            raise made
        return made

    return Answers(answer)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_that_stays_ends_in_its_own_error(
    vendor: Vendor, fault: Fault, time: FakeTime
) -> None:
    answers = answering(vendor, fault)
    with opened(vendor, answers, time=time) as client, pytest.raises(fault.error) as caught:
        list(client.usage(window_of(1)))
    assert type(caught.value) is fault.error
    assert len(answers.requests) == fault.attempts
    assert caught.value.message.startswith(vendor.provider.title)
    assert caught.value.message.endswith(".")
    # Nothing of the HTTP libraries hangs on to the error, and no decoder with the whole body.
    assert caught.value.__cause__ is None
    assert not isinstance(caught.value.__context__, (httpx.HTTPError, ValueError))


TRANSIENT = [fault for fault in FAULTS if fault.attempts > 1]


@pytest.mark.parametrize("fault", TRANSIENT, ids=lambda fault: fault.name)
def test_a_fault_that_passes_leaves_a_whole_window(vendor: Vendor, fault: Fault) -> None:
    asked = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        made = (
            fault.make(vendor) if asked < 3 else httpx.Response(200, json=vendor.one_day(request))
        )
        if isinstance(made, Exception):
            raise made
        return made

    with opened(vendor, answer) as client:
        [[day]] = list(client.usage(window_of(1)))
    assert asked == 3
    assert day.day == FIRST_DAY
    assert day.rows[0].cached_input_tokens == 20


@pytest.mark.parametrize("code", [400, 401, 403, 404, 429, 500, 529])
def test_the_vendors_words_come_along(vendor: Vendor, code: int) -> None:
    answers = answering(vendor, status(code, ProviderError, 0))
    with opened(vendor, answers) as client, pytest.raises(ProviderError) as caught:
        client.check(FIRST_DAY)
    assert caught.value.vendor_message == "vendor words"
    assert caught.value.status_code == code


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b'{"error": 7}', b'{"error": {"message": 7}}', b"\xff"]
)
def test_a_refusal_without_words_is_still_a_refusal(vendor: Vendor, content: bytes) -> None:
    answers = Answers(lambda _request: httpx.Response(401, content=content))
    with opened(vendor, answers) as client, pytest.raises(KeyRefused) as caught:
        client.check(FIRST_DAY)
    assert caught.value.vendor_message is None


def test_a_refusal_with_a_huge_body_is_still_a_refusal(vendor: Vendor) -> None:
    answers = Answers(lambda _request: httpx.Response(403, content=b"x" * 20_000_000))
    with opened(vendor, answers) as client, pytest.raises(KeyRefused):
        client.check(FIRST_DAY)


REQUIRED: dict[str, list[tuple[str, ...]]] = {
    "anthropic": [
        ("uncached_input_tokens",),
        ("cache_read_input_tokens",),
        ("output_tokens",),
        ("cache_creation",),
        ("cache_creation", "ephemeral_5m_input_tokens"),
        ("cache_creation", "ephemeral_1h_input_tokens"),
    ],
    "openai": [("input_tokens",), ("output_tokens",), ("num_model_requests",)],
}


def without(row: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(row))
    place = copy
    for name in path[:-1]:
        place = place[name]
    del place[path[-1]]
    return copy


@pytest.mark.parametrize(
    ("vendor", "path"),
    [(vendor, path) for vendor in (ANTHROPIC, OPENAI) for path in REQUIRED[vendor.name]],
)
def test_a_figure_that_is_missing_is_not_zero(vendor: Vendor, path: tuple[str, ...]) -> None:
    page = vendor.page_of([vendor.bucket(FIRST_DAY, [without(vendor.usage_row, path)])])
    answers = Answers(lambda _request: httpx.Response(200, json=page))
    with opened(vendor, answers) as client, pytest.raises(MalformedAnswer):
        list(client.usage(window_of(1)))


NO_ROWS: list[Any] = [None, [], "row", 7, {}, [["amount"]]]


@pytest.mark.parametrize("row", NO_ROWS)
def test_a_row_of_use_that_is_no_object_is_refused(vendor: Vendor, row: object) -> None:
    page = vendor.page_of([vendor.bucket(FIRST_DAY, [row])])
    answers = Answers(lambda _request: httpx.Response(200, json=page))
    with opened(vendor, answers) as client, pytest.raises(MalformedAnswer):
        list(client.usage(window_of(1)))


@pytest.mark.parametrize("row", NO_ROWS)
def test_a_row_of_cost_that_is_no_object_leaves_its_day_unknown(
    vendor: Vendor, row: object
) -> None:
    faulty, sound = costs_of_two_days(vendor, [row])
    assert faulty.fault is not None
    assert sound.fault is None


@pytest.mark.parametrize(
    ("vendor", "row"),
    [
        (ANTHROPIC, ANTHROPIC.usage(cache_creation=None)),
        (ANTHROPIC, ANTHROPIC.usage(cache_creation=7)),
        (ANTHROPIC, ANTHROPIC.usage(cache_creation="12")),
        (
            ANTHROPIC,
            ANTHROPIC.usage(
                cache_creation={
                    "ephemeral_5m_input_tokens": 2**63 - 1,
                    "ephemeral_1h_input_tokens": 1,
                }
            ),
        ),
        (
            ANTHROPIC,
            ANTHROPIC.usage(
                cache_creation={"ephemeral_5m_input_tokens": -1, "ephemeral_1h_input_tokens": 1}
            ),
        ),
        (OPENAI, OPENAI.usage(input_cached_tokens=128)),  # more cached than there was input
        (OPENAI, OPENAI.usage(input_cached_tokens=120, input_cache_write_tokens=8)),
        (OPENAI, OPENAI.usage(input_uncached_tokens=99)),  # 100 are left
        (OPENAI, OPENAI.usage(input_uncached_tokens="100")),
        (OPENAI, OPENAI.usage(input_cache_write_tokens=-1)),
        (OPENAI, OPENAI.usage(num_model_requests=-1)),
    ],
)
def test_figures_that_contradict_each_other_are_refused(
    vendor: Vendor, row: dict[str, Any]
) -> None:
    page = vendor.page_of([vendor.bucket(FIRST_DAY, [row])])
    answers = Answers(lambda _request: httpx.Response(200, json=page))
    with opened(vendor, answers) as client, pytest.raises(MalformedAnswer):
        list(client.usage(window_of(1)))


def test_rows_whose_sum_is_too_large_to_keep_are_refused(vendor: Vendor) -> None:
    row = vendor.usage(output_tokens=2**63 - 1)
    page = vendor.page_of([vendor.bucket(FIRST_DAY, [row, row])])
    answers = Answers(lambda _request: httpx.Response(200, json=page))
    with opened(vendor, answers) as client, pytest.raises(MalformedAnswer):
        list(client.usage(window_of(1)))


@pytest.mark.parametrize(
    ("vendor", "changes"),
    [
        (ANTHROPIC, {"amount": None}),
        (ANTHROPIC, {"amount": 123.45}),
        (ANTHROPIC, {"amount": "NaN"}),
        (ANTHROPIC, {"amount": {"value": "1"}}),
        (ANTHROPIC, {"currency": None}),
        (ANTHROPIC, {"currency": "EUR"}),
        (OPENAI, {"amount": None}),
        (OPENAI, {"amount": 1.5}),
        (OPENAI, {"amount": {"value": None, "currency": "usd"}}),
        (OPENAI, {"amount": {"currency": "usd"}}),
        (OPENAI, {"amount": {"value": 1}}),
        (OPENAI, {"amount": {"value": 1, "currency": "eur"}}),
        (OPENAI, {"amount": {"value": True, "currency": "usd"}}),
        (OPENAI, {"amount": {"value": "free", "currency": "usd"}}),
    ],
)
def test_a_cost_without_a_clear_amount_is_named_and_costs_its_day_alone(
    vendor: Vendor, changes: dict[str, Any]
) -> None:
    faulty, sound = costs_of_two_days(vendor, [vendor.cost(), vendor.cost(**changes)])
    assert (faulty.day, faulty.rows) == (FIRST_DAY, [])
    assert faulty.fault is not None
    assert FIRST_DAY.isoformat() in faulty.fault
    assert (sound.fault, len(sound.rows)) == (None, 1)


def costs_of_two_days(vendor: Vendor, rows: list[Any]) -> list[CostDay]:
    """The cost of a day with these rows, and of a sound one after it."""
    buckets = [
        vendor.bucket(FIRST_DAY, rows),
        vendor.bucket(FIRST_DAY + timedelta(days=1), [vendor.cost()]),
    ]
    answers = Answers(lambda _request: httpx.Response(200, json=vendor.page_of(buckets)))
    with opened(vendor, answers) as client:
        [days] = list(client.costs(window_of(2)))
    return days


@pytest.mark.parametrize("name", ["amount", "currency"])
def test_an_anthropic_cost_row_needs_its_amount_and_currency(name: str) -> None:
    faulty, _ = costs_of_two_days(ANTHROPIC, [without(ANTHROPIC.cost_row, (name,))])
    assert f"{name} is missing" in (faulty.fault or "")


LABELS: list[tuple[Any, str]] = [
    (None, ""),
    (7, "7"),
    (True, "true"),
    (["x"], ""),
    ({"name": "x"}, ""),
    ("a\x00b\nc", "a b c"),
    (" spaced  out ", "spaced out"),
    ("\ud800\u202eabc", "abc"),
]


@pytest.mark.parametrize(("sent", "kept"), LABELS, ids=range(len(LABELS)))
def test_an_odd_label_is_cleaned_and_loses_no_figure(vendor: Vendor, sent: Any, kept: str) -> None:
    usage = vendor.usage(model=sent, service_tier=sent)
    cost = vendor.cost(description=sent, line_item=sent)
    pages = {
        vendor.usage_path: vendor.page_of([vendor.bucket(FIRST_DAY, [usage])]),
        vendor.costs_path: vendor.page_of([vendor.bucket(FIRST_DAY, [cost])]),
    }

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=json.dumps(pages[request.url.path]).encode("ascii"))

    with opened(vendor, answer) as client:
        [[used]], [[charged]] = list(client.usage(window_of(1))), list(client.costs(window_of(1)))
    assert (used.rows[0].model, used.rows[0].service_tier) == (kept, kept)
    assert used.rows[0].cached_input_tokens == 20
    assert charged.rows[0].description == kept
    assert charged.rows[0].cost_nano_usd == 1_234_500_000


def test_a_label_of_a_cost_is_cut_and_labels_that_become_one_are_added_up(vendor: Vendor) -> None:
    rows = [
        vendor.cost(description="x" * 300 + end, line_item="x" * 300 + end) for end in ("a", "b")
    ]
    found, _ = costs_of_two_days(vendor, rows)
    [kept] = found.rows
    assert len(kept.description) == 200
    assert kept.cost_nano_usd == 2 * 1_234_500_000


@pytest.mark.parametrize("report", ["usage", "costs"])
def test_a_row_that_is_told_twice_is_neither_counted_once_nor_twice(
    vendor: Vendor, report: str
) -> None:
    row = vendor.usage_row if report == "usage" else vendor.cost_row
    if report == "costs":
        faulty, _ = costs_of_two_days(vendor, [row, row])
        assert "as in another row" in (faulty.fault or "")
        return
    page = vendor.page_of([vendor.bucket(FIRST_DAY, [row, row])])
    answers = Answers(lambda _request: httpx.Response(200, json=page))
    with opened(vendor, answers) as client, pytest.raises(MalformedAnswer, match="another row"):
        list(client.usage(window_of(1)))


@pytest.mark.parametrize("report", ["usage", "costs"])
def test_rows_that_differ_in_what_nobody_asked_for_are_shares_of_one_line(
    vendor: Vendor, report: str
) -> None:
    made = vendor.usage if report == "usage" else vendor.cost
    rows = [made(project_id=each, workspace_id=each) for each in "ab"]
    page = vendor.page_of([vendor.bucket(FIRST_DAY, rows)])
    answers = Answers(lambda _request: httpx.Response(200, json=page))
    with opened(vendor, answers) as client:
        pages: Iterator[Any] = getattr(client, report)(window_of(1))
        [[found]] = list(pages)
    [row] = found.rows
    assert row[-2:] == (100, 0) or row[-2:] == (100, 12) or row[-1] == 2 * 1_234_500_000


# -- What a sum is made of is an open list. -----------------------------------------------------


def anthropic_row(**creation: Any) -> dict[str, Any]:
    return ANTHROPIC.usage(
        cache_creation={"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4, **creation}
    )


def usage_of(vendor: Vendor, row: dict[str, Any]) -> UsageDay:
    page = vendor.page_of([vendor.bucket(FIRST_DAY, [row])])
    answers = Answers(lambda _request: httpx.Response(200, json=page))
    with opened(vendor, answers) as client:
        [[found]] = list(client.usage(window_of(1)))
    return found


@pytest.mark.parametrize(
    ("creation", "tokens"),
    [
        ({"ephemeral_24h_input_tokens": 1_000}, 1_007),
        ({"ephemeral_24h_input_tokens": 1_000, "ephemeral_7d_input_tokens": 10}, 1_017),
        ({"ephemeral_24h_input_tokens": 1_000, "persistent_input_tokens": 0}, 1_007),
        ({"ephemeral_24h_input_tokens": 0}, 7),
        ({"ephemeral_24h_input_tokens": None}, 7),
        ({"note": "unknown", "is_new": True, "empty": {}}, 7),
    ],
)
def test_a_new_lifetime_of_a_cache_is_added(creation: dict[str, Any], tokens: int) -> None:
    assert usage_of(ANTHROPIC, anthropic_row(**creation)).rows[0].cache_creation_tokens == tokens


@pytest.mark.parametrize(
    ("vendor", "row", "named"),
    [
        (ANTHROPIC, anthropic_row(ephemeral_24h_input_tokens="1000"), "ephemeral_24h_input_tokens"),
        (ANTHROPIC, anthropic_row(ephemeral_24h_input_tokens=-1), "ephemeral_24h_input_tokens"),
        (ANTHROPIC, anthropic_row(ephemeral_24h={"input_tokens": 1000}), "ephemeral_24h"),
        (ANTHROPIC, anthropic_row(ephemeral_24h=1000), "ephemeral_24h"),
        (ANTHROPIC, ANTHROPIC.usage(audio_input_tokens=1000), "audio_input_tokens"),
        (ANTHROPIC, ANTHROPIC.usage(tool_use={"input_tokens": 1000}), "tool_use"),
        (
            ANTHROPIC,
            ANTHROPIC.usage(server_tool_use={"web_search_requests": 1, "search_tokens": 1000}),
            "server_tool_use",
        ),
        (OPENAI, OPENAI.usage(reasoning_tokens=1000), "reasoning_tokens"),
        (OPENAI, OPENAI.usage(input_details={"cached_24h_tokens": 1000}), "input_details"),
    ],
)
def test_tokens_of_a_kind_nobody_knows_are_refused_by_name(
    vendor: Vendor, row: dict[str, Any], named: str
) -> None:
    with pytest.raises(MalformedAnswer, match=named):
        usage_of(vendor, row)


@pytest.mark.parametrize("parts", [{"input_video_tokens": 5}, {"output_reasoning_tokens": 5}])
def test_a_part_of_what_openai_counts_already_is_not_counted_again(parts: dict[str, int]) -> None:
    assert usage_of(OPENAI, OPENAI.usage(**parts)).rows == usage_of(OPENAI, OPENAI.usage()).rows


@pytest.mark.parametrize("part", [{"exponent": 2}, {"tax": {"value": 0.5}}])
def test_a_further_figure_of_an_amount_makes_the_cost_of_its_day_unknown(
    part: dict[str, Any],
) -> None:
    amount = {"value": 1.5, "currency": "usd", **part}
    faulty, _ = costs_of_two_days(OPENAI, [OPENAI.cost(amount=amount)])
    assert "amount." in (faulty.fault or "")


def test_what_a_vendor_adds_or_leaves_out_of_dimensions_does_no_harm(vendor: Vendor) -> None:
    row = vendor.usage(model="model-of-tomorrow", service_tier="warp", speed="fast", new={"a": 1})
    bare = {k: v for k, v in vendor.usage_row.items() if k not in {"model", "service_tier"}}
    page = vendor.page_of([vendor.bucket(FIRST_DAY, [row, bare])])
    answers = Answers(lambda _request: httpx.Response(200, json={**page, "new": 1}))
    with opened(vendor, answers) as client:
        [[day]] = list(client.usage(window_of(1)))
    assert [found[:2] for found in day.rows] == [("model-of-tomorrow", "warp"), ("", "")]


def test_credits_are_negative_costs(vendor: Vendor) -> None:
    amount: Any = "-250" if vendor is ANTHROPIC else {"value": -2.5, "currency": "usd"}
    page = vendor.page_of([vendor.bucket(FIRST_DAY, [vendor.cost(amount=amount)])])
    answers = Answers(lambda _request: httpx.Response(200, json=page))
    with opened(vendor, answers) as client:
        [[day]] = list(client.costs(window_of(1)))
    assert day.rows[0].cost_nano_usd == -2_500_000_000


def test_an_answer_may_be_compressed(vendor: Vendor) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        packed = gzip.compress(json.dumps(vendor.one_day(request)).encode())
        return httpx.Response(
            200, stream=httpx.ByteStream(packed), headers={"content-encoding": "gzip"}
        )

    with opened(vendor, answer) as client:
        [[day]] = list(client.usage(window_of(1)))
    assert day.rows[0].output_tokens == 50
