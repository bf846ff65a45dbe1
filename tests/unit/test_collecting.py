"""Tests are collected in one order, whatever seed a process hashes with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


def collected(folder: Path, values: str, seed: str) -> tuple[int, str]:
    (folder / "test_inner.py").write_text(
        f"import pytest\n@pytest.mark.parametrize('word', {values})\ndef test_it(word): pass\n"
    )
    (folder / "pytest.ini").write_text("[pytest]\n")
    plugins = ["-p", "tests.support.collecting", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--collect-only", *plugins],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("values", ["set('abcdefgh')", "frozenset('abcdefgh')"])
def test_parameters_from_a_set_are_refused_with_the_reason(tmp_path: Path, values: str) -> None:
    code, output = collected(tmp_path, values, "1")
    assert code != 0
    assert "test_inner.py::test_it takes its parameters from a set" in output
    assert "Sort them" in output


def test_what_is_sorted_is_the_same_in_each_process(tmp_path: Path) -> None:
    values = "sorted(set('abcdefgh'))"
    first, second = (collected(tmp_path, values, seed) for seed in "12")
    assert first[0] == second[0] == 0
    names = [[line for line in each[1].splitlines() if "::" in line] for each in (first, second)]
    assert names[0] == names[1]
    assert len(names[0]) == 8
