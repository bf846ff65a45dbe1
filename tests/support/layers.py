"""Walks the imports of a package and names those that docs/architecture.md does not allow.

Imports under ``TYPE_CHECKING`` count like any other: a layer that needs a type from above knows
what is above. The one difference is alembic, which is refused because it is slow to load, and which
an import for types only does not load.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PACKAGE = "flask_tokenoffset"

# The package's own `__init__` and `python -m` stand above every layer.
ENTRANCES = {"", "__main__"}

# The migrations compare the database with the tables that the models declare.
NEIGHBOURS = {("migrations", "models")}

# What a partner checks an implementation of our own Protocols with. The rest of testing simulates
# vendors, and a simulator that knew the clients would share their mistakes.
KITS = {"testing.key_store", "testing.provider"}

# What would let the arithmetic depend on anything but its arguments and its own data files, which
# `importlib.resources` reads.
INPUT_AND_OUTPUT = (
    *("aiohttp", "asyncio", "ftplib", "glob", "http", "httpx", "io", "logging", "multiprocessing"),
    *("os", "pathlib", "psycopg", "random", "redis", "requests", "rq", "secrets", "shutil"),
    *("smtplib", "socket", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time"),
    "urllib",
)


@dataclass(frozen=True)
class Import:
    """One imported name, as seen from the module that imports it."""

    module: str  # the importing module, dotted, without the package: "services.sources"
    target: str  # what is imported, dotted: "flask_tokenoffset.models.sources" or "httpx"
    line: int
    lazy: bool  # inside a function
    typing_only: bool  # under `if TYPE_CHECKING`

    @property
    def package(self) -> str:
        """The first part of the importing module: ``services``; empty for the package itself."""
        return self.module.partition(".")[0]

    @property
    def library(self) -> str:
        """The first part of what is imported."""
        return self.target.partition(".")[0]

    @property
    def target_package(self) -> str | None:
        """The part of ours that is imported; empty for the whole package, None for a library."""
        if self.library != PACKAGE:
            return None
        return [*self.target.split("."), ""][1]

    def __str__(self) -> str:
        """Where the import stands and what it takes."""
        return f"{self.module or '__init__'} line {self.line} imports {self.target}"


@dataclass(frozen=True)
class LibraryRule:
    """Which imports of some libraries are refused, and why."""

    libraries: tuple[str, ...]
    refuses: Callable[[Import], bool]
    reason: str


FLASK = ("flask", "flask_login", "flask_migrate", "flask_sqlalchemy", "flask_wtf", "werkzeug")
LIBRARY_RULES = (
    LibraryRule(
        FLASK,
        lambda item: item.package in {"services", "providers", "oidc", "outbound", "methodology"},
        "this package knows no Flask.",
    ),
    LibraryRule(
        ("sqlalchemy",),
        lambda item: item.package in {"providers", "oidc", "outbound", "methodology"},
        "this package knows no database.",
    ),
    LibraryRule(
        INPUT_AND_OUTPUT,
        lambda item: item.package == "methodology",
        "methodology is pure arithmetic.",
    ),
    LibraryRule(
        ("httpx", "httpcore", "requests", "aiohttp"),
        lambda item: (
            item.module not in {"outbound.client", "testing.simulators.transport"}
            and not (item.package == "testing" and (item.lazy or item.typing_only))
        ),
        "outbound.client is the HTTP client (and testing.simulators.transport the stand-in).",
    ),
    LibraryRule(
        ("joserfc",),
        lambda item: item.module != "oidc.id_tokens",
        "only oidc.id_tokens reads signed tokens.",
    ),
    LibraryRule(
        ("authlib",),
        # Its integrations want another HTTP client, and keep a registry on the application.
        lambda item: item.package != "oidc" or item.target.startswith("authlib.integrations"),
        "only oidc speaks OAuth 2, and over our own HTTP.",
    ),
    LibraryRule(
        ("rq", "redis"),
        lambda item: item.package != "tasks",
        "only tasks knows the queue.",
    ),
    LibraryRule(
        ("alembic",),
        lambda item: item.package != "migrations" and not (item.lazy or item.typing_only),
        "alembic is loaded only when a migration command runs.",
    ),
    LibraryRule(("sqlalchemy_utils",), lambda _: True, "SQLAlchemy-Utils is not used."),
)


def read_layers(architecture: str) -> dict[str, int]:
    """The layer of every package, from the table in docs/architecture.md."""
    layers = {}
    for layer, packages in re.findall(r"^\| (\d) \| ([^|]+) \|", architecture, re.MULTILINE):
        for package in re.findall(r"`([a-z_]+)/?`", packages):
            layers[package] = int(layer)
    return layers


def find_imports(root: Path) -> list[Import]:
    """Every import of every module below the folder of a package."""
    found = []
    for path in sorted(root.rglob("*.py")):
        parts = list(path.relative_to(root).with_suffix("").parts)
        is_package = parts[-1] == "__init__"
        if is_package:
            parts.pop()
        visitor = _Visitor(root, parts, is_package=is_package)
        visitor.visit(ast.parse(path.read_text(encoding="utf-8"), str(path)))
        found += visitor.found
    return found


class _Visitor(ast.NodeVisitor):
    def __init__(self, root: Path, parts: list[str], *, is_package: bool) -> None:
        self.root = root
        self.module = ".".join(parts)
        self.folder = [PACKAGE, *parts] if is_package else [PACKAGE, *parts[:-1]]
        self.found: list[Import] = []
        self._functions = 0
        self._typing_only = 0

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._visit_function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._visit_function(node)

    def _visit_function(self, node: ast.AST) -> None:
        self._functions += 1
        self.generic_visit(node)
        self._functions -= 1

    def visit_If(self, node: ast.If) -> None:
        guarded = ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}
        self._typing_only += guarded
        for child in node.body:
            self.visit(child)
        self._typing_only -= guarded
        for child in node.orelse:
            self.visit(child)

    def visit_Import(self, node: ast.Import) -> None:
        for name in node.names:
            self._add(name.name, node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = node.module or ""
        if node.level:
            folder = self.folder[: len(self.folder) - node.level + 1]
            base = ".".join([*folder, *([node.module] if node.module else [])])
        for name in node.names:
            is_module = base.partition(".")[0] == PACKAGE and self._is_module(base, name.name)
            self._add(f"{base}.{name.name}" if is_module else base, node)

    def visit_Call(self, node: ast.Call) -> None:
        called = ast.unparse(node.func).rpartition(".")[2]
        if called in {"import_module", "__import__", "import_string"} and node.args:
            target = node.args[0]
            if isinstance(target, ast.Constant) and isinstance(target.value, str):
                self._add(target.value.replace(":", "."), node)
        self.generic_visit(node)

    def _is_module(self, base: str, name: str) -> bool:
        path = self.root.joinpath(*base.split(".")[1:], name)
        return path.is_dir() or path.with_suffix(".py").is_file()

    def _add(self, target: str, node: ast.stmt | ast.expr) -> None:
        lazy, typing_only = self._functions > 0, self._typing_only > 0
        self.found.append(Import(self.module, target, node.lineno, lazy, typing_only))


def find_faults(imports: list[Import], layers: dict[str, int]) -> list[str]:
    """A sentence for every import that is not allowed."""
    faults = []
    for item in imports:
        layer = max(layers.values()) if item.package in ENTRANCES else layers.get(item.package)
        if layer is None:
            faults.append(f"{item.package} stands on no layer of docs/architecture.md.")
        elif reason := _fault_of_ours(item, layer, layers) or _fault_of_library(item):
            faults.append(f"{item}: {reason}")
    return list(dict.fromkeys(faults))


def _fault_of_ours(item: Import, layer: int, layers: dict[str, int]) -> str | None:
    if item.target_package is None or item.target_package == item.package:
        return None
    if item.package == "testing" and not _is_kit(item.module):
        return "a simulator knows nothing of ours."
    target_layer = layers.get(item.target_package, max(layers.values()))
    if target_layer > layer:
        return f"layer {layer} does not know layer {target_layer}."
    neighbours = (item.package, item.target_package)
    if target_layer == layer == layers["models"] and neighbours not in NEIGHBOURS:
        return f"the packages of layer {layer} do not know each other."
    return None


def _is_kit(module: str) -> bool:
    return any(module == kit or module.startswith(f"{kit}.") for kit in KITS)


def _fault_of_library(item: Import) -> str | None:
    for rule in LIBRARY_RULES:
        if item.library in rule.libraries and rule.refuses(item):
            return rule.reason
    return None
