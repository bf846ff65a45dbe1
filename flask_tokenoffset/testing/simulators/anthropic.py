"""A simulated Anthropic: the organization, usage and cost endpoints of the Admin API."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from flask_tokenoffset.testing.simulators.bills import ANTHROPIC_COST_DIMENSIONS, anthropic_bill
from flask_tokenoffset.testing.simulators.http import Answer, Incoming, Refused
from flask_tokenoffset.testing.simulators.pages import (
    BUCKET_SECONDS,
    Bucket,
    group_costs,
    group_usage,
    issue_page_token,
    matches,
    midnight_of,
    read_page_token,
    rfc3339,
)
from flask_tokenoffset.testing.simulators.profiles import ANTHROPIC_STREAMS
from flask_tokenoffset.testing.simulators.simulator import KeyKind, Simulator, parse_limit
from flask_tokenoffset.testing.simulators.truth import DAY_SECONDS, OPEN_DAY_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from flask_tokenoffset.testing.simulators.http import JSONObject
    from flask_tokenoffset.testing.simulators.profiles import DimensionValue

ANTHROPIC_DEMO_KEY = "sk-ant-admin01-simulated-active-0000000000000000000000000000"
ANTHROPIC_REVOKED_KEY = "sk-ant-admin01-simulated-revoked-000000000000000000000000000"
ANTHROPIC_UNPERMITTED_KEY = "sk-ant-admin01-simulated-unpermitted-00000000000000000000000"
ANTHROPIC_ORDINARY_KEY = "sk-ant-api03-simulated-ordinary-0000000000000000000000000000"

ORGANIZATION_PATH = "/v1/organizations/me"
USAGE_PATH = "/v1/organizations/usage_report/messages"
COST_PATH = "/v1/organizations/cost_report"

_FAST_MODE_BETA = "fast-mode-2026-02-01"
_MAXIMUM_GROUPS = 5
_USAGE_DIMENSIONS = (
    "api_key_id",
    "workspace_id",
    "model",
    "service_tier",
    "context_window",
    "inference_geo",
    "account_id",
    "service_account_id",
    "speed",
)
_USAGE_FILTERS = {
    "models[]": "model",
    "service_tiers[]": "service_tier",
    "context_window[]": "context_window",
    "inference_geos[]": "inference_geo",
    "speeds[]": "speed",
    "api_key_ids[]": "api_key_id",
    "workspace_ids[]": "workspace_id",
    "account_ids[]": "account_id",
    "service_account_ids[]": "service_account_id",
}
# Bucket width: buckets a page holds by default, and at most.
_LIMITS = {"1d": (7, 31), "1h": (24, 168), "1m": (60, 1440)}


class AnthropicSimulator(Simulator):
    """The three reporting endpoints of ``api.anthropic.com``.

    Amounts are decimal strings in cents with fractions. Priority tokens appear in the usage report
    and not in the cost report. The open day is partial in the usage report and absent from the
    cost report. ``starting_at`` is snapped down to its bucket; a bucket is listed if it ends at or
    before ``ending_at``.
    """

    name: ClassVar[str] = "anthropic"
    host: ClassVar[str] = "api.anthropic.com"
    _streams = ANTHROPIC_STREAMS
    _price = staticmethod(anthropic_bill)
    _bills_open_day = False

    @property
    def organization_id(self) -> str:
        """The organization's id: a bare UUID."""
        return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{self._seed}/{self.organization}"))

    @staticmethod
    def _demo_keys() -> dict[str, KeyKind]:
        return {
            ANTHROPIC_DEMO_KEY: "active",
            ANTHROPIC_REVOKED_KEY: "revoked",
            ANTHROPIC_UNPERMITTED_KEY: "unpermitted",
            ANTHROPIC_ORDINARY_KEY: "ordinary",
        }

    def _authenticate(self, incoming: Incoming) -> None:
        key = incoming.headers.get("x-api-key")
        if key is None:
            raise Refused(401, "authentication_error", "x-api-key header is required")
        kind = self._keys.get(key)
        if kind == "unpermitted":
            raise Refused(
                403,
                "permission_error",
                "Your API key does not have permission to use the specified resource.",
            )
        if kind != "active":
            # Wrong, revoked and not an admin key: the vendor does not tell them apart.
            raise Refused(401, "authentication_error", "invalid x-api-key")
        if "anthropic-version" not in incoming.headers:
            raise _bad_request("anthropic-version: header is required")

    def _report(self, incoming: Incoming) -> Answer:
        reports = {
            ORGANIZATION_PATH: self._organization,
            USAGE_PATH: self._usage_report,
            COST_PATH: self._cost_report,
        }
        if incoming.path not in reports:
            raise Refused(404, "not_found_error", "Not found")
        return reports[incoming.path](incoming)

    def _organization(self, _incoming: Incoming) -> Answer:
        organization: JSONObject = {
            "id": self.organization_id,
            "type": "organization",
            "name": self.organization,
        }
        return Answer.of_json(self._with_canary(organization))

    def _refusal(self, refused: Refused) -> tuple[JSONObject, dict[str, str]]:
        request_id = self._request_id()
        error: JSONObject = {"type": refused.kind, "message": refused.message}
        return (
            {"type": "error", "error": error, "request_id": request_id},
            {"request-id": request_id},
        )

    def _usual_queries(self, start: date, end: date) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        window = [
            ("starting_at", rfc3339(midnight_of(start))),
            ("ending_at", rfc3339(midnight_of(end))),
            ("bucket_width", "1d"),
            ("limit", "31"),
        ]
        grouping = [("group_by[]", name) for name in ("model", "service_tier", "context_window")]
        yield USAGE_PATH, [*window, *grouping]
        yield COST_PATH, [*window, ("group_by[]", "description")]

    # Usage

    def _usage_report(self, incoming: Incoming) -> Answer:
        group_by = _read_group_by(incoming, _USAGE_DIMENSIONS)
        if "speed" in group_by and _FAST_MODE_BETA not in incoming.headers.get(
            "anthropic-beta", ""
        ):
            raise _bad_request(f"group_by[]: speed requires the {_FAST_MODE_BETA} beta header")
        filters: dict[str, frozenset[DimensionValue]] = {
            dimension: frozenset(incoming.values(parameter))
            for parameter, dimension in _USAGE_FILTERS.items()
            if incoming.values(parameter)
        }
        now = midnight_of(self.today) + OPEN_DAY_SECONDS
        buckets, token = _read_buckets(incoming, tuple(_LIMITS), latest_start=now - 1)

        def render(bucket: Bucket) -> JSONObject:
            rows = self._history.usage(bucket.day, *bucket.seconds_of_day)
            groups = group_usage(
                (row for row in rows if matches(row.dimensions, filters)), group_by
            )
            return _bucket(
                bucket,
                [
                    self._with_canary(
                        {
                            "uncached_input_tokens": counts.uncached_input_tokens,
                            "cache_read_input_tokens": counts.cached_input_tokens,
                            "output_tokens": counts.output_tokens,
                            "cache_creation": {
                                "ephemeral_5m_input_tokens": counts.cache_creation_5m_tokens,
                                "ephemeral_1h_input_tokens": counts.cache_creation_1h_tokens,
                            },
                            "server_tool_use": {"web_search_requests": counts.web_search_requests},
                            # The beta dimension appears only where it was asked for.
                            **dict.fromkeys(_USAGE_DIMENSIONS[:-1]),
                            **dict(zip(group_by, key, strict=True)),
                        }
                    )
                    for key, counts in groups.items()
                ],
            )

        asked = (USAGE_PATH, group_by, tuple(filters.items()))
        return self._page(
            [self._fragment((asked, bucket), partial(render, bucket)) for bucket in buckets],
            token,
            {},
        )

    # Costs

    def _cost_report(self, incoming: Incoming) -> Answer:
        group_by = _read_group_by(incoming, ("workspace_id", "description"))
        buckets, token = _read_buckets(
            incoming, ("1d",), latest_start=midnight_of(self.today) - DAY_SECONDS
        )
        dimensions = tuple(name for name in group_by if name != "description")
        if "description" in group_by:
            dimensions += ANTHROPIC_COST_DIMENSIONS

        def render(bucket: Bucket) -> JSONObject:
            groups = group_costs(self._history.costs(bucket.day), dimensions)
            return _bucket(
                bucket,
                [
                    self._with_canary(
                        {
                            "amount": _cents(nano_usd),
                            "currency": "USD",
                            **dict.fromkeys(("workspace_id", *ANTHROPIC_COST_DIMENSIONS)),
                            **dict(zip(dimensions, key, strict=True)),
                        }
                    )
                    for key, (nano_usd, _) in groups.items()
                ],
            )

        return self._page(
            [
                self._fragment((COST_PATH, dimensions, bucket), partial(render, bucket))
                for bucket in buckets
            ],
            token,
            {},
        )


def _bad_request(message: str) -> Refused:
    return Refused(400, "invalid_request_error", message)


def _bucket(bucket: Bucket, results: Sequence[JSONObject]) -> JSONObject:
    return {
        "starting_at": rfc3339(bucket.start),
        "ending_at": rfc3339(bucket.end),
        "results": list(results),
    }


def _cents(nano_usd: int) -> str:
    """Nano-dollars as the vendor's decimal string of cents."""
    return format(Decimal(nano_usd).scaleb(-7).normalize(), "f")


def _read_group_by(incoming: Incoming, allowed: Sequence[str]) -> tuple[str, ...]:
    # A "group_by" without brackets is a parameter the vendor does not know, and so ignores.
    group_by = tuple(dict.fromkeys(incoming.values("group_by[]")))
    if len(group_by) > _MAXIMUM_GROUPS:
        raise _bad_request("Cannot specify more than 5 group_by[] dimensions.")
    for name in group_by:
        if name not in allowed:
            raise _bad_request(f"group_by[]: Input should be one of {', '.join(allowed)}")
    return group_by


def _read_instant(incoming: Incoming, name: str) -> int | None:
    text = incoming.first(name)
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise _bad_request(f"{name}: Input should be a valid datetime") from None
    return int((instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp())


def _read_buckets(
    incoming: Incoming, widths: Sequence[str], *, latest_start: int
) -> tuple[list[Bucket], str | None]:
    """The buckets of the page asked for, and the token of the next page.

    :param latest_start: the last second a bucket may begin at and still be reported.
    """
    width_name = incoming.first("bucket_width") or "1d"
    if width_name not in widths:
        raise _bad_request(f"bucket_width: Input should be one of {', '.join(widths)}")
    width = BUCKET_SECONDS[width_name]
    default, maximum = _LIMITS[width_name]
    limit = parse_limit(incoming.first("limit"), default)
    if limit is None or not 1 <= limit <= maximum:
        raise _bad_request(f"limit: Input should be between 1 and {maximum}")
    starting_at = _read_instant(incoming, "starting_at")
    if starting_at is None:
        raise _bad_request("starting_at: Field required")
    ending_at = _read_instant(incoming, "ending_at")
    first = starting_at - starting_at % width
    last = latest_start if ending_at is None else min(latest_start, ending_at - width)
    page = incoming.first("page")
    if page:
        try:
            first = read_page_token(incoming, page)
        except ValueError:
            raise _bad_request("page: Invalid page token for this query") from None
    starts = range(first, last + 1, width)
    buckets = [Bucket(start, start + width) for start in starts[:limit]]
    more = len(starts) > limit
    return buckets, issue_page_token(incoming, starts[limit]) if more else None
