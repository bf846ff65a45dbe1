"""From the bytes of an answer to plain values, and from a vendor's complaint to a short sentence.

A body is never logged and never put into an error, not even one that cannot be read: it may hold
what nobody here should see.
"""

from __future__ import annotations

import json
import re
import unicodedata
import zlib
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NoReturn

from flask_tokenoffset.errors import MalformedAnswer

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What zlib calls "expect a gzip header".
_GZIP: Final = 31
_LONGEST_VENDOR_MESSAGE: Final = 300
#: Also matches what vendors print of a key they refuse, such as ``sk-proj-****abcd``.
_KEY_LOOKING: Final = re.compile(r"(?i)\bsk-[^\s\"'<>,;]{3,}")
REDACTED: Final = "[removed]"


def decode_json(body: bytes, title: str) -> object:
    """Strict JSON, with fractions as exact decimals.

    :param body: the whole body, decompressed.
    :param title: the vendor's name, for the message.
    :raises MalformedAnswer: for bad UTF-8, for anything but JSON, and for NaN and Infinity.
    """
    try:
        # A Decimal's own overflow is an ArithmeticError; deep nesting ends in a RecursionError.
        return json.loads(
            body.decode("utf-8"), parse_float=Decimal, parse_constant=_refuse_constant
        )
    except (ValueError, ArithmeticError, RecursionError):
        pass
    # Outside the handler, because a JSONDecodeError carries the whole body with it.
    raise MalformedAnswer(
        f"{title} answered with something other than the report it documents, so nothing of it was"
        " used. This is usually over within hours; if it stays, please tell us."
    )


def inflated(
    chunks: Iterator[bytes], encoding: str, *, limit_bytes: int, title: str
) -> Iterator[bytes]:
    """A body piece by piece, decompressed, with a compression bomb noticed before it goes off.

    :param chunks: the body as it comes from the wire.
    :param encoding: its ``Content-Encoding``.
    :param limit_bytes: how much of it is accepted, both on the wire and decompressed.
    :param title: the vendor's name, for the message.
    :raises MalformedAnswer: past the limit, and for compression that is broken or was not asked.
    """
    if encoding not in {"identity", "gzip"}:
        raise MalformedAnswer(f"{title} answered in an encoding nobody asked for.")
    inflate = zlib.decompressobj(wbits=_GZIP) if encoding == "gzip" else None
    wire_bytes = size_bytes = 0
    broken = False
    for chunk in chunks:
        piece = chunk
        if inflate is not None:
            try:
                piece = inflate.decompress(chunk, limit_bytes - size_bytes + 1)
            except zlib.error:
                broken = True
        if broken:
            raise MalformedAnswer(f"{title} sent an answer whose compression is broken.")
        wire_bytes += len(chunk)
        size_bytes += len(piece)
        if max(wire_bytes, size_bytes) > limit_bytes:
            raise MalformedAnswer(
                f"{title} sent an answer of more than {limit_bytes:,} bytes, which no report needs,"
                " so nothing of it was used."
            )
        yield piece


def vendor_message_in(body: bytes) -> str | None:
    """The vendor's own words in an error's body, not yet cleaned; ``None`` where there are none.

    Both Anthropic and OpenAI put them at ``error.message``.

    :param body: the body of an answer that is not a success.
    """
    try:
        answer = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    error = answer.get("error") if isinstance(answer, dict) else None
    message = error.get("message") if isinstance(error, dict) else None
    return message if isinstance(message, str) else None


def clean_text(text: str, longest: int) -> str:
    """One line of visible characters, no longer than asked.

    Control characters, line breaks, direction marks and lone surrogates become spaces.

    :param text: text from a vendor.
    :param longest: the number of characters to keep.
    """
    visible = "".join(" " if unicodedata.category(c)[0] == "C" else c for c in text)
    line = " ".join(visible.split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def clean_vendor_message(message: str) -> str:
    """A vendor's words made fit to show: visible, short, and without anything like a key.

    :param message: the vendor's words, from which the caller took the key itself already.
    """
    # Keys are taken out after the control characters, which could split one in two.
    line = clean_text(message, len(message) + 1)
    return clean_text(_KEY_LOOKING.sub(REDACTED, line), _LONGEST_VENDOR_MESSAGE)


def _refuse_constant(_name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON.")
