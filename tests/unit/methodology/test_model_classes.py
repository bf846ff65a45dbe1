"""A model's class is told from its name, and never guessed to be nothing."""

import pytest

from flask_tokenoffset.methodology import ModelClass, class_aware


@pytest.mark.parametrize(
    ("model", "model_class"),
    [
        ("claude-haiku-4-5-20251001", "small"),
        ("gpt-4o-mini-2024-07-18", "small"),
        ("o4-mini", "small"),
        ("gpt-5-nano", "small"),
        ("gemini-2.5-flash-lite", "small"),
        ("llama-3.1-8b-instruct", "small"),
        ("qwen3-32b", "small"),
        ("claude-sonnet-4-5", "large"),
        ("gpt-4o", "medium"),
        ("gpt-6.1-sol", "medium"),
        ("models/gemini-3-flash", "medium"),
        ("meta-llama/Llama-3.1-70B-Instruct", "medium"),
        ("qwen3-235b-a22b", "medium"),
        ("qwen3-33b", "medium"),
        ("us.anthropic.claude-opus-4-6-v1:0", "large"),
        ("gemini-2.5-pro", "large"),
        ("llama-3.1-405b", "large"),
        ("gpt-5-pro", "xl"),
        ("o3-pro", "xl"),
        ("claude-fable-5-1", "xl"),
        (" CLAUDE-OPUS-5 ", "large"),
    ],
)
def test_a_known_name_has_its_class(model: str, model_class: str) -> None:
    assert class_aware().class_of(model) == ModelClass(model_class)


@pytest.mark.parametrize("model", ["", "wizard", "mixtral-8x7b", "gpt-4", "minimax-m2"])
def test_a_name_that_says_nothing_we_know_has_no_class(model: str) -> None:
    assert class_aware().class_of(model) is None


def test_sonnet_is_classed_as_its_sources_class_it_and_the_former_version_stays() -> None:
    assert class_aware("2026.11").class_of("claude-sonnet-4-5") is ModelClass.MEDIUM
    assert class_aware("2026.12").class_of("claude-3-7-sonnet") is ModelClass.LARGE
