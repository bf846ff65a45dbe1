#!/usr/bin/env python3
"""Names known security holes in what is locked, allowed and installed. Called by ``make audit``.

    python tools/known_holes.py [--root FOLDER]

The list is ``requirements/known-holes.toml``, which says how it is kept. A hole fails the run:

- in a version that a file of ``requirements/`` locks,
- in the lowest version that ``pyproject.toml`` allows of a package it names, unless the list says
  why the hole is not reached,
- in what is installed beside the running Python.

Lowest versions are locked in ``lowest.txt`` on purpose, so that file is judged like
``pyproject.toml``.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LIST = Path("requirements/known-holes.toml")
LOWEST = "lowest.txt"
_LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


@dataclass(frozen=True)
class Hole:
    """One entry of the list."""

    package: str
    affected: SpecifierSet
    fixed: str
    identifier: str
    not_reached: str | None


def read_list(text: str) -> list[Hole]:
    """The entries of the list.

    :raises KeyError: an entry lacks something, the source and the date included.
    :raises ValueError: an entry's versions contradict each other or cannot be read.
    """
    holes = []
    for entry in tomllib.loads(text)["hole"]:
        if not entry["source"] or not entry["looked_at"]:
            raise ValueError(f"{entry['id']} names no source or no date.")
        hole = Hole(
            package=canonicalize_name(entry["package"]),
            affected=SpecifierSet(entry["affected"]),
            fixed=entry["fixed"],
            identifier=entry["id"],
            not_reached=entry.get("not_reached"),
        )
        if hole.affected.contains(hole.fixed):
            raise ValueError(f"{hole.identifier}: {hole.fixed} is said to be affected and fixed.")
        holes.append(hole)
    return holes


def locked(text: str) -> Iterator[tuple[str, str]]:
    """The packages of a requirements file, with their versions."""
    for name, version in _LOCKED.findall(text):
        yield canonicalize_name(name), version


def allowed(text: str) -> Iterator[tuple[str, str]]:
    """The packages that a ``pyproject.toml`` names for installing, with their lowest versions."""
    project = tomllib.loads(text)["project"]
    extras = project.get("optional-dependencies", {}).values()
    for line in [*project["dependencies"], *(line for extra in extras for line in extra)]:
        requirement = Requirement(line)
        lowest = [each.version for each in requirement.specifier if each.operator in {">=", "=="}]
        yield canonicalize_name(requirement.name), max(lowest, key=Version, default="0")


def installed() -> Iterator[tuple[str, str]]:
    """The packages that the running Python finds."""
    for distribution in metadata.distributions():
        yield canonicalize_name(distribution.metadata["Name"]), distribution.version


def found(holes: list[Hole], packages: Iterable[tuple[str, str]], *, excusable: bool) -> list[str]:
    """A sentence for each hole in the packages.

    :param excusable: leave out holes that the list says are not reached.
    """
    return sorted(
        {
            f"{name} {version} has {hole.identifier}, fixed in {hole.fixed}."
            for name, version in packages
            for hole in holes
            if hole.package == name
            and hole.affected.contains(version, prereleases=True)
            and not (excusable and hole.not_reached)
        }
    )


def audit(root: Path) -> list[str]:
    """What is wrong with the project in a folder, and with what is installed."""
    holes = read_list((root / LIST).read_text())
    problems = []
    for path in sorted((root / LIST.parent).glob("*.txt")):
        packages = locked(path.read_text())
        sentences = found(holes, packages, excusable=path.name == LOWEST)
        problems += [f"{path.relative_to(root)}: {sentence}" for sentence in sentences]
    text = (root / "pyproject.toml").read_text()
    problems += [
        f"pyproject.toml allows it: {sentence}"
        for sentence in found(holes, allowed(text), excusable=True)
    ]
    problems += [
        f"installed: {sentence}" for sentence in found(holes, installed(), excusable=False)
    ]
    return problems


def main() -> int:
    """Print what was found; 1 if there was something."""
    parser = argparse.ArgumentParser(description="Names known security holes.")
    parser.add_argument("--root", type=Path, default=Path(__file__).parent.parent)
    root = parser.parse_args().root
    problems = audit(root)
    looked_at = tomllib.loads((root / LIST).read_text())["looked_at"]["date"]
    closing = f"{len(problems)} known holes; the list is of {looked_at}."
    sys.stdout.write("\n".join([*problems, closing]) + "\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
