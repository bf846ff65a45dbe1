"""What a form says beside its fields after a key was refused. The key itself is never in it."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from flask_tokenoffset.blueprints.problems import request_id, status_of
from flask_tokenoffset.errors import (
    Conflict,
    IncompleteAnswer,
    InvalidInput,
    MalformedAnswer,
    ProviderError,
    RateLimited,
    TooManyAttempts,
    VaultError,
    VendorUnavailable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask_tokenoffset.errors import TokenOffsetError

logger = logging.getLogger(__name__)

#: Everything that :mod:`~flask_tokenoffset.blueprints.sources.connecting` may raise about a key and
#: that a form answers by asking again.
KEY_REFUSALS: Final = (InvalidInput, ProviderError, VaultError, TooManyAttempts, Conflict)

_FIELDS: Final = frozenset({"key", "label"})
_SECONDS_PER_MINUTE: Final = 60


@dataclass(frozen=True, slots=True)
class RefusedKey:
    """Why a form with a key is shown again.

    :param status: the HTTP status of the answer.
    :param errors: field name to sentences; ``""`` stands for the form as a whole.
    :param vendor_message: the vendor's own words, cleaned where they were read.
    :param retry_after_seconds: how long to wait, where somebody said so.
    """

    status: int
    errors: Mapping[str, str] = field(repr=False)
    vendor_message: str | None = field(default=None, repr=False)
    retry_after_seconds: int | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The headers the answer carries."""
        if self.retry_after_seconds is None:
            return {}
        return {"Retry-After": str(self.retry_after_seconds)}

    @classmethod
    def of(cls, error: TokenOffsetError, vendor_title: str) -> RefusedKey:
        """Put what went wrong where a person looks for it.

        :param error: one of :data:`KEY_REFUSALS`.
        :param vendor_title: the vendor's name as a person writes it.
        """
        status = status_of(type(error))
        match error:
            case InvalidInput():
                return cls(status, _by_field(error.errors))
            case Conflict():
                return cls(status, {"": error.message})
            case TooManyAttempts():
                return cls(
                    status,
                    {"key": error.message},
                    retry_after_seconds=error.retry_after_seconds,
                )
            case VaultError():
                # What ails it concerns whoever runs the site; a visitor cannot mend it.
                logger.error("%s (request %s): %s", error.code, request_id(), error.message)
                return cls(status, {"key": _VAULT_SHUT})
        seconds = _whole_seconds(error)
        return cls(
            status,
            {"key": _vendor_sentence(error, vendor_title, seconds)},
            vendor_message=getattr(error, "vendor_message", None),
            retry_after_seconds=seconds,
        )


_VAULT_SHUT: Final = (
    "Keys cannot be kept safe here at the moment, so this one was not stored. Try again later; if"
    " it stays like this, tell whoever runs this site."
)


def _by_field(errors: Mapping[str, str]) -> dict[str, str]:
    """What is about neither field of the form is said above it."""
    placed: dict[str, str] = {}
    for name, sentence in errors.items():
        place = name if name in _FIELDS else ""
        placed[place] = f"{placed[place]} {sentence}" if place in placed else sentence
    return placed


def _whole_seconds(error: TokenOffsetError) -> int | None:
    if isinstance(error, RateLimited) and error.retry_after_seconds is not None:
        return max(1, math.ceil(error.retry_after_seconds))
    return None


def _vendor_sentence(error: TokenOffsetError, title: str, wait_seconds: int | None) -> str:
    """The error's own sentence, unless it speaks of a background run that there is not yet."""
    if isinstance(error, RateLimited):
        return (
            f"{title} asks to slow down, so the key could not be checked. Try again"
            f" {_after(wait_seconds)}."
        )
    if isinstance(error, VendorUnavailable | MalformedAnswer | IncompleteAnswer):
        answer = f" (answer {error.status_code})" if error.status_code else ""
        return (
            f"{title} cannot be read at the moment{answer}, so the key could not be checked. That"
            " says nothing against the key. Try again later."
        )
    return error.message


def _after(seconds: int | None) -> str:
    if seconds is None:
        return "later"
    minutes = math.ceil(seconds / _SECONDS_PER_MINUTE)
    return "in a minute" if minutes <= 1 else f"in {minutes:,} minutes"
