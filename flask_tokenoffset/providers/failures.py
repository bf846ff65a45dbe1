"""Which error an answer that is not 200 becomes, and the sentence that goes with it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from flask_tokenoffset.errors import (
    KeyRefused,
    MalformedAnswer,
    ProviderError,
    RateLimited,
    RequestRefused,
    VendorUnavailable,
)

if TYPE_CHECKING:
    from collections.abc import Callable

#: Read a little later, whichever way it went wrong.
_NOTHING_LOST = (
    "Nothing is wrong with the key, and nothing that was known is lost; it is tried again later."
)


def failure_for(
    title: str,
    status: int,
    *,
    said: str | None,
    wait_seconds: float | None,
    unsaid_wait_seconds: Callable[[], float],
) -> ProviderError:
    """The error for an answer that is not 200.

    :param title: the vendor's name.
    :param status: the HTTP status.
    :param said: the vendor's own words, cleaned.
    :param wait_seconds: how long the vendor asks us to wait, if it says so.
    :param unsaid_wait_seconds: gives the wait for a 429 that names none.
    """
    server_at_fault = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    if status == HTTPStatus.TOO_MANY_REQUESTS or (server_at_fault and wait_seconds is not None):
        return RateLimited(
            f"{title} asks to slow down. Nothing is lost; the rest is read a little later.",
            retry_after_seconds=unsaid_wait_seconds() if wait_seconds is None else wait_seconds,
            vendor_message=said,
            status_code=status,
        )
    kind, sentence = _kind_and_sentence(status)
    return kind(f"{title} {sentence}", vendor_message=said, status_code=status)


def unreachable(title: str, what_happened: str) -> VendorUnavailable:
    """The error for a call without an answer.

    :param title: the vendor's name.
    :param what_happened: continues the sentence after the name, without a full stop.
    """
    return VendorUnavailable(f"{title} {what_happened}. {_NOTHING_LOST}")


def _kind_and_sentence(status: int) -> tuple[type[ProviderError], str]:
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return KeyRefused, (
            f"does not accept this key (answer {status}). It may be mistyped, revoked, or without"
            " permission to read usage and cost. Create a new one and connect it again."
        )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        return VendorUnavailable, f"has trouble of its own (answer {status}). {_NOTHING_LOST}"
    if status >= HTTPStatus.BAD_REQUEST:
        return RequestRefused, (
            f"did not accept the question (answer {status}). The key need not be changed; whoever"
            " runs this site should know of it."
        )
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        return RequestRefused, (
            f"pointed to another address (answer {status}). Redirects are not followed, so that a"
            " key is never sent anywhere else."
        )
    return MalformedAnswer, (
        f"answered {status} where a report was asked for, so nothing of it was used."
    )
