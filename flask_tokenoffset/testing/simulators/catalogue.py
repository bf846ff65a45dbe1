"""List prices of the models the simulators know, and what each is called in a cost report.

The prices are public list prices of autumn 2026: platform.claude.com (model overview pages) and
developers.openai.com (model pages), read from stored copies in November 2026. They make simulated
costs plausible; nothing else in this package may price with them.
"""

from __future__ import annotations

from typing import NamedTuple


class ListPrice(NamedTuple):
    """One model's list price, in whole nano-dollars a token ($1 a million tokens is 1000).

    :param title: how a cost report writes the model's name.
    """

    title: str
    uncached_input: int
    cached_input: int
    cache_creation_5m: int
    cache_creation_1h: int
    output: int


def _claude(title: str, uncached: int, cached: int, output: int) -> ListPrice:
    # Writing to the cache costs 1.25 times the input price for five minutes, twice for an hour.
    return ListPrice(title, uncached, cached, uncached * 5 // 4, uncached * 2, output)


def _gpt(name: str, uncached: int, cached: int, output: int, *, write: int = 0) -> ListPrice:
    # Models before GPT-6 bill a cache write like any other input token.
    return ListPrice(name, uncached, cached, write or uncached, write or uncached, output)


ANTHROPIC_PRICES = {
    "claude-fable-5-1": _claude("Claude Fable 5.1", 10_000, 250, 50_000),
    "claude-opus-5-5": _claude("Claude Opus 5.5", 4_000, 200, 20_000),
    "claude-opus-5": _claude("Claude Opus 5", 5_000, 500, 25_000),
    "claude-opus-4-8": _claude("Claude Opus 4.8", 5_000, 500, 25_000),
    "claude-opus-4-7": _claude("Claude Opus 4.7", 5_000, 500, 25_000),
    "claude-opus-4-6": _claude("Claude Opus 4.6", 5_000, 500, 25_000),
    "claude-sonnet-5-5": _claude("Claude Sonnet 5.5", 2_000, 100, 10_000),
    "claude-sonnet-5": _claude("Claude Sonnet 5", 2_000, 200, 10_000),
    "claude-sonnet-4-6": _claude("Claude Sonnet 4.6", 3_000, 300, 15_000),
    "claude-sonnet-4-5": _claude("Claude Sonnet 4.5", 3_000, 300, 15_000),
    "claude-haiku-5-5": _claude("Claude Haiku 5.5", 100, 10, 500),
    "claude-haiku-4-5": _claude("Claude Haiku 4.5", 1_000, 100, 5_000),
}

OPENAI_PRICES = {
    "gpt-6.1-sol": _gpt("gpt-6.1-sol", 2_000, 100, 10_000, write=2_500),
    "gpt-6-sol": _gpt("gpt-6-sol", 2_000, 200, 10_000, write=2_500),
    "gpt-6-luna": _gpt("gpt-6-luna", 100, 10, 500, write=125),
    "gpt-5.1-2025-11-13": _gpt("gpt-5.1-2025-11-13", 1_250, 125, 10_000),
    "gpt-5-2025-08-07": _gpt("gpt-5-2025-08-07", 1_250, 125, 10_000),
    "gpt-5-mini-2025-08-07": _gpt("gpt-5-mini-2025-08-07", 250, 25, 2_000),
    "gpt-5-nano-2025-08-07": _gpt("gpt-5-nano-2025-08-07", 50, 5, 400),
    "gpt-4.1-2025-04-14": _gpt("gpt-4.1-2025-04-14", 2_000, 500, 8_000),
    "gpt-4.1-mini-2025-04-14": _gpt("gpt-4.1-mini-2025-04-14", 400, 100, 1_600),
    "gpt-4o-2024-08-06": _gpt("gpt-4o-2024-08-06", 2_500, 1_250, 10_000),
    "gpt-4o-mini-2024-07-18": _gpt("gpt-4o-mini-2024-07-18", 150, 75, 600),
    "o4-mini-2025-04-16": _gpt("o4-mini-2025-04-16", 1_100, 275, 4_400),
}

#: $10 for a thousand searches at both vendors.
WEB_SEARCH_NANO_USD = 10_000_000
