"""Texts and addresses that a host sets: where it is reached, and paths of its own."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from flask_tokenoffset.errors import ConfigurationError


def read_text(name: str, value: Any) -> str:
    """A text that says something.

    :param name: the setting, for messages.
    :param value: what it is set to.
    :raises ConfigurationError: it is empty or no text.
    """
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(
            name, f"it must be a text that is not empty, not {type(value).__name__}."
        )
    return value


def read_public_url(name: str, value: Any) -> str:
    """Where people reach the application from outside.

    :param name: the setting, for messages.
    :param value: what it is set to.
    :raises ConfigurationError: links in mail could not lead there.
    """
    text = read_text(name, value).rstrip("/")
    parts = urlsplit(text)
    is_plain = not (parts.query or parts.fragment or parts.username or parts.password)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not is_plain:
        raise ConfigurationError(
            name,
            "it must be where people reach this application, as in «https://app.example.com», with"
            " a path if it is mounted under one.",
        )
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ConfigurationError(
            name,
            "it must begin with https://, because the links in mail sign people in. Plain http is"
            " taken for this machine only.",
        )
    return text


def read_local_path(name: str, value: Any) -> str:
    """A path of the application itself.

    :param name: the setting, for messages.
    :param value: what it is set to.
    :raises ConfigurationError: it is none.
    """
    text = read_text(name, value)
    if not text.startswith("/") or text.startswith("//"):
        raise ConfigurationError(name, "it must be a path of this application, as in «/login».")
    return text


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
