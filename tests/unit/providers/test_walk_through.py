from __future__ import annotations

import pytest

from tests.unit.providers.vendors import ANTHROPIC, OPENAI, Vendor


def sentences(vendor: Vendor) -> dict[str, tuple[str, ...]]:
    walk = vendor.provider.walk_through
    return {
        "steps": walk.steps,
        "what_is_read": walk.what_is_read,
        "what_is_not_read": walk.what_is_not_read,
        "not_covered": walk.not_covered,
        "cadence": walk.cadence,
        "beyond_reading": walk.beyond_reading,
    }


def test_everything_is_said_in_whole_sentences(vendor: Vendor) -> None:
    for name, texts in sentences(vendor).items():
        assert texts, name
        for text in texts:
            assert text[0].isupper(), text
            assert text.endswith("."), text
            assert "  " not in text, text


def test_exactly_the_endpoints_are_named_as_read(vendor: Vendor) -> None:
    read = vendor.provider.walk_through.what_is_read
    endpoints = vendor.provider.endpoints
    assert len(read) == len(endpoints)
    for sentence, endpoint in zip(read, endpoints, strict=True):
        assert sentence == f"{endpoint.method} {endpoint.path}: {endpoint.purpose}"


@pytest.mark.parametrize(
    ("vendor", "groups"),
    [
        (ANTHROPIC, ["model, service tier and context window", "grouped by description"]),
        (OPENAI, ["model, service tier and batch flag", "grouped by line item"]),
    ],
)
def test_the_groups_that_are_asked_for_are_named(vendor: Vendor, groups: list[str]) -> None:
    read = " ".join(vendor.provider.walk_through.what_is_read)
    for group in groups:
        assert group in read


def test_the_steps_lead_to_the_page_and_to_the_right_key(vendor: Vendor) -> None:
    walk = vendor.provider.walk_through
    steps = " ".join(walk.steps)
    assert walk.key_page_url.startswith("https://platform.")
    assert walk.key_page_url in steps
    assert vendor.provider.key_prefix in steps


@pytest.mark.parametrize(
    ("vendor", "surfaces"),
    [
        (ANTHROPIC, ["claude.ai", "Pro", "Max", "Team", "subscriptions", "Claude Code", "IDE"]),
        (OPENAI, ["ChatGPT", "Codex", "command line", "IDE"]),
    ],
)
def test_surfaces_that_are_not_covered_are_named(vendor: Vendor, surfaces: list[str]) -> None:
    text = " ".join(vendor.provider.walk_through.not_covered)
    for surface in surfaces:
        assert surface in text


def test_openai_says_that_the_label_is_ones_own() -> None:
    assert "a label of your own" in " ".join(OPENAI.provider.walk_through.steps)


def test_the_name_that_is_proposed_for_the_key_says_neither_us_nor_what_it_is_not(
    vendor: Vendor,
) -> None:
    steps = " ".join(vendor.provider.walk_through.steps)
    assert "for example usage-report" in steps
    # No key of this kind is read-only, and its name need not tell where it is kept.
    assert "readonly" not in steps
    assert "tokenoffset" not in steps.lower()


def test_what_a_key_could_do_besides_is_said(vendor: Vendor) -> None:
    said = " ".join(vendor.provider.walk_through.beyond_reading)
    assert f"{vendor.provider.title} admin key" in said
    assert "remove" in said
    assert "can do harm" in said
