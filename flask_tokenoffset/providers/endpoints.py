"""The calls that a key is used for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One call that a key is used for.

    :param method: the HTTP method, upper case.
    :param host: the exact host name; the scheme is always https on port 443.
    :param path: the exact path, as it is sent.
    :param purpose: what is read there, as a sentence for the person who connects a key.
    """

    method: str
    host: str
    path: str
    purpose: str
