"""What TOKENOFFSET_OAUTH_PROVIDERS may say, and the cure for what it may not."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from flask_tokenoffset.errors import ConfigurationError
from flask_tokenoffset.host.identity_providers import is_safe_address
from flask_tokenoffset.settings import Settings
from flask_tokenoffset.vault import Secret, generate_key

ACME = {"issuer": "https://login.acme.example", "client_id": "fernhill"}


def read(providers: Any, **settings: Any) -> Settings:
    return Settings.from_config(
        {
            "TOKENOFFSET_KEYS": generate_key("2026-11"),
            "TOKENOFFSET_EMBEDDED_QUEUE": True,
            "TOKENOFFSET_OAUTH_PROVIDERS": providers,
            **settings,
        }
    )


def test_little_is_enough() -> None:
    acme = read({"acme": ACME}).oauth_providers["acme"]
    assert (acme.name, acme.title, acme.issuer) == ("acme", "Acme", ACME["issuer"])
    assert acme.scopes == ("openid", "email")
    assert acme.client_secret is None
    assert acme.endpoints is None
    assert acme.allows_address(None, verified=False)


def test_everything_can_be_said() -> None:
    endpoints = {
        "authorization": "https://login.acme.example/auth",
        "token": "https://login.acme.example/token",
        "jwks": "https://keys.acme.example/jwks",
        "userinfo": "https://login.acme.example/me",
        "revocation": "https://login.acme.example/revoke",
    }
    entry = {
        **ACME,
        "client_secret": "the secret of this client",
        "title": "Acme Works",
        "scopes": "openid email offline_access",
        "endpoints": endpoints,
        "allowed_domains": ["ACME.example"],
        "required_claims": {"hd": "acme.example", "tid": ["a", "b"], "staff": True},
        "transport": httpx.MockTransport(lambda _request: httpx.Response(404)),
    }
    settings = read({"acme": entry})
    acme = settings.oauth_providers["acme"]
    assert acme.client_secret == Secret("the secret of this client")
    assert acme.endpoints is not None
    assert acme.endpoints.jwks == endpoints["jwks"]
    assert acme.required_claims == {"hd": ("acme.example",), "tid": ("a", "b"), "staff": (True,)}
    assert acme.allowed_domains == ("acme.example",)
    assert "the secret" not in repr(settings) + repr(acme)


@pytest.mark.parametrize(
    ("providers", "sentence"),
    [
        ([ACME], "must map a name to each provider"),
        ({"Acme": ACME}, "cannot name a provider"),
        ({"a b": ACME}, "cannot name a provider"),
        ({"-acme": ACME}, "cannot name a provider"),
        ({"a" * 41: ACME}, "cannot name a provider"),
        ({"magic-link": ACME}, "cannot name a provider"),
        ({7: ACME}, "cannot name a provider"),
        ({"acme": "https://login.acme.example"}, "must be a mapping"),
        ({"acme": {**ACME, "secret": "x"}}, "no such key: secret"),
        ({"acme": {**ACME, "name": "x"}}, "no such key: name"),
        ({"acme": {"client_id": "fernhill"}}, "issuer must be a text"),
        ({"acme": {"issuer": ACME["issuer"]}}, "client_id must be a text"),
        ({"acme": {**ACME, "client_id": " "}}, "client_id must be a text"),
        ({"acme": {**ACME, "issuer": "http://login.acme.example"}}, "https://"),
        ({"acme": {**ACME, "issuer": "https://login.acme.example?x=1"}}, "no query"),
        ({"acme": {**ACME, "issuer": "https://me:pw@login.acme.example"}}, "https://"),
        ({"acme": {**ACME, "client_secret": 7}}, "client_secret must be a text"),
        ({"acme": {**ACME, "client_secret": ""}}, "client_secret must be a text"),
        ({"acme": {**ACME, "title": ""}}, "title must be a text"),
        ({"acme": {**ACME, "scopes": ["email"]}}, "must hold openid"),
        ({"acme": {**ACME, "scopes": 7}}, "scopes must be a list"),
        ({"acme": {**ACME, "allowed_domains": ["@acme.example"]}}, "is not a domain"),
        ({"acme": {**ACME, "allowed_domains": ["localhost"]}}, "is not a domain"),
        (
            {"acme": {**ACME, "allowed_domains": "acme.example", "scopes": ["openid"]}},
            "needs the scope email",
        ),
        ({"acme": {**ACME, "required_claims": ["hd"]}}, "must map a claim"),
        ({"acme": {**ACME, "required_claims": {"hd": None}}}, "must map names to texts"),
        ({"acme": {**ACME, "endpoints": {"token": "https://a.example/t"}}}, "lacks authorization"),
        ({"acme": {**ACME, "endpoints": {"tokens": "https://a.example/t"}}}, "must map some of"),
        (
            {"acme": {**ACME, "endpoints": {"token": "http://a.example/t"}}},
            "token must be an https",
        ),
        ({"acme": {**ACME, "transport": "x"}}, "not an httpx transport"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_what_cannot_work_stops_start_up_and_says_why(providers: Any, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(providers)
    assert sentence in caught.value.message
    assert caught.value.setting.startswith("TOKENOFFSET_OAUTH_PROVIDERS")


def test_a_secret_that_will_not_do_is_not_quoted() -> None:
    entry = {**ACME, "client_secret": ["the secret of this client"]}
    with pytest.raises(ConfigurationError) as caught:
        read({"acme": entry})
    assert "the secret" not in caught.value.message


def test_a_required_identity_is_one_of_the_providers() -> None:
    assert read({"acme": ACME}, TOKENOFFSET_REQUIRED_IDENTITY="acme").required_identity == "acme"
    with pytest.raises(ConfigurationError, match="none of the names"):
        read({"acme": ACME}, TOKENOFFSET_REQUIRED_IDENTITY="globex")
    with pytest.raises(ConfigurationError, match="must be one of host, identity"):
        read({"acme": ACME}, TOKENOFFSET_SIGN_IN="both")


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("https://acme.example/path?x=1", True),
        ("https://acme.example:8443/", True),
        ("http://localhost:4000", True),
        ("http://127.0.0.1:4000", True),
        ("http://[::1]:4000/", True),
        ("http://acme.example", False),
        ("http://127.0.0.1.acme.example", False),
        ("http://localhost.acme.example", False),
        ("http://10.0.0.1", False),
        ("https://", False),
        ("https:///path", False),
        ("https://user@acme.example", False),
        ("https://acme.example/#part", False),
        ("https://acme.example:x/", False),
        ("https://[::1", False),
        ("ftp://acme.example", False),
        ("javascript:alert(1)", False),
        ("", False),
    ],
)
def test_secrets_go_over_https_or_stay_on_this_machine(address: str, *, safe: bool) -> None:
    assert is_safe_address(address) is safe
