"""Which modules and packages import which, and where that closes a circle or runs upward."""

from __future__ import annotations

import re
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from tests.support.layers import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.support.layers import Import

Graph = dict[str, set[str]]


def module_graph(imports: Iterable[Import]) -> Graph:
    """Every module of ours and the modules of ours it imports, for types only included."""
    graph: Graph = defaultdict(set)
    for item in imports:
        if item.library == PACKAGE and item.module:
            target = item.target.removeprefix(PACKAGE).removeprefix(".")
            if target != item.module:
                graph[item.module].add(target)
    return graph


def packages_of(graph: Graph, folder: str) -> Graph:
    """The same between the packages and single modules of one folder, such as ``services``."""
    found: Graph = defaultdict(set)
    for module, targets in graph.items():
        package = _package(module, folder)
        for target in (_package(each, folder) for each in targets):
            if package and target and target != package:
                found[package].add(target)
    return found


def circle_in(graph: Mapping[str, set[str]]) -> list[str]:
    """One circle, as the modules it leads through; empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        return circle
    return []


def read_order(architecture: str, folder: str) -> dict[str, int]:
    """How high each package of a folder stands, from the block of docs/architecture.md.

    :param architecture: the page's text.
    :param folder: ``services`` or ``blueprints``.
    """
    block = re.search(rf"^    {folder}\n((?:      .+\n)+)", architecture, re.MULTILINE)
    assert block is not None, f"docs/architecture.md does not say in what order {folder}/ stands."
    return {
        name: height
        for height, line in enumerate(block[1].splitlines())
        for name in re.findall(r"[a-z_]+", line)
    }


def upward(packages: Graph, order: Mapping[str, int]) -> list[str]:
    """A sentence for each import that runs up, or between packages of the same height."""
    return [
        f"{package} imports {target}"
        for package, targets in sorted(packages.items())
        for target in sorted(targets)
        if order[target] >= order[package]
    ]


def _package(module: str, folder: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == folder and len(parts) > 1 else None
