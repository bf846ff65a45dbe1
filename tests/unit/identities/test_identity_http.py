"""The HTTP client for identity providers: limits, no redirects, nothing told of what it sent."""

from __future__ import annotations

import gzip
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from flask_tokenoffset.errors import IdentityProviderUnavailable, OutboundDisabled
from flask_tokenoffset.oidc import http as oidc_http
from flask_tokenoffset.oidc.http import IdentityHTTP
from flask_tokenoffset.providers.limits import Limits
from flask_tokenoffset.vault import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

URL = "https://acme.example/token"
CODE = "a-code-that-nobody-may-see"


def client(answer: Callable[[httpx.Request], httpx.Response]) -> IdentityHTTP:
    return IdentityHTTP("Acme", transport=httpx.MockTransport(answer))


def test_a_form_is_sent_with_the_secret_in_its_header() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"ok": True})

    fields: dict[str, str | Secret] = {
        "grant_type": "authorization_code",
        "code": Secret("c&d=e"),
    }
    reply = client(answer).post(URL, fields, basic=("a client:1", Secret("s+/?")))
    assert reply == (200, {"ok": True})
    (request,) = seen
    assert request.content == b"grant_type=authorization_code&code=c%26d%3De"
    # RFC 6749 section 2.3.1: each part form-encoded, then Base64 of the pair.
    assert (
        request.headers["authorization"]
        == httpx.BasicAuth("a+client%3A1", "s%2B%2F%3F")._auth_header
    )
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"


def test_a_refusal_of_the_provider_is_handed_on() -> None:
    refusing = client(lambda _: httpx.Response(400, json={"error": "invalid_grant"}))
    assert refusing.post(URL, {}) == (400, {"error": "invalid_grant"})
    without = client(lambda _: httpx.Response(400, text="<html>"))
    assert without.post(URL, {}) == (400, None)
    empty = client(lambda _: httpx.Response(200))
    assert empty.post(URL, {}) == (200, None)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 500, 502, 503])
def test_redirects_and_failures_are_no_answers(status: int) -> None:
    calls: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(str(request.url))
        return httpx.Response(status, headers={"location": "https://evil.example/"})

    with pytest.raises(IdentityProviderUnavailable, match=f"answer {status}"):
        client(answer).post(URL, {"code": Secret(CODE)})
    with pytest.raises(IdentityProviderUnavailable, match=f"answer {status}"):
        client(answer).get(URL)
    assert calls == [URL, URL]


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(200, text="<html>"),
        httpx.Response(200, content=b"\xff\xfe"),
        httpx.Response(200, text='{"a": NaN}'),
        httpx.Response(200, content=b"x" * 1_000_001),
        httpx.Response(200),
        httpx.Response(404, json={}),
    ],
    ids=["HTML", "bad UTF-8", "NaN", "too much", "nothing", "404"],
)
def test_what_cannot_be_read_is_no_answer(response: httpx.Response) -> None:
    with pytest.raises(IdentityProviderUnavailable):
        client(lambda _: response).get(URL)


@pytest.mark.parametrize(
    "error", [httpx.ConnectError("x"), httpx.ReadTimeout("x"), httpx.RemoteProtocolError("x")]
)
def test_a_provider_that_cannot_be_reached_is_said_to_be(error: Exception) -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(IdentityProviderUnavailable) as caught:
        client(answer).post(URL, {"code": Secret(CODE)})
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_an_unexpected_error_leaves_without_the_frames_that_hold_secrets() -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        client(answer).post(URL, {"code": Secret(CODE)})
    names = [entry.name for entry in caught.traceback]
    assert names[1:] == ["post", "_call"]


def test_with_outbound_calls_off_nothing_is_sent() -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        raise AssertionError

    silent = IdentityHTTP("Acme", transport=httpx.MockTransport(answer), outbound=False)
    with pytest.raises(OutboundDisabled, match="TOKENOFFSET_OUTBOUND"):
        silent.get(URL)
    with pytest.raises(OutboundDisabled, match="TOKENOFFSET_OUTBOUND"):
        silent.post(URL, {})


# --- over real sockets ----------------------------------------------------------------------------


class Slow(BaseHTTPRequestHandler):
    """Answers by path: one byte at a time, or a bomb."""

    stop: threading.Event

    def do_GET(self) -> None:
        self.send_response(200)
        if self.path == "/bomb":
            self.send_header("content-encoding", "gzip")
            self.end_headers()
            self.wfile.write(gzip.compress(b" " * 50_000_000))
            return
        self.end_headers()
        try:
            while not self.stop.wait(0.05):
                self.wfile.write(b" ")
        except OSError:
            pass

    def log_message(self, *_arguments: Any) -> None:
        pass


@pytest.fixture
def slow() -> Iterator[str]:
    Slow.stop = threading.Event()
    server = HTTPServer(("127.0.0.1", 0), Slow)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    Slow.stop.set()
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_slow_drip_ends_with_the_time_for_the_whole_call(
    slow: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oidc_http, "LIMITS", Limits(call_seconds=0.5, body_bytes=1_000_000))
    with pytest.raises(IdentityProviderUnavailable):
        IdentityHTTP("Acme").get(f"{slow}/drip")


def test_a_compression_bomb_is_noticed(slow: str) -> None:
    with pytest.raises(IdentityProviderUnavailable, match="could not be read"):
        IdentityHTTP("Acme").get(f"{slow}/bomb")


def test_nothing_is_logged_but_where_and_how_long(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    fields = {"code": Secret(CODE)}
    client(lambda _: httpx.Response(200, json={"id_token": CODE})).post(
        URL, fields, basic=("fernhill", Secret(CODE))
    )
    assert CODE not in caplog.text
    assert "POST https://acme.example/token answered 200" in caplog.text
    assert {record.name for record in caplog.records} == {"flask_tokenoffset.oidc.http"}
