"""Dated constants: figures that carry their unit and their sources with them.

The figures live in ``data/*.toml``, one file for each kind and version. A published file is never
edited (a test pins each one's digest), so an estimate made with an old version can be computed
again for ever. What a methodology page prints are the very objects the arithmetic uses.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.methodology.ranges import Range

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from importlib.resources.abc import Traversable

_DATA: Final = files("flask_tokenoffset.methodology") / "data"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a figure comes from.

    :param key: a short name, unique in its file.
    :param text: author, title and date, for a reader.
    :param url: where to find it, or empty where it is not published on the web.
    """

    key: str
    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Constant:
    """One figure without a range.

    :param id: stable name within its method, unit included.
    :param title: for a reader.
    :param unit: of ``value``.
    :param value: the figure.
    :param standing: how well it is known: ``published rate``, ``secondary``, ``derived`` or
        ``choice``.
    :param sources: where it comes from; empty for a choice.
    :param note: a sentence on how it was come by, or empty.
    """

    id: str
    title: str
    unit: str
    value: Decimal
    standing: str
    sources: tuple[Source, ...]
    note: str


@dataclass(frozen=True, slots=True)
class RangedConstant:
    """One figure with a range; the fields are those of :class:`Constant`."""

    id: str
    title: str
    unit: str
    value: Range
    standing: str
    sources: tuple[Source, ...]
    note: str


@dataclass(frozen=True)
class DataFile:
    """One parsed file of dated constants. Internal to this package.

    :param content: what the file says; fractions are decimals, never floats.
    :param sources: its list of sources by key.
    """

    content: Mapping[str, Any]
    sources: Mapping[str, Source]

    def cited(self, keys: Sequence[str]) -> tuple[Source, ...]:
        """The sources a figure names."""
        return tuple(self.sources[key] for key in keys)

    def constant(self, identifier: str) -> Constant:
        """A figure of the table ``constants`` without a range."""
        entry = self.content["constants"][identifier]
        return Constant(
            id=identifier,
            title=entry["title"],
            unit=entry["unit"],
            value=Decimal(entry["value"]),
            standing=entry["standing"],
            sources=self.cited(entry["sources"]),
            note=entry.get("note", ""),
        )

    def ranged_constant(self, identifier: str) -> RangedConstant:
        """A figure of the table ``constants`` with a range."""
        return self.ranged(identifier, self.content["constants"][identifier])

    def ranged(self, identifier: str, entry: Mapping[str, Any]) -> RangedConstant:
        """A figure with a range from anywhere in the file."""
        value = entry["value"]
        return RangedConstant(
            id=identifier,
            title=entry["title"],
            unit=entry["unit"],
            value=Range(Decimal(value["low"]), Decimal(value["central"]), Decimal(value["high"])),
            standing=entry["standing"],
            sources=self.cited(entry["sources"]),
            note=entry.get("note", ""),
        )


@cache
def _addresses() -> Mapping[str, str]:
    """Addresses by source key, for published files that name a source without one."""
    text = (_DATA / "source-addresses.toml").read_text(encoding="utf-8")
    return MappingProxyType(tomllib.loads(text))


@cache
def _file_names(kind: str) -> Mapping[str, Traversable]:
    """The packaged files of one kind, by version, oldest first."""
    prefix, suffix = f"{kind}-", ".toml"
    found = {
        entry.name.removeprefix(prefix).removesuffix(suffix): entry
        for entry in sorted(_DATA.iterdir(), key=lambda entry: entry.name)
        if entry.name.startswith(prefix) and entry.name.endswith(suffix)
    }
    return MappingProxyType(found)


def versions(kind: str) -> tuple[str, ...]:
    """The versions there are of one kind of file, oldest first.

    :param kind: ``published``, ``class-aware``, ``model-names`` or ``bands``.
    """
    return tuple(_file_names(kind))


def load(kind: str, version: str) -> DataFile:
    """Read one packaged file. It cannot change while the process lives; callers may keep it.

    :param kind: ``published``, ``class-aware``, ``model-names`` or ``bands``.
    :param version: for example ``2026-05``.
    :raises InvalidInput: there is no such version; the field is ``method_version``.
    """
    found = _file_names(kind).get(version)
    if found is None:
        raise unknown_version(version, versions(kind))
    content = tomllib.loads(found.read_text(encoding="utf-8"), parse_float=Decimal)
    sources = {
        key: Source(key=key, text=entry["text"], url=entry["url"] or _addresses().get(key, ""))
        for key, entry in content["sources"].items()
    }
    return DataFile(content=MappingProxyType(content), sources=MappingProxyType(sources))


def unknown_version(version: str, known: Sequence[str]) -> InvalidInput:
    """The refusal of a version nobody published.

    :param version: what was asked for.
    :param known: what there is.
    """
    return InvalidInput(
        {
            "method_version": f"There is no methodology version {version!r}, so nothing can be"
            f" computed with it. The versions are {', '.join(known)}."
        }
    )
