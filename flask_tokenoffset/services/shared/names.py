"""Names that people type: of themselves, of their company, of a source, of an organization."""

from __future__ import annotations

from typing import Final
from unicodedata import bidirectional, category

from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.models import LONGEST_NAME
from flask_tokenoffset.services.shared.free_text import refuse_account_numbers

#: Classes of characters that turn the direction of whatever follows them on a page.
_TURNING: Final = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})


def check_name(
    text: str | None, *, field: str = "name", label: str = "name", longest: int = LONGEST_NAME
) -> str:
    """A name as it is stored, or "" if none was given that anyone could see.

    :param text: what was typed.
    :param field: the field to name in a refusal.
    :param label: what the refusal calls it.
    :param longest: characters it may have.
    :raises InvalidInput: it is too long, or holds what no text field sends (PostgreSQL could not
        even store a NUL), what turns the words around it on a page, or the number of a payment card
        or a bank account.
    """
    name = " ".join((text or "").split())
    kinds = set(map(category, name))
    if kinds & {"Cc", "Cs"} or not _TURNING.isdisjoint(map(bidirectional, name)):
        raise InvalidInput(
            {field: f"The {label} holds a character that cannot be shown. Type it again."}
        )
    if len(name) > longest:
        raise InvalidInput(
            {field: f"The {label} may have {longest} characters at most. Shorten it."}
        )
    refuse_account_numbers(name, field=field, label=label)
    is_visible = any(kind[0] not in "CZ" for kind in kinds)
    return name if is_visible else ""
