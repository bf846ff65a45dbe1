"""Versions of documents as pages and operations show them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flask_tokenoffset.errors import NotFound
from flask_tokenoffset.models import LONGEST_DOCUMENT
from flask_tokenoffset.services.documents import documents
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask_tokenoffset.services.documents.documents import Standing

_NAME: Final = re.compile(r"[a-z0-9-]+")


@dataclass(frozen=True, slots=True)
class Shown:
    """A document in one language.

    :param versions: all of them, the newest first; one at least.
    :param in_force: the one that counts now, if one does yet.
    """

    name: str
    versions: Sequence[Standing]
    in_force: Standing | None

    @property
    def language(self) -> str:
        """The language it is shown in."""
        return self.versions[0].version.language

    @property
    def present(self) -> Standing:
        """The one that counts now, or the first one that is going to."""
        return self.in_force or self.versions[-1]

    @property
    def upcoming(self) -> list[Standing]:
        """Those that are published and do not count yet, the earliest first."""
        counting = 0 if self.in_force is None else self.in_force.version.sequence
        return [each for each in reversed(self.versions) if each.version.sequence > counting]

    def find(self, version: str) -> Standing:
        """One version by its name.

        :raises NotFound: there is none in this language.
        """
        for each in self.versions:
            if each.version.version == version:
                return each
        raise NotFound("There is no such version of this document.")

    def before(self, standing: Standing) -> Standing | None:
        """The version before another one."""
        wanted = standing.version.sequence - 1
        return next((each for each in self.versions if each.version.sequence == wanted), None)

    def after(self, standing: Standing) -> Standing | None:
        """The version that took the place of another one, or is going to."""
        wanted = standing.version.sequence + 1
        return next((each for each in self.versions if each.version.sequence == wanted), None)


def shown(document: str, language: str | None) -> Shown:
    """A document as it stands now.

    :param document: its name, as a path names it.
    :param language: the language asked for; the default without one.
    :raises NotFound: there is no such document.
    """
    state = current_state()
    versions: list[Standing] = []
    if len(document) <= LONGEST_DOCUMENT and _NAME.fullmatch(document):
        versions = documents.history(
            state.session, document, language or documents.DEFAULT_LANGUAGE
        )
    if not versions:
        raise NotFound("There is no such document.")
    now = state.clock.now()
    counting = next((each for each in versions if each.counts_at(now)), None)
    return Shown(document, versions, counting)


def all_shown(language: str | None) -> list[Shown]:
    """Every document as it stands now, in the order of their titles."""
    state = current_state()
    now = state.clock.now()
    wanted = language or documents.DEFAULT_LANGUAGE
    found: dict[str, list[Standing]] = {}
    for standing in documents.all_standings(state.session):
        found.setdefault(standing.version.document, []).append(standing)
    all_of_them = []
    for name, standings in found.items():
        nearest = documents.nearest_language({each.version.language for each in standings}, wanted)
        versions = [each for each in reversed(standings) if each.version.language == nearest]
        counting = next((each for each in versions if each.counts_at(now)), None)
        all_of_them.append(Shown(name, versions, counting))
    return sorted(all_of_them, key=lambda each: each.present.version.title)
