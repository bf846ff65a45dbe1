"""What the simulated vendors bill for a day's use: list prices, by kind of token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_tokenoffset.testing.simulators.catalogue import (
    ANTHROPIC_PRICES,
    OPENAI_PRICES,
    WEB_SEARCH_NANO_USD,
)
from flask_tokenoffset.testing.simulators.truth import CostTruth

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask_tokenoffset.testing.simulators.profiles import DimensionValue
    from flask_tokenoffset.testing.simulators.truth import UsageTruth

#: What a cost row says of itself when asked for by description.
ANTHROPIC_COST_DIMENSIONS = (
    "description",
    "cost_type",
    "token_type",
    "model",
    "service_tier",
    "context_window",
    "inference_geo",
)


def anthropic_bill(usage: UsageTruth) -> list[CostTruth]:
    """One stream's lines in the cost report, by kind of token."""
    if usage.billed_percent == 0:
        # Priority Tier is paid by commitment and is not in the cost report.
        return []
    dimensions, counts = usage.dimensions, usage.counts
    price = ANTHROPIC_PRICES[str(dimensions["model"])]
    batch = " (Batch)" if dimensions["service_tier"] == "batch" else ""
    kinds = (
        ("uncached_input_tokens", "Input Tokens", counts.uncached_input_tokens),
        ("cache_read_input_tokens", "Input Tokens, Cache Hit", counts.cached_input_tokens),
        (
            "cache_creation.ephemeral_5m_input_tokens",
            "Input Tokens, Cache Write",
            counts.cache_creation_5m_tokens,
        ),
        (
            "cache_creation.ephemeral_1h_input_tokens",
            "Input Tokens, Cache Write",
            counts.cache_creation_1h_tokens,
        ),
        ("output_tokens", "Output Tokens", counts.output_tokens),
    )
    lines = [
        CostTruth(
            usage.day,
            {
                **dimensions,
                "description": f"{price.title} Usage - {label}{batch}",
                "cost_type": "tokens",
                "token_type": token_type,
            },
            tokens * nano_usd * usage.billed_percent // 100,
            tokens,
        )
        for (token_type, label, tokens), nano_usd in zip(kinds, price[1:], strict=True)
        if tokens
    ]
    if counts.web_search_requests:
        nothing: Mapping[str, DimensionValue] = dict.fromkeys(ANTHROPIC_COST_DIMENSIONS)
        lines.append(
            CostTruth(
                usage.day,
                {
                    **nothing,
                    "workspace_id": dimensions["workspace_id"],
                    "description": "Web Search Usage",
                    "cost_type": "web_search",
                },
                counts.web_search_requests * WEB_SEARCH_NANO_USD,
                counts.web_search_requests,
            )
        )
    return lines


def openai_bill(usage: UsageTruth) -> list[CostTruth]:
    """One stream's lines in the costs report, by line item."""
    if usage.billed_percent == 0:
        # Scale Tier is paid by commitment.
        return []
    dimensions, counts = usage.dimensions, usage.counts
    price = OPENAI_PRICES[str(dimensions["model"])]
    tier = "batch" if dimensions["batch"] else str(dimensions["service_tier"])
    name = price.title if tier == "default" else f"{price.title} {tier}"
    kinds = (
        ("input", counts.uncached_input_tokens, price.uncached_input),
        ("cached input", counts.cached_input_tokens, price.cached_input),
        ("cache write", counts.cache_creation_tokens, price.cache_creation_5m),
        ("output", counts.output_tokens, price.output),
    )
    lines = [
        CostTruth(
            usage.day,
            {**dimensions, "line_item": f"{name}, {kind}"},
            tokens * nano_usd * usage.billed_percent // 100,
            tokens,
        )
        for kind, tokens, nano_usd in kinds
        if tokens
    ]
    if counts.web_search_requests:
        lines.append(
            CostTruth(
                usage.day,
                {**dimensions, "line_item": "web search tool calls"},
                counts.web_search_requests * WEB_SEARCH_NANO_USD,
                counts.web_search_requests,
            )
        )
    return lines
