"""No cell of ours is computed by a spreadsheet, and none is lost."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_tokenoffset.services.shared.csv_rows import csv_row, inert

BEGINNINGS = "=+-@\t\r\n＝＋－＠"  # noqa: RUF001 - look-alikes on purpose


def read(line: str) -> list[str]:
    (row,) = csv.reader(io.StringIO(line, newline=""))
    return row


@pytest.mark.parametrize("first", [*BEGINNINGS, "\0"])
@pytest.mark.parametrize(
    "before", ["", " ", "  \N{NO-BREAK SPACE}", "\N{ZERO WIDTH NO-BREAK SPACE}"]
)
def test_what_begins_like_a_formula_is_shown_as_a_text(before: str, first: str) -> None:
    (cell,) = read(csv_row([f"{before}{first}1+1"]))
    assert cell.startswith("'")


@given(st.lists(st.text(), min_size=2))
def test_no_text_is_computed_and_none_is_lost(texts: list[str]) -> None:
    cells = read(csv_row(texts))
    assert len(cells) == len(texts)
    for cell, text in zip(cells, texts, strict=True):
        assert cell.removeprefix("'") == text.replace(
            "\0", "\N{REPLACEMENT CHARACTER}"
        ).removeprefix("'")
        assert cell.lstrip(" ")[:1] not in set(BEGINNINGS) or not cell
        assert "\0" not in cell


@pytest.mark.parametrize("text", ["Ada", "a=b", "1-2", "it's", "", "Ada\nLovelace", 'say "x", y'])
def test_an_ordinary_text_stays_as_it_is(text: str) -> None:
    assert inert(text) == text
    assert read(csv_row([text, "x"])) == [text, "x"]


def test_numbers_and_nothing_are_written_plainly() -> None:
    assert csv_row([-5, None, 0]) == "-5,,0\r\n"
