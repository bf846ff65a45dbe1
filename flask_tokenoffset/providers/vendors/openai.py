"""OpenAI's Administration API: what was used, what it cost.

Exactly two endpoints (https://github.com/openai/openai-openapi, specification 2.3.0). The input
count *includes* cached tokens and cache writes, so the kinds are made disjoint here. Cost is in
dollars, as a number or as the same number in quotes. Neither endpoint names the organization.
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from flask_tokenoffset.clock import DAY, DayRange, utc_midnight
from flask_tokenoffset.errors import MalformedAnswer
from flask_tokenoffset.providers.base import (
    Columns,
    CostDay,
    Provider,
    UsageDay,
    UsageRow,
    VendorOrganization,
    WalkThrough,
)
from flask_tokenoffset.providers.endpoints import Endpoint
from flask_tokenoffset.providers.keys import KeyKind, require_key_kind
from flask_tokenoffset.providers.money import exact_nano_usd_from_dollars, require_usd
from flask_tokenoffset.providers.pages import read_envelope
from flask_tokenoffset.providers.reports import DailyReport, DailyReportsClient
from flask_tokenoffset.providers.row_faults import (
    KnownFields,
    check_figures,
    malformed_row,
    missing_in,
    refuse_doubled,
    refuse_larger_parts,
    refuse_measures,
    refuse_total,
)
from flask_tokenoffset.providers.rows import Dimensions, label, merged, merged_costs, name_label

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask_tokenoffset.errors import KeyRefused
    from flask_tokenoffset.providers.http import VendorHTTP
    from flask_tokenoffset.vault import Secret

TITLE: Final = "OpenAI"
HOST: Final = "api.openai.com"
KEY_PAGE_URL: Final = "https://platform.openai.com/settings/organization/admin-keys"

#: The vendor's largest ``limit`` for daily buckets; a larger one is answered 400, not clamped.
USAGE_DAYS_A_PAGE: Final = 31
COST_DAYS_A_PAGE: Final = 180
USAGE_GROUPS: Final = ("model", "service_tier", "batch")
#: Grouping cost by key is refused for older windows; by line item alone always works.
COST_GROUPS: Final = ("line_item",)

USAGE: Final = Endpoint(
    "GET",
    HOST,
    "/v1/organization/usage/completions",
    "daily token counts (uncached input, cached input, cache writes, output), grouped by model,"
    " service tier and batch flag.",
)
COSTS: Final = Endpoint(
    "GET",
    HOST,
    "/v1/organization/costs",
    "daily cost as the vendor charged it, grouped by line item.",
)
ENDPOINTS: Final = (USAGE, COSTS)

_NEEDED: Final = (
    "An Admin API key is needed, which begins with sk-admin- and which an owner of the"
    f" organization creates at {KEY_PAGE_URL}."
)
_UNKNOWN_KEY: Final = "This does not look like a key from OpenAI."
_KEY_KINDS: Final = (
    KeyKind("sk-admin-"),
    KeyKind(
        "sk-proj-",
        "This is a project key from OpenAI. It can send prompts, but cannot read the"
        " organization's usage.",
    ),
    KeyKind(
        "sk-svcacct-",
        "This is a service account's key from OpenAI. It belongs to one project and cannot read"
        " the organization's usage.",
    ),
    KeyKind("sk-ant-", "This is a key from Anthropic, not from OpenAI."),
    KeyKind(
        "sk-",
        "This is an ordinary OpenAI key. It can send prompts, but cannot read the organization's"
        " usage.",
    ),
)

WALK_THROUGH: Final = WalkThrough(
    key_page_url=KEY_PAGE_URL,
    steps=(
        (
            "Sign in to the OpenAI platform as an owner of your organization and open"
            f" {KEY_PAGE_URL} (Settings, Admin keys)."
        ),
        (
            "Create a new admin key and give it a name that says what it is for and no more, for"
            " example usage-report. If it asks for permissions, reading usage (api.usage.read) is"
            " all that is needed."
        ),
        "Copy the key at once. It begins with sk-admin- and is shown only this one time.",
        (
            "Paste it here with a label of your own, because OpenAI does not tell the"
            " organization's name. The key is checked straight away, and whatever is wrong is said"
            " beside the field."
        ),
    ),
    what_is_read=tuple(f"{e.method} {e.path}: {e.purpose}" for e in ENDPOINTS),
    what_is_not_read=(
        (
            "Prompts, answers and conversations are not read: these endpoints do not hold them, and"
            " no model is ever called."
        ),
        "No names or addresses of members, no API keys and no projects are asked for.",
    ),
    not_covered=(
        "ChatGPT is not covered, on any plan.",
        "The Codex command line is not covered where it is used through a ChatGPT subscription.",
        "Codex as an IDE plug-in is not covered where it is used through a ChatGPT subscription.",
        (
            "Tokens of embeddings, images, audio, moderation and other special endpoints are not"
            " counted, though their cost is in the cost report."
        ),
        "OpenAI models through other clouds (Azure) are not covered.",
    ),
    cadence=(
        (
            "The past weeks are read once in the background after connecting; then they are"
            " refreshed once a week, and whenever you ask for it."
        ),
        "Days are UTC days. The running day is left out, because it is not complete.",
    ),
    beyond_reading=(
        (
            "An OpenAI admin key with all permissions could also invite and remove people, create"
            " projects and service accounts with keys of their own, delete keys, and read the audit"
            " log."
        ),
        (
            "Where OpenAI lets you choose permissions, choose reading usage alone: then it can do"
            " none of that."
        ),
        (
            "Whoever holds an unrestricted one can do harm. Delete it at OpenAI when you no longer"
            " need the connection."
        ),
    ),
)

#: What every row of use must say, and what some say beside it.
_REQUIRED: Final = ("input_tokens", "output_tokens", "num_model_requests")
_PARTS: Final = ("input_cached_tokens", "input_cache_write_tokens")
_FIGURES: Final = (*_REQUIRED, *_PARTS)
#: Parts of what is read already, by medium; text comes first.
_INPUT: Final = ("input_text_tokens", "input_audio_tokens", "input_image_tokens")
_CACHED: Final = tuple(part.replace("input_", "input_cached_") for part in _INPUT)
_OUTPUT: Final = ("output_text_tokens", "output_audio_tokens", "output_image_tokens")
_FIELDS: Final = frozenset(
    {
        *(*_FIGURES, "input_uncached_tokens", "object", "model", "service_tier", "batch"),
        *("project_id", "user_id", "api_key_id", *_INPUT, *_CACHED, *_OUTPUT),
    }
)
_AMOUNT: Final = frozenset({"value", "currency"})

_ORGANIZATION_ID: Final = re.compile(r"org-[A-Za-z0-9_-]{1,90}")


@dataclass(frozen=True, slots=True)
class OpenAIProvider:
    """OpenAI, as the rest of the package knows it."""

    name: str = "openai"
    title: str = TITLE
    key_prefix: str = "sk-admin-"
    endpoints: tuple[Endpoint, ...] = ENDPOINTS
    names_organization: bool = False
    walk_through: WalkThrough = WALK_THROUGH

    def check_key_kind(self, key: Secret) -> None:
        """Accept an admin key and explain every other; nothing is sent.

        :raises WrongKeyKind: saying which key is needed and where to create it.
        """
        require_key_kind(key, _KEY_KINDS, unknown=_UNKNOWN_KEY, needed=_NEEDED)

    def open(self, key: Secret, http: VendorHTTP) -> OpenAIClient:
        """A client over an HTTP client that was made with the same key.

        :raises WrongKeyKind: as :meth:`check_key_kind` does.
        """
        self.check_key_kind(key)
        http.introduce(title=TITLE, key_header="authorization", key_scheme="Bearer ", headers={})
        return OpenAIClient(http)


def _usage_query(window: DayRange) -> list[tuple[str, str]]:
    return _query(window, min(len(window), USAGE_DAYS_A_PAGE), USAGE_GROUPS)


def _cost_query(window: DayRange) -> list[tuple[str, str]]:
    return _query(window, min(len(window), COST_DAYS_A_PAGE), COST_GROUPS)


def _query(window: DayRange, limit: int, groups: tuple[str, ...]) -> list[tuple[str, str]]:
    # Both ends at UTC midnight: usage buckets are cut at the query's own times, costs are not.
    return [
        ("start_time", str(int(utc_midnight(window.start).timestamp()))),
        ("end_time", str(int(utc_midnight(window.end).timestamp()))),
        ("bucket_width", "1d"),
        ("limit", str(limit)),
        *(("group_by", group) for group in groups),
    ]


def _organization_id_in(buckets: list[object]) -> str | None:
    for bucket in buckets:
        results = bucket.get("results") if isinstance(bucket, dict) else None
        for result in results if isinstance(results, list) else ():
            identifier = result.get("organization_id") if isinstance(result, dict) else None
            if isinstance(identifier, str) and _ORGANIZATION_ID.fullmatch(identifier):
                return identifier
    return None


def _instant(seconds: object) -> datetime:
    if isinstance(seconds, int) and not isinstance(seconds, bool):
        try:
            return datetime.fromtimestamp(seconds, UTC)
        except (ValueError, OverflowError, OSError):
            pass
    raise MalformedAnswer("OpenAI sent a day without a readable beginning and end.")


def _usage_reader() -> Callable[[list[Any]], Columns]:
    check = partial(check_figures, TITLE)
    dimensions = Dimensions(lambda model, tier, batch: (model, tier, "", batch), name_label)
    #: Of each part, whether there were rows with it, and without it.
    told: dict[str, set[str]] = {name: set() for name in _PARTS}
    of_row = KnownFields(TITLE, "", _FIELDS)

    def read(results: list[Any]) -> Columns:
        try:
            # Subscripts and no defaults for what the specification requires: a figure that is
            # missing must never count as zero.
            total_input = [result["input_tokens"] for result in results]
            output = [result["output_tokens"] for result in results]
            requests = [result["num_model_requests"] for result in results]
            parts = [[result.get(name) for result in results] for name in _PARTS]
            said = [result.get("input_uncached_tokens") for result in results]
        except (KeyError, TypeError, AttributeError):
            raise missing_in(TITLE, results, _REQUIRED) from None
        for name, part in zip(_PARTS, parts, strict=True):
            # The specification lets a vendor leave a part out, but not in some rows: there it is
            # missing, unless another figure says the same.
            left_out = part.count(None)
            if left_out < len(part):
                told[name].add("with")
            if left_out:
                told[name].add("without")
                part[:] = [0 if figure is None else figure for figure in part]
            if len(told[name]) > 1 and None in said:
                raise malformed_row(TITLE, f"{name} is missing")
        cached, written = parts
        check(_FIGURES, (total_input, output, requests, cached, written))
        of_row.refuse_new_tokens(results, _is_part)
        _refuse_larger_parts(results, total_input, cached, output)
        # Computed, because recordings have no count of their own for it; one that is sent has to
        # agree.
        uncached = list(map(operator.sub, map(operator.sub, total_input, cached), written))
        # Negative where there was more cached input than input.
        check(("input_tokens without input_cached_tokens",), (uncached,))
        if not _agree(said, uncached):
            raise malformed_row(TITLE, "input_uncached_tokens is not what input_tokens leaves")
        texts = dimensions.of(results, ("model", "service_tier", "batch"))
        figures = (uncached, cached, written, output, requests)
        refuse_doubled(TITLE, results, texts, figures)
        refuse_total(TITLE, results, texts, figures)
        return merged(texts, figures, partial(check, UsageRow._fields[-5:]))

    return read


def _refuse_larger_parts(
    results: list[Any], total_input: list[int], cached: list[int], output: list[int]
) -> None:
    for whole, parts, told_by in (
        # Reports without a count of text are older, and counted audio beside the whole.
        (("input_tokens", total_input), _INPUT, _INPUT[:1]),
        (("output_tokens", output), _OUTPUT, _OUTPUT[:1]),
        (("input_cached_tokens", cached), _CACHED, _CACHED),
    ):
        if any(not result.keys().isdisjoint(told_by) for result in results):
            refuse_larger_parts(TITLE, results, whole, parts)


def _agree(said: list[object], computed: list[int]) -> bool:
    """Whether the vendor's own counts are the computed ones, where it sends any."""
    return all(
        count is None or (type(count) is int and count == other)
        for count, other in zip(said, computed, strict=True)
    )


def _is_part(field: str) -> bool:
    """Input by medium, for example, is a part of all input, which is read."""
    return field.startswith(("input_", "output_"))


def _cost_reader() -> Callable[[list[Any]], Columns]:
    dimensions = Dimensions(lambda line_item: (line_item, "", "", "", ""), label)
    of_amount = KnownFields(TITLE, "amount", _AMOUNT)

    def read(results: list[Any]) -> Columns:
        try:
            amounts = [result["amount"] for result in results]
            dollars = [amount["value"] for amount in amounts]
            currencies = {amount["currency"] for amount in amounts}
        except (KeyError, TypeError):
            raise missing_in(TITLE, results, ("amount.value", "amount.currency")) from None
        for currency in currencies:
            require_usd(currency)
        of_amount.refuse_new_figures(amounts)
        refuse_measures(TITLE, results)
        texts = dimensions.of(results, ("line_item",))
        exact = list(map(exact_nano_usd_from_dollars, dollars))
        refuse_doubled(TITLE, results, texts, (exact,))
        refuse_total(TITLE, results, texts, (exact,))
        return merged_costs(texts, exact)

    return read


class OpenAIClient(DailyReportsClient):
    """Reads one organization's usage and cost from OpenAI."""

    title = TITLE
    usage_report = DailyReport(USAGE, USAGE_DAYS_A_PAGE, _usage_query, _usage_reader, UsageDay)
    cost_report = DailyReport(
        COSTS, COST_DAYS_A_PAGE, _cost_query, _cost_reader, CostDay, CostDay.faulty
    )

    def check(self, day: date) -> VendorOrganization:
        """Try both endpoints, each for as little as it can give.

        :param day: the UTC day to ask for.
        :returns: the organization's identifier where a cost row carries one; never a name.
        :raises ProviderError: with a sentence to show beside the key's field.
        """
        window = DayRange(day, day + DAY)
        read_envelope(self.get(USAGE, _usage_query(window)), TITLE)
        return VendorOrganization(_organization_id_in(self.try_costs(window)), None)

    @staticmethod
    def read_bucket(bucket: Mapping[str, object], /) -> tuple[date, bool]:
        """The UTC day a bucket starts on, and whether it lasts from midnight to midnight."""
        start, end = _instant(bucket.get("start_time")), _instant(bucket.get("end_time"))
        day = start.date()
        return day, start == utc_midnight(day) and end - start == DAY

    @staticmethod
    def explain(refused: KeyRefused) -> str:
        """A refusal in words that help: a missing scope comes as 401 or as 403."""
        if "missing scopes" in (refused.vendor_message or "").lower():
            sentence = (
                "OpenAI knows this key, but the key may not read usage and cost (the permission"
                " api.usage.read is missing)."
            )
        else:
            sentence = (
                "OpenAI does not accept this key: it is mistyped, revoked, or may not read the"
                " organization's usage and cost."
            )
        return f"{sentence} {_NEEDED}"


PROVIDER: Final[Provider] = OpenAIProvider()
