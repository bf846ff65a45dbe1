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
        # The base decides, and never what a customer called their own.
        ("ft:gpt-4o-mini-2024-07-18:acme:opus-helper:abc123", "small"),
        ("ft:gpt-4o-2024-08-06:acme-mini:haiku-like:abc123", "medium"),
        ("ft:gpt-4.1-2025-04-14:acme:8b-pro::", "medium"),
        ("gpt-4.1-nano-2025-04-14:ft-acme-pro-2026", "small"),
        ("accounts/mini-pro/models/deepseek-v3", "large"),
        # What a vendor writes behind a name is its own.
        ("us.anthropic.claude-opus-4-6-v1:0:200k", "large"),
        (
            "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-opus-4-6-v1:0",
            "large",
        ),
        ("claude-opus-4-1@default", "large"),
        ("qwen3:32b-instruct-q4_K_M", "small"),
        # Families are whole segments, with or without a date.
        ("gpt-5-pro-2025-10-06", "xl"),
        ("gpt-5.2-pro", "xl"),
        ("gpt-5-prompt-cache", "medium"),
        ("gpt-5-project-2026-01-01", "medium"),
        ("gpt-4o-miniature", "medium"),
        ("gpt-5.5-nanotech", "medium"),
        ("o3-pro-2025-06-10", "xl"),
        ("gemini-2.5-pro-preview-05-06", "large"),
        ("gemini-3-flash-001", "medium"),
        ("gemini-2.0-flash-lite-001", "small"),
        ("claude-opus-4-1@20250805", "large"),
        ("claude-3-5-sonnet-20241022", "large"),
        ("chatgpt-4o-latest", "medium"),
        ("deepseek-r1-0528", "large"),
        ("deepseek-v3.1", "large"),
        ("gpt-oss-120b", "medium"),
        # A distilled model is as large as it says, and not as its teacher.
        ("deepseek-r1-distill-llama-70b", "medium"),
        ("deepseek-r1-distill-qwen-32b", "small"),
        ("claude-opus-distilled-8b", "small"),
    ],
)
def test_a_known_name_has_its_class(model: str, model_class: str) -> None:
    assert class_aware().class_of(model) == ModelClass(model_class)


@pytest.mark.parametrize(
    "model",
    [
        "",
        "wizard",
        "mixtral-8x7b",
        "gpt-4",
        "minimax-m2",
        "o3",
        "opusculum",
        "ft:wizard:acme-opus:haiku:id",
        "ft:",
        "tunedModels/opus-of-acme-8b",
        "gpt-50",
        "opus-distilled",
        # Named by whoever made it, in a cloud or behind the vendor's name.
        "arn:aws:bedrock:us-east-1:1:custom-model/anthropic.claude-opus-4/acme-haiku",
        "custom-model/acme-haiku",
        "arn:aws:bedrock:us-east-1:1:provisioned-model/opus-8b",
        "arn:aws:bedrock:us-east-1:1:application-inference-profile/haiku",
        "projects/p/locations/l/endpoints/mini",
        "deployments/nano/gpt-5.5",
        "gpt-5.5@acme-mini",
        "gpt-5.5:acme:mini",
        "gpt-5.5:8b-mini",
        "custom:acme-haiku",
        "ft:gpt-4o/mini-corp:x",
        "gpt-5.5 (acme mini)",
        "gpt-5.5#mini",
        "gpt-5.5=haiku",
    ],
)
def test_a_name_that_says_nothing_we_know_has_no_class(model: str) -> None:
    assert class_aware().class_of(model) is None


def test_sonnet_is_classed_as_its_sources_class_it_and_the_former_version_stays() -> None:
    assert class_aware("2026.11").class_of("claude-sonnet-4-5") is ModelClass.MEDIUM
    assert class_aware("2026.12").class_of("claude-3-7-sonnet") is ModelClass.LARGE


def test_an_old_estimate_finds_names_as_it_did() -> None:
    old = class_aware("2026.11", "2026.11")
    assert old.class_of("ft:gpt-4o:acme-mini:x:y") == ModelClass.SMALL
    assert old.class_of("gpt-5-prompt-cache") == ModelClass.XL
    assert class_aware().names.version == "2026.12"
