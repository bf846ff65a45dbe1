"""Switching off any single guard of a promise turns a test of that promise red."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from flask_tokenoffset.cli.enforcements import all_enforcements
from flask_tokenoffset.data_map.enforcement import (
    ENFORCEMENTS,
    enforces,
)
from tests.contracts.enforcements import PROVED_BY

ROOT = Path(__file__).parents[2]


def test_every_enforcement_has_its_test_and_no_other_is_listed() -> None:
    assert set(PROVED_BY) == set(all_enforcements())


@pytest.mark.parametrize("name", sorted(PROVED_BY))
def test_switching_an_enforcement_off_turns_a_promise_red(name: str, tmp_path: Path) -> None:
    report = tmp_path / "promises.json"
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *("-p", "tests.support.enforcement_off", PROVED_BY[name]),
            *("--promise-report", str(report)),
        ],
        cwd=ROOT,
        env={**os.environ, "ENFORCEMENT_OFF": name},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    # 1: tests were run and some failed. Anything else is a mistake of the run itself.
    assert run.returncode == 1, run.stdout[-3000:] + run.stderr[-2000:]
    failed = [
        each for each in json.loads(report.read_text())["tests"] if each["outcome"] == "failed"
    ]
    assert failed, run.stdout[-3000:]
    for each in failed:
        assert set(each["promises"]) & set(all_enforcements()[name].promises), each
    # An assertion failed; a test that cannot even run without its guard proves nothing.
    assert re.search(r"^E +(assert|Failed: DID NOT RAISE|AssertionError)", run.stdout, re.MULTILINE)


def test_a_name_is_given_once_and_a_guard_names_its_promises() -> None:
    with pytest.raises(ValueError, match="names no promise"):
        enforces("of-nothing", off=None)(print)
    taken = enforces("a-guard-of-this-test", "TO-001", off=True)(bool)
    try:
        assert taken(1) is True
        with pytest.raises(ValueError, match="already"):
            enforces("a-guard-of-this-test", "TO-001", off=True)(bool)
    finally:
        del ENFORCEMENTS["a-guard-of-this-test"]
