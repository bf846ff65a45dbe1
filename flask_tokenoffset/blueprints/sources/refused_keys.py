"""What a form says beside its fields after a key was refused. The key itself is never in it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from flask_tokenoffset.blueprints.errors.problems import status_of, told
from flask_tokenoffset.errors import (
    Conflict,
    InvalidInput,
    ProviderError,
    RateLimited,
    TooManyAttempts,
    VaultError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask_tokenoffset.errors import TokenOffsetError

#: Everything that :mod:`~flask_tokenoffset.blueprints.sources.connecting` may raise about a key and
#: that a form answers by asking again.
KEY_REFUSALS: Final = (InvalidInput, ProviderError, VaultError, TooManyAttempts, Conflict)

_FIELDS: Final = frozenset({"key", "label"})


@dataclass(frozen=True, slots=True)
class RefusedKey:
    """Why a form with a key is shown again.

    :param status: the HTTP status of the answer.
    :param errors: field name to sentences; ``""`` stands for the form as a whole.
    :param vendor_message: the vendor's own words, cleaned where they were read.
    :param retry_after_seconds: how long to wait, where a person said so.
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
    def of(cls, error: TokenOffsetError) -> RefusedKey:
        """Put what went wrong where a person looks for it.

        :param error: one of :data:`KEY_REFUSALS`.
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
        return cls(
            status,
            {"key": told(error)},
            vendor_message=getattr(error, "vendor_message", None),
            retry_after_seconds=_whole_seconds(error),
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
