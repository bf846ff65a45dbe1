"""How long to wait before asking a vendor again. Pure arithmetic over headers and clocks."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

#: No vendor has a reason to send us away for longer; a larger figure is a mistake.
LONGEST_WAIT_SECONDS: Final = 86_400.0
#: Anthropic's report endpoints answer 429 without ``Retry-After`` and count by the minute; a
#: client that gave up after fifteen seconds never got through.
UNSAID_WAIT_SECONDS: Final = 60.0
#: Spread over which clients that were refused together come back.
UNSAID_WAIT_SPREAD_SECONDS: Final = 15.0

_FIRST_BACK_OFF_SECONDS: Final = 0.5
_LONGEST_BACK_OFF_SECONDS: Final = 8.0
_SECONDS: Final = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,9})?")
_RESET_HEADER: Final = "anthropic-ratelimit-requests-reset"


def requested_wait_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """How long the vendor asks us to wait, or ``None`` where it does not say so intelligibly.

    ``Retry-After`` comes first, in seconds or as an HTTP date; then Anthropic's own header with
    the instant at which requests are allowed again. Instants are compared with the answer's own
    ``Date`` where there is one, so a clock that is wrong here or there does not matter.

    :param headers: the answer's headers, found by lower-case name.
    :param now: the present instant, aware.
    :returns: between zero and one day.
    """
    retry_after = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(retry_after):
        return _bounded(float(retry_after))
    allowed_at = _http_date(retry_after) or _rfc_3339(headers.get(_RESET_HEADER, "").strip())
    if allowed_at is None:
        return None
    vendor_now = _http_date(headers.get("date", "")) or now
    return _bounded((allowed_at - vendor_now).total_seconds())


def back_off_seconds(attempt: int, fraction: float) -> float:
    """Exponential back-off with full jitter: anything between nothing and the doubled step.

    :param attempt: how many attempts have failed, from 1.
    :param fraction: a random number, at least 0 and below 1.
    """
    step: float = _FIRST_BACK_OFF_SECONDS * 2 ** (attempt - 1)
    return fraction * min(_LONGEST_BACK_OFF_SECONDS, step)


def unsaid_wait_seconds(fraction: float) -> float:
    """The wait after a 429 that names none: a minute and a little more.

    :param fraction: a random number, at least 0 and below 1.
    """
    return UNSAID_WAIT_SECONDS + UNSAID_WAIT_SPREAD_SECONDS * fraction


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), LONGEST_WAIT_SECONDS)


def _http_date(text: str) -> datetime | None:
    if not text:
        return None
    try:
        instant = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _rfc_3339(text: str) -> datetime | None:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
