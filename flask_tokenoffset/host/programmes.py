"""The programmes that a host names in ``TOKENOFFSET_PROGRAMMES``, checked at start-up.

They say what a contribution is directed to. An adoption and a billing record keep them as they were
named at that moment, so that another choice of the host changes nothing that was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final
from urllib.parse import urlsplit

from flask_tokenoffset.errors import ConfigurationError

MOST_PROGRAMMES: Final = 10
#: Characters of each text at most.
_LONGEST: Final[Mapping[str, int]] = {"name": 80, "what_it_does": 300, "address": 200}
_WHOLE_PERCENT: Final = 100
_EXAMPLE: Final = (
    "[{'name': 'Peatland Trust', 'what_it_does': 'Rewets drained peatland.', 'address':"
    " 'https://peatland.example', 'share_percent': 100}]"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme:
    """One programme that contributions are directed to.

    :param name: what people call it.
    :param what_it_does: a sentence.
    :param address: its page, with https.
    :param share_percent: of each contribution, whole percent; all programmes' add up to 100.
    """

    name: str
    what_it_does: str
    address: str
    share_percent: int


Programmes = tuple[Programme, ...]


def to_json(programmes: Programmes) -> dict[str, Any]:
    """Programmes as a row keeps them: by name, in their order.

    :param programmes: as they are named now.
    """
    return {
        each.name: {
            "what_it_does": each.what_it_does,
            "address": each.address,
            "share_percent": each.share_percent,
        }
        for each in programmes
    }


def in_words(programmes: Programmes) -> str:
    """What a contribution is directed to, in a line: ``Peatland Trust (60 %), Kelp (40 %)``.

    :param programmes: as they are named, or were.
    """
    if not programmes:
        return "no programme that was named"
    return ", ".join(f"{each.name} ({each.share_percent} %)" for each in programmes)


def from_json(stored: Mapping[str, Any]) -> Programmes:
    """Stored programmes, typed again.

    :param stored: from :func:`to_json`.
    """
    return tuple(Programme(name=name, **said) for name, said in stored.items())


def read_programmes(setting: str, value: Any) -> Programmes:
    """Read and check the programmes of a configuration.

    :param setting: the name of the setting, for messages.
    :param value: a list of mappings, each with the fields of a :class:`Programme`.
    :raises ConfigurationError: for the first thing that will not do.
    """
    if isinstance(value, (str, Mapping)) or not isinstance(value, Sequence):
        raise ConfigurationError(setting, f"it must be a list of programmes, as in {_EXAMPLE}.")
    if not 1 <= len(value) <= MOST_PROGRAMMES:
        raise ConfigurationError(
            setting,
            f"it names {len(value)} programmes, and there must be from 1 to {MOST_PROGRAMMES}."
            " Leave the setting out where contributions are directed to none.",
        )
    programmes = tuple(_read_one(setting, place, each) for place, each in enumerate(value, 1))
    names = [programme.name.casefold() for programme in programmes]
    if len(set(names)) != len(names):
        raise ConfigurationError(
            setting, "two programmes have the same name. Join them or tell them apart."
        )
    total = sum(programme.share_percent for programme in programmes)
    if total != _WHOLE_PERCENT:
        raise ConfigurationError(
            setting,
            f"the shares add up to {total} %, and a contribution is directed as a whole. Correct"
            " the values of share_percent so that they add up to 100.",
        )
    return programmes


def _read_one(setting: str, place: int, entry: Any) -> Programme:
    which = f"programme {place}"
    expected = [field.name for field in fields(Programme)]
    if not isinstance(entry, Mapping) or set(entry) != set(expected):
        raise ConfigurationError(
            setting,
            f"{which} must have exactly the fields {', '.join(expected)}, as in {_EXAMPLE}.",
        )
    texts = {field: _text(setting, which, field, entry[field]) for field in _LONGEST}
    if not _is_page(texts["address"]):
        raise ConfigurationError(
            setting,
            f"the address of {which} must be a whole one that begins with https://, without a user"
            " name, as in «https://peatland.example».",
        )
    share = entry["share_percent"]
    if type(share) is not int or not 1 <= share <= _WHOLE_PERCENT:
        raise ConfigurationError(
            setting,
            f"share_percent of {which} must be a whole number from 1 to 100, not {share!r}.",
        )
    return Programme(**texts, share_percent=share)


def _text(setting: str, which: str, field: str, value: Any) -> str:
    longest = _LONGEST[field]
    if not isinstance(value, str) or not value.strip() or not value.strip().isprintable():
        raise ConfigurationError(
            setting, f"{field} of {which} must be a text of one line that is not empty."
        )
    text = value.strip()
    if len(text) > longest:
        raise ConfigurationError(
            setting,
            f"{field} of {which} has {len(text)} characters, and {longest} fit. Shorten it.",
        )
    return text


def _is_page(address: str) -> bool:
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018 - raises for a port that is no number
    except ValueError:
        return False
    is_plain = parts.username is None and parts.password is None and " " not in address
    return parts.scheme == "https" and bool(parts.hostname) and is_plain
