"""A simulated OpenAI: the completions usage and costs endpoints of the Administration API."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

from flask_tokenoffset.testing.simulators.bills import openai_bill
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
)
from flask_tokenoffset.testing.simulators.profiles import OPENAI_STREAMS
from flask_tokenoffset.testing.simulators.simulator import KeyKind, Simulator, parse_limit
from flask_tokenoffset.testing.simulators.truth import DAY_SECONDS, OPEN_DAY_SECONDS, TokenCounts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date

    from flask_tokenoffset.testing.simulators.http import JSONObject
    from flask_tokenoffset.testing.simulators.profiles import DimensionValue, ProfileName

OPENAI_DEMO_KEY = "sk-admin-simulated-active-0000000000000000000000000000000000"
OPENAI_REVOKED_KEY = "sk-admin-simulated-revoked-000000000000000000000000000000000"
OPENAI_UNPERMITTED_KEY = "sk-admin-simulated-unpermitted-00000000000000000000000000000"
OPENAI_ORDINARY_KEY = "sk-proj-simulated-ordinary-00000000000000000000000000000000000"

USAGE_PATH = "/v1/organization/usage/completions"
COSTS_PATH = "/v1/organization/costs"

_USAGE_DIMENSIONS = ("project_id", "user_id", "api_key_id", "model", "batch", "service_tier")
# Grouping costs by user is not in the vendor's description, but it is answered.
_COST_DIMENSIONS = ("project_id", "line_item", "api_key_id", "user_id")
_FILTERS = {
    "models": "model",
    "project_ids": "project_id",
    "user_ids": "user_id",
    "api_key_ids": "api_key_id",
}
# Bucket width: buckets a page holds by default, and at most.
_USAGE_LIMITS = {"1d": (7, 31), "1h": (24, 168), "1m": (60, 1440)}
_COST_LIMITS = {"1d": (7, 180)}
#: Costs are known by API key from 2025-12-06 on.
_API_KEY_COSTS_SINCE = 1_764_979_200
# Up to here a float prints every nano-dollar exactly; a larger amount is sent as a string.
_EXACT_FLOAT_NANO_USD = 10**15


class OpenAISimulator(Simulator):
    """The two reporting endpoints of ``api.openai.com``.

    ``input_tokens`` includes cached tokens and cache writes. Usage buckets are cut at the query's
    own start, end and "now"; costs buckets are whole UTC days, the open one so far.

    :param amounts_as_strings: send ``amount.value`` as a JSON string, as was seen in 2026.
    :param missing_scope_status: 401 or 403 for a key without ``api.usage.read``; both occur.
    :param organization: only seeds the organization id; the rest is told at :class:`Simulator`.
    """

    name: ClassVar[str] = "openai"
    host: ClassVar[str] = "api.openai.com"
    _streams = OPENAI_STREAMS
    _price = staticmethod(openai_bill)
    _bills_open_day = True

    def __init__(
        self,
        *,
        organization: str = "Simulated Industries",
        keys: Mapping[str, KeyKind] | None = None,
        seed: int = 2026,
        profile: ProfileName = "small_team",
        today: Callable[[], date] | None = None,
        history: int | date | None = None,
        late_days: int = 0,
        canary: str | None = None,
        amounts_as_strings: bool = False,
        missing_scope_status: Literal[401, 403] = 403,
    ) -> None:
        super().__init__(
            organization=organization,
            keys=keys,
            seed=seed,
            profile=profile,
            today=today,
            history=history,
            late_days=late_days,
            canary=canary,
        )
        self._amounts_as_strings = amounts_as_strings
        self._missing_scope_status = missing_scope_status

    @property
    def organization_id(self) -> str:
        """The organization's id as costs rows carry it; no endpoint tells its name."""
        text = f"{self._seed}/{self.organization}".encode()
        return f"org-{hashlib.blake2b(text, digest_size=12).hexdigest()}"

    @staticmethod
    def _demo_keys() -> dict[str, KeyKind]:
        return {
            OPENAI_DEMO_KEY: "active",
            OPENAI_REVOKED_KEY: "revoked",
            OPENAI_UNPERMITTED_KEY: "unpermitted",
            OPENAI_ORDINARY_KEY: "ordinary",
        }

    def _authenticate(self, incoming: Incoming) -> None:
        scheme, _, key = incoming.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise Refused(
                401,
                "invalid_request_error",
                "You didn't provide an API key. Provide it in an Authorization header.",
            )
        kind = self._keys.get(key)
        if kind in {"ordinary", "unpermitted"}:
            raise Refused(
                self._missing_scope_status,
                "invalid_request_error",
                "You have insufficient permissions for this operation. "
                "Missing scopes: api.usage.read",
            )
        if kind != "active":
            raise Refused(
                401,
                "invalid_request_error",
                "Incorrect API key provided.",
                code="invalid_api_key",
            )

    def _report(self, incoming: Incoming) -> Answer:
        reports = {USAGE_PATH: self._usage, COSTS_PATH: self._costs}
        if incoming.path not in reports:
            raise Refused(
                404,
                "invalid_request_error",
                f"Invalid URL ({incoming.method} {incoming.path})",
                code="unknown_url",
            )
        return reports[incoming.path](incoming)

    def _refusal(self, refused: Refused) -> tuple[JSONObject, dict[str, str]]:
        error: JSONObject = {
            "message": refused.message,
            "type": refused.kind,
            "param": refused.parameter,
            "code": refused.code,
        }
        return {"error": error}, {"x-request-id": self._request_id()}

    def _usual_queries(self, start: date, end: date) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        window = [
            ("start_time", str(midnight_of(start))),
            ("end_time", str(midnight_of(end))),
            ("bucket_width", "1d"),
        ]
        grouping = [("group_by", name) for name in ("model", "service_tier", "batch")]
        yield USAGE_PATH, [*window, ("limit", "31"), *grouping]
        yield COSTS_PATH, [*window, ("limit", "180"), ("group_by", "line_item")]

    # Usage

    def _usage(self, incoming: Incoming) -> Answer:
        group_by = _read_group_by(incoming, _USAGE_DIMENSIONS)
        filters = _read_filters(incoming)
        width, limit = _read_width_and_limit(incoming, _USAGE_LIMITS)
        start, end = _read_window(incoming)
        now = midnight_of(self.today) + OPEN_DAY_SECONDS
        start, end = start - start % 60, min(end or now, now)
        starts, token = _read_page(incoming, range(start - start % width, end, width), limit)
        # The first and the last bucket are cut where the query begins and ends, not at midnight.
        buckets = [Bucket(max(at, start), min(at + width, end)) for at in starts]

        def render(bucket: Bucket) -> JSONObject:
            rows = self._history.usage(bucket.day, *bucket.seconds_of_day)
            groups = group_usage(
                (row for row in rows if matches(row.dimensions, filters)), group_by
            )
            return _bucket(
                bucket,
                [
                    self._with_canary(_usage_result(counts, dict(zip(group_by, key, strict=True))))
                    for key, counts in groups.items()
                ],
            )

        asked = (USAGE_PATH, group_by, tuple(filters.items()))
        return self._page(
            [self._fragment((asked, bucket), partial(render, bucket)) for bucket in buckets],
            token,
            {"object": "page"},
        )

    # Costs

    def _costs(self, incoming: Incoming) -> Answer:
        group_by = _read_group_by(incoming, _COST_DIMENSIONS)
        filters = {
            name: wanted
            for name, wanted in _read_filters(incoming).items()
            if name in {"project_id", "api_key_id"}
        }
        width, limit = _read_width_and_limit(incoming, _COST_LIMITS)
        start, end = _read_window(incoming)
        if "api_key_id" in group_by and start < _API_KEY_COSTS_SINCE:
            raise _bad_request(
                f"start_time must be at or after {_API_KEY_COSTS_SINCE} to group by api_key_id.",
                "start_time",
                code="invalid_request_error",
            )
        after_today = midnight_of(self.today) + DAY_SECONDS
        first, end = start - start % width, min(end or after_today, after_today)
        starts, token = _read_page(incoming, range(first, end, width), limit)
        if "line_item" in group_by and "project_id" not in group_by:
            # Asked by line item, the vendor separates projects too.
            group_by += ("project_id",)

        def render(bucket: Bucket) -> JSONObject:
            lines = self._history.costs(bucket.day)
            kept = (line for line in lines if matches(line.dimensions, filters))
            return _bucket(
                bucket,
                [
                    self._with_canary(
                        self._costs_result(
                            nano_usd, quantity, dict(zip(group_by, key, strict=True))
                        )
                    )
                    for key, (nano_usd, quantity) in group_costs(kept, group_by).items()
                ],
            )

        asked = (COSTS_PATH, group_by, tuple(filters.items()))
        return self._page(
            [self._fragment((asked, at), partial(render, Bucket(at, at + width))) for at in starts],
            token,
            {"object": "page"},
        )

    def _costs_result(
        self, nano_usd: int, quantity: int, dimensions: Mapping[str, DimensionValue]
    ) -> JSONObject:
        dollars = Decimal(nano_usd).scaleb(-9)
        as_string = self._amounts_as_strings or abs(nano_usd) >= _EXACT_FLOAT_NANO_USD
        by_line = "line_item" in dimensions
        is_search = dimensions.get("line_item") == "web search tool calls"
        result: JSONObject = {
            "object": "organization.costs.result",
            "amount": {
                "value": format(dollars, "f") if as_string else float(dollars),
                "currency": "usd",
            },
            "line_item": None,
            "project_id": None,
            "api_key_id": None,
            "quantity": quantity if by_line else None,
            "quantity_unit": "tokens" if by_line and not is_search else None,
            "organization_id": self.organization_id,
            **dimensions,
        }
        if "user_id" in dimensions:
            # People's data in an aggregate: seen live, so a client must be shown it here.
            result["user_email"] = f"{dimensions['user_id']}@example.com".lower()
        return result


def _usage_result(counts: TokenCounts, dimensions: Mapping[str, DimensionValue]) -> JSONObject:
    written = counts.cache_creation_tokens
    return {
        "object": "organization.usage.completions.result",
        "input_tokens": counts.input_tokens,
        "input_cached_tokens": counts.cached_input_tokens,
        "input_cache_write_tokens": written,
        "input_uncached_tokens": counts.uncached_input_tokens,
        "output_tokens": counts.output_tokens,
        "input_text_tokens": counts.uncached_input_tokens,
        "output_text_tokens": counts.output_tokens,
        "input_cached_text_tokens": counts.cached_input_tokens,
        "input_audio_tokens": 0,
        "input_cached_audio_tokens": 0,
        "output_audio_tokens": 0,
        "input_image_tokens": 0,
        "input_cached_image_tokens": 0,
        "output_image_tokens": 0,
        "num_model_requests": counts.request_count,
        **dict.fromkeys(_USAGE_DIMENSIONS),
        **dimensions,
    }


def _bad_request(message: str, parameter: str, *, code: str | None = None) -> Refused:
    return Refused(400, "invalid_request_error", message, parameter=parameter, code=code)


def _bucket(bucket: Bucket, results: Sequence[JSONObject]) -> JSONObject:
    return {
        "object": "bucket",
        "start_time": bucket.start,
        "end_time": bucket.end,
        "results": list(results),
    }


def _many(incoming: Incoming, name: str) -> list[str]:
    """A list parameter, in either of the two encodings in use."""
    return incoming.values(name, f"{name}[]")


def _read_group_by(incoming: Incoming, allowed: Sequence[str]) -> tuple[str, ...]:
    group_by = tuple(dict.fromkeys(_many(incoming, "group_by")))
    for name in group_by:
        if name not in allowed:
            supported = ", ".join(f"'{known}'" for known in allowed)
            raise _bad_request(
                f"Invalid group_by provided: {name}. Supported values are: {supported}", "group_by"
            )
    return group_by


def _read_filters(incoming: Incoming) -> dict[str, frozenset[DimensionValue]]:
    filters: dict[str, frozenset[DimensionValue]] = {
        dimension: frozenset(_many(incoming, parameter))
        for parameter, dimension in _FILTERS.items()
        if _many(incoming, parameter)
    }
    batch = incoming.first("batch")
    if batch is not None:
        if batch not in {"true", "false"}:
            raise _bad_request(f"Invalid batch provided: {batch}.", "batch")
        filters["batch"] = frozenset({batch == "true"})
    return filters


def _read_width_and_limit(
    incoming: Incoming, limits: Mapping[str, tuple[int, int]]
) -> tuple[int, int]:
    width_name = incoming.first("bucket_width") or "1d"
    if width_name not in limits:
        supported = ", ".join(f"'{known}'" for known in limits)
        raise _bad_request(
            f"Invalid bucket_width provided: {width_name}. Supported values are: {supported}",
            "bucket_width",
        )
    default, maximum = limits[width_name]
    text = incoming.first("limit")
    limit = parse_limit(text, default)
    if limit is None or limit > maximum:
        raise _bad_request(
            f"Invalid limit provided: {text}. Limit must be less than or equal to {maximum}.",
            "limit",
        )
    if limit < 1:
        raise _bad_request(
            f"Invalid limit provided: {text}. Limit must be greater than or equal to 1.", "limit"
        )
    return BUCKET_SECONDS[width_name], limit


def _read_window(incoming: Incoming) -> tuple[int, int | None]:
    seconds: dict[str, int] = {}
    for name in ("start_time", "end_time"):
        text = incoming.first(name)
        if text is None:
            continue
        if not text.isdecimal():
            raise _bad_request(f"Invalid {name} provided: expected Unix seconds.", name)
        seconds[name] = int(text)
    if "start_time" not in seconds:
        raise _bad_request("Missing required parameter: 'start_time'.", "start_time")
    return seconds["start_time"], seconds.get("end_time")


def _read_page(incoming: Incoming, starts: range, limit: int) -> tuple[range, str | None]:
    """The bucket starts of the page asked for, and the token of the next page."""
    page = incoming.first("page")
    if page:
        try:
            starts = range(read_page_token(incoming, page), starts.stop, starts.step)
        except ValueError:
            raise _bad_request("Invalid page provided for this query.", "page") from None
    more = len(starts) > limit
    return starts[:limit], issue_page_token(incoming, starts[limit]) if more else None
