"""Rows of CSV that a spreadsheet shows and never computes."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

#: What makes spreadsheets take a cell for a formula, in full-width form as well (OWASP, «CSV
#: Injection»; ASVS 1.2.10).
_BEGINS_FORMULA: Final = frozenset("=+-@\t\r\n\0＝＋－＠")  # noqa: RUF001 - look-alikes on purpose


def csv_row(cells: Iterable[str | int | None]) -> str:
    """One row with its line end (RFC 4180).

    :param cells: texts, made inert; whole numbers, which may be negative; nothing.
    """
    line = io.StringIO()
    csv.writer(line).writerow(
        inert(cell) if isinstance(cell, str) else "" if cell is None else cell for cell in cells
    )
    return line.getvalue()


def inert(text: str) -> str:
    """A text that no spreadsheet takes for a formula: behind an apostrophe, if need be.

    Some pass over spaces before they look, so it is done here too. A NUL is taken out, because some
    readers end there, and then what follows stands at a beginning.
    """
    shown = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    begins = {text[:1], text.lstrip(" \N{NO-BREAK SPACE}\N{ZERO WIDTH NO-BREAK SPACE}")[:1]}
    return shown if _BEGINS_FORMULA.isdisjoint(begins) else f"'{shown}"
