"""A vendor's answer may hold anything. Only what was asked for comes through."""

from __future__ import annotations

import copy
import inspect
import json
import logging
import sys
import traceback
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING, Any

import httpx
import pytest

import flask_tokenoffset.outbound.client as outbound_module
import flask_tokenoffset.providers.http as http_module
import flask_tokenoffset.providers.key_header as key_header_module
import flask_tokenoffset.providers.vendors.anthropic as anthropic_module
import flask_tokenoffset.providers.vendors.openai as openai_module
from flask_tokenoffset.errors import KeyRefused, ProviderError, TokenOffsetError
from flask_tokenoffset.providers import CostRow, UsageRow
from flask_tokenoffset.vault import Secret
from tests.unit.providers.vendors import (
    ANTHROPIC,
    FIRST_DAY,
    OPENAI,
    Answers,
    Vendor,
    fixed,
    opened,
    recorded,
    well_formed,
    window_of,
)

if TYPE_CHECKING:
    from types import CodeType, FrameType

PROMPT = "PROMPT-CANARY tell me a secret"
PERSON = "person-canary@example.com"


def with_canaries(value: Any) -> Any:
    """The same answer with a prompt and a person in every object of it, at every depth."""
    if isinstance(value, dict):
        planted = {name: with_canaries(inner) for name, inner in value.items()}
        return {
            **planted,
            "prompt": PROMPT,
            "messages": [{"role": "user", "content": PROMPT}],
            "user_email": PERSON,
            "user_id": PERSON,
            PROMPT: PROMPT,
        }
    if isinstance(value, list):
        return [with_canaries(inner) for inner in value]
    return copy.copy(value)


def everything(vendor: Vendor, answers: Answers) -> list[object]:
    with opened(vendor, answers) as client:
        return [
            client.check(FIRST_DAY),
            list(client.usage(window_of(1))),
            list(client.costs(window_of(1))),
        ]


@pytest.mark.promise("TO-034")
def test_prompts_and_people_in_unknown_places_are_dropped(
    vendor: Vendor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    planted = Answers(
        lambda request: httpx.Response(
            200,
            json=with_canaries(vendor.one_day(request)),
            headers={"x-prompt": PROMPT},
            extensions={"reason_phrase": PROMPT.encode()},
        )
    )
    assert everything(vendor, planted) == everything(vendor, well_formed(vendor))
    assert "CANARY" not in caplog.text
    assert "canary" not in caplog.text


@pytest.mark.promise("TO-034")
@pytest.mark.parametrize(
    "name",
    [
        "anthropic-usage-documented.json",
        "anthropic-cost-documented.json",
        "anthropic-cost-ungrouped.json",
        "openai-usage-documented.json",
        "openai-usage-by-model.json",
        "openai-costs-documented.json",
    ],
)
def test_canaries_in_recorded_answers_change_nothing(name: str) -> None:
    vendor = ANTHROPIC if name.startswith("anthropic") else OPENAI
    page = {**recorded(name), "has_more": False, "next_page": None}
    window = window_of(800, date(2024, 1, 1))
    results = []
    for body in (page, with_canaries(page)):
        with opened(vendor, fixed(json=body)) as client:
            report = client.usage(window) if "usage" in name else client.costs(window)
            results.append(list(report))
    assert results[0] == results[1]
    assert results[0] != [[]]
    assert "CANARY" not in repr(results[1])


@pytest.mark.promise("TO-034")
def test_a_prompt_in_the_place_of_a_model_is_neither_kept_nor_shown(
    vendor: Vendor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    row = vendor.usage(model=f"{PROMPT}\n" + "and so on " * 40)
    page = vendor.page_of([vendor.bucket(FIRST_DAY, [row])])
    with opened(vendor, fixed(json=page)) as client:
        [[day]] = list(client.usage(window_of(1)))
    assert (day.rows[0].model, day.rows[0].cached_input_tokens) == ("", 20)
    assert "CANARY" not in repr(day) + caplog.text


@pytest.mark.promise("TO-034")
@pytest.mark.parametrize(
    "content",
    [
        PROMPT.encode(),
        json.dumps({"data": PROMPT, "has_more": PROMPT}).encode(),
        json.dumps({"data": [PROMPT], "has_more": False}).encode(),
        json.dumps({"data": [{"results": [PROMPT]}], "has_more": False}).encode(),
        PROMPT.encode() + b"\xff",
        b'{"data": ' + PROMPT.encode(),
    ],
)
def test_an_answer_that_cannot_be_read_is_not_quoted(
    vendor: Vendor, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with (
        opened(vendor, fixed(content=content)) as client,
        pytest.raises(ProviderError) as caught,
    ):
        list(client.usage(window_of(1)))
    told = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
    assert "CANARY" not in told
    assert "CANARY" not in caplog.text


@pytest.mark.promise("TO-034")
def test_no_result_has_a_field_that_could_hold_a_conversation() -> None:
    assert UsageRow._fields == (
        "model",
        "service_tier",
        "context_window",
        "batch",
        "uncached_input_tokens",
        "cached_input_tokens",
        "cache_creation_tokens",
        "output_tokens",
        "request_count",
    )
    assert CostRow._fields == (
        "description",
        "cost_type",
        "model",
        "service_tier",
        "token_type",
        "cost_nano_usd",
    )


# -- The key -----------------------------------------------------------------------------------


def pieces_of(key: str) -> list[str]:
    """Every seven characters of the secret part; six are shown on our own pages."""
    secret = key.split("-", 3)[-1] if key.startswith("sk-ant") else key.split("-", 2)[-1]
    return [secret[start : start + 7] for start in range(len(secret) - 6)]


def holds_the_key(vendor: Vendor, text: str) -> bool:
    return any(piece in text for piece in pieces_of(vendor.key))


@pytest.mark.promise("TO-004", "TO-015")
def test_a_key_that_a_vendor_repeats_is_taken_out_of_its_words(
    vendor: Vendor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    key = vendor.key
    words = [
        f"Incorrect API key provided: {key}.",
        f"key={key[:-4]}...",
        f"the end is {key[-12:]}",
        f"'{key[14:24]}'",
        "sk-proj-****************abcd is no admin key",
        "see sk-ant-api03-AbCdEf",
        f"bell \x07 {key}\r\nX-Header: 1",
    ]
    for message in words:
        answers = fixed(401, json={"error": {"message": message}})
        with opened(vendor, answers) as client, pytest.raises(KeyRefused) as caught:
            client.check(FIRST_DAY)
        said = caught.value.vendor_message
        assert said is not None
        assert "[removed]" in said
        assert not holds_the_key(vendor, said)
        assert "abcd" not in said
        assert "AbCdEf" not in said
        assert said.isprintable()
    assert not holds_the_key(vendor, caplog.text)


def test_ordinary_words_of_a_vendor_stay_and_are_cut_at_three_hundred(vendor: Vendor) -> None:
    message = "Your API key does not have permission to use the specified resource."
    for sent, said in ((message, message), ("word " * 100, None)):
        answers = fixed(403, json={"error": {"message": sent}})
        with opened(vendor, answers) as client, pytest.raises(KeyRefused) as caught:
            client.check(FIRST_DAY)
        found = caught.value.vendor_message
        assert found is not None
        assert len(found) <= 300
        assert found == said or (said is None and found.endswith("…"))


class StruckError(BaseException):
    """Stands for a worker's time limit, which may strike at any line."""


def vendor_code() -> list[CodeType]:
    """Every function of the HTTP client and of both vendors' clients."""
    found: list[CodeType] = []

    def walk(code: CodeType) -> None:
        found.append(code)
        for constant in code.co_consts:
            if inspect.iscode(constant):
                walk(constant)

    for module in (
        outbound_module,
        http_module,
        key_header_module,
        anthropic_module,
        openai_module,
    ):
        source = inspect.getsource(module)
        walk(compile(source, module.__file__ or "", "exec"))
    return found


LINES = {
    (code.co_filename, line)
    for code in vendor_code()
    if code.co_name != "<module>"
    for _, _, line in code.co_lines()
    if line is not None
}


FILES = {file for file, _ in LINES}


def lines_run(vendor: Vendor, answers: Answers) -> list[tuple[str, int]]:
    """Which of those lines reading everything runs, in order, each once."""
    seen: dict[tuple[str, int], None] = {}

    def trace(frame: FrameType, event: str, _argument: object) -> Any:
        place = (frame.f_code.co_filename, frame.f_lineno)
        if event == "line" and place in LINES:
            seen[place] = None
        return trace if place[0] in FILES else None

    with suppress(ProviderError):
        with_trace(trace, vendor, answers)
    return list(seen)


def with_trace(trace: Any, vendor: Vendor, answers: Answers) -> None:
    previous = sys.gettrace()
    sys.settrace(trace)
    try:
        everything(vendor, answers)
    finally:
        sys.settrace(previous)


@pytest.mark.promise("TO-004", "TO-015")
@pytest.mark.parametrize("status", [200, 401, 500])
def test_an_error_at_any_line_shows_nothing_of_the_key_even_with_local_variables(
    vendor: Vendor, status: int
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, json=vendor.one_day(request))

    answers = Answers(answer)
    places = lines_run(vendor, answers)
    assert len(places) > 40
    struck = [shown_when_struck(vendor, answers, place) for place in places]
    for place, shown in zip(places, struck, strict=True):
        assert not holds_the_key(vendor, shown), place
    assert sum("StruckError" in shown for shown in struck) == len(places)


def shown_when_struck(vendor: Vendor, answers: Answers, place: tuple[str, int]) -> str:
    """What a reporter with local variables shows of an error at one line of the client."""
    armed = True

    def strike(frame: FrameType, event: str, _argument: object) -> Any:
        nonlocal armed
        if armed and event == "line" and (frame.f_code.co_filename, frame.f_lineno) == place:
            armed = False
            raise StruckError
        return strike if frame.f_code.co_filename in FILES else None

    try:
        with_trace(strike, vendor, answers)
    except (StruckError, TokenOffsetError) as error:
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        return without_own_frames("".join(told.format()))
    return ""


def without_own_frames(rendered: str) -> str:
    """A rendered traceback less the frames of this folder's files."""
    kept: list[str] = []
    own = False
    for line in rendered.splitlines():
        if line.startswith("  File "):
            own = "/tests/unit/providers/" in line
        elif not line.startswith(" "):
            own = False  # The error itself, after its frames.
        if not own:
            kept.append(line)
    return "\n".join(kept)


def test_an_error_deep_in_the_http_library_shows_nothing_of_the_key(vendor: Vendor) -> None:
    """The libraries' frames hold the request's headers in plain sight, so they are cut away."""

    class Deep(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            headers_in_plain_sight = request.headers.raw
            raise StruckError(len(headers_in_plain_sight))

    with opened(vendor, Deep()) as client, pytest.raises(StruckError) as caught:
        client.check(FIRST_DAY)
    rendered = "".join(
        traceback.TracebackException.from_exception(caught.value, capture_locals=True).format()
    )
    assert "headers_in_plain_sight" not in rendered
    assert "_attempt" in rendered
    assert not holds_the_key(vendor, without_own_frames(rendered))


def test_the_key_is_revealed_only_where_its_header_is_set() -> None:
    reveals = {
        module.__name__: inspect.getsource(module).count(".reveal()")
        for name, module in sys.modules.items()
        if name.startswith(("flask_tokenoffset.providers.", "flask_tokenoffset.outbound"))
        and module is not None
    }
    assert {name for name, count in reveals.items() if count} == {
        "flask_tokenoffset.providers.key_header"
    }


def test_a_client_shows_nothing_of_its_key(vendor: Vendor) -> None:
    key = Secret(vendor.key)
    transport = httpx.MockTransport(well_formed(vendor))
    endpoints = vendor.provider.endpoints
    with http_module.VendorHTTP(vendor.name, endpoints, key, transport=transport) as http:
        client = vendor.provider.open(key, http)
        shown = repr([http, vars(http), client, vars(client), vars(http._key_header or http)])
    assert not holds_the_key(vendor, shown)
