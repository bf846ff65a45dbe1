"""Which class a model belongs to, told from its name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

#: "70b" in "llama-3.1-70b-instruct", but neither "22b" in "qwen3-235b-a22b" (active parameters) nor
#: "7b" in "mixtral-8x7b" (one of several).
_PARAMETER_COUNT: Final = re.compile(r"(?<![a-z0-9.])(\d{1,4})(?:\.\d+)?b(?![a-z0-9])")

#: A cloud's region and vendor before the name: "us.anthropic." in "us.anthropic.claude-opus-4-6".
_CLOUD_PREFIX: Final = re.compile(r"^(?:[a-z][a-z0-9]*\.)+(?=[a-z])")
_SEPARATORS: Final = re.compile(r"[-_:@\s]+")
#: Where clouds keep what customers made, under names that those gave it.
_CUSTOMERS_OWN: Final = re.compile(
    r"(?:^|[/:])(?:tunedmodels|custom-model(?:-deployment)?|imported-model|provisioned-model"
    r"|application-inference-profile|deployments?|endpoints?)/"
)
_NOT_IN_NAMES: Final = re.compile(r"[^a-z0-9._:@\s-]")
#: What vendors put behind ":" and "@": a version, a date, a context window, a size.
_VENDORS_TAG: Final = re.compile(
    r"v?\d+(?:\.\d+)*[bkm]?(?:-(?:instruct|chat|it|text|(?:fp|q)\d\w*))*|\d{4}-\d\d-\d\d"
    r"|default|latest|free|thinking"
)


class ModelClass(StrEnum):
    """Classes of model by the energy a token takes."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"
    XL = "xl"


@dataclass(frozen=True, slots=True)
class ModelPattern:
    """Names of one class.

    :param pattern: lower case, ``*`` for anything and ``[13]`` for one of several characters. How
        it is matched says :class:`ModelNames`.
    :param model_class: the class of every name that matches.
    """

    pattern: str
    model_class: ModelClass


@dataclass(frozen=True, slots=True)
class ModelSize:
    """Open models of one class, by the parameter count in their names.

    :param up_to_billion_parameters: upper edge, included; None for any size above.
    :param model_class: the class of a model of this size.
    """

    up_to_billion_parameters: int | None
    model_class: ModelClass


@dataclass(frozen=True)
class ModelNames:
    """One version of what names of models say.

    :param version: for example ``2026.12``; stored with every estimate.
    :param patterns: the first that matches decides.
    :param sizes: asked where no pattern matches, smallest first.
    :param whole_segments: whether patterns are rows of whole segments of the vendor's own name.
        Without it, as in the first version, they are looked for anywhere in all of the name.
    """

    version: str
    patterns: tuple[ModelPattern, ...]
    sizes: tuple[ModelSize, ...]
    whole_segments: bool

    def class_of(self, model: str) -> ModelClass | None:
        """The class of a model, or None where its name says nothing we know.

        :param model: the vendor's name, with whatever prefix and date it carries.
        """
        name = model.strip().lower()
        if not self.whole_segments:
            return self._by_pattern(name, fnmatchcase) or self._by_size(name)
        base = _own_name(name)
        if base is None:
            return None
        is_distilled = any(segment.startswith("distil") for segment in base.split("-"))
        found = None if is_distilled else self._by_pattern(base, _has_segments)
        return found or self._by_size(base)

    def _by_pattern(self, name: str, matches: Callable[[str, str], bool]) -> ModelClass | None:
        return next(
            (each.model_class for each in self.patterns if matches(name, each.pattern)), None
        )

    def _by_size(self, name: str) -> ModelClass | None:
        written = _PARAMETER_COUNT.search(name)
        if written is None:
            return None
        billion_parameters = int(written.group(1))
        for size in self.sizes:
            edge = size.up_to_billion_parameters
            if edge is None or billion_parameters <= edge:
                return size.model_class
        return None


def _own_name(name: str) -> str | None:
    """What of a name is the vendor's, in segments between hyphens; None where nothing is.

    What a customer called a model they tuned, themselves or their folder decides nothing.

    :param name: in lower case.
    """
    if name.startswith("ft:"):
        name = name.split(":")[1]
        if "/" in name:
            return None  # no base is in a folder
    if _CUSTOMERS_OWN.search(name):
        return None
    name = name.partition(":ft-")[0].rpartition("/")[2]
    tags = re.split("[:@]", name)[1:]
    if _NOT_IN_NAMES.search(name) or not all(map(_VENDORS_TAG.fullmatch, tags)):
        return None
    return _SEPARATORS.sub("-", _CLOUD_PREFIX.sub("", name)).strip("-")


def _has_segments(name: str, pattern: str) -> bool:
    return _segments_of(pattern).search(name) is not None


@cache
def _segments_of(pattern: str) -> re.Pattern[str]:
    """A pattern of whole segments as a regular expression over a name in segments."""
    parts = []
    for segment in pattern.split("-"):
        if segment == "*":
            parts.append("(?:-[^-]+)*")
        else:
            text = (
                re.escape(segment).replace(r"\*", "[^-]*").replace(r"\[", "[").replace(r"\]", "]")
            )
            parts.append(f"-{text}" if parts else text)
    return re.compile(f"(?:^|-){''.join(parts)}(?:-|$)")
