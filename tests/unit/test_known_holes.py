"""The audit names what the list knows, and the project's own list and locks are in order."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent.parent
TOOL = ROOT / "tools/known_holes.py"
HOLE = """
[looked_at]
date = 2026-01-02

[[hole]]
package = "Leaky_Thing"
affected = "<2.1"
fixed = "2.1"
id = "CVE-0000-1"
source = "https://example.test/1"
looked_at = 2026-01-02
"""
EXCUSED = HOLE + 'not_reached = "We do not call it."\n'
PROJECT = '[project]\ndependencies = ["leaky-thing{bound}"]\n'


def audit(
    folder: Path, *, holes: str = HOLE, lock: str = "", lowest: str = "", bound: str = ">=2.1"
) -> tuple[int, str]:
    (folder / "requirements").mkdir()
    (folder / "requirements/known-holes.toml").write_text(holes)
    (folder / "requirements/dev.txt").write_text(lock)
    (folder / "requirements/lowest.txt").write_text(lowest)
    (folder / "pyproject.toml").write_text(PROJECT.format(bound=bound))
    finished = subprocess.run(
        [sys.executable, str(TOOL), "--root", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    return finished.returncode, finished.stdout + finished.stderr


def test_without_a_hole_the_audit_passes_and_says_how_old_its_list_is(tmp_path: Path) -> None:
    status, said = audit(tmp_path, lock="leaky-thing==2.1 \\\n    --hash=sha256:00\n")
    assert (status, said) == (0, "0 known holes; the list is of 2026-01-02.\n")


@pytest.mark.parametrize(
    "spelling", ["leaky-thing==2.0", "Leaky.Thing==2.0.9 ; python_version>'3'"]
)
def test_a_locked_hole_is_named_with_its_file_and_its_cure(tmp_path: Path, spelling: str) -> None:
    status, said = audit(tmp_path, lock=f"other==1\n{spelling} \\\n    --hash=sha256:00\n")
    assert status == 1
    assert "requirements/dev.txt: leaky-thing 2.0" in said
    assert "has CVE-0000-1, fixed in 2.1." in said


@pytest.mark.parametrize("bound", [">=2.0", "", "<3", ">=1,<3"])
def test_a_hole_in_what_is_allowed_is_named(tmp_path: Path, bound: str) -> None:
    status, said = audit(tmp_path, bound=bound)
    assert status == 1
    assert "pyproject.toml allows it: leaky-thing" in said


def test_what_is_not_reached_may_be_allowed_but_not_locked(tmp_path: Path) -> None:
    lowest = "leaky-thing==2.0\n"
    status, said = audit(tmp_path, holes=EXCUSED, bound=">=2.0", lowest=lowest)
    assert status == 0, said
    (tmp_path / "again").mkdir()
    status, said = audit(tmp_path / "again", holes=EXCUSED, lock=lowest)
    assert status == 1
    assert said.startswith("requirements/dev.txt: ")


def test_a_hole_in_what_is_installed_is_named(tmp_path: Path) -> None:
    holes = (
        HOLE.replace("Leaky_Thing", "pytest").replace("<2.1", "<9999").replace('"2.1"', '"9999"')
    )
    status, said = audit(tmp_path, holes=holes)
    assert status == 1
    assert f"installed: pytest {pytest.__version__} has CVE-0000-1" in said


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('source = "https://example.test/1"', ""),
        ('source = "https://example.test/1"', 'source = ""'),
        ("looked_at = 2026-01-02", ""),
        ('affected = "<2.1"', 'affected = "<=2.1"'),
        ('affected = "<2.1"', 'affected = "old ones"'),
    ],
)
def test_an_entry_that_proves_nothing_fails_the_audit(tmp_path: Path, old: str, new: str) -> None:
    status, _ = audit(tmp_path, holes=HOLE.replace(old, new, 2))
    assert status == 1


def test_our_locks_name_no_index_and_give_every_package_a_hash() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text()
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        for line in lines:
            assert re.fullmatch(
                r"[a-z0-9.-]+==\S+( ; [^\\]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?", line
            ), f"{path.name}: {line}"
        packages = [line for line in lines if not line.startswith(" ")]
        assert packages
        for package, following in pairwise(lines):
            assert package.startswith(" ") or "--hash=" in following, f"{path.name}: {package}"


@pytest.mark.parametrize(
    ("lock", "extras"),
    [
        ("dev", ["postgres", "test", "lint", "demo"]),
        ("browser", ["browser"]),
        ("bench", ["bench"]),
        ("lowest", ["postgres", "test"]),
    ],
)
def test_our_locks_hold_what_pyproject_asks_for(lock: str, extras: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    table = project["project"]
    wanted = [*table["dependencies"], *project["build-system"]["requires"]]
    wanted += [line for extra in extras for line in table["optional-dependencies"][extra]]
    locked = dict(
        re.findall(r"^(\S+)==(\S+)", (ROOT / f"requirements/{lock}.txt").read_text(), re.MULTILINE)
    )
    for line in wanted:
        requirement = Requirement(line)
        # uv writes svg.py as svg-py.
        version = locked.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name} is not locked; run make lock."
        assert requirement.specifier.contains(version), f"{line}: {version}; run make lock."


def test_the_lowest_lock_holds_the_bounds_of_pyproject() -> None:
    """But for a bound between two releases, where it holds the first one above."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = dict(
        re.findall(r"^(\S+)==(\S+)", (ROOT / "requirements/lowest.txt").read_text(), re.MULTILINE)
    )
    bounds = {
        canonicalize_name(requirement.name): each.version
        for requirement in map(Requirement, table["dependencies"])
        for each in requirement.specifier
        if each.operator == ">="
    }
    assert bounds.keys() == {
        canonicalize_name(Requirement(each).name) for each in table["dependencies"]
    }
    for name, bound in bounds.items():
        assert f"{locked[name]}.0.0".startswith(f"{bound}."), f"{name}: {locked[name]}, not {bound}"
