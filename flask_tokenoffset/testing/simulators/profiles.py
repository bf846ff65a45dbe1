"""Who the simulated customer is: how much they use, on which days, with which models.

A profile says how busy a usual weekday is and is shared by the vendors; the streams say which
models the tokens go to and differ from vendor to vendor.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeAlias

from flask_tokenoffset.testing.simulators.catalogue import ANTHROPIC_PRICES, OPENAI_PRICES

if TYPE_CHECKING:
    from collections.abc import Mapping

ProfileName: TypeAlias = Literal["small_team", "new_customer", "quiet", "large"]
DimensionValue: TypeAlias = str | bool | None

# Per mille of the input tokens that are cache reads: a coding agent re-reads its context all day.
_CODING = (905, 980)
_CHAT = (100, 400)
_NONE = (0, 0)


@dataclass(frozen=True)
class Profile:
    """One kind of customer.

    :param daily_tokens: tokens of all kinds on a usual weekday.
    :param weekend_percent: a weekend day as a percentage of a weekday.
    :param empty_percent: how many in a hundred weekdays have no use at all.
    :param empty_weekend_percent: the same for Saturdays and Sundays.
    :param used_every_days: 1 for a customer who uses AI daily; 11 leaves ten of eleven days empty.
    :param outlier_every_days: one day in so many, a multiple of seven, is seven times as busy;
        0 for never.
    :param history_days: days of use before the day the simulator is made.
    """

    name: ProfileName
    daily_tokens: int
    weekend_percent: int
    empty_percent: int
    empty_weekend_percent: int
    used_every_days: int
    outlier_every_days: int
    history_days: int


PROFILES: Mapping[ProfileName, Profile] = {
    "small_team": Profile("small_team", 5_137_911, 18, 4, 45, 1, 42, 400),
    "new_customer": Profile("new_customer", 3_411_077, 20, 0, 30, 1, 0, 20),
    "quiet": Profile("quiet", 41_893, 100, 0, 0, 11, 0, 400),
    "large": Profile("large", 412_345_679, 35, 0, 0, 1, 42, 400),
}


@dataclass(frozen=True)
class Stream:
    """One flow of tokens with the same dimensions.

    :param weight: its part of the day's tokens, per mille.
    :param cached: lowest and highest part of the input read from the cache, per mille.
    :param output: lowest and highest part of all tokens that is output, per mille.
    :param writes_cache: whether any input is written to the cache.
    :param one_hour_percent: how much of what is written stays for an hour.
    :param billed_percent: percentage of the list price; 0 where a commitment has paid already.
    :param presence_percent: on how many in a hundred days of use this stream flows.
    :param web_searches: searches on a usual weekday.
    """

    model: str
    weight: int
    dimensions: Mapping[str, DimensionValue]
    cached: tuple[int, int] = _CODING
    output: tuple[int, int] = (6, 14)
    writes_cache: bool = True
    one_hour_percent: int = 0
    billed_percent: int = 100
    presence_percent: int = 100
    web_searches: int = 0

    @cached_property
    def all_dimensions(self) -> Mapping[str, DimensionValue]:
        """Every dimension the vendor can group by, the model among them."""
        return {"model": self.model, **self.dimensions}


def _anthropic(
    tier: str = "standard",
    context_window: str = "0-200k",
    *,
    workspace: str | None = None,
    key: str | None = "apikey_01SimulatedBuildServer",
    geo: str = "global",
) -> dict[str, DimensionValue]:
    return {
        "service_tier": tier,
        "context_window": context_window,
        "inference_geo": geo,
        "workspace_id": workspace,
        "api_key_id": key,
        "account_id": None,
        "service_account_id": None,
        "speed": "standard",
    }


def _openai(
    tier: str = "default",
    *,
    batch: bool = False,
    project: str = "proj_SimulatedProduct0000000",
    user: str = "user-SimulatedAda00000000000",
) -> dict[str, DimensionValue]:
    return {
        "service_tier": tier,
        "batch": batch,
        "project_id": project,
        "user_id": user,
        "api_key_id": f"key_Simulated{tier.title()}",
    }


_RESEARCH_WORKSPACE = "wrkspc_01SimulatedResearch"
_SECOND_PROJECT = "proj_SimulatedResearch000000"
_SECOND_USER = "user-SimulatedGrace000000000"

_ANTHROPIC_TEAM = (
    Stream("claude-opus-5-5", 430, _anthropic(), one_hour_percent=25, web_searches=9),
    Stream("claude-opus-5-5", 90, _anthropic(context_window="200k-1M"), presence_percent=60),
    Stream("claude-sonnet-5-5", 250, _anthropic(key=None, workspace=_RESEARCH_WORKSPACE)),
    Stream("claude-sonnet-5-5", 60, _anthropic("priority"), billed_percent=0, presence_percent=70),
    Stream("claude-sonnet-4-5", 90, _anthropic(geo="not_available"), _CHAT, (60, 120)),
    Stream("claude-haiku-4-5", 50, _anthropic(), _CHAT, (80, 160), web_searches=3),
    Stream(
        "claude-haiku-4-5",
        30,
        _anthropic("batch", workspace=_RESEARCH_WORKSPACE),
        _NONE,
        (90, 150),
        writes_cache=False,
        billed_percent=50,
        presence_percent=35,
    ),
)

_OPENAI_TEAM = (
    Stream("gpt-6.1-sol", 480, _openai(), web_searches=6),
    Stream("gpt-6.1-sol", 150, _openai(project=_SECOND_PROJECT, user=_SECOND_USER)),
    Stream("gpt-6.1-sol", 60, _openai("flex"), billed_percent=50, presence_percent=50),
    Stream("gpt-5-2025-08-07", 140, _openai(user=_SECOND_USER), writes_cache=False),
    Stream("gpt-6-luna", 110, _openai(project=_SECOND_PROJECT), _CHAT, (60, 120)),
    Stream("gpt-4o-2024-08-06", 20, _openai(), _CHAT, (90, 180), writes_cache=False),
    Stream(
        "gpt-5-mini-2025-08-07",
        40,
        _openai(batch=True, project=_SECOND_PROJECT),
        _NONE,
        (90, 150),
        writes_cache=False,
        billed_percent=50,
        presence_percent=35,
    ),
)

_QUIET_ANTHROPIC = (Stream("claude-haiku-4-5", 1000, _anthropic(), _CHAT, (90, 160)),)
_QUIET_OPENAI = (Stream("gpt-6-luna", 1000, _openai(), _CHAT, (90, 160), writes_cache=False),)


def _large_anthropic() -> tuple[Stream, ...]:
    """Twelve models by five kinds of request: 60 usage groups, and 120 cost lines, a day."""
    streams: list[Stream] = []
    for model in ANTHROPIC_PRICES:
        long = _anthropic(context_window="200k-1M")
        streams += [
            Stream(model, 50, _anthropic(), one_hour_percent=30),
            Stream(model, 12, long, writes_cache=False),
            Stream(
                model,
                8,
                _anthropic("batch"),
                _NONE,
                (90, 150),
                writes_cache=False,
                billed_percent=50,
            ),
            Stream(model, 9, _anthropic("priority"), billed_percent=0),
            Stream(model, 4, _anthropic("priority", "200k-1M"), billed_percent=0),
        ]
    return tuple(streams)


def _large_openai() -> tuple[Stream, ...]:
    """Twelve models by five kinds of request: 60 usage groups, and 120 line items, a day."""
    streams: list[Stream] = []
    for model in OPENAI_PRICES:
        batch, flex, priority = _openai(batch=True), _openai("flex"), _openai("priority")
        streams += [
            Stream(model, 50, _openai()),
            Stream(model, 9, batch, _NONE, (90, 150), writes_cache=False, billed_percent=50),
            Stream(model, 8, flex, _NONE, (20, 60), writes_cache=False, billed_percent=50),
            Stream(model, 8, priority, _NONE, (20, 60), writes_cache=False, billed_percent=200),
            Stream(model, 8, _openai("scale"), billed_percent=0),
        ]
    return tuple(streams)


ANTHROPIC_STREAMS: Mapping[ProfileName, tuple[Stream, ...]] = {
    "small_team": _ANTHROPIC_TEAM,
    "new_customer": _ANTHROPIC_TEAM,
    "quiet": _QUIET_ANTHROPIC,
    "large": _large_anthropic(),
}

OPENAI_STREAMS: Mapping[ProfileName, tuple[Stream, ...]] = {
    "small_team": _OPENAI_TEAM,
    "new_customer": _OPENAI_TEAM,
    "quiet": _QUIET_OPENAI,
    "large": _large_openai(),
}
