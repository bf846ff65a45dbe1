"""The one way out over HTTP, below the clients of vendors and of identity providers.

It knows no key and no token. Anyone who calls says which requests may leave, and sets what must
stay secret at the very last moment.
"""

from __future__ import annotations

from flask_tokenoffset.outbound.client import (
    Answer,
    Call,
    NoAnswer,
    OutboundHTTP,
    Request,
    Transport,
)
from flask_tokenoffset.outbound.limits import Limits
from flask_tokenoffset.outbound.one_call import ask_once

__all__ = [
    "Answer",
    "Call",
    "Limits",
    "NoAnswer",
    "OutboundHTTP",
    "Request",
    "Transport",
    "ask_once",
]
