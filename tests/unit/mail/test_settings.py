"""The settings of mail, and what start-up says about them."""

from __future__ import annotations

from typing import Any

import pytest

from flask_tokenoffset.errors import ConfigurationError
from flask_tokenoffset.host.mailer import SMTPMailer
from flask_tokenoffset.settings import Settings
from flask_tokenoffset.vault import generate_key


def read(**more: Any) -> Settings:
    given = {"TOKENOFFSET_KEYS": generate_key("1"), "TOKENOFFSET_EMBEDDED_QUEUE": True}
    return Settings.from_config({**given, **more})


@pytest.mark.parametrize(
    "url",
    [
        "https://app.example.com",
        "https://app.example.com/base/",
        "http://localhost:5040",
        "http://127.0.0.1",
        "http://[::1]:5040",
        "http://app.localhost",
    ],
)
def test_a_public_address_is_taken(url: str) -> None:
    assert read(TOKENOFFSET_PUBLIC_URL=url).public_url == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "app.example.com",
        "//app.example.com",
        "ftp://app.example.com",
        "https://",
        "https://app.example.com/?next=1",
        "https://app.example.com/#top",
        "https://ada:secret@app.example.com",
        "http://app.example.com",
        "http://localhost.example.com",
        "http://10.0.0.1",
        "",
        5,
    ],
)
def test_a_public_address_that_links_cannot_begin_with_stops_start_up(url: Any) -> None:
    with pytest.raises(ConfigurationError, match="TOKENOFFSET_PUBLIC_URL"):
        read(TOKENOFFSET_PUBLIC_URL=url)


def test_a_mailer_needs_a_public_address() -> None:
    with pytest.raises(ConfigurationError, match="TOKENOFFSET_PUBLIC_URL: it is missing"):
        read(TOKENOFFSET_MAILER=print)


@pytest.mark.parametrize("mailer", [print, SMTPMailer("localhost", sender="a@example.com")])
def test_a_function_or_an_object_with_send_is_taken(mailer: Any) -> None:
    url = "https://app.example.com"
    settings = read(TOKENOFFSET_MAILER=mailer, TOKENOFFSET_PUBLIC_URL=url)
    assert settings.mailer is mailer
    assert "SMTPMailer" not in repr(settings)


@pytest.mark.parametrize("mailer", ["smtp://localhost", 5, {}])
def test_anything_else_is_refused(mailer: Any) -> None:
    with pytest.raises(ConfigurationError, match="TOKENOFFSET_MAILER"):
        read(TOKENOFFSET_MAILER=mailer, TOKENOFFSET_PUBLIC_URL="https://app.example.com")
