"""From a vendor's complaint to a short sentence without secrets."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Final

_LONGEST_VENDOR_MESSAGE: Final = 300
#: Also matches what vendors print of a key they refuse, such as ``sk-proj-****abcd``.
_KEY_LOOKING: Final = re.compile(r"(?i)\bsk-[^\s\"'<>,;]{3,}")
REDACTED: Final = "[removed]"


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
