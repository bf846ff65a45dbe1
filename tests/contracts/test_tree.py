"""The project names nothing that exists only where it happens to be written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.project_files import ROOT, project_files

if TYPE_CHECKING:
    from collections.abc import Iterator

# A bracket around one letter keeps a pattern from matching itself in this file.
RULES = {
    "a path of one machine": r"(?<![\w.:/<-])/(?:work|root|home|Users)/[\w.]",
    "a folder beside the project": r"(?:^|[^\w/.-])(?:\.\./)*shared[/]",
    "a package registry": r"index[-]url|find[-]links|[-]-registry|trusted[-]host"
    r"|resolved\": \"htt[p]"
    r"|://[^/\s\"']*(?:pythonhosted|npmjs|artifactory|nexus)\b|pypi\.org/simpl[e]",
    "work left for later": r"\b(?:TOD[O]|FIXM[E]|XX[X])\b",
}
ALLOWED = {
    # Compares the ledger with the list it was made from, where that stands beside the clone.
    ".ci/run": {"a folder beside the project"},
}


def faults_of(name: str, text: str) -> Iterator[str]:
    for rule, pattern in RULES.items():
        if rule in ALLOWED.get(name, set()):
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            if re.search(pattern, line):
                yield f"{name}:{number} names {rule}: {line.strip()[:100]}"


def test_no_file_names_what_it_should_not() -> None:
    faults: list[str] = []
    for name in project_files():
        path = ROOT / name
        try:
            text = path.read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue  # An image or a font, or a file that was just deleted.
        faults += faults_of(name, text)
    assert faults == []


@pytest.mark.parametrize(
    "line",
    [
        "see /ho" + "me/alice/notes",
        "cat ../sha" + "red/design.md",
        "as `sha" + "red/design.md` says",
        "pip install --index" + "-url https://example.test",
        "# TO" + "DO: later",
    ],
)
def test_a_line_that_names_it_is_found(line: str) -> None:
    assert list(faults_of("docs/page.md", line))


@pytest.mark.parametrize(
    "line", ["templates/tokenoffset/shared/field.html", "https://pypi.org/project/flask/", "/homes"]
)
def test_an_innocent_line_passes(line: str) -> None:
    assert not list(faults_of("docs/page.md", line))
