"""Lists of people to invite, as spreadsheets write them: an address a line, and a role if wanted.

What cannot be an address is not found out here:
:mod:`flask_tokenoffset.services.invitations.invitations` says of each row what became of it.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flask_tokenoffset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Rows of the longest list.
MOST_ROWS: Final = 1_000
#: The field whose fault it is.
FIELD: Final = "invitees"

_DELIMITERS: Final = ",;\t"
_ADDRESS_TITLES: Final = frozenset({"email", "e-mail", "address", "mail"})
_ROLE_TITLE: Final = "role"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a list.

    :param address: as it was typed.
    :param role: as it was typed; empty where the line names none.
    :param line: the line it stands on, counted from 1.
    """

    address: str
    role: str
    line: int


def decode_list(data: bytes) -> str:
    """The text of a list that came as a file.

    :param data: UTF-8, with or without a byte order mark.
    :raises InvalidInput: it is something else.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput(
            {
                FIELD: "The file is not a text in UTF-8, so nobody was invited. Save it as «CSV"
                " UTF-8» and choose it again."
            }
        ) from None


def read_list(text: str, *, most_rows: int = MOST_ROWS) -> list[Row]:
    """The rows of a list: commas, semicolons or tabs; a first line with titles or none.

    Where a first line names columns, only those for address and role are read. Without one the
    first cell is the address and the second the role.

    :param text: the list; empty lines count for nothing.
    :param most_rows: rows allowed.
    :raises InvalidInput: there is no row, there are too many, or its quotes do not close.
    """
    lines = list(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    first = next((line for line in lines if line.strip()), "")
    delimiter = next((mark for mark in first if mark in _DELIMITERS), ",")
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)
    rows: list[Row] = []
    columns: tuple[int, int | None] | None = None
    try:
        for cells in _filled(reader):
            if columns is None:
                columns = _columns(cells)
                if columns is not None:
                    continue
                columns = (0, 1)
            if len(rows) == most_rows:
                raise InvalidInput(
                    {
                        FIELD: f"The list has more than {most_rows:,} rows, so nobody was invited."
                        " Send it in parts."
                    }
                )
            rows.append(_row(cells, columns, reader.line_num))
    except csv.Error:
        raise InvalidInput(
            {
                FIELD: f"Line {reader.line_num:,} cannot be read, because its quotes do not match"
                " or it is too long, so nobody was invited. Correct it."
            }
        ) from None
    if not rows:
        raise InvalidInput({FIELD: "The list is empty. Write one address a line."})
    return rows


def _filled(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    for cells in reader:
        stripped = [cell.strip() for cell in cells]
        if any(stripped):
            yield stripped


def _columns(cells: Sequence[str]) -> tuple[int, int | None] | None:
    """Where address and role stand, if this is a line with titles."""
    titles = [cell.lower() for cell in cells]
    named = [position for position, title in enumerate(titles) if title in _ADDRESS_TITLES]
    if not named:
        return None
    return named[0], titles.index(_ROLE_TITLE) if _ROLE_TITLE in titles else None


def _row(cells: Sequence[str], columns: tuple[int, int | None], line: int) -> Row:
    def cell(position: int | None) -> str:
        return "" if position is None or position >= len(cells) else cells[position]

    return Row(cell(columns[0]), cell(columns[1]), line)
