"""Which class a model belongs to, told from its name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final

#: "70b" in "llama-3.1-70b-instruct", but neither "22b" in "qwen3-235b-a22b" (active parameters) nor
#: "7b" in "mixtral-8x7b" (one of several).
_PARAMETER_COUNT: Final = re.compile(r"(?<![a-z0-9.])(\d{1,4})(?:\.\d+)?b(?![a-z0-9])")


class ModelClass(StrEnum):
    """Classes of model by the energy a token takes."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"
    XL = "xl"


@dataclass(frozen=True, slots=True)
class ModelPattern:
    """Names of one class.

    :param pattern: lower case, ``*`` for anything and ``[13]`` for one of several characters.
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


def classify(
    model: str, patterns: tuple[ModelPattern, ...], sizes: tuple[ModelSize, ...]
) -> ModelClass | None:
    """The class of a model, or None where its name says nothing we know.

    :param model: the vendor's name, with whatever prefix and date it carries.
    :param patterns: the first that matches decides.
    :param sizes: asked where no pattern matches, smallest first.
    """
    name = model.strip().lower()
    for entry in patterns:
        if fnmatchcase(name, entry.pattern):
            return entry.model_class
    written = _PARAMETER_COUNT.search(name)
    if written is None:
        return None
    billion_parameters = int(written.group(1))
    for size in sizes:
        edge = size.up_to_billion_parameters
        if edge is None or billion_parameters <= edge:
            return size.model_class
    return None
