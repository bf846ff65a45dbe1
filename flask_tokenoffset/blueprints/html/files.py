"""Files that are sent while they are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from flask import current_app

from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from flask import Response

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class FileFormat(Generic[Row]):
    """A way to write rows.

    :param title: what a person calls it.
    :param content_type: what a browser is told.
    :param write: makes the text, piece by piece.
    """

    title: str
    content_type: str
    write: Callable[[Iterable[Row]], Iterator[str]]


def sent_file(name: str, ending: str, written: FileFormat[Row], rows: Iterable[Row]) -> Response:
    """An answer that sends rows as a file, named after the present day.

    :param name: the first part of the file's name.
    :param ending: its last part.
    :param written: how they are written.
    :param rows: read while they are sent.
    """
    filename = f"{name}-{current_state().clock.now():%Y-%m-%d}.{ending}"
    return current_app.response_class(
        written.write(rows),
        content_type=written.content_type,
        headers={"Content-Disposition": f'attachment; filename="{filename}"'},
    )
