"""Our own clients against the simulators: right to the token and nano-dollar, or refused."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_tokenoffset import providers
from flask_tokenoffset.clock import DayRange
from flask_tokenoffset.errors import ProviderError
from flask_tokenoffset.providers import CostDay, UsageDay, VendorHTTP
from flask_tokenoffset.testing import (
    ANTHROPIC_DEMO_KEY,
    CANARY_TEXT,
    EVERY_FAULT,
    OPENAI_DEMO_KEY,
    AnthropicSimulator,
    OpenAISimulator,
    ProfileName,
)
from flask_tokenoffset.testing.simulators import odd_reports
from flask_tokenoffset.vault import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask_tokenoffset.testing import Fault

TODAY = date(2026, 11, 20)
WINDOW = DayRange(TODAY - timedelta(days=90), TODAY)
SIMULATORS = [AnthropicSimulator, OpenAISimulator]
Simulator = AnthropicSimulator | OpenAISimulator
KEYS = {"anthropic": ANTHROPIC_DEMO_KEY, "openai": OPENAI_DEMO_KEY}
PROFILES: list[ProfileName] = ["small_team", "new_customer", "quiet"]

# Days that are left out are not known to the clients, and not known to be wanted: that is for those
# who have the whole window before them.
LEAVE_DAYS_OUT = {"ends_early", "leaves_out_empty_days", "late"}
#: What the vendor says then is another truth.
SAY_SOMETHING_ELSE = {"credit", "new_cache_lifetime"}


class Read(NamedTuple):
    usage: list[UsageDay]
    costs: list[CostDay]


def read(simulator: Simulator, window: DayRange = WINDOW) -> Read:
    provider, key = providers.get(simulator.name), Secret(KEYS[simulator.name])
    with VendorHTTP(
        provider.name,
        provider.endpoints,
        key,
        transport=simulator.transport(),
        sleep=lambda seconds: None,
    ) as http:
        client = provider.open(key, http)
        return Read(
            [day for page in client.usage(window) for day in page],
            [day for page in client.costs(window) for day in page],
        )


def assert_equals_ledger(simulator: Simulator, seen: Read, window: DayRange = WINDOW) -> None:
    usage = {day.day: day.rows for day in seen.usage}
    costs = {day.day: day.rows for day in seen.costs if day.fault is None}
    faulty = {day.day for day in seen.costs if day.fault is not None}
    for day, truth in simulator.ledger.by_day(window.start, window.end).items():
        rows = usage.get(day, [])
        assert sum(row.uncached_input_tokens for row in rows) == truth.uncached_input_tokens
        assert sum(row.cached_input_tokens for row in rows) == truth.cached_input_tokens
        assert sum(row.cache_creation_tokens for row in rows) == truth.cache_creation_tokens
        assert sum(row.output_tokens for row in rows) == truth.output_tokens
        assert day in faulty or (
            sum(row.cost_nano_usd for row in costs.get(day, [])) == truth.cost_nano_usd
        )


@pytest.mark.parametrize("kind", SIMULATORS)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_each_day_is_read_to_the_token_and_nano_dollar(
    kind: type[Simulator], data: st.DataObject
) -> None:
    simulator = kind(
        profile=data.draw(st.sampled_from(PROFILES)),
        seed=data.draw(st.integers(0, 10**6)),
        today=lambda: TODAY,
        late_days=data.draw(st.integers(0, 3)),
    )
    start = TODAY - timedelta(days=data.draw(st.integers(1, 100)))
    window = DayRange(
        start, start + timedelta(days=data.draw(st.integers(1, (TODAY - start).days)))
    )

    assert_equals_ledger(simulator, read(simulator, window), window)


@pytest.mark.parametrize("kind", SIMULATORS)
def test_each_model_and_tier_keeps_its_own_tokens(kind: type[Simulator]) -> None:
    simulator = kind(today=lambda: TODAY)
    seen: dict[tuple[object, ...], int] = {}
    for day in read(simulator).usage:
        for row in day.rows:
            key = (row.model, row.service_tier)
            seen[key] = seen.get(key, 0) + row.output_tokens

    truth = simulator.ledger.usage_by(WINDOW.start, WINDOW.end, "model", "service_tier")
    assert seen == {key: totals.output_tokens for key, totals in truth.items()}


def test_amounts_sent_as_strings_are_worth_the_same() -> None:
    simulator = OpenAISimulator(today=lambda: TODAY, amounts_as_strings=True)

    assert_equals_ledger(simulator, read(simulator))


@pytest.mark.parametrize(
    "fault",
    [
        odd_reports.amounts_with_exponents,
        odd_reports.amounts_of_thirty_digits,
        odd_reports.free_rows,
        lambda: odd_reports.free_rows("-0.000000000000000000000000000000"),
    ],
)
@pytest.mark.parametrize("kind", SIMULATORS)
def test_amounts_in_any_notation_are_worth_the_same(
    kind: type[Simulator], fault: Callable[[], Fault]
) -> None:
    simulator = kind(today=lambda: TODAY)
    simulator.faults.add(fault(), times=None)

    seen = read(simulator)

    assert all(day.fault is None for day in seen.costs)
    assert_equals_ledger(simulator, seen)


def test_numbers_of_any_length_are_worth_the_same() -> None:
    simulator = OpenAISimulator(today=lambda: TODAY)
    simulator.faults.add(odd_reports.amounts_as_bare_numbers(), times=None)

    assert_equals_ledger(simulator, read(simulator))


def test_tokens_of_a_new_cache_lifetime_are_added() -> None:
    simulator = AnthropicSimulator(today=lambda: TODAY)
    usual = sum(row.cache_creation_tokens for day in read(simulator).usage for row in day.rows)
    rows = sum(len(day.rows) for day in read(simulator).usage)
    simulator.faults.add(odd_reports.new_cache_lifetime(7), times=None)

    seen = sum(row.cache_creation_tokens for day in read(simulator).usage for row in day.rows)

    assert seen == usual + 7 * rows


@pytest.mark.parametrize("kind", SIMULATORS)
def test_planted_text_is_nowhere_in_what_was_read(kind: type[Simulator]) -> None:
    simulator = kind(today=lambda: TODAY, canary=CANARY_TEXT)

    seen = read(simulator)

    assert_equals_ledger(simulator, seen)
    assert CANARY_TEXT[:11] not in repr(seen)


@pytest.mark.parametrize("times", [1, None])
@pytest.mark.parametrize("name", sorted(EVERY_FAULT.keys() - LEAVE_DAYS_OUT - SAY_SOMETHING_ELSE))
@pytest.mark.parametrize("kind", SIMULATORS)
def test_whatever_goes_wrong_an_answer_is_whole_or_refused(
    kind: type[Simulator], name: str, times: int | None
) -> None:
    simulator = kind(today=lambda: TODAY)
    simulator.faults.add(EVERY_FAULT[name](), times=times)

    try:
        seen = read(simulator)
    except ProviderError as error:
        refusal = str(error)
    else:
        refusal = ""
        assert_equals_ledger(simulator, seen)
    assert KEYS[simulator.name] not in refusal
