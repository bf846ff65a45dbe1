"""From the bytes of an answer to plain values.

A body is never logged and never put into an error, not even one that cannot be read: it may hold
what nobody here should see.
"""

from __future__ import annotations

import json
import zlib
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NoReturn

from flask_tokenoffset.errors import MalformedAnswer

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What zlib calls "expect a gzip header".
_GZIP: Final = 31


def decode_json(body: bytes, title: str) -> object:
    """Strict JSON, with fractions as exact decimals.

    :param body: the whole body, decompressed.
    :param title: the vendor's name, for the message.
    :raises MalformedAnswer: for bad UTF-8, for anything but JSON, and for NaN and Infinity.
    """
    with suppress(ValueError, ArithmeticError, RecursionError):  # as deep nesting ends in
        text = body.decode("utf-8")
        # A power of ten beyond a Decimal's own is an ArithmeticError.
        with suppress(ArithmeticError):
            return json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
        return json.loads(text, parse_float=_zero_or_decimal, parse_constant=_refuse_constant)
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


def _zero_or_decimal(text: str) -> Decimal:
    """A fraction as it is, and zero whatever its power of ten."""
    digits, _, _ = text.lower().partition("e")
    return Decimal(text) if digits.strip("-0.") else Decimal(0)


def _refuse_constant(_name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON.")
