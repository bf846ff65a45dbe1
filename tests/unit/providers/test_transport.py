"""What leaves, where it may go, and what is heard of it."""

from __future__ import annotations

import datetime as dt
import http.server
import ipaddress
import logging
import socket
import ssl
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from flask_tokenoffset.errors import (
    EndpointNotAllowed,
    KeyRefused,
    OutboundDisabled,
    RequestRefused,
    VendorUnavailable,
)
from flask_tokenoffset.providers import PROVIDERS, Endpoint, Limits, VendorHTTP
from flask_tokenoffset.providers import http as providers_http
from flask_tokenoffset.vault import Secret
from tests.unit.providers.vendors import (
    ANTHROPIC,
    FIRST_DAY,
    OPENAI,
    VENDORS,
    Answers,
    Vendor,
    opened,
    well_formed,
    window_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROMISED = {
    "anthropic": {
        ("GET", "api.anthropic.com", "/v1/organizations/me"),
        ("GET", "api.anthropic.com", "/v1/organizations/usage_report/messages"),
        ("GET", "api.anthropic.com", "/v1/organizations/cost_report"),
    },
    "openai": {
        ("GET", "api.openai.com", "/v1/organization/usage/completions"),
        ("GET", "api.openai.com", "/v1/organization/costs"),
    },
}


def endpoint(method: str, host: str, path: str) -> Endpoint:
    return Endpoint(method, host, path, "a test asks for it.")


@pytest.mark.promise("TO-016", "TO-017", "TO-018")
def test_the_lists_are_exactly_the_promised_ones() -> None:
    listed = {
        name: {(e.method, e.host, e.path) for e in provider.endpoints}
        for name, provider in PROVIDERS.items()
    }
    assert listed == PROMISED


FORBIDDEN = [
    ("POST", "api.anthropic.com", "/v1/messages"),
    ("POST", "api.openai.com", "/v1/chat/completions"),
    ("POST", "api.openai.com", "/v1/responses"),
    ("GET", "api.anthropic.com", "/v1/organizations/usage_report/claude_code"),
    ("GET", "api.anthropic.com", "/v1/organizations/users"),
    ("GET", "api.anthropic.com", "/v1/organizations/api_keys"),
    ("GET", "api.openai.com", "/v1/organization/users"),
    ("GET", "api.openai.com", "/v1/organization/usage/embeddings"),
    ("GET", "evil.example", "/v1/organization/costs"),
    ("GET", "api.openai.com.", "/v1/organization/costs"),
    ("GET", "api.openai.com.evil.example", "/v1/organization/costs"),
    ("GET", "api.openai.com:8443", "/v1/organization/costs"),
    ("GET", "user@api.openai.com", "/v1/organization/costs"),
    ("GET", "127.0.0.1", "/v1/organization/costs"),
    *(
        (method, host, path)
        for _, host, path in sorted(PROMISED["anthropic"] | PROMISED["openai"])
        for method in ("POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
    ),
    *(
        ("GET", "api.anthropic.com", path)
        for path in (
            "/v1/organizations/me/",
            "/v1/organizations/ME",
            "//v1/organizations/me",
            "/v1/organizations/%6De",
            "/v1/organizations/me;x",
            "/v1/organizations/me/../me/x",
            "/v1/organizations",
            "/",
        )
    ),
]


@pytest.mark.promise("TO-016", "TO-017", "TO-018")
@pytest.mark.parametrize(("method", "host", "path"), FORBIDDEN)
def test_any_other_call_is_refused_before_a_transport_hears_of_it(
    vendor: Vendor, method: str, host: str, path: str
) -> None:
    answers = well_formed(vendor)
    key = Secret(vendor.key)
    transport = httpx.MockTransport(answers)
    with VendorHTTP(vendor.name, vendor.provider.endpoints, key, transport=transport) as http:
        vendor.provider.open(key, http)
        with pytest.raises(EndpointNotAllowed):
            http.get_json(endpoint(method, host, path))
    assert answers.requests == []


@pytest.mark.promise("TO-016", "TO-017", "TO-018")
def test_a_vendors_key_is_not_used_for_the_other_vendor() -> None:
    for vendor, other in ((ANTHROPIC, OPENAI), (OPENAI, ANTHROPIC)):
        answers = well_formed(vendor)
        key = Secret(vendor.key)
        transport = httpx.MockTransport(answers)
        with VendorHTTP(vendor.name, vendor.provider.endpoints, key, transport=transport) as http:
            vendor.provider.open(key, http)
            for other_endpoint in other.provider.endpoints:
                with pytest.raises(EndpointNotAllowed):
                    http.get_json(other_endpoint)
        assert answers.requests == []


def test_plain_http_is_refused(vendor: Vendor) -> None:
    answers = well_formed(vendor)
    key = Secret(vendor.key)
    transport = httpx.MockTransport(answers)
    with VendorHTTP(vendor.name, vendor.provider.endpoints, key, transport=transport) as http:
        known = vendor.provider.endpoints[0]
        with pytest.raises(EndpointNotAllowed):
            http._outbound._client.get(f"http://{known.host}{known.path}")
        with pytest.raises(EndpointNotAllowed):
            http._outbound._client.get(f"https://{known.host}:444{known.path}")
    assert answers.requests == []


@pytest.mark.promise("TO-016", "TO-017", "TO-018")
def test_reading_everything_calls_exactly_the_promised_endpoints(vendor: Vendor) -> None:
    answers = well_formed(vendor)
    seen: list[providers_http.SentCall] = []
    providers_http._observers.append(seen.append)
    try:
        with opened(vendor, answers) as client:
            client.check(FIRST_DAY)
            list(client.usage(window_of(90)))
            list(client.costs(window_of(90)))
    finally:
        providers_http._observers.remove(seen.append)
    sent = {(r.method, r.url.host, r.url.path) for r in answers.requests}
    assert sent == PROMISED[vendor.name]
    assert {(call.method, call.host, call.path) for call in seen} == PROMISED[vendor.name]
    assert {call.provider_name for call in seen} == {vendor.name}
    assert len(seen) == len(answers.requests)


def test_nothing_is_sent_before_a_provider_has_opened_the_client(vendor: Vendor) -> None:
    answers = well_formed(vendor)
    transport = httpx.MockTransport(answers)
    endpoints = vendor.provider.endpoints
    with (
        VendorHTTP(vendor.name, endpoints, Secret(vendor.key), transport=transport) as http,
        pytest.raises(EndpointNotAllowed),
    ):
        http.get_json(endpoints[0])
    assert answers.requests == []


def test_with_outbound_calls_off_nothing_is_sent(vendor: Vendor) -> None:
    answers = well_formed(vendor)
    with opened(vendor, answers, outbound=False) as client:
        for call in (
            lambda: client.check(FIRST_DAY),
            lambda: list(client.usage(window_of(1))),
            lambda: list(client.costs(window_of(1))),
        ):
            with pytest.raises(OutboundDisabled, match="TOKENOFFSET_OUTBOUND"):
                call()
    assert answers.requests == []


# -- Redirects ---------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example/v1/organizations/me",
        "http://api.anthropic.com/v1/organizations/me",
        "https://api.anthropic.com/v1/messages",
        "/v1/organizations/me",
        "//evil.example/",
    ],
)
def test_a_redirect_is_an_error_and_goes_nowhere(
    vendor: Vendor, status: int, location: str
) -> None:
    answers = Answers(lambda _r: httpx.Response(status, headers={"location": location}))
    with opened(vendor, answers) as client, pytest.raises(RequestRefused, match="not followed"):
        client.check(FIRST_DAY)
    assert len(answers.requests) == 1
    assert answers.requests[0].url.host == vendor.provider.endpoints[0].host


# -- The real transport, on loopback -----------------------------------------------------------


class Listener:
    """A server on loopback that counts its visitors and what they said."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes = b"{}") -> None:
        self.visits: list[dict[str, str]] = []
        visits = self.visits

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                visits.append({name.lower(): value for name, value in self.headers.items()})
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_CONNECT = do_GET  # noqa: N815  # the name that http.server looks for

            def log_message(self, *arguments: Any) -> None:
                pass

        class QuietServer(http.server.ThreadingHTTPServer):
            def handle_error(self, request: Any, client_address: Any) -> None:
                """A client that leaves during the handshake is what some tests are about."""

        self.server = QuietServer(("127.0.0.1", 0), Handler)
        self.port: int = self.server.server_port

    @contextmanager
    def running(self, certificate: Path | None = None) -> Iterator[Listener]:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.server.shutdown()
            thread.join()
            self.server.server_close()


@pytest.fixture(scope="module")
def self_signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate in the vendors' names that nobody has reason to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "api.anthropic.com")])
    now = dt.datetime.now(dt.UTC)
    names = [
        x509.DNSName("api.anthropic.com"),
        x509.DNSName("api.openai.com"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    ]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


def lead_to(monkeypatch: pytest.MonkeyPatch, port: int) -> list[tuple[str, int]]:
    """Let every connection end at a loopback port, whatever address it was meant for."""
    meant: list[tuple[str, int]] = []
    connect = socket.create_connection

    def redirected(address: tuple[str, int], *arguments: Any, **options: Any) -> socket.socket:
        meant.append(address)
        return connect(("127.0.0.1", port), *arguments, **options)

    monkeypatch.setattr(socket, "create_connection", redirected)
    return meant


def read_for_real(vendor: Vendor, **options: Any) -> None:
    key = Secret(vendor.key)
    arguments: dict[str, Any] = {"sleep": lambda _seconds: None, **options}
    with VendorHTTP(vendor.name, vendor.provider.endpoints, key, **arguments) as http:
        vendor.provider.open(key, http).check(FIRST_DAY)


def test_a_certificate_that_nobody_vouches_for_gets_no_key(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch, self_signed: Path
) -> None:
    with Listener(200, {}).running(self_signed) as listener:
        meant = lead_to(monkeypatch, listener.port)
        with pytest.raises(VendorUnavailable, match="could not be reached"):
            read_for_real(vendor)
    assert set(meant) == {(vendor.provider.endpoints[0].host, 443)}
    assert listener.visits == []


def test_proxies_of_the_environment_are_not_used(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch, self_signed: Path
) -> None:
    with (
        Listener(200, {}).running() as proxy,
        Listener(200, {}).running(self_signed) as listener,
    ):
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        # Nor are certificates of the environment trusted.
        monkeypatch.setenv("SSL_CERT_FILE", str(self_signed))
        meant = lead_to(monkeypatch, listener.port)
        with pytest.raises(VendorUnavailable):
            read_for_real(vendor)
    assert set(meant) == {(vendor.provider.endpoints[0].host, 443)}
    assert proxy.visits == []
    assert listener.visits == []


class ToLoopback(httpx.BaseTransport):
    """Carries requests to a server on loopback by real sockets."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._inner = httpx.HTTPTransport(trust_env=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url.copy_with(scheme="http", host="127.0.0.1", port=self._port)
        moved = httpx.Request(
            request.method, url, headers=request.headers, extensions=request.extensions
        )
        return self._inner.handle_request(moved)

    def close(self) -> None:
        self._inner.close()


def test_a_second_server_sees_nothing_of_a_redirect(vendor: Vendor) -> None:
    with Listener(200, {}).running() as second:
        location = f"http://127.0.0.1:{second.port}/v1/organizations/me"
        with (
            Listener(302, {"location": location}).running() as first,
            opened(vendor, ToLoopback(first.port)) as client,
            pytest.raises(RequestRefused, match="not followed"),
        ):
            client.check(FIRST_DAY)
    assert len(first.visits) == 1
    assert second.visits == []


def test_a_port_where_nobody_listens_is_a_vendor_out_of_reach(vendor: Vendor) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with (
        opened(vendor, ToLoopback(port), limits=Limits(attempts=2)) as client,
        pytest.raises(VendorUnavailable, match="could not be reached"),
    ):
        client.check(FIRST_DAY)


# -- What is heard of it -----------------------------------------------------------------------


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
def test_the_log_says_what_was_asked_and_answered_and_nothing_else(
    vendor: Vendor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    body = b'{"error": {"message": "canary-in-the-body"}}'
    headers = {"x-canary": "canary-in-a-header", "set-cookie": "canary=cookie"}
    with (
        Listener(403, headers, body).running() as listener,
        opened(vendor, ToLoopback(listener.port)) as client,
        pytest.raises(KeyRefused),
    ):
        client.check(FIRST_DAY)
    assert len(listener.visits) == 1
    known = vendor.provider.endpoints[0]
    assert [(record.name, record.levelname) for record in caplog.records] == [
        ("flask_tokenoffset.outbound.client", "DEBUG")
    ]
    line = caplog.records[0].getMessage()
    assert line.startswith(f"GET https://{known.host}{known.path} answered 403 after ")
    assert "canary" not in caplog.text


def test_a_host_that_uses_httpx_itself_still_hears_its_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "httpx")
    with opened(ANTHROPIC, well_formed(ANTHROPIC)) as client:
        client.check(FIRST_DAY)
    assert caplog.records == []
    own = httpx.MockTransport(lambda _request: httpx.Response(200))
    with httpx.Client(transport=own) as client_of_the_host:
        client_of_the_host.get("https://host.example/")
    assert [record.name for record in caplog.records] == ["httpx"]
