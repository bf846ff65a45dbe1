from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from flask import abort

from flask_tokenoffset import errors
from flask_tokenoffset.blueprints.errors.problems import status_of
from flask_tokenoffset.errors import (
    AcceptanceRequired,
    InvalidInput,
    ProviderError,
    RateLimited,
    ReauthenticationRequired,
    Refusal,
    TokenOffsetError,
    TooManyAttempts,
    VaultError,
)
from tests.hosts.host_apps import API, PREFIX, every_error, failing_feature, sign_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

#: All but the one that sends people on to a page of ours, which this host has not; see
#: tests/integration/consents/test_acceptance_gate.py.
TOLD = [
    each
    for each in every_error()
    if issubclass(each, Refusal | ProviderError | VaultError) and each is not AcceptanceRequired
]


def example(error: Any) -> Any:
    match error.__name__:
        case "TooManyAttempts":
            return TooManyAttempts("Wait a little.", retry_after_seconds=7)
        case "InvalidInput":
            return InvalidInput({"label": "It is taken.", "": "Both together cannot be."})
        case "InvalidRequest" | "MethodNotAllowed":
            return error([])
        case (
            "FormExpired"
            | "CrossSiteRequest"
            | "BodyTooLarge"
            | "WrongContentType"
            | "IdempotencyKeyReused"
            | "IdempotencyKeyInUse"
            | "ReauthenticationRequired"
            | "LinkNotValid"
            | "NoMailer"
            | "Restricted"
            | "ExportLinkNotValid"
        ):
            return error()
        case "IdentityRefused":
            return error("What happened. How to mend it.", reason="word")
    return error("What happened. How to mend it.")


def assert_problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    problem: dict[str, Any] = answer.get_json()
    assert answer.content_type == "application/problem+json"
    assert answer.status_code == problem["status"] == status
    assert problem["code"] == code
    assert problem["type"] == f"urn:tokenoffset:problem:{code}"
    assert problem["title"] == code.replace("-", " ").capitalize()
    assert isinstance(problem["detail"], str)
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    said = {"type", "title", "status", "detail", "code", "request_id", "errors"}
    assert set(problem) <= said
    return problem


@pytest.mark.parametrize("error", TOLD, ids=lambda e: e.__name__)
def test_every_error_has_the_shape_in_the_api_and_a_page(
    host: Callable[..., Flask], error: type[TokenOffsetError]
) -> None:
    raised = example(error)
    client = host(**failing_feature(lambda: raised)).test_client()
    problem = assert_problem(client.get(f"{API}/fail"), status_of(error), error.code)
    page = client.get(f"{PREFIX}/fail", headers={"X-Request-Id": "proxy-1234"})
    if error is ReauthenticationRequired:  # A page sends them to where they can confirm.
        assert page.status_code == 303
        return
    assert page.status_code == status_of(error)
    assert page.mimetype == "text/html"
    assert "proxy-1234" in page.text
    if issubclass(error, VaultError):
        assert raised.message not in problem["detail"] + page.text
    elif not isinstance(raised, InvalidInput):
        assert problem["detail"] == raised.message
        assert raised.message.partition("«")[0] in page.text


def test_every_code_stands_for_one_status() -> None:
    statuses: dict[str, set[int]] = {}
    for error in TOLD:
        statuses.setdefault(error.code, set()).add(status_of(error))
    assert {code: found for code, found in statuses.items() if len(found) > 1} == {}
    assert all(400 <= status_of(error) <= 599 for error in TOLD)


def test_invalid_input_names_each_part(host: Callable[..., Flask]) -> None:
    client = host(**failing_feature(lambda: InvalidInput({"a/b": "Mend it.", "": "All."})))
    answer = client.test_client().get(f"{API}/fail")
    assert answer.get_json()["errors"] == [
        {"pointer": "#/a~1b", "detail": "Mend it."},
        {"pointer": "#", "detail": "All."},
    ]
    page = client.test_client().get(f"{PREFIX}/fail").text
    assert "<li>Mend it.</li>" in page


@pytest.mark.parametrize(
    ("raised", "header"),
    [
        (TooManyAttempts("Wait.", retry_after_seconds=7), "7"),
        (RateLimited("Wait.", retry_after_seconds=1.2), "2"),
        (RateLimited("Wait.", retry_after_seconds=0), "1"),
        (RateLimited("Wait."), None),
    ],
)
def test_the_time_to_wait_is_told_in_whole_seconds(
    host: Callable[..., Flask], raised: TokenOffsetError, header: str | None
) -> None:
    client = host(**failing_feature(lambda: raised)).test_client()
    for path in (f"{API}/fail", f"{PREFIX}/fail"):
        assert client.get(path).headers.get("Retry-After") == header


def test_an_unexpected_failure_tells_the_log_and_not_the_caller(
    host: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    client = host(**failing_feature(lambda: ZeroDivisionError("internal detail"))).test_client()
    with caplog.at_level(logging.ERROR):
        answer = client.get(f"{API}/fail")
    assert_problem(answer, 500, "internal-error")
    assert "internal detail" not in answer.text
    assert "internal detail" in caplog.text


def test_an_unexpected_failure_of_a_page_is_the_hosts_to_tell(host: Callable[..., Flask]) -> None:
    app = host(**failing_feature(lambda: ZeroDivisionError("internal")))
    app.register_error_handler(500, lambda _: ("host failure page", 500))
    client = app.test_client()
    assert client.get(f"{PREFIX}/fail").text == "host failure page"
    assert_problem(client.get(f"{API}/fail"), 500, "internal-error")


def test_a_fault_of_the_vault_is_logged(
    host: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    client = host(**failing_feature(lambda: errors.KeyStoreUnavailable("Host kms-7 is down.")))
    client.test_client().get(f"{PREFIX}/fail")
    assert "Host kms-7 is down." in caplog.text


@pytest.mark.parametrize("code", [400, 403, 404, 405, 406, 409, 413, 415, 418, 429, 500, 503])
def test_flasks_own_errors_have_the_shape_even_if_the_host_handles_them(
    host: Callable[..., Flask], code: int
) -> None:
    app = host(**failing_feature(lambda: abort(code)))
    app.register_error_handler(code, lambda _: ("host page", code))
    answer = app.test_client().get(f"{API}/fail")
    assert_problem(answer, code, answer.get_json()["code"])


def test_an_unknown_path_and_a_malformed_id_answer_like_a_missing_thing(
    host: Callable[..., Flask],
) -> None:
    client = sign_in(host().test_client())
    headers = {"X-Request-Id": "same-for-all"}
    missing = client.get(f"{API}/pots/00000000-0000-4000-8000-000000000000", headers=headers)
    assert_problem(missing, 404, "not-found")
    for path in ("/pots/not-a-uuid", "/nowhere", "/nowhere/deeper", "/", "/pots/"):
        answer = client.get(API + path, headers=headers)
        assert (answer.status_code, answer.data) == (404, missing.data)
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        assert_problem(client.open(f"{API}/nowhere", method=method), 404, "not-found")


def test_a_wrong_method_is_told_with_the_right_ones(host: Callable[..., Flask]) -> None:
    client = sign_in(host().test_client())
    answer = client.put(f"{API}/pots", json={})
    assert_problem(answer, 405, "method-not-allowed")
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS, POST"
    assert client.options(f"{API}/pots").status_code == 204


def test_what_a_message_quotes_is_escaped_on_the_page(host: Callable[..., Flask]) -> None:
    client = host(
        **failing_feature(lambda: errors.Conflict("There is a <b>pot</b>."))
    ).test_client()
    assert "There is a &lt;b&gt;pot&lt;/b&gt;." in client.get(f"{PREFIX}/fail").text


@pytest.mark.parametrize("given", ["short", "with space here", "x" * 129, "<script>12345"])
def test_a_strange_request_id_is_replaced(host: Callable[..., Flask], given: str) -> None:
    answer = host().test_client().get(f"{API}/nowhere", headers={"X-Request-Id": given})
    assert answer.headers["X-Request-Id"] != given
    assert len(answer.headers["X-Request-Id"]) == 32


def test_a_sane_request_id_is_kept(host: Callable[..., Flask]) -> None:
    answer = host().test_client().get(f"{API}/nowhere", headers={"X-Request-Id": "abc-123.DEF_4"})
    assert answer.headers["X-Request-Id"] == "abc-123.DEF_4"
