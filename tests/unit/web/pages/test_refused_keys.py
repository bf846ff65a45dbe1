from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from flask_tokenoffset.models import DailyUsage, Estimate, SampleRun
from flask_tokenoffset.providers import PROVIDERS
from flask_tokenoffset.testing import (
    ANTHROPIC_DEMO_KEY,
    ANTHROPIC_ORDINARY_KEY,
    ANTHROPIC_REVOKED_KEY,
    OPENAI_DEMO_KEY,
    OPENAI_ORDINARY_KEY,
)
from flask_tokenoffset.testing.simulators import faults
from tests.support.html_page import HtmlPage
from tests.support.source_pages import (
    CONNECTED,
    VENDORS,
    calls,
    connect,
    do_not_wait,
    is_empty,
    stored,
)
from tests.support.world import KEYS, PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask_tokenoffset.testing import Fault
    from tests.support.world import World


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    do_not_wait(monkeypatch)


@pytest.mark.promise("TO-021")
@pytest.mark.parametrize(
    ("provider", "key"),
    [
        ("anthropic", ANTHROPIC_ORDINARY_KEY),
        ("anthropic", OPENAI_DEMO_KEY),
        ("anthropic", "sk-ant-oat01-" + "a" * 60),
        ("anthropic", "a" * 40),
        ("openai", OPENAI_ORDINARY_KEY),
        ("openai", "sk-svcacct-" + "a" * 60),
        ("openai", "sk-" + "a" * 48),
        ("openai", ANTHROPIC_DEMO_KEY),
    ],
)
def test_a_key_of_the_wrong_kind_is_explained_and_not_sent(
    world: World, provider: str, key: str
) -> None:
    answer = connect(world.ada, provider, key=key, label="Research")
    assert answer.status_code == 422
    page = HtmlPage(answer.text)
    error = page.error_of("to-key")
    vendor = PROVIDERS[provider]
    assert f"begins with {vendor.key_prefix}" in error
    assert vendor.walk_through.key_page_url in error
    assert page.by_id("to-label").attributes["value"] == "Research"
    assert key not in answer.text
    assert calls(world) == []
    assert is_empty(world, *CONNECTED)


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("", "No key was entered."),
        ("   ", "No key was entered."),
        ("sk-ant-admin01", "has fewer than 20 characters"),
        ("sk-ant-admin01-" + "a" * 600, "more than 512 characters"),
        ("sk-ant-admin01-" + "a" * 20 + "\N{EN DASH}" + "b" * 20, "character that no key has"),
        ("sk-ant-admin01-" + "a" * 20 + " " + "b" * 20, "has a space"),
        ("sk-ant-admin01-" + "a" * 20 + "\x00" + "b" * 20, "control character"),
        ("sk-ant-admin01-" + "a" * 20 + "\r\nx-evil: 1", "a line break"),
        ("sk-ant-admin01-" + "a" * 20 + "<script>", "not a whole key"),
    ],
)
def test_what_is_no_key_is_refused_beside_the_field(world: World, key: str, sentence: str) -> None:
    answer = connect(world.ada, key=key)
    assert answer.status_code == 422
    assert sentence in HtmlPage(answer.text).error_of("to-key")
    assert not key.strip() or key not in answer.text
    assert calls(world) == []
    assert is_empty(world, *CONNECTED)


@pytest.mark.promise("TO-022")
def test_a_key_the_vendor_refuses_is_not_stored(world: World) -> None:
    answer = connect(world.ada, key=ANTHROPIC_REVOKED_KEY, label="Research")
    assert answer.status_code == 422
    page = HtmlPage(answer.text)
    assert page.title.startswith("Error: ")
    error = page.error_of("to-key")
    assert "Anthropic does not accept this key" in error
    assert "Anthropic said: “" in error
    assert "Nothing was connected" in page.text
    assert page.by_id("to-label").attributes["value"] == "Research"
    assert page.by_id("to-key").attributes["value"] == ""
    assert len(world.anthropic.calls) == 1
    assert is_empty(world, *CONNECTED)
    assert not world.ada.has_account

    # The same form, filled in better, is taken.
    assert connect(world.ada, label="Research").status_code == 303


@pytest.mark.promise("TO-022")
@VENDORS
@pytest.mark.parametrize(
    ("fault", "status", "sentence"),
    [
        (lambda: faults.status(401), 422, "does not accept this key"),
        (lambda: faults.status(403), 422, "does not accept this key"),
        (lambda: faults.status(404), 502, "did not accept the question (answer 404)"),
        (lambda: faults.rate_limited("120"), 503, "Try again in 2 minutes."),
        (lambda: faults.status(500), 503, "cannot be read at the moment (answer 500)"),
        (lambda: faults.status(529), 503, "cannot be read at the moment (answer 529)"),
        (faults.html, 502, "cannot be read at the moment"),
        (faults.cut_json, 502, "cannot be read at the moment"),
        (lambda: faults.wrong_type("data"), 502, "cannot be read at the moment"),
        (faults.not_an_object, 502, "cannot be read at the moment"),
        (faults.empty_body, 502, "cannot be read at the moment"),
        (faults.reset, 503, "cannot be read at the moment"),
        (faults.read_timeout, 503, "cannot be read at the moment"),
        (faults.redirect, 502, "Redirects are not followed"),
    ],
)
def test_whatever_a_vendor_answers_nothing_half_is_stored(
    world: World, provider: str, fault: Callable[[], Fault], status: int, sentence: str
) -> None:
    vendor = world.vendors[provider]
    report = next(e.path for e in PROVIDERS[provider].endpoints if "usage" in e.path)
    vendor.faults.add(fault(), path=report, times=None)
    answer = connect(world.ada, provider, label="Research")
    assert answer.status_code == status
    page = HtmlPage(answer.text)
    assert sentence in page.error_of("to-key")
    assert page.by_id("to-label").attributes["value"] == "Research"
    assert KEYS[provider] not in answer.text
    assert is_empty(world, *CONNECTED)
    assert world.queue.run_ids == []


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (lambda: faults.rate_limited("90"), "vendor-rate-limited"),
        (lambda: faults.status(503), "vendor-unavailable"),
        (faults.cut_json, "vendor-answer-malformed"),
    ],
)
def test_the_api_promises_no_later_attempt_where_nothing_was_stored(
    world: World, fault: Callable[[], Fault], code: str
) -> None:
    world.anthropic.faults.add(fault(), times=None)
    answer = world.ada.api("POST", "/sources", {"provider": "anthropic", "key": KEYS["anthropic"]})
    problem = answer.get_json()
    assert problem["code"] == code
    assert "could not be checked and nothing was stored" in problem["detail"]
    assert "Try again" in problem["detail"]
    assert "tried again" not in problem["detail"]
    assert is_empty(world, *CONNECTED)


def test_a_label_that_cannot_be_shown_is_refused_by_the_api_too(world: World) -> None:
    body = {"provider": "anthropic", "key": KEYS["anthropic"], "label": "Lab\x1boratory"}
    answer = world.ada.api("POST", "/sources", body)
    assert answer.status_code == 422
    assert "cannot be shown" in answer.get_json()["errors"][0]["detail"]
    assert calls(world) == []


def test_a_wait_the_vendor_asks_for_is_passed_on(world: World) -> None:
    world.anthropic.faults.add(faults.rate_limited("90"), times=None)
    assert connect(world.ada).headers["Retry-After"] == "90"


def test_a_vendors_words_are_shown_as_words(world: World) -> None:
    body: Any = {"error": {"type": "x", "message": "<script>alert(1)</script> & <b>no</b>"}}
    world.anthropic.faults.add(faults.status(401, body=body), times=None)
    answer = connect(world.ada)
    assert "<script>alert" not in answer.text
    assert "<b>no" not in answer.text
    assert "Anthropic said" in HtmlPage(answer.text).error_of("to-key")


@VENDORS
def test_a_vendor_that_repeats_the_key_cannot_show_it(
    world: World, provider: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    world.vendors[provider].faults.add(faults.echoes_key(), times=None)
    answer = connect(world.ada, provider)
    assert answer.status_code == 422
    assert KEYS[provider] not in answer.text + caplog.text
    assert KEYS[provider][6:30] not in answer.text + caplog.text


def test_pages_without_end_are_given_up_in_the_background(world: World) -> None:
    # On submit one page is all that is asked for, so the chain shows only later.
    world.anthropic.faults.add(faults.endless_paging(), path="*/messages", times=None)
    path = connect(world.ada).location.removeprefix(PREFIX)
    world.work()
    page = world.ada.page(path)
    (run,) = stored(world, SampleRun)
    assert run["reason_code"] == "vendor-answer-incomplete"
    assert "Waits to try again" in page.text
    assert run["reason"] in page.text
    assert is_empty(world, DailyUsage, Estimate)
