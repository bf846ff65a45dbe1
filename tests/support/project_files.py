"""The files of the project itself: what a clone holds, without what was made in it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent.parent
#: Folders that tools make; a copy without git has no other way to know them.
MADE: Final = frozenset({".demo", ".hypothesis", "__pycache__", "build", "dist", "instance"})
MADE_BY_TOOLS: Final = (".venv", ".mypy_cache", ".pytest_cache", ".ruff_cache")


def project_files() -> list[str]:
    """What git tracks or would track, without deleted files; a copy without git is walked."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
    )
    if listing.returncode == 0:
        return sorted({name for name in listing.stdout.splitlines() if (ROOT / name).is_file()})
    return sorted(
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*")
        if path.is_file() and not any(_is_made(part) for part in path.relative_to(ROOT).parts)
    )


def _is_made(part: str) -> bool:
    return part in MADE or part.startswith(MADE_BY_TOOLS)
