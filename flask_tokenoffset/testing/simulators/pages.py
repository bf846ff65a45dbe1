"""What both vendors' list answers share: buckets of time, page tokens bound to a query, groups."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from flask_tokenoffset.testing.simulators.truth import (
    DAY_SECONDS,
    CostTruth,
    TokenCounts,
    UsageTruth,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from flask_tokenoffset.testing.simulators.http import Incoming
    from flask_tokenoffset.testing.simulators.profiles import DimensionValue

BUCKET_SECONDS = {"1d": DAY_SECONDS, "1h": 3_600, "1m": 60}
_EPOCH = date(1970, 1, 1)
_TOKEN_PREFIX = "page_"  # noqa: S105 - the beginning of a page token, not a secret
_DIGEST_BYTES = 8

GroupKey = tuple["DimensionValue", ...]


class Bucket(NamedTuple):
    """A stretch of one UTC day, in Unix seconds; half-open."""

    start: int
    end: int

    @property
    def day(self) -> date:
        """The UTC day it lies in."""
        return _EPOCH + timedelta(days=self.start // DAY_SECONDS)

    @property
    def seconds_of_day(self) -> tuple[int, int]:
        """Its start and end, counted from its day's midnight."""
        midnight = self.start - self.start % DAY_SECONDS
        return self.start - midnight, self.end - midnight


def midnight_of(day: date) -> int:
    """The Unix second a UTC day begins at."""
    return (day - _EPOCH).days * DAY_SECONDS


def rfc3339(second: int) -> str:
    """A Unix second as Anthropic writes instants."""
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _query_digest(incoming: Incoming) -> bytes:
    others = sorted(pair for pair in incoming.query if pair[0] != "page")
    text = repr((incoming.path, others)).encode()
    return hashlib.blake2b(text, digest_size=_DIGEST_BYTES).digest()


def issue_page_token(incoming: Incoming, next_start: int) -> str:
    """An opaque token for the page that begins at ``next_start``, good for this query only."""
    payload = _query_digest(incoming) + next_start.to_bytes(8, "big")
    return _TOKEN_PREFIX + base64.urlsafe_b64encode(payload).decode()


def read_page_token(incoming: Incoming, token: str) -> int:
    """Where the token's page begins, in Unix seconds.

    :raises ValueError: if the token is not ours or was issued for a query with other parameters.
    """
    try:
        payload = base64.b64decode(token.removeprefix(_TOKEN_PREFIX), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not a page token") from error
    digest, next_start = payload[:_DIGEST_BYTES], payload[_DIGEST_BYTES:]
    if digest != _query_digest(incoming):
        raise ValueError("issued for another query")
    return int.from_bytes(next_start, "big")


def matches(
    dimensions: Mapping[str, DimensionValue], filters: Mapping[str, frozenset[DimensionValue]]
) -> bool:
    """Whether every filtered dimension has one of the wanted values."""
    return all(dimensions[name] in wanted for name, wanted in filters.items())


def group_usage(rows: Iterable[UsageTruth], group_by: Sequence[str]) -> dict[GroupKey, TokenCounts]:
    """Sum rows that agree on the dimensions asked for."""
    groups: defaultdict[GroupKey, list[TokenCounts]] = defaultdict(list)
    for row in rows:
        groups[tuple(row.dimensions[name] for name in group_by)].append(row.counts)
    return {key: TokenCounts(*map(sum, zip(*same, strict=True))) for key, same in groups.items()}


def group_costs(
    lines: Iterable[CostTruth], group_by: Sequence[str]
) -> dict[GroupKey, tuple[int, int]]:
    """Sum lines that agree on the dimensions asked for: (nano-dollars, quantity)."""
    groups: defaultdict[GroupKey, list[tuple[int, int]]] = defaultdict(list)
    for line in lines:
        key = tuple(line.dimensions[name] for name in group_by)
        groups[key].append((line.cost_nano_usd, line.quantity))
    return {
        key: (sum(cost for cost, _ in same), sum(quantity for _, quantity in same))
        for key, same in groups.items()
    }
