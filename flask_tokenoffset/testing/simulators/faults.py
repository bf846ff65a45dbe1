"""Things that go wrong at vendors, on request.

A fault is a function that stands between a request and its answer: it may answer by itself, alter
the right answer, or drop the connection. Plan one with :meth:`.Faults.add`::

    simulator.faults.add(faults.status(529), path="*/cost_report", times=2)

``EVERY_FAULT`` names one of each, for a test that drives a client through all of them.
"""

from __future__ import annotations

import gzip
import itertools
import ssl
import time
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from flask_tokenoffset.testing.simulators.http import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask_tokenoffset.testing.simulators.http import Incoming, JSONObject, JSONValue
    from flask_tokenoffset.testing.simulators.planned_faults import AnswerOf, Fault

_HTML = b"<!doctype html><title>Maintenance</title><p>We will be back soon."


class ConnectTimedOut(TimeoutError):
    """The simulated vendor did not accept the connection in time."""


# Answers instead of the right one


def status(
    code: int, *, headers: Mapping[str, str] | None = None, body: JSONValue | bytes = None
) -> Fault:
    """An error status, with a body of neither vendor's shape unless one is given."""
    if isinstance(body, bytes):
        answer = Answer(code, body, headers or {})
    else:
        default: JSONValue = {"error": {"type": "simulated", "message": f"Simulated {code}."}}
        answer = Answer.of_json(default if body is None else body, code, headers)
    return lambda _incoming, _answer_of: answer


def rate_limited(retry_after: str | None = None, **headers: str) -> Fault:
    """429.

    :param retry_after: the header as sent: seconds, a date or nonsense; ``None`` leaves it out.
    :param headers: more headers, with underscores for hyphens.
    """
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if retry_after is not None:
        sent["retry-after"] = retry_after
    return status(429, headers=sent)


def redirect(location: str = "https://elsewhere.example/collect", code: int = 302) -> Fault:
    """A redirect to a host that must never see the key."""
    return status(code, headers={"location": location}, body=b"")


def html() -> Fault:
    """A maintenance page with status 200."""
    return status(200, headers={"content-type": "text/html"}, body=_HTML)


def empty_body() -> Fault:
    """Status 200 and nothing else."""
    return status(200, headers={"content-type": "application/json"}, body=b"")


def error_in_success() -> Fault:
    """An error envelope with status 200."""
    return status(200, body={"error": {"message": "Internal error", "type": "server_error"}})


def not_an_object() -> Fault:
    """Well-formed JSON that is a list."""
    return status(200, body=[])


def deep_nesting(levels: int = 100_000) -> Fault:
    """JSON nested so deeply that a careless parser runs out of stack."""
    return status(200, headers={"content-type": "application/json"}, body=b"[" * levels)


def huge_body(megabytes: int = 40) -> Fault:
    """An endless string where a page was asked for."""
    body = b'{"data": "' + b"x" * (megabytes * 1024 * 1024) + b'"}'
    return status(200, headers={"content-type": "application/json"}, body=body)


def compression_bomb(megabytes: int = 80) -> Fault:
    """A small compressed body that unpacks to a very large one."""
    body = gzip.compress(b" " * (megabytes * 1024 * 1024), compresslevel=1)
    return status(200, headers={"content-encoding": "gzip"}, body=body)


def echoes_key() -> Fault:
    """A 401 whose message repeats the key: a client that logs vendor messages gives it away."""

    def fault(incoming: Incoming, _answer_of: AnswerOf) -> Answer:
        key = incoming.headers.get("x-api-key") or incoming.headers.get("authorization", "")
        message = f"Incorrect API key provided: {key.removeprefix('Bearer ')}"
        return Answer.of_json({"error": {"message": message, "type": "authentication_error"}}, 401)

    return fault


# The connection


def _raises(error: Callable[[], OSError]) -> Fault:
    def fault(_incoming: Incoming, _answer_of: AnswerOf) -> Answer:
        raise error()

    return fault


def reset() -> Fault:
    """The connection is reset before any answer."""
    return _raises(lambda: ConnectionResetError("simulated reset"))


def refused() -> Fault:
    """Nobody listens. Over a real socket it shows as a reset."""
    return _raises(lambda: ConnectionRefusedError("simulated refusal"))


def connect_timeout() -> Fault:
    """The connection is never made. Over a real socket it shows as a reset."""
    return _raises(lambda: ConnectTimedOut("simulated connect time-out"))


def read_timeout() -> Fault:
    """The answer never comes, without the wait. Over a real socket it shows as a reset."""
    return _raises(lambda: TimeoutError("simulated read time-out"))


def bad_certificate() -> Fault:
    """The certificate is another person's. Over a real socket it shows as a reset."""
    return _raises(lambda: ssl.SSLCertVerificationError("simulated certificate mismatch"))


def slow(seconds: float) -> Fault:
    """The right answer, late."""

    def fault(incoming: Incoming, answer_of: AnswerOf) -> Answer:
        time.sleep(seconds)
        return answer_of(incoming)

    return fault


def trickle(pieces: int = 8, pause_seconds: float = 0.01) -> Fault:
    """The right answer, in small pieces with pauses between them."""
    return _answered(lambda answer: replace(answer, pieces=pieces, pause_seconds=pause_seconds))


def breaks_off() -> Fault:
    """The connection is reset in the middle of the right answer's body."""
    return _answered(
        lambda answer: replace(answer, body=answer.body[: len(answer.body) // 2], breaks_off=True)
    )


# The right answer, damaged


def _answered(change: Callable[[Answer], Answer]) -> Fault:
    return lambda incoming, answer_of: change(answer_of(incoming))


def _altered(change: Callable[[JSONObject], JSONValue]) -> Fault:
    """Alter the payload of an answer that would have been right; refusals stay as they are."""
    return _answered(
        lambda answer: (
            answer.with_payload(change(answer.payload()))
            if answer.status == 200  # noqa: PLR2004 - HTTP's own number
            else answer
        )
    )


def compressed() -> Fault:
    """The right answer, compressed with gzip."""
    return _answered(
        lambda answer: replace(
            answer,
            body=gzip.compress(answer.body, mtime=0),
            headers={**answer.headers, "content-encoding": "gzip"},
        )
    )


def cut_json() -> Fault:
    """The right answer's first half, sent as if it were whole."""
    return _answered(lambda answer: replace(answer, body=answer.body[: len(answer.body) // 2]))


def bad_utf8() -> Fault:
    """A byte that is not UTF-8, inside a string of the right answer."""
    return _answered(lambda answer: replace(answer, body=answer.body.replace(b'"', b'"\xff', 1)))


def wrong_content_type() -> Fault:
    """The right answer, labelled as plain text."""
    return _answered(
        lambda answer: replace(answer, headers={**answer.headers, "content-type": "text/plain"})
    )


def clock_skew(date_header: str = "Thu, 01 Jan 1970 00:00:00 GMT") -> Fault:
    """The right answer from a vendor whose clock is wrong."""
    return _answered(
        lambda answer: replace(answer, headers={**answer.headers, "date": date_header})
    )


def _walk(value: JSONValue, change: Callable[[JSONObject], JSONObject]) -> JSONValue:
    if isinstance(value, list):
        return [_walk(item, change) for item in value]
    if isinstance(value, dict):
        return {name: _walk(item, change) for name, item in change(value).items()}
    return value


def missing_field(name: str = "results") -> Fault:
    """A field is gone wherever it stood."""
    return _altered(
        lambda payload: _walk(
            payload, lambda part: {key: value for key, value in part.items() if key != name}
        )
    )


def wrong_type(name: str = "results", value: JSONValue = "none") -> Fault:
    """A field holds something of another type wherever it stands."""
    return _altered(
        lambda payload: _walk(payload, lambda part: {**part, name: value} if name in part else part)
    )


def new_field(name: str = "introduced_in_2027", value: JSONValue = "unknown") -> Fault:
    """Every object has one field more than documented."""
    return _altered(lambda payload: _walk(payload, lambda part: {**part, name: value}))


def figures(value: float) -> Fault:
    """Every output-token count and every amount is ``value``: negative, huge, fractional or NaN."""

    def change(part: JSONObject) -> JSONObject:
        altered = dict(part)
        if "output_tokens" in part:
            altered["output_tokens"] = value
        amount = part.get("amount")
        if isinstance(amount, dict):
            altered["amount"] = {**amount, "value": value}
        elif amount is not None:
            altered["amount"] = str(value)
        return altered

    return _altered(lambda payload: _walk(payload, change))


def _data(payload: JSONObject) -> list[JSONObject]:
    return cast("list[JSONObject]", payload["data"])


def _with_data(change: Callable[[list[JSONObject]], list[JSONObject]]) -> Fault:
    return _altered(lambda payload: {**payload, "data": [*change(_data(payload))]})


def duplicate_rows() -> Fault:
    """Every row of every day is sent twice."""

    def change(payload: JSONObject) -> JSONObject:
        for bucket in _data(payload):
            rows = cast("list[JSONValue]", bucket["results"])
            bucket["results"] = [*rows, *rows]
        return payload

    return _altered(change)


def duplicate_days() -> Fault:
    """Every day is sent twice."""
    return _with_data(lambda days: [day for day in days for _ in range(2)])


def newest_first() -> Fault:
    """The days of a page come in the wrong order."""
    return _with_data(lambda days: days[::-1])


def leaves_out_empty_days() -> Fault:
    """Days without use are not listed, instead of listed with no rows."""
    return _with_data(lambda days: [day for day in days if day["results"]])


# Paging. Page tokens are ignored, since the client was given ones that mean nothing.


def _paged(next_token: Callable[[], str | None], *, empty: bool = False) -> Fault:
    def fault(incoming: Incoming, answer_of: AnswerOf) -> Answer:
        answer = answer_of(incoming.without("page"))
        payload = answer.payload()
        if "data" not in payload:
            return answer
        changes: JSONObject = {"has_more": True, "next_page": next_token()}
        return answer.with_payload({**payload, **changes, **({"data": []} if empty else {})})

    return fault


def endless_paging() -> Fault:
    """Every page promises another one, each with a new token."""
    numbers = itertools.count(1)
    return _paged(lambda: f"page_{next(numbers)}")


def repeated_token() -> Fault:
    """Every page points at the same next page."""
    return _paged(lambda: "page_again")


def token_cycle() -> Fault:
    """Pages point at A, then B, then A again."""
    tokens = itertools.cycle(("page_a", "page_b"))
    return _paged(lambda: next(tokens))


def more_without_token() -> Fault:
    """There is more, and no way to ask for it."""
    return _paged(lambda: None)


def more_with_empty_token() -> Fault:
    """There is more, under a token of no characters."""
    return _paged(lambda: "")


def empty_page_says_more() -> Fault:
    """A page without a single day promises another one."""
    numbers = itertools.count(1)
    return _paged(lambda: f"page_{next(numbers)}", empty=True)


def ends_early() -> Fault:
    """The first page says it is the last although days are missing."""

    def change(payload: JSONObject) -> JSONObject:
        ending: JSONObject = {"has_more": False, "next_page": None}
        return {**payload, **ending, "data": [*_data(payload)[:1]]}

    return _altered(change)
