"""One sentence says what drives the difference between the two methods."""

import pytest

from flask_tokenoffset.methodology import (
    Driver,
    ModelUsage,
    TokenCounts,
    band,
    estimate_environment,
    published,
    published_environment,
)


@pytest.mark.parametrize(
    ("model", "tokens", "driver", "words"),
    [
        ("claude-opus-5", band("agentic").midpoint, Driver.CACHE_READS, "92 % of these tokens"),
        ("gpt-6", band("casual").midpoint, Driver.SMALLER_MODELS, "about 1.7 times"),
        # Cache reads make a factor of 1.9 here, and the small model one of 9.
        ("claude-haiku-5", TokenCounts(200, 700, 0, 100), Driver.SMALLER_MODELS, "smaller"),
        ("claude-opus-5", TokenCounts(900, 0, 0, 100), Driver.MOSTLY_INPUT, "90 % of these"),
        ("claude-opus-5", TokenCounts(700, 0, 0, 300), Driver.AGREEMENT, "agree"),
        ("claude-opus-5", TokenCounts(0, 0, 0, 100), Driver.MUCH_OUTPUT, "100 % of these"),
        ("o3-pro", TokenCounts(500, 0, 0, 500), Driver.LARGER_MODELS, "very large models"),
        ("o3-pro", TokenCounts.zero(), Driver.NO_USE, "nothing to compare"),
    ],
)
def test_the_driver_and_its_sentence(
    model: str, tokens: TokenCounts, driver: Driver, words: str
) -> None:
    result = estimate_environment([ModelUsage(model, tokens)]).difference
    assert result.driver is driver
    assert words in result.sentence
    assert result.sentence.endswith(".")


def test_both_methods_stand_side_by_side_over_the_same_tokens() -> None:
    usages = [
        ModelUsage("claude-opus-5", TokenCounts(1, 2, 3, 4)),
        ModelUsage("gpt-6", TokenCounts(10, 20, 30, 40)),
    ]
    result = estimate_environment(usages)
    assert result.tokens == TokenCounts(11, 22, 33, 44)
    assert result.published == published_environment(result.tokens, published())
    assert result.class_aware.method_version == "2026.12"
