"""What differs between two versions of a text: passage by passage, and in each word by word."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final, Literal

from flask_tokenoffset.services.documents.texts import passages_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from flask_tokenoffset.services.documents.texts import Passage

Fate = Literal["same", "added", "removed"]

_WORDS: Final = re.compile(r"\s+|\S+")
#: The share of words two passages have in common, from which on one is a new form of the other.
_ALIKE: Final = 0.5
#: Passages further on in which the new form of a changed one is looked for.
_LOOK_AHEAD: Final = 5
#: Words of the longest passage that is compared word by word; comparing longer ones takes too long.
_MOST_WORDS: Final = 3_000


@dataclass(frozen=True, slots=True)
class Part:
    """Some words of a passage, and what became of them."""

    fate: Fate
    text: str


@dataclass(frozen=True, slots=True)
class ComparedPassage:
    """A passage of the old text, of the new one, or of both.

    :param fate: ``changed`` where it stands in both with other words.
    :param kind: as for :class:`~flask_tokenoffset.services.documents.texts.Passage`.
    :param parts: all of its words, in order.
    """

    fate: Literal["same", "added", "removed", "changed"]
    kind: str
    parts: tuple[Part, ...]


def compare(old: str, new: str) -> list[ComparedPassage]:
    """Every passage of two texts, in the order of the new one, with what became of it.

    :param old: Markdown.
    :param new: Markdown.
    """
    before, after = passages_of(old), passages_of(new)
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    compared: list[ComparedPassage] = []
    for tag, first, last, new_first, new_last in matcher.get_opcodes():
        if tag == "equal":
            compared += [_whole(each, "same") for each in after[new_first:new_last]]
        else:
            compared += _replaced(before[first:last], after[new_first:new_last])
    return compared


def _replaced(before: Sequence[Passage], after: Sequence[Passage]) -> Iterator[ComparedPassage]:
    """Passages that differ: each old one beside its new form, if it has one."""
    position = 0
    for old in before:
        found = _new_form(old, after, position)
        if found is None:
            yield _whole(old, "removed")
            continue
        for new in after[position:found]:
            yield _whole(new, "added")
        yield _changed(old, after[found])
        position = found + 1
    for new in after[position:]:
        yield _whole(new, "added")


def _new_form(old: Passage, after: Sequence[Passage], position: int) -> int | None:
    """Where the new form of a passage stands, if it has one."""
    words = _words(old.text)
    for place, new in enumerate(after[position : position + _LOOK_AHEAD], position):
        new_words = _words(new.text)
        if new.kind != old.kind or max(len(words), len(new_words)) > _MOST_WORDS:
            continue
        matcher = SequenceMatcher(None, words, new_words, autojunk=False)
        # The quick one is an upper bound, so it saves the slow one where they are nothing alike.
        if matcher.quick_ratio() >= _ALIKE and matcher.ratio() >= _ALIKE:
            return place
    return None


def _whole(passage: Passage, fate: Fate) -> ComparedPassage:
    return ComparedPassage(fate, passage.kind, (Part(fate, passage.text),))


def _changed(old: Passage, new: Passage) -> ComparedPassage:
    before, after = _words(old.text), _words(new.text)
    parts: list[Part] = []
    removed, added = "", ""
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for tag, first, last, new_first, new_last in matcher.get_opcodes():
        was, becomes = "".join(before[first:last]), "".join(after[new_first:new_last])
        # A space between two changed words is part of the change: “a year”, and not “a”, “year”.
        if tag == "equal" and (becomes.strip() or not (removed or added)):
            parts += [*_told(removed, added), Part("same", becomes)]
            removed, added = "", ""
        else:
            removed, added = removed + was, added + becomes
    return ComparedPassage("changed", new.kind, (*parts, *_told(removed, added)))


def _told(removed: str, added: str) -> Iterator[Part]:
    """What was replaced, if it was anything, and what by."""
    if removed:
        yield Part("removed", removed)
    if added:
        yield Part("added", added)


def _words(text: str) -> list[str]:
    """Words and what stands between them; joined they are the text again."""
    return _WORDS.findall(text)
