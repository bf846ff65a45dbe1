"""Where files stand: packages in an order, no circles, and nothing too large to read."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.import_graph import circle_in, module_graph, packages_of, read_order, upward
from tests.support.layers import PACKAGE, find_imports

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]
SOURCE: Final = ROOT / PACKAGE
ARCHITECTURE: Final = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
GRAPH: Final = module_graph(find_imports(SOURCE))

MOST_FILES: Final = 12
MOST_LINES: Final = 400
MOST_LINES_OF_A_FUNCTION: Final = 60


def test_no_imports_of_the_package_close_a_circle() -> None:
    assert circle_in(GRAPH) == []


def test_a_circle_is_found() -> None:
    assert set(circle_in({"a": {"b"}, "b": {"c"}, "c": {"a"}})) == {"a", "b", "c"}


@pytest.mark.parametrize("folder", ["blueprints", "services"])
def test_packages_import_only_those_below_them(folder: str) -> None:
    assert upward(packages_of(GRAPH, folder), read_order(ARCHITECTURE, folder)) == []


@pytest.mark.parametrize("folder", ["blueprints", "services"])
def test_every_package_has_its_place_in_the_order(folder: str) -> None:
    packages = {path.parent.name for path in (SOURCE / folder).glob("*/__init__.py")}
    modules = {path.stem for path in (SOURCE / folder).glob("*.py")} - {"__init__"}
    assert set(read_order(ARCHITECTURE, folder)) == packages | modules


def test_an_import_that_runs_up_is_named() -> None:
    packages = {"mail": {"links"}, "links": {"mail"}}
    assert upward(packages, {"mail": 0, "links": 1}) == ["mail imports links"]


def test_no_package_holds_more_files_than_one_remembers() -> None:
    sizes = {
        folder.relative_to(SOURCE).as_posix(): len(list(folder.glob("*.py")))
        for group in ("services", "blueprints")
        for folder in (SOURCE / group).iterdir()
        if folder.is_dir()
    }
    assert {name: size for name, size in sizes.items() if size > MOST_FILES} == {}
    modules = {path.name for path in SOURCE.glob("*.py")} - {"__init__.py", "__main__.py"}
    assert len(modules) <= MOST_FILES


def test_every_file_and_function_is_read_in_one_sitting() -> None:
    assert [fault for path in sorted(SOURCE.rglob("*.py")) for fault in _too_long(path)] == []


def test_what_is_too_long_is_named(tmp_path: Path) -> None:
    path = tmp_path / "long.py"
    path.write_text("def long():\n" + "    pass\n" * MOST_LINES)
    assert list(_too_long(path)) == ["long.py has 401 lines", "long.py: long has 401 lines"]


def _too_long(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    if (lines := text.count("\n")) > MOST_LINES:
        yield f"{path.name} has {lines} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            if lines > MOST_LINES_OF_A_FUNCTION:
                yield f"{path.name}: {node.name} has {lines} lines"
