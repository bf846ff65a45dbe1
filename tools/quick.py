#!/usr/bin/env python3
"""Run the tests of what changed: ``make quick``.

What changed since the branch left main, committed or not, is mapped to tests by path: a test to
itself, a module to the tests that name it and to those in folders of its name. It is a first
answer within a minute; ``make test`` has the last word.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ROOT: Final = Path(__file__).parent.parent
PACKAGE: Final = "flask_tokenoffset"
#: Contracts that any change of the package may break, and that take no time.
ALWAYS: Final = ("tests/contracts/test_imports.py", "tests/contracts/test_tree.py")
#: Folders of the package that say nothing about what is in them.
LAYERS: Final = frozenset({PACKAGE, "services", "blueprints", "models", "templates", "tokenoffset"})


def find_tests(changed: Iterable[str], tests: Mapping[str, str]) -> list[str]:
    """The test files to run.

    :param changed: paths from the project's folder, with slashes.
    :param tests: the text of every test file, by its path.
    """
    chosen: set[str] = set()
    for path in map(PurePosixPath, changed):
        if str(path) in tests:
            chosen.add(str(path))
        elif path.parts[0] == "tests" and path.parts[1] != "support":
            chosen |= {each for each in tests if PurePosixPath(each).is_relative_to(path.parent)}
        elif path.parts[0] == "docs" or path.suffix == ".md":
            chosen |= {each for each in tests if each.endswith("/test_docs.py")}
        elif path.parts[0] == PACKAGE:
            chosen |= {each for each in ALWAYS if each in tests}
            chosen |= {each for each in tests if _is_named_after(each, path)}
        if path.suffix == ".py" and path.parts[0] in {
            PACKAGE,
            "example_host_app",
            "tests",
            "tools",
        }:
            chosen |= {each for each, text in tests.items() if _names(text, path)}
    return sorted(chosen)


def _names(text: str, module: PurePosixPath) -> bool:
    parts = module.with_suffix("").parts
    if parts[-1] == "__init__":
        return False  # Everything below names it.
    folder, name = ".".join(parts[:-1]), parts[-1]
    return f"{folder}.{name}" in text or any(
        line.startswith(f"from {folder} import ") and name in line for line in text.splitlines()
    )


def _is_named_after(test: str, path: PurePosixPath) -> bool:
    words = {*path.parent.parts, path.stem} - LAYERS
    return not words.isdisjoint(
        {*PurePosixPath(test).parent.parts[2:], PurePosixPath(test).stem.removeprefix("test_")}
    )


def _git(*arguments: str) -> list[str]:
    command = ["git", *arguments]
    done = subprocess.run(  # noqa: S603 - the arguments are ours
        command, cwd=ROOT, check=True, capture_output=True, text=True
    )
    return done.stdout.splitlines()


def main() -> int:
    """Find what changed, and run its tests; what pytest answers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", default="main", help="the branch to compare with")
    parser.add_argument("pytest", nargs="*", help="handed to pytest as it is")
    options = parser.parse_args()
    (base,) = _git("merge-base", options.base, "HEAD")
    changed = _git("diff", "--name-only", base)
    changed += _git("ls-files", "--others", "--exclude-standard")
    files = sorted(ROOT.glob("tests/**/test_*.py"))
    tests = {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for path in files
        if "browser" not in path.parts
    }
    chosen = find_tests(changed, tests)
    if not chosen:
        sys.stdout.write(f"Nothing changed since {options.base} that a test is named after.\n")
        return 0
    sys.stdout.write("\n  ".join([f"{len(chosen)} of {len(tests)} test files:", *chosen, ""]))
    sys.stdout.flush()
    command = [sys.executable, "-m", "pytest", "-q", *options.pytest, *chosen]
    return subprocess.call(command, cwd=ROOT)  # noqa: S603 - what make hands over


if __name__ == "__main__":
    sys.exit(main())
