"""When a vendor is asked again, how often, and after how long."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_tokenoffset.errors import ProviderError, RateLimited, VendorUnavailable
from flask_tokenoffset.providers import Limits
from flask_tokenoffset.providers.retry import (
    back_off_seconds,
    requested_wait_seconds,
    unsaid_wait_seconds,
)
from tests.unit.providers.vendors import FIRST_DAY, NOW, Answers, FakeTime, Vendor, fixed, opened


def fail(vendor: Vendor, answers: Answers, time: FakeTime, **options: Any) -> ProviderError:
    with opened(vendor, answers, time=time, **options) as client, pytest.raises(ProviderError) as e:
        client.check(FIRST_DAY)
    return e.value


@pytest.mark.parametrize("status", [500, 502, 503, 504, 529, 408])
def test_five_attempts_with_full_jitter(vendor: Vendor, status: int, time: FakeTime) -> None:
    fractions = iter([0.0, 0.25, 0.5, 0.999, 0.0])
    answers = fixed(status)
    error = fail(vendor, answers, time, random=lambda: next(fractions))
    assert type(error) is VendorUnavailable
    assert len(answers.requests) == 5
    # Between nothing and 0.5, 1, 2 and 4 seconds.
    assert time.slept == pytest.approx([0.0, 0.25, 1.0, 3.996])


@pytest.mark.parametrize("status", [301, 302, 400, 401, 402, 403, 404, 409, 410, 413, 422])
def test_a_refusal_is_never_repeated(vendor: Vendor, status: int, time: FakeTime) -> None:
    answers = fixed(status, headers={"retry-after": "1"})
    error = fail(vendor, answers, time)
    assert not error.transient
    # Anthropic's use is asked for all the same where it knows of no organization.
    paths = [request.url.path for request in answers.requests]
    assert len(paths) == (2 if (vendor.name, status) == ("anthropic", 404) else 1)
    assert len(set(paths)) == len(paths)
    assert time.slept == []


def test_retry_after_in_seconds_is_obeyed_to_the_second(vendor: Vendor, time: FakeTime) -> None:
    answers = fixed(429, headers={"retry-after": "3"})
    error = fail(vendor, answers, time)
    assert isinstance(error, RateLimited)
    assert error.retry_after_seconds == 3.0
    assert time.slept == [3.0, 3.0, 3.0, 3.0]
    assert len(answers.requests) == 5


def test_retry_after_as_a_date_is_obeyed(vendor: Vendor, time: FakeTime) -> None:
    # NOW is 12:00:00. After the first wait the date has come.
    answers = fixed(429, headers={"retry-after": "Fri, 20 Nov 2026 12:00:04 GMT"})
    fail(vendor, answers, time)
    assert time.slept[:2] == [4.0, 0.0]


def test_a_wrong_clock_does_not_change_a_wait(vendor: Vendor, time: FakeTime) -> None:
    # The vendor's clock is a day ahead of ours; by its own it asks for seven seconds.
    headers = {
        "date": "Sat, 21 Nov 2026 12:00:00 GMT",
        "retry-after": "Sat, 21 Nov 2026 12:00:07 GMT",
    }
    fail(vendor, fixed(429, headers=headers), time)
    assert time.slept[0] == 7.0


def test_anthropic_reset_header_is_obeyed_without_retry_after(
    vendor: Vendor, time: FakeTime
) -> None:
    headers = {"anthropic-ratelimit-requests-reset": "2026-11-20T12:00:09Z"}
    fail(vendor, fixed(429, headers=headers), time)
    assert time.slept[0] == 9.0


def test_a_long_wait_is_left_to_the_scheduler(vendor: Vendor, time: FakeTime) -> None:
    answers = fixed(429, headers={"retry-after": "21"})
    error = fail(vendor, answers, time)
    assert isinstance(error, RateLimited)
    assert error.retry_after_seconds == 21.0
    assert (time.slept, len(answers.requests)) == ([], 1)


def test_the_longest_wait_slept_is_a_limit_and_counts_all_waits(
    vendor: Vendor, time: FakeTime
) -> None:
    answers = fixed(429, headers={"retry-after": "8"})
    error = fail(vendor, answers, time)
    assert time.slept == [8.0, 8.0]  # a third would make 24 of 20 seconds
    assert isinstance(error, RateLimited)
    patient = FakeTime()
    fail(vendor, answers, patient, limits=Limits(max_wait_seconds=60.0))
    assert patient.slept == [8.0] * 4


def test_429_that_says_nothing_asks_for_a_minute(vendor: Vendor, time: FakeTime) -> None:
    answers = fixed(429)
    error = fail(vendor, answers, time)
    assert isinstance(error, RateLimited)
    assert error.retry_after_seconds == 67.5  # a minute and half of the spread of 15 seconds
    assert (time.slept, len(answers.requests)) == ([], 1)


def test_a_server_in_trouble_that_names_a_long_wait_is_obeyed(
    vendor: Vendor, time: FakeTime
) -> None:
    error = fail(vendor, fixed(503, headers={"retry-after": "120"}), time)
    assert isinstance(error, RateLimited)
    assert (error.retry_after_seconds, error.status_code) == (120.0, 503)


def test_no_attempt_begins_after_the_call_has_had_its_time(vendor: Vendor, time: FakeTime) -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        time.elapsed_seconds += 50.0  # each attempt is slow to fail
        return httpx.Response(500)

    answers = Answers(answer)
    fail(vendor, answers, time)
    assert len(answers.requests) == 3  # at 0, 50 and 100 seconds of 120


def test_anyone_who_works_is_asked_before_every_attempt(vendor: Vendor, time: FakeTime) -> None:
    class StoppedError(Exception):
        pass

    asked = 0

    def should_continue() -> None:
        nonlocal asked
        asked += 1
        if asked == 3:
            raise StoppedError

    answers = fixed(500)
    with (
        opened(vendor, answers, time=time, should_continue=should_continue) as client,
        pytest.raises(StoppedError),
    ):
        client.check(FIRST_DAY)
    assert len(answers.requests) == 2


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "-5"}, 0.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": " 7 "}, 7.0),
        ({"retry-after": "999999999999999"}, 86_400.0),
        ({"retry-after": "9" * 400}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "Fri, 20 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Fri, 20 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "Fri, 20 Nov 2099 12:00:00 GMT"}, 86_400.0),
        ({"retry-after": "Fri, 20 Nov 2026 12:00:30 -0000"}, 30.0),
        ({"retry-after": "Fri, 99 Nov 2026 99:00:00 GMT"}, None),
        ({"anthropic-ratelimit-requests-reset": "2026-11-20T12:01:00Z"}, 60.0),
        ({"anthropic-ratelimit-requests-reset": "2026-11-20T13:01:00+01:00"}, 60.0),
        ({"anthropic-ratelimit-requests-reset": "2026-11-20T12:01:00"}, 60.0),
        ({"anthropic-ratelimit-requests-reset": "later"}, None),
        ({"retry-after": "2", "anthropic-ratelimit-requests-reset": "2026-11-20T12:01:00Z"}, 2.0),
    ],
)
def test_how_long_a_vendor_asks_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert requested_wait_seconds(headers, NOW) == seconds


@given(st.text(max_size=40), st.datetimes(timezones=st.just(UTC)))
def test_whatever_a_header_says_the_wait_is_at_most_a_day(text: str, now: datetime) -> None:
    seconds = requested_wait_seconds({"retry-after": text, "date": text}, now)
    assert seconds is None or 0.0 <= seconds <= 86_400.0


@given(st.integers(1, 50), st.floats(0, 1, exclude_max=True))
def test_back_off_stays_below_its_step(attempt: int, fraction: float) -> None:
    assert 0.0 <= back_off_seconds(attempt, fraction) <= min(8.0, 0.5 * 2 ** (attempt - 1))
    assert 60.0 <= unsaid_wait_seconds(fraction) <= 75.0
