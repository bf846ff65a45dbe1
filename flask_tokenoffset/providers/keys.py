"""Telling the kinds of keys apart by their form, before anything is sent.

A vendor answers the wrong kind of key exactly as it answers a mistyped one, so the sentence that
helps a person has to be found here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flask_tokenoffset.errors import WrongKeyKind
from flask_tokenoffset.providers.key_header import key_matches

if TYPE_CHECKING:
    from flask_tokenoffset.vault import Secret

#: What most vendors' keys are made of. Shorter than 20 characters is a piece of a key; longer than
#: 512 is a pasted file.
WELL_FORMED: Final = re.compile(r"[A-Za-z0-9_-]{20,512}")


@dataclass(frozen=True, slots=True)
class KeyKind:
    """One kind of key and what to tell a person who pastes it.

    :param prefix: how keys of this kind begin.
    :param refusal: the sentence that names this kind; empty for the kind that is accepted.
    """

    prefix: str
    refusal: str = ""


def require_key_kind(
    key: Secret,
    kinds: tuple[KeyKind, ...],
    *,
    unknown: str,
    needed: str,
    well_formed: re.Pattern[str] = WELL_FORMED,
) -> None:
    """Accept a key of the right kind and explain every other.

    :param key: the key, which is looked at and not sent.
    :param kinds: tried in order, so that a longer prefix comes before a shorter one.
    :param unknown: the sentence for a text that begins like none of them.
    :param needed: which key is needed and where to create it; ends every refusal.
    :param well_formed: what the whole of an accepted key looks like.
    :raises WrongKeyKind: for every key but a whole one of the accepted kind.
    """
    for kind in kinds:
        if key_matches(key, re.compile(re.escape(kind.prefix) + r"(?s:.*)")):
            refusal = kind.refusal
            break
    else:
        refusal = unknown
    if not refusal and not key_matches(key, well_formed):
        refusal = (
            "This is not a whole key: it is too short or too long, or holds a space or another"
            " character that keys do not have."
        )
    if refusal:
        raise WrongKeyKind(f"{refusal} {needed} Nothing was sent.")
