"""Keeps the HTTP libraries from logging what belongs to an answer.

httpx logs every address at INFO, with its page token and the vendor's reason phrase, and httpcore
logs the answer's headers at DEBUG. Our own line in the log says what an operator needs.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_in_a_call: ContextVar[bool] = ContextVar("tokenoffset_outbound_call", default=False)
_LIBRARY_LOGGERS: Final = (
    "httpx",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
)


class _SilentInACall(logging.Filter):
    """Drops records made during our calls; a host that uses httpx itself notices nothing."""

    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002  # the signature of Filter
        return not _in_a_call.get()


_silent_in_a_call: Final = _SilentInACall()


@contextmanager
def http_libraries_silent() -> Iterator[None]:
    """Drop what the HTTP libraries log inside the block, in this thread only."""
    # A filter works only on the logger a record was made with, hence each by its name. Adding the
    # same filter again does nothing.
    for name in _LIBRARY_LOGGERS:
        logging.getLogger(name).addFilter(_silent_in_a_call)
    token = _in_a_call.set(True)
    try:
        yield
    finally:
        _in_a_call.reset(token)
