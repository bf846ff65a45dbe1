"""Where to go on afterwards: always a path of this host, whatever an address claims."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote

from flask_tokenoffset.models import LONGEST_PATH

_PRINTABLE_ASCII: Final = frozenset(map(chr, range(0x21, 0x7F)))
#: What browsers take for a slash, or leave out, before they look for a host.
_TREACHEROUS: Final = frozenset("\\")
#: A path that was encoded more often than this is refused.
_MOST_DECODINGS: Final = 3


def local_path(text: str | None, default: str) -> str:
    """A path to go on to, if it is certainly one of this host's; else the default.

    :param text: what ``next`` holds, from whomever.
    :param default: a path of ours.
    """
    return text if text and _is_local(text) else default


def _is_local(text: str) -> bool:
    if len(text) > LONGEST_PATH or not set(text) <= _PRINTABLE_ASCII - _TREACHEROUS:
        return False
    if not text.startswith("/"):
        return False
    # Not with urlsplit, for which ``///`` begins a path. A proxy may decode a path before it goes
    # on; it must not become another address then.
    path = text.partition("?")[0].partition("#")[0]
    for _ in range(_MOST_DECODINGS):
        if "//" in path or not set(path) <= _PRINTABLE_ASCII - _TREACHEROUS | {" "}:
            return False
        path, before = unquote(path, errors="replace"), path
        if path == before:
            return True
        if not path.isascii():
            # Letters of another script, encoded as they must be; controls among them are not.
            path = "".join(each for each in path if each.isascii() or not each.isprintable())
    return False
