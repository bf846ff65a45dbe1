"""The HTTP client for identity providers: limits, no redirects, nothing told of what it sent."""

from __future__ import annotations

import gzip
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from authlib.oauth2.client import DEFAULT_HEADERS

from flask_tokenoffset.clock import SystemClock
from flask_tokenoffset.errors import IdentityProviderUnavailable, IdentityRefused, OutboundDisabled
from flask_tokenoffset.host.identity_providers import IdentityEndpoints, IdentityProvider
from flask_tokenoffset.oidc import AuthorizationFlow
from flask_tokenoffset.oidc import http as oidc_http
from flask_tokenoffset.oidc.client import IdentityClient
from flask_tokenoffset.oidc.http import IdentityHTTP
from flask_tokenoffset.outbound import Limits
from flask_tokenoffset.vault import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

URL = "https://acme.example/token"
CODE = "a-code-that-nobody-may-see"
FLOW = AuthorizationFlow(
    redirect_uri="https://fernhill.example/callback",
    state=Secret(CODE),
    nonce=Secret(CODE),
    code_verifier=Secret(CODE),
)


def client(answer: Callable[[httpx.Request], httpx.Response]) -> IdentityHTTP:
    return IdentityHTTP("Acme", transport=httpx.MockTransport(answer))


def speaking(
    answer: Callable[[httpx.Request], httpx.Response], client_id: str, client_secret: str
) -> IdentityClient:
    """A client of the whole protocol, of a provider whose endpoints stand in the settings."""
    provider = IdentityProvider(
        name="acme",
        issuer="https://acme.example",
        client_id=client_id,
        client_secret=Secret(client_secret),
        endpoints=IdentityEndpoints(
            authorization="https://acme.example/authorize",
            token=URL,
            jwks="https://acme.example/keys",
            revocation="https://acme.example/revoke",
        ),
        transport=httpx.MockTransport(answer),
    )
    return IdentityClient(provider, clock=SystemClock())


def test_a_form_is_sent_with_the_secret_in_its_header() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"ok": True})

    speaking(answer, "a client:1", "s+/?").refresh(Secret("c&d=e"), "ada")
    (request,) = seen
    assert request.content == b"grant_type=refresh_token&refresh_token=c%26d%3De"
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
        client(answer).post(URL, {"code": CODE})
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
        client(answer).post(URL, {"code": CODE})
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_an_unexpected_error_leaves_without_the_frames_that_hold_secrets() -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        client(answer).get(URL, bearer=Secret(CODE))
    names = [entry.name for entry in caught.traceback]
    assert names[1:] == ["get", "_call", "ask_once", "send"]
    calls: list[Callable[[IdentityClient], object]] = [
        lambda speaker: speaker.exchange(Secret(CODE), FLOW),
        lambda speaker: speaker.refresh(Secret(CODE), "ada"),
        lambda speaker: speaker.revoke(Secret(CODE)),
    ]
    for call in calls:
        with pytest.raises(ZeroDivisionError) as caught:
            call(speaking(answer, "fernhill", CODE))
        names = [entry.name for entry in caught.traceback]
        # Neither Authlib's frames nor those that send what it makes of the secrets.
        assert names[2:] in (
            ["exchange", "_tokens", "_ask"],
            ["refresh", "_tokens", "_ask"],
            ["revoke", "_ask"],
        )


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(400, json={"access_token": CODE}),
        httpx.Response(201, json={"access_token": CODE}),
        httpx.Response(200, json={"error": "invalid_grant", "access_token": CODE}),
        httpx.Response(200, json=[CODE]),
        httpx.Response(200),
    ],
    ids=["400", "201", "error", "list", "nothing"],
)
def test_what_is_no_token_answer_gives_no_tokens(answer: httpx.Response) -> None:
    with pytest.raises(IdentityRefused) as caught:
        speaking(lambda _: answer, "fernhill", CODE).refresh(Secret(CODE), "ada")
    assert caught.value.reason == "refresh refused"
    assert CODE not in str(caught.value)


@pytest.mark.timeout(10)
@pytest.mark.parametrize("lifetime", ["1e999999999", '"soon"', "[]"])
def test_only_the_tokens_of_an_answer_are_looked_at(lifetime: str) -> None:
    """Authlib would turn the lifetime into a number, however many digits that has."""
    content = f'{{"access_token": "x", "refresh_token": "next", "expires_in": {lifetime}}}'
    answer = httpx.Response(200, content=content.encode())
    proved = speaking(lambda _: answer, "fernhill", CODE).refresh(Secret(CODE), "ada")
    assert proved.refresh_token == Secret("next")


def test_the_client_secret_is_not_written_into_the_defaults_of_the_library() -> None:
    before = dict(DEFAULT_HEADERS)
    answer = httpx.Response(200, json={"access_token": "x"})
    with pytest.raises(IdentityRefused):
        speaking(lambda _: answer, "fernhill", CODE).exchange(Secret(CODE), FLOW)
    assert before == DEFAULT_HEADERS


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
    answer = httpx.Response(200, json={"access_token": CODE})
    speaking(lambda _: answer, "fernhill", CODE).refresh(Secret(CODE), "ada")
    assert CODE not in caplog.text
    assert "POST https://acme.example/token answered 200" in caplog.text
    assert {record.name for record in caplog.records} == {"flask_tokenoffset.outbound.client"}
