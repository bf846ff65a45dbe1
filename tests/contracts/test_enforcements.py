"""Switching off any single guard of a promise turns a test of that promise red."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest

from flask_tokenoffset.cli.enforcements import all_enforcements
from flask_tokenoffset.data_map.enforcement import ENFORCEMENTS, Enforcement, enforces
from tests.contracts.enforcements import PROVED_BY
from tests.support.enforcement_off import run_without

if TYPE_CHECKING:
    from pathlib import Path

ASSERTION: Final = re.compile(r"^E +(assert|Failed: DID NOT RAISE|AssertionError)", re.MULTILINE)


def test_every_enforcement_has_its_test_and_no_other_is_listed() -> None:
    assert set(PROVED_BY) == set(all_enforcements())


@pytest.mark.parametrize("name", sorted(PROVED_BY))
def test_switching_an_enforcement_off_turns_a_promise_red(name: str, tmp_path: Path) -> None:
    enforcement = all_enforcements()[name]
    code, run = run_without(enforcement, PROVED_BY[name], tmp_path)
    # 1: tests were run and some failed. Anything else is a mistake of the run itself.
    assert code == 1, run.failed
    assert run.begun
    assert run.failed
    for promises, text in run.failed:
        assert promises & set(enforcement.promises), text
    # An assertion failed; a test that cannot even run without its guard proves nothing.
    assert any(ASSERTION.search(text) for _, text in run.failed), run.failed


def test_a_guard_is_back_when_the_run_without_it_ends(tmp_path: Path) -> None:
    name = "published-text-never-changes"
    enforcement = all_enforcements()[name]
    guard = enforcement.guard
    code, _ = run_without(enforcement, PROVED_BY[name], tmp_path)
    assert code == 1
    assert enforcement.guard is guard
    unneeded = Enforcement("unneeded", ("TO-001",), bool, off=True)
    code, run = run_without(unneeded, PROVED_BY[name], tmp_path / "again")
    assert (code, run.failed) == (0, [])
    assert run.begun


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
