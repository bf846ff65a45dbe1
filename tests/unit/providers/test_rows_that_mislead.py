"""Rows that could be read as another figure are refused, or stand apart."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from flask_tokenoffset.errors import MalformedAnswer
from flask_tokenoffset.providers import CostRow, UsageRow
from flask_tokenoffset.providers.rows import cost_day
from tests.unit.providers.vendors import (
    ANTHROPIC,
    FIRST_DAY,
    OPENAI,
    Vendor,
    fixed,
    opened,
    window_of,
)

if TYPE_CHECKING:
    from flask_tokenoffset.providers import CostDay


def usage_of(vendor: Vendor, *rows: dict[str, Any]) -> list[UsageRow]:
    page = vendor.page_of([vendor.bucket(FIRST_DAY, rows)])
    with opened(vendor, fixed(json=page)) as client:
        [[found]] = list(client.usage(window_of(1)))
    return found.rows


def costs_of(vendor: Vendor, *rows: dict[str, Any]) -> CostDay:
    """The cost of a day with these rows; a sound day after it stands whatever they are."""
    buckets = [
        vendor.bucket(FIRST_DAY, rows),
        vendor.bucket(FIRST_DAY + timedelta(days=1), [vendor.cost()]),
    ]
    with opened(vendor, fixed(json=vendor.page_of(buckets))) as client:
        [[found, sound]] = list(client.costs(window_of(2)))
    assert (sound.fault, len(sound.rows)) == (None, 1)
    return found


def worth(vendor: Vendor, amount: Any) -> dict[str, Any]:
    return vendor.cost(
        amount=amount if vendor is ANTHROPIC else {"value": amount, "currency": "usd"}
    )


# -- Credits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["tokens", "", None, "credit", "x" * 300])
def test_a_credit_stands_apart_from_the_charge_on_its_own_line(
    vendor: Vendor, kind: str | None
) -> None:
    charge, credit = (
        {**worth(vendor, amount), "cost_type": kind} for amount in ("250.00", "-200.00")
    )
    rows = costs_of(vendor, charge, credit).rows
    unit = 10**7 if vendor is ANTHROPIC else 10**9
    assert [row.cost_nano_usd for row in rows] == [250 * unit, -200 * unit]
    assert rows[1].cost_type.endswith("credit")
    assert len(rows[1].cost_type) <= 200


def test_a_credit_in_a_vendor_with_few_rows_stands_apart_too() -> None:
    rows = [CostRow("a", "tokens", "", "", "", amount) for amount in (100, -80, 20)]
    assert [row.cost_nano_usd for row in cost_day("Acme", FIRST_DAY, rows).rows] == [120, -80]


# -- What an amount means --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more",
    [{"unit": "cents"}, {"currency_unit": "cents"}, {"scale": 2}, {"discount": "-1.00"}],
    ids=str,
)
def test_a_unit_that_nobody_reads_makes_the_cost_of_its_day_unknown(
    vendor: Vendor, more: dict[str, Any]
) -> None:
    rows = [vendor.cost(**more)]
    if vendor is OPENAI:
        rows.append(vendor.cost(amount={"value": 1, "currency": "usd", **more}))
    for row in rows:
        fault = costs_of(vendor, row).fault
        assert fault is not None
        assert next(iter(more)) in fault


def test_the_unit_of_a_quantity_says_nothing_of_the_amount() -> None:
    assert costs_of(OPENAI, OPENAI.cost(quantity=7, quantity_unit="tokens")).fault is None


# -- One row told twice, and sums ------------------------------------------------------------------


def turned(row: dict[str, Any]) -> dict[str, Any]:
    """The same row with its fields in another order, at every depth."""
    return {
        name: turned(value) if isinstance(value, dict) else value
        for name, value in reversed(row.items())
    }


@pytest.mark.parametrize("again", [lambda row: {**row, "inference_geo": None}, turned])
def test_a_row_told_twice_is_found_in_another_form(vendor: Vendor, again: Any) -> None:
    with pytest.raises(MalformedAnswer, match="another row"):
        usage_of(vendor, vendor.usage(), again(vendor.usage()))
    assert "another row" in (costs_of(vendor, vendor.cost(), again(vendor.cost())).fault or "")


def test_names_that_are_equal_as_numbers_are_two_names(vendor: Vendor) -> None:
    rows = [vendor.cost(project_id=each, workspace_id=each) for each in ("1", "01")]
    assert costs_of(vendor, *rows).fault is None


@pytest.mark.parametrize("spelling", ["1.00", "1", "+1.0", "10e-1"])
def test_a_cost_told_twice_is_found_in_another_spelling(vendor: Vendor, spelling: str) -> None:
    found = costs_of(vendor, worth(vendor, "1.0"), worth(vendor, spelling))
    assert "another row" in (found.fault or "")


def test_a_total_beside_its_parts_is_refused(vendor: Vendor) -> None:
    other = vendor.usage(model="another")
    nameless = {"model": None, "service_tier": None, "context_window": None, "batch": None}
    total = {
        name: 2 * value if type(value) is int else value for name, value in vendor.usage().items()
    }
    if vendor is ANTHROPIC:
        total["cache_creation"] = {"ephemeral_5m_input_tokens": 6, "ephemeral_1h_input_tokens": 8}
    with pytest.raises(MalformedAnswer, match="sum of the other rows"):
        usage_of(vendor, vendor.usage(), other, {**total, **nameless})
    # Neither is a share of something that nobody asked for, nor a nameless row of its own.
    share = {**total, **nameless, "workspace_id": "w", "project_id": "p"}
    assert len(usage_of(vendor, vendor.usage(), other, share)) == 3
    assert len(usage_of(vendor, vendor.usage(), other, {**vendor.usage(), **nameless})) == 3


def test_a_total_beside_the_lines_of_a_day_makes_its_cost_unknown(vendor: Vendor) -> None:
    nameless = {
        name: None for name in vendor.cost() if name not in {"object", "amount", "currency"}
    }
    lines = [worth(vendor, "1.25"), {**worth(vendor, "0.75"), "line_item": "b", "description": "b"}]
    found = costs_of(vendor, *lines, {**worth(vendor, "2"), **nameless})
    assert "sum of the other rows" in (found.fault or "")
    assert costs_of(vendor, *lines, {**worth(vendor, "2.01"), **nameless}).fault is None


# -- Kinds of tokens -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("total_input_tokens", 7),
        ("persistent_input_tokens", 10),
        ("ephemeral_24h_input", "50000"),
        ("ephemeral_24h", 10),
        ("ephemeral_24y_input_tokens", 10),
    ],
)
def test_of_a_caches_lifetimes_only_one_more_is_added(field: str, value: Any) -> None:
    creation = {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4, field: value}
    with pytest.raises(MalformedAnswer, match=f"cache_creation.{field}"):
        usage_of(ANTHROPIC, ANTHROPIC.usage(cache_creation=creation))


@pytest.mark.parametrize(
    "more",
    [
        {"thinkingTokens": 5_000},
        {"THINKING_TOKENS": 5_000},
        {"thinking_tokens": "5000.0"},
        {"thinking_tokens": "5e3"},
        {"thinking_tokens": " 5,000 "},
        {"cache_creation_24h": {"input": 5_000}},
        {"cache_creation_24h": [{"read": 5_000}]},
        {"cache_creation_24h": 5_000},
        {"input_details": {"cached": 5_000}},
        {"input_cache_write": {"1h": 5_000}},
        {"outputDetails": {"reasoning": "5000"}},
    ],
    ids=str,
)
def test_tokens_in_a_form_that_nobody_reads_are_refused(
    vendor: Vendor, more: dict[str, Any]
) -> None:
    with pytest.raises(MalformedAnswer, match="tokens of an unknown kind"):
        usage_of(vendor, vendor.usage(**more))


@pytest.mark.parametrize(
    "more",
    [
        {"thinkingTokens": 0},
        {"thinking_tokens": "0.0"},
        {"token_kind": "text"},
        {"cache_creation_24h": {"input": 0}},
        {"input_cache_write": {}},
        {"speed": "fast", "score": {"value": 7}},
    ],
    ids=str,
)
def test_what_counts_no_tokens_does_no_harm(vendor: Vendor, more: dict[str, Any]) -> None:
    assert usage_of(vendor, vendor.usage(**more)) == usage_of(vendor, vendor.usage())


@pytest.mark.parametrize("tools", [[{"web_fetch_input_tokens": 5_000}], [{"a": [3]}], "3", 3])
def test_figures_of_tools_without_their_names_are_refused(tools: Any) -> None:
    with pytest.raises(MalformedAnswer, match="server_tool_use holds figures"):
        usage_of(ANTHROPIC, ANTHROPIC.usage(), ANTHROPIC.usage(model="b", server_tool_use=tools))


@pytest.mark.parametrize("tools", [None, [], "none", {"web_search_requests": 3}])
def test_tools_without_tokens_do_no_harm(tools: Any) -> None:
    assert len(usage_of(ANTHROPIC, ANTHROPIC.usage(server_tool_use=tools))) == 1


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"input_cached_tokens": None, "input_cached_text_tokens": 20}, "input_cached_tokens"),
        ({"input_cached_tokens": None, "input_cached_audio_tokens": 20}, "input_cached_tokens"),
        (
            {"input_cached_text_tokens": 15, "input_cached_image_tokens": 6},
            "input_cached_tokens",
        ),
        ({"input_text_tokens": 120, "input_audio_tokens": 8}, "input_tokens"),
        ({"output_text_tokens": 51}, "output_tokens"),
        ({"output_text_tokens": "50"}, "output_text_tokens"),
        (
            {
                "input_tokens": 0,
                "input_cached_tokens": 0,
                "input_cache_write_tokens": 0,
                "input_text_tokens": 100,
            },
            "input_tokens",
        ),
    ],
)
def test_openai_parts_that_are_more_than_their_whole_are_refused(
    changes: dict[str, Any], named: str
) -> None:
    with pytest.raises(MalformedAnswer, match=named):
        usage_of(OPENAI, OPENAI.usage(model="b"), OPENAI.usage(**changes))


def test_openai_parts_that_fit_their_whole_are_taken() -> None:
    parts = {
        "input_text_tokens": 100,
        "input_audio_tokens": 7,
        "input_image_tokens": None,
        "input_cached_text_tokens": 20,
        "output_text_tokens": 50,
        "output_audio_tokens": 0,
    }
    assert usage_of(OPENAI, OPENAI.usage(**parts)) == usage_of(OPENAI, OPENAI.usage())


def test_an_older_openai_report_counts_audio_beside_the_whole() -> None:
    # As recorded: 822 tokens of output, and 3,103 of audio.
    [row] = usage_of(OPENAI, OPENAI.usage(output_tokens=822, output_audio_tokens=3_103))
    assert row.output_tokens == 822
