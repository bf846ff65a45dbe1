from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.services.invitations.csv_parsing import (
    FIELD,
    MOST_ROWS,
    Row,
    decode_list,
    read_list,
)


def read(text: str) -> list[tuple[str, str]]:
    return [(row.address, row.role) for row in read_list(text)]


TWO = [("ada@example.org", "member"), ("ben@example.org", "auditor")]


@pytest.mark.parametrize(
    "text",
    [
        "ada@example.org,member\nben@example.org,auditor",
        "ada@example.org;member\r\nben@example.org;auditor\r\n",
        "ada@example.org\tmember\nben@example.org\tauditor\n",
        "\ufeffemail,role\nada@example.org,member\nben@example.org,auditor\n",
        "E-Mail;Role\nada@example.org;member\n\n;\nben@example.org;auditor\n",
        '"email","role"\n"ada@example.org","member"\n"ben@example.org", "auditor"\n',
        "name,role,email\nAda,member,ada@example.org\nBen,auditor,ben@example.org\n",
        "  ada@example.org , member \n\n\n   \n ben@example.org , auditor \n",
    ],
)
def test_a_list_is_read_however_a_spreadsheet_writes_it(text: str) -> None:
    assert read(text) == TWO
    assert read(decode_list(text.encode())) == TWO


def test_a_role_may_be_left_out() -> None:
    assert read("ada@example.org\nben@example.org,auditor") == [
        ("ada@example.org", ""),
        ("ben@example.org", "auditor"),
    ]
    assert read("email\nada@example.org") == [("ada@example.org", "")]


def test_only_what_ends_a_line_in_a_file_ends_a_row() -> None:
    assert read("ada@example.org\u2028ben@example.org\rchloe@example.org") == [
        ("ada@example.org\u2028ben@example.org", ""),
        ("chloe@example.org", ""),
    ]


def test_each_row_knows_its_line() -> None:
    assert [row.line for row in read_list("email\n\nada@example.org\n\nben@example.org")] == [3, 5]


def test_a_first_line_that_is_no_title_is_a_row() -> None:
    assert read("nonsense,member\nada@example.org") == [
        ("nonsense", "member"),
        ("ada@example.org", ""),
    ]


def test_a_thousand_rows_are_read_and_one_more_is_refused() -> None:
    rows = [f"person{number}@example.org" for number in range(MOST_ROWS)]
    assert len(read_list("email\n" + "\n".join(rows))) == 1_000
    with pytest.raises(InvalidInput, match="more than 1,000 rows"):
        read_list("\n".join([*rows, "one-more@example.org"]))


@pytest.mark.parametrize("text", ["", "\n\n", " \t ", ",,,\n,", "email,role\n", "\ufeff"])
def test_an_empty_list_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="empty"):
        read_list(text)


@pytest.mark.parametrize(
    "text",
    [
        'ada@example.org\n"ben@example.org\nchloe@example.org\n',
        '"ada@example.org"x,member\n',
        '"' + "a" * 200_000 + '"',
    ],
)
def test_a_line_that_cannot_be_read_is_named(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"Line \d+ cannot be read") as refused:
        read_list(text)
    assert set(refused.value.errors) == {FIELD}


def test_a_file_in_another_encoding_is_refused_with_the_cure() -> None:
    for encoding in ("utf-16", "latin-1"):
        with pytest.raises(InvalidInput, match="CSV UTF-8"):
            decode_list("zoë@example.org".encode(encoding))


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        rows = read_list(text)
    except InvalidInput:
        return
    assert rows
    assert all(isinstance(row, Row) for row in rows)


@given(
    st.lists(st.from_regex(r"[a-z]{1,9}@[a-z]{1,9}\.org", fullmatch=True), min_size=1, max_size=20),
    st.sampled_from([",", ";", "\t"]),
    st.booleans(),
)
def test_what_was_written_as_csv_comes_back(
    addresses: list[str], delimiter: str, quoted: bool
) -> None:
    file = io.StringIO()
    plain = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_MINIMAL)
    writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL) if quoted else plain
    writer.writerows([[address, "member"] for address in addresses])
    assert read(file.getvalue()) == [(address, "member") for address in addresses]
