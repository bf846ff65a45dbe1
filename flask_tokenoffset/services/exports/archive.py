"""The archive of everything held about a person: a ZIP written piece by piece.

It knows neither database nor vault. Rows go in, pieces of one size come out, so that an archive of
any length needs little memory. Same rows and instant, same bytes.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import dataclass
from datetime import date, datetime
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from flask_tokenoffset.services.shared.csv_rows import csv_row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

#: Bytes of each piece but the last.
PIECE_BYTES: Final = 256 * 1024
#: The version of the layout: of the files, their names and their fields.
FORMAT_VERSION: Final = 1
#: The names of the files that every archive has.
MANIFEST: Final = "manifest.json"
SCHEMA: Final = "schema.json"
README: Final = "README.txt"

#: Where the JSON Schema stands in the package.
_SCHEMA_FILE: Final = "export_schema.json"

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What the manifest says of a file.

    :param rows: rows of data in it; ``None`` for a text.
    :param sha256: over its content, in hexadecimal.
    """

    name: str
    rows: int | None
    size_bytes: int
    sha256: str

    def as_json(self) -> dict[str, Any]:
        """The same for the manifest."""
        rows = {} if self.rows is None else {"rows": self.rows}
        return {"name": self.name, **rows, "size_bytes": self.size_bytes, "sha256": self.sha256}


class Archive:
    """A ZIP in the making.

    :param emit: takes each piece, in order.
    :param made_at: when it is made; every file carries it.
    """

    def __init__(self, emit: Callable[[bytes], object], made_at: datetime) -> None:
        self._pieces = _Pieces(emit)
        self._made_at = made_at
        self._zip = zipfile.ZipFile(self._pieces, "w", zipfile.ZIP_DEFLATED)
        self.files: list[FileFacts] = []

    @property
    def size_bytes(self) -> int:
        """How many bytes were written so far."""
        return self._pieces.size_bytes

    def add_text(self, name: str, text: str) -> None:
        """Add a file with a text."""
        self._add(name, [text])

    def add_json(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """Add the rows of a table as one JSON document.

        :param table: its name without our prefix, which the file is called by.
        :param columns: the names of the fields.
        :param rows: their values, in the same order.
        """
        self._add(f"json/{table}.json", _json_document(table, columns, rows), counts_rows=True)

    def add_csv(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """Add the rows of a table as CSV, with a row of titles.

        A text that a spreadsheet might take for a formula stands behind an apostrophe.

        :param table: as for :meth:`add_json`.
        """
        self._add(f"csv/{table}.csv", _csv_lines(columns, rows), counts_rows=True)

    def close(self, manifest: Mapping[str, Any]) -> None:
        """Add the manifest, which lists all other files, and end the archive.

        :param manifest: what it says beside the files.
        """
        content = {**manifest, "files": [each.as_json() for each in self.files]}
        self.add_text(MANIFEST, json.dumps(content, ensure_ascii=False, indent=2) + "\n")
        self._zip.close()
        self._pieces.close()

    def abandon(self) -> None:
        """Pass nothing on any more: a ZIP that is left alone would still write its own end."""
        self._pieces.abandon()

    def _add(self, name: str, texts: Iterable[str], *, counts_rows: bool = False) -> None:
        info = zipfile.ZipInfo(name, self._made_at.timetuple()[:6])
        info.compress_type = zipfile.ZIP_DEFLATED
        digest, size, rows = hashlib.sha256(), 0, -1
        with self._zip.open(info, "w") as file:
            try:
                for number, text in enumerate(texts):
                    content = text.encode()
                    digest.update(content)
                    size += len(content)
                    file.write(content)
                    rows = number
            except BaseException:
                self.abandon()
                raise
        # A text before the first row: the row of titles, or how the document begins.
        self.files.append(FileFacts(name, rows if counts_rows else None, size, digest.hexdigest()))


def schema_text() -> str:
    """The JSON Schema of the archive's JSON files, as the package ships it."""
    return (files("flask_tokenoffset.services.exports") / _SCHEMA_FILE).read_text(encoding="utf-8")


def plain(value: Any) -> Any:
    """A value as JSON has it: instants in UTC with ``Z``, ids as text.

    :param value: as the database gives it.
    """
    if value is None or isinstance(value, (bool, int, str, dict, list)):
        return value
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else str(value)


def _json_document(table: str, columns: Sequence[str], rows: Iterable[Row]) -> Iterable[str]:
    """The beginning, then each row; the end goes with the last."""
    begun = f'{{"table": {json.dumps(table)}, "rows": ['
    separator = "\n"
    ahead: str | None = None
    for row in rows:
        values = dict(zip(columns, map(plain, row), strict=True))
        if ahead is None:
            yield begun
        else:
            yield ahead
        ahead = separator + json.dumps(values, ensure_ascii=False)
        separator = ",\n"
    if ahead is None:
        yield begun + "]}\n"
    else:
        yield ahead + "\n]}\n"


def _csv_lines(columns: Sequence[str], rows: Iterable[Row]) -> Iterable[str]:
    yield csv_row(columns)
    for row in rows:
        yield csv_row(map(_cell, row))


def _cell(value: Any) -> str | int | None:
    simple = plain(value)
    if isinstance(simple, bool):
        return "true" if simple else "false"
    if isinstance(simple, (dict, list)):
        return json.dumps(simple, ensure_ascii=False)
    return simple if simple is None or isinstance(simple, int) else str(simple)


class _Pieces:
    """A file that can only be written to, and passes on what it is given in pieces of one size."""

    def __init__(self, emit: Callable[[bytes], object]) -> None:
        self._emit = emit
        self._buffer = bytearray()
        self._abandoned = False
        self.size_bytes = 0

    def write(self, content: bytes) -> int:
        if self._abandoned:
            return len(content)
        self._buffer += content
        self.size_bytes += len(content)
        while len(self._buffer) >= PIECE_BYTES:
            self._emit(bytes(self._buffer[:PIECE_BYTES]))
            del self._buffer[:PIECE_BYTES]
        return len(content)

    def flush(self) -> None:
        """Nothing is passed on before it is a whole piece."""

    def abandon(self) -> None:
        self._abandoned = True
        self._buffer.clear()

    def close(self) -> None:
        """Pass on what is left."""
        if self._buffer:
            self._emit(bytes(self._buffer))
            self._buffer.clear()
