"""What a comparison of two texts tells is all of both, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_tokenoffset.services.documents.comparison import compare
from flask_tokenoffset.services.documents.texts import passages_of, to_html

WORDS = st.lists(
    st.sampled_from(["we", "keep", "it", "for", "30", "14", "days", "and", "then", "delete"]),
    min_size=1,
    max_size=12,
).map(" ".join)
TEXTS = st.lists(st.builds(str.__add__, st.sampled_from(["", "## ", "- "]), WORDS), max_size=8).map(
    "\n\n".join
)


def read(old: str, new: str, *fates: str) -> list[str]:
    """The passages of one side, put together from what the comparison tells."""
    return [
        "".join(part.text for part in passage.parts if part.fate in fates)
        for passage in compare(old, new)
        if passage.fate == "changed" or passage.fate in fates
    ]


@given(old=TEXTS, new=TEXTS)
def test_both_texts_can_be_read_from_a_comparison(old: str, new: str) -> None:
    assert read(old, new, "same", "added") == [each.text for each in passages_of(new)]
    assert read(old, new, "same", "removed") == [each.text for each in passages_of(old)]


@given(text=TEXTS)
def test_a_text_does_not_differ_from_itself(text: str) -> None:
    assert {each.fate for each in compare(text, text)} <= {"same"}


def test_a_changed_paragraph_is_told_word_by_word() -> None:
    (passage,) = compare(
        "Daily counts are kept for a year, then deleted.",
        "Daily counts are kept for six months, then deleted.",
    )
    assert passage.fate == "changed"
    assert [(part.fate, part.text) for part in passage.parts] == [
        ("same", "Daily counts are kept for "),
        ("removed", "a year,"),
        ("added", "six months,"),
        ("same", " then deleted."),
    ]


def test_another_address_behind_the_same_words_is_a_change() -> None:
    (passage,) = compare("See [here](https://a.example).", "See [here](https://b.example).")
    assert [part.text for part in passage.parts if part.fate != "same"] == [
        "(https://a.example).",
        "(https://b.example).",
    ]


def test_a_paragraph_that_became_a_heading_is_a_change() -> None:
    assert [(each.fate, each.kind) for each in compare("Fees", "## Fees")] == [
        ("removed", "paragraph"),
        ("added", "heading"),
    ]


def test_very_long_passages_are_told_as_a_whole_and_soon() -> None:
    old, new = ("word " * 20_000 + end for end in ("old", "new"))
    assert [each.fate for each in compare(old, new)] == ["removed", "added"]


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "&#106;avascript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
    ],
)
def test_a_link_leads_nowhere_it_may_not(address: str) -> None:
    html = to_html(f"[here]({address})")
    assert "<a" not in html or 'href="/%5C' in html or 'href="%5C' in html


@pytest.mark.parametrize("address", ["https://a.example/x", "mailto:us@a.example", "/privacy"])
def test_a_link_leads_where_it_may(address: str) -> None:
    assert f'<a href="{address}">here</a>' in to_html(f"[here]({address})")
