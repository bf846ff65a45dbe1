"""Notes each request of ours in the log of requests, where the operator switched it on."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flask import g, request

from flask_tokenoffset.blueprints.errors.problems import request_id
from flask_tokenoffset.services.shared.request_log import LoggedRequest, note
from flask_tokenoffset.state import current_state, origin_of_request

if TYPE_CHECKING:
    from flask import Response

_BEGAN: Final = "_tokenoffset_request_began"


def begin_request() -> None:
    """Look at the clock. The monotonic one: the other may be set while a request is served."""
    setattr(g, _BEGAN, time.perf_counter())


def note_request(response: Response) -> Response:
    """Append a line about the request that was just answered.

    :param response: the answer, which is passed on as it is.
    """
    state = current_state()
    settings = state.settings
    if settings.request_log is None:
        return response
    began: float = getattr(g, _BEGAN, None) or time.perf_counter()
    origin = origin_of_request()
    may_keep_origin = settings.audit_origin_days > 0
    note(
        Path(settings.request_log),
        LoggedRequest(
            time=state.clock.now(),
            method=request.method,
            route=request.url_rule.rule if request.url_rule else None,
            status=response.status_code,
            latency_ms=round((time.perf_counter() - began) * 1000),
            address=origin.address if may_keep_origin else None,
            user_agent=origin.user_agent if may_keep_origin else None,
            request_id=request_id(),
        ),
    )
    return response
