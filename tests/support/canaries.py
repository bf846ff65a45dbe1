"""Marked secrets, and a search for any telling piece of them in anything at all.

A canary is a key with a vendor's own prefix and a random part whose every seven characters are
unlike all others. Six characters of a key are shown on our pages; from seven of the random part on
it is a leak, in plain text and in the usual disguises.
"""

from __future__ import annotations

import base64
import gc
import json
import logging
import random
import string
import traceback
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import sql

from flask_tokenoffset import signals
from flask_tokenoffset.models import TABLE_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PIECE_CHARACTERS: Final = 7
PREFIXES: Final = {"anthropic": "sk-ant-admin01-", "openai": "sk-admin-"}


class Canary:
    """One marked secret.

    :param name: what to call it in a failure.
    :param prefix: what it begins with; that may be seen.
    :param marked: the part of which nothing may be seen.
    """

    def __init__(self, name: str, prefix: str, marked: str) -> None:
        self.name = name
        self.text = prefix + marked
        self._marked = marked

    def __repr__(self) -> str:
        return f"<Canary {self.name}>"

    @classmethod
    def key(cls, name: str, prefix: str, seed: str) -> Canary:
        """A key as a vendor might issue it."""
        letters = random.Random(seed).choices(string.ascii_letters + string.digits, k=40)
        return cls(name, prefix, "".join(letters))

    @cached_property
    def pieces(self) -> list[str]:
        """Every seven characters of the marked part; no two are alike."""
        last = len(self._marked) - PIECE_CHARACTERS
        pieces = [self._marked[at : at + PIECE_CHARACTERS] for at in range(last + 1)]
        assert len({piece.lower() for piece in pieces}) == len(pieces)
        return pieces

    @cached_property
    def disguises(self) -> dict[bytes, str]:
        """What to look for as it is: the text of a piece in a disguise, and which one."""
        found: dict[bytes, str] = {}
        for piece in self.pieces:
            raw = piece.encode()
            found["".join(f"%{byte:02X}" for byte in raw).encode()] = "URL-encoded"
            found["".join(f"\\u{byte:04x}" for byte in raw).encode()] = "JSON escapes"
            found["".join(f"&#{byte};" for byte in raw).encode()] = "HTML entities"
            found[piece.encode("utf-16-le")] = "UTF-16"
            for text in base64_of(raw):
                found[text] = "base64"
        return found

    def found_in(self, content: Haystack, lowered: Haystack) -> str | None:
        """In which form a piece stands in a text, if one does.

        :param content: what is searched.
        :param lowered: the same in small letters.
        """
        for piece in self.pieces:
            if piece.lower().encode() in lowered:
                return "plain text"
            if piece.encode().hex().encode() in lowered:
                return "hex"
        for text, form in self.disguises.items():
            if text in content:
                return form
        return None


class Haystack:
    """A long text in which thousands of short ones are looked for.

    Hardly any of them is there, and a look into the set of what stands anywhere in it tells that a
    thousand times faster than a search through megabytes.

    :param content: the text.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        last = len(content) - PIECE_CHARACTERS
        self._starts = {content[at : at + PIECE_CHARACTERS] for at in range(last + 1)}

    def __contains__(self, text: bytes) -> bool:
        assert len(text) >= PIECE_CHARACTERS
        return text[:PIECE_CHARACTERS] in self._starts and text in self._content


def base64_of(raw: bytes) -> Iterator[bytes]:
    """How a piece looks inside a longer text in base64, at each of the three alignments."""
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + raw)
        # Characters that also depend on what stands before or after the piece are left out.
        inner = encoded[-(-shift * 8 // 6) : (shift + len(raw)) * 8 // 6]
        yield inner
        yield inner.replace(b"+", b"-").replace(b"/", b"_")


class Sinks:
    """Every place something came out of, with what came out."""

    def __init__(self) -> None:
        self.contents: dict[str, list[bytes]] = {}

    def add(self, sink: str, content: bytes | str) -> None:
        """Keep what came out of a sink."""
        if isinstance(content, str):
            content = content.encode("utf-8", "surrogateescape")
        self.contents.setdefault(sink, []).append(content)

    def leaks(self, canaries: list[Canary]) -> list[str]:
        """Which canary stands where, and in what form; empty if all is well."""
        found = []
        for sink, contents in self.contents.items():
            # Nothing that is looked for has a line break in it, and most lines come out again and
            # again; once is enough.
            lines = (line for each in contents for line in each.split(b"\n"))
            content = b"\n".join(dict.fromkeys(lines))
            whole, lowered = Haystack(content), Haystack(content.lower())
            for canary in canaries:
                form = canary.found_in(whole, lowered)
                if form is not None:
                    found.append(f"{canary.name} in {sink} as {form}")
        return found

    def holding(self, words: str) -> list[str]:
        """The sinks in which some words stand, whatever their case."""
        wanted = words.lower().encode()
        return [
            sink
            for sink, contents in self.contents.items()
            if any(wanted in content.lower() for content in contents)
        ]


_USUAL_ATTRIBUTES: Final = frozenset(vars(logging.makeLogRecord({})))


class _Everything(logging.Formatter):
    """A record as a handler would print it, and what else a handler could print."""

    def format(self, record: logging.LogRecord) -> str:
        extra = {name: each for name, each in vars(record).items() if name not in _USUAL_ATTRIBUTES}
        return f"{super().format(record)} {extra or ''}"


@contextmanager
def logs_in(path: Path) -> Iterator[None]:
    """Write every record of every logger to a file, from DEBUG up.

    A file, so that the records of forked processes are in it as well.
    """
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(_Everything("%(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    known = [each for each in root.manager.loggerDict.values() if isinstance(each, logging.Logger)]
    before = [(each, each.level, each.propagate, each.disabled) for each in [root, *known]]
    for each in known:
        # SQLAlchemy's statements and parameters are wanted. At DEBUG it adds every row it reads,
        # which is a hundred times as much and stands in the database's dump anyway.
        is_engine = each.name.startswith("sqlalchemy")
        each.setLevel(logging.INFO if is_engine else logging.NOTSET)
        each.propagate, each.disabled = True, False
    root.setLevel(logging.DEBUG)
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.close()
        for each, level, propagate, disabled in before:
            each.setLevel(level)
            each.propagate, each.disabled = propagate, disabled


@contextmanager
def signals_to(sinks: Sinks) -> Iterator[None]:
    """Note the payload of every signal of ours."""

    def note(sender: object, **values: Any) -> None:
        sinks.add("signals", f"{sender!r} {values!r} {json.dumps(values, default=str)}")

    ours = [each for name, each in vars(signals).items() if hasattr(each, "receivers")]
    for each in ours:
        each.connect(note)
    try:
        yield
    finally:
        for each in ours:
            each.disconnect(note)


def reprs_of_our_objects() -> str:
    """How everything of ours that is alive at this moment shows itself."""
    shown = []
    for each in gc.get_objects():
        kind = type(each)
        if str(kind.__module__).startswith("flask_tokenoffset") and not issubclass(kind, type):
            try:
                shown.append(repr(each))
            except Exception as error:  # noqa: BLE001 - a detached row cannot be shown, but said
                shown.append(f"{kind.__name__}: {error}")
    return "\n".join(shown)


_OF_TESTS: Final = ("/tests/", "/flask_tokenoffset/testing/", "/click/testing.py", "/_pytest/")


def rendered(error: BaseException) -> str:
    """A traceback as an error reporter renders it: with every frame's local variables.

    The frames of tests, simulators and test clients are left out: they hold what they send.
    """
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    part: traceback.TracebackException | None = told
    while part is not None:
        part.stack = traceback.StackSummary.from_list(
            [frame for frame in part.stack if not any(each in frame.filename for each in _OF_TESTS)]
        )
        part = part.__cause__ or part.__context__
    return "".join(told.format())


def tables_of(database_url: str) -> str:
    """All rows of all our tables in PostgreSQL as text, binary columns in hex."""
    lines: list[str] = []
    with psycopg.connect(database_url.replace("+psycopg", "", 1)) as connection:
        names = connection.execute(
            "SELECT tablename FROM pg_tables WHERE tablename LIKE %s", [f"{TABLE_PREFIX}%"]
        ).fetchall()
        assert names
        for (name,) in names:
            statement = sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(name))
            with connection.cursor().copy(statement) as copy:
                lines += [bytes(row).decode() for row in copy]
    return "\n".join(lines)
