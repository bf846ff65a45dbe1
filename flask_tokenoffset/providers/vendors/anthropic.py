"""Anthropic's Admin API: who the key belongs to, what was used, what it cost.

Exactly three endpoints (https://platform.claude.com/docs/en/api/admin). The four token kinds come
disjoint; cache creation is nested by how long the cache lives. Cost is decimal cents as text.
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from flask_tokenoffset.clock import DAY, DayRange
from flask_tokenoffset.errors import MalformedAnswer, RequestRefused
from flask_tokenoffset.providers.answers import clean_text
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
from flask_tokenoffset.providers.money import exact_nano_usd_from_cents_texts, require_usd
from flask_tokenoffset.providers.pages import read_envelope
from flask_tokenoffset.providers.reports import DailyReport, DailyReportsClient
from flask_tokenoffset.providers.row_faults import (
    KnownFields,
    check_figures,
    missing_in,
    refuse_doubled,
    refuse_measures,
    refuse_total,
)
from flask_tokenoffset.providers.rows import Dimensions, label, merged, merged_costs, name_label

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask_tokenoffset.errors import KeyRefused
    from flask_tokenoffset.providers.http import VendorHTTP
    from flask_tokenoffset.vault import Secret

TITLE: Final = "Anthropic"
HOST: Final = "api.anthropic.com"
API_VERSION: Final = "2023-06-01"
KEY_PAGE_URL: Final = "https://platform.claude.com/settings/admin-keys"

#: The vendor's largest ``limit`` for daily buckets, in both reports.
DAYS_A_PAGE: Final = 31
#: The vendor takes at most five dimensions; these three are all that an estimate needs.
USAGE_GROUPS: Final = ("model", "service_tier", "context_window")
COST_GROUPS: Final = ("description",)

ORGANIZATION: Final = Endpoint(
    "GET",
    HOST,
    "/v1/organizations/me",
    "checks the key and tells the organization's name, which labels the connection.",
)
USAGE: Final = Endpoint(
    "GET",
    HOST,
    "/v1/organizations/usage_report/messages",
    "daily token counts (uncached input, cache reads, cache creation, output), grouped by model,"
    " service tier and context window.",
)
COSTS: Final = Endpoint(
    "GET",
    HOST,
    "/v1/organizations/cost_report",
    "daily cost as the vendor charged it, grouped by description.",
)
ENDPOINTS: Final = (ORGANIZATION, USAGE, COSTS)

_NEEDED: Final = (
    "An Admin API key is needed, which begins with sk-ant-admin and which an admin of the"
    f" organization creates at {KEY_PAGE_URL}."
)
_UNKNOWN_KEY: Final = "This does not look like a key from Anthropic."
_OPENAI_KEY: Final = "This is a key from OpenAI, not from Anthropic."
_KEY_KINDS: Final = (
    KeyKind("sk-ant-admin"),
    KeyKind(
        "sk-ant-api03-",
        "This is an ordinary Anthropic API key. It can send prompts, but cannot read the"
        " organization's usage.",
    ),
    KeyKind("sk-ant-", "This is an Anthropic credential of another kind."),
    KeyKind("sk-admin-", _OPENAI_KEY),
    KeyKind("sk-proj-", _OPENAI_KEY),
    KeyKind("sk-svcacct-", _OPENAI_KEY),
)

WALK_THROUGH: Final = WalkThrough(
    key_page_url=KEY_PAGE_URL,
    steps=(
        (
            "Sign in to the Claude Console as an admin of your organization and open"
            f" {KEY_PAGE_URL} (Settings, Admin keys)."
            " Personal accounts without an organization have no such page."
        ),
        (
            "Create an admin key and give it a name that says what it is for and no more, for"
            " example usage-report."
        ),
        "Copy the key at once. It begins with sk-ant-admin and is shown only this one time.",
        (
            "Paste it here. It is checked with Anthropic straight away, and whatever is wrong is"
            " said beside the field."
        ),
    ),
    what_is_read=tuple(f"{e.method} {e.path}: {e.purpose}" for e in ENDPOINTS),
    what_is_not_read=(
        (
            "Prompts, answers and conversations are not read: these endpoints do not hold them, and"
            " the Messages API is never called."
        ),
        "No names or addresses of members, no API keys and no workspaces are asked for.",
    ),
    not_covered=(
        "Chats on claude.ai and in the Claude apps are not covered.",
        "Claude Pro, Max, Team and Enterprise subscriptions are not covered.",
        (
            "Claude Code used through a subscription, in the terminal or as an IDE plug-in, is not"
            " covered."
        ),
        "Cost of Priority Tier is not in Anthropic's cost report, though its tokens are counted.",
        (
            "Claude through other clouds (Amazon Bedrock, Google Vertex AI, Claude Platform on AWS)"
            " is not covered."
        ),
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
            "An Anthropic admin key has no read-only form. It could also invite, change and remove"
            " members, create and archive workspaces, and rename or switch off API keys."
        ),
        "It cannot send prompts, and it cannot create API keys.",
        (
            "So whoever holds it can do harm. Delete it in the Console when you no longer need the"
            " connection."
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class AnthropicProvider:
    """Anthropic, as the rest of the package knows it."""

    name: str = "anthropic"
    title: str = TITLE
    key_prefix: str = "sk-ant-admin"
    endpoints: tuple[Endpoint, ...] = ENDPOINTS
    names_organization: bool = True
    walk_through: WalkThrough = WALK_THROUGH

    def check_key_kind(self, key: Secret) -> None:
        """Accept an admin key and explain every other; nothing is sent.

        :raises WrongKeyKind: saying which key is needed and where to create it.
        """
        require_key_kind(key, _KEY_KINDS, unknown=_UNKNOWN_KEY, needed=_NEEDED)

    def open(self, key: Secret, http: VendorHTTP) -> AnthropicClient:
        """A client over an HTTP client that was made with the same key.

        :raises WrongKeyKind: as :meth:`check_key_kind` does.
        """
        self.check_key_kind(key)
        http.introduce(
            title=TITLE, key_header="x-api-key", headers={"anthropic-version": API_VERSION}
        )
        return AnthropicClient(http)


#: What every row of use must say.
_FIGURES: Final = (
    "uncached_input_tokens",
    "cache_read_input_tokens",
    "cache_creation.ephemeral_5m_input_tokens",
    "cache_creation.ephemeral_1h_input_tokens",
    "output_tokens",
)
#: Lifetimes of a cache that are known; the tokens of any other are added to them.
_LIFETIMES: Final = frozenset({"ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"})
_LIFETIME: Final = re.compile(r"ephemeral_[0-9]+[smhdw]_input_tokens")
_FIELDS: Final = frozenset(
    {
        *("uncached_input_tokens", "cache_read_input_tokens", "cache_creation", "output_tokens"),
        *("server_tool_use", "model", "service_tier", "context_window", "inference_geo", "speed"),
        *("api_key_id", "workspace_id", "account_id", "service_account_id"),
    }
)


def _usage_query(window: DayRange) -> list[tuple[str, str]]:
    return _query(window, USAGE_GROUPS)


def _cost_query(window: DayRange) -> list[tuple[str, str]]:
    return _query(window, COST_GROUPS)


def _query(window: DayRange, groups: tuple[str, ...]) -> list[tuple[str, str]]:
    # Pairs and not a dict, because group_by[] repeats.
    return [
        ("starting_at", f"{window.start.isoformat()}T00:00:00Z"),
        ("ending_at", f"{window.end.isoformat()}T00:00:00Z"),
        ("bucket_width", "1d"),
        ("limit", str(min(len(window), DAYS_A_PAGE))),
        *(("group_by[]", group) for group in groups),
    ]


def _read_organization(answer: object) -> VendorOrganization:
    if isinstance(answer, dict):
        identifier, name = answer.get("id"), answer.get("name")
        if isinstance(identifier, str) and identifier and isinstance(name, str | None):
            shown = clean_text(name, 200) if name else ""
            return VendorOrganization(clean_text(identifier, 100), shown or None)
    raise MalformedAnswer(
        "Anthropic did not say which organization the key belongs to, so it is not connected."
    )


def _instant(text: object) -> datetime:
    if isinstance(text, str):
        try:
            instant = datetime.fromisoformat(text)
        except ValueError:
            pass
        else:
            if instant.tzinfo is not None:
                return instant.astimezone(UTC)
    raise MalformedAnswer("Anthropic sent a day without a readable beginning and end.")


def _usage_reader() -> Callable[[list[Any]], Columns]:
    check = partial(check_figures, TITLE)
    dimensions = Dimensions(lambda model, tier, context: (model, tier, context, ""), name_label)
    of_row = KnownFields(TITLE, "", _FIELDS)
    of_cache = KnownFields(TITLE, "cache_creation", _LIFETIMES)
    of_tools = KnownFields(TITLE, "server_tool_use", frozenset({"web_search_requests"}))

    def read(results: list[Any]) -> Columns:
        try:
            # Subscripts and no defaults: a figure that is missing must never count as zero.
            uncached = [result["uncached_input_tokens"] for result in results]
            cached = [result["cache_read_input_tokens"] for result in results]
            creation = [result["cache_creation"] for result in results]
            short_lived = [each["ephemeral_5m_input_tokens"] for each in creation]
            long_lived = [each["ephemeral_1h_input_tokens"] for each in creation]
            output = [result["output_tokens"] for result in results]
        except (KeyError, TypeError):
            raise missing_in(TITLE, results, _FIGURES) from None
        check(_FIGURES, (uncached, cached, short_lived, long_lived, output))
        of_row.refuse_new_tokens(results)
        tools = [result.get("server_tool_use") for result in results]
        objects = [each for each in tools if type(each) is dict]
        of_tools.refuse_new_tokens(objects)
        if len(objects) < len(tools):
            of_row.refuse_without_fields("server_tool_use", tools)
        created = list(map(operator.add, short_lived, long_lived))
        new_lifetimes = of_cache.tokens_in_new(creation, one_more=_LIFETIME)
        if new_lifetimes is not None:
            created = list(map(operator.add, created, new_lifetimes))
        texts = dimensions.of(results, ("model", "service_tier", "context_window"))
        figures = (uncached, cached, created, output, [0] * len(results))
        refuse_doubled(TITLE, results, texts, figures)
        refuse_total(TITLE, results, texts, figures)
        check(("cache_creation",), (created,))
        return merged(texts, figures, partial(check, UsageRow._fields[-5:]))

    return read


def _cost_reader() -> Callable[[list[Any]], Columns]:
    dimensions = Dimensions(lambda *texts: texts, label)

    def read(results: list[Any]) -> Columns:
        try:
            cents = [result["amount"] for result in results]
            currencies = {result["currency"] for result in results}
        except (KeyError, TypeError):
            raise missing_in(TITLE, results, ("amount", "currency")) from None
        for currency in currencies:
            require_usd(currency)
        refuse_measures(TITLE, results)
        texts = dimensions.of(
            results, ("description", "cost_type", "model", "service_tier", "token_type")
        )
        exact = exact_nano_usd_from_cents_texts(cents)
        refuse_doubled(TITLE, results, texts, (exact,))
        refuse_total(TITLE, results, texts, (exact,))
        return merged_costs(texts, exact)

    return read


class AnthropicClient(DailyReportsClient):
    """Reads one organization's usage and cost from Anthropic."""

    title = TITLE
    usage_report = DailyReport(USAGE, DAYS_A_PAGE, _usage_query, _usage_reader, UsageDay)
    cost_report = DailyReport(
        COSTS, DAYS_A_PAGE, _cost_query, _cost_reader, CostDay, CostDay.faulty
    )

    def check(self, day: date) -> VendorOrganization:
        """Try all three endpoints, each for as little as it can give.

        :param day: the UTC day to ask for.
        :returns: nothing where the vendor knows of no organization: use can be read all the same.
        :raises ProviderError: with a sentence to show beside the key's field.
        """
        try:
            organization = _read_organization(self.get(ORGANIZATION, []))
        except RequestRefused as refused:
            if refused.status_code != HTTPStatus.NOT_FOUND:
                raise
            organization = VendorOrganization(None, None)
        window = DayRange(day, day + DAY)
        read_envelope(self.get(USAGE, _usage_query(window)), TITLE)
        self.try_costs(window)
        return organization

    @staticmethod
    def read_bucket(bucket: Mapping[str, object], /) -> tuple[date, bool]:
        """The UTC day a bucket starts on, and whether it lasts from midnight to midnight."""
        start, end = _instant(bucket.get("starting_at")), _instant(bucket.get("ending_at"))
        day = start.date()
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
        return day, start == midnight and end - start == DAY

    @staticmethod
    def explain(refused: KeyRefused) -> str:  # noqa: ARG004 - the vendor's words tell no more
        """Say what a refused key may mean: Anthropic's 401 does not tell a typo from the rest."""
        return (
            "Anthropic does not accept this key: it is mistyped, revoked, or may not read the"
            f" organization's usage and cost. {_NEEDED}"
        )


PROVIDER: Final[Provider] = AnthropicProvider()
