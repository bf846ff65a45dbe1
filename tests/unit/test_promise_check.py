"""The promise check judges a run of marked tests as its rules say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
LEDGER = """
- {id: TO-001, from: 000, proof: behaviour, promise: "First."}
- {id: TO-002, from: 000, proof: absence, promise: "Second."}
- {id: TO-003, from: 000, proof: page, promise: "Third."}
"""
PASSING = "@pytest.mark.promise('TO-001')\ndef test_kept(): pass\n"
FAILING = "@pytest.mark.promise('TO-001')\ndef test_broken(): raise ValueError\n"


class Project:
    """A small suite with a ledger of its own, run by a real pytest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("promises.yaml", LEDGER)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def run_tests(self, body: str, *options: str) -> None:
        self.write("test_sample.py", f"import pytest\n{body}")
        plugins = ["-p", "tests.support.promise_report", "-p", "no:cacheprovider"]
        command = [sys.executable, "-m", "pytest", "-q", *plugins, f"--rootdir={self.folder}"]
        command += ["-o", "markers=promise", f"--promise-report={self.folder / 'report.json'}"]
        subprocess.run(
            [*command, *options, str(self.folder / "test_sample.py")],
            check=False,
            capture_output=True,
            cwd=ROOT,
            env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        )

    def check(self, *options: str) -> tuple[int, str]:
        command = [sys.executable, "tools/promises.py", f"--report={self.folder / 'report.json'}"]
        done = subprocess.run(
            [*command, f"--ledger={self.folder / 'promises.yaml'}", *options],
            check=False,
            capture_output=True,
            text=True,
            cwd=ROOT,
        )
        return done.returncode, done.stdout + done.stderr


def state_of(promise: str, output: str) -> str:
    row = next(line for line in output.splitlines() if line.startswith(promise))
    return row[len(promise) :].split("  ")[1].strip()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_a_row_is_kept_when_its_test_passes_and_the_others_are_not_yet(project: Project) -> None:
    project.run_tests(PASSING)
    status, output = project.check()
    assert status == 0
    assert state_of("TO-001", output) == "kept"
    assert state_of("TO-002", output) == "not yet"
    assert "3 promises: 1 kept, 0 broken, 2 not yet." in output


def test_one_failing_test_breaks_a_row_that_another_one_keeps(project: Project) -> None:
    project.run_tests(PASSING + FAILING)
    status, output = project.check()
    assert status == 1
    assert state_of("TO-001", output) == "broken"


@pytest.mark.parametrize("phase", ["set-up", "tear-down"])
def test_a_failing_fixture_breaks_the_row(project: Project, phase: str) -> None:
    steps = ["raise ValueError", "yield"] if phase == "set-up" else ["yield", "raise ValueError"]
    fixture = f"@pytest.fixture\ndef broken():\n    {steps[0]}\n    {steps[1]}\n"
    project.run_tests(fixture + PASSING.replace("test_kept()", "test_kept(broken)"))
    assert project.check()[0] == 1


@pytest.mark.parametrize("reason", ["skip(reason='no time')", "xfail(strict=False)"])
def test_a_test_that_proves_nothing_keeps_nothing(project: Project, reason: str) -> None:
    project.run_tests(f"{PASSING}@pytest.mark.{reason}\n{PASSING.replace('kept', 'idle')}")
    status, output = project.check()
    assert status == 0
    assert state_of("TO-001", output) == "not yet"


def test_a_mark_that_names_no_row_is_refused(project: Project) -> None:
    project.run_tests(PASSING.replace("TO-001", "TO-999"))
    status, output = project.check()
    assert status == 1
    assert "test_kept is marked with TO-999" in output


def test_a_required_row_has_to_be_kept(project: Project) -> None:
    project.run_tests(PASSING)
    assert project.check("--require=TO-001")[0] == 0
    status, output = project.check("--require=TO-001..TO-002")
    assert status == 1
    assert "TO-002 is required, and is not kept: Second." in output


def test_a_list_of_required_rows_is_read_from_a_file(project: Project) -> None:
    project.run_tests(PASSING)
    required = project.write("required.txt", "# The first part.\nTO-001 # kept\n")
    assert project.check(f"--require-file={required}")[0] == 0
    required.write_text("TO-001\nTO-004\n")
    status, output = project.check(f"--require-file={required}")
    assert status == 1
    assert "TO-004 is required, and is not a row" in output


@pytest.mark.parametrize("nonsense", ["TO-1", "all", "TO-001..TS-002", "TO-001..soon"])
def test_a_list_with_something_else_than_ids_is_refused(project: Project, nonsense: str) -> None:
    project.run_tests(PASSING)
    assert project.check(f"--require={nonsense}")[0] != 0


def test_a_ledger_that_says_something_else_than_another_is_refused(project: Project) -> None:
    project.run_tests(PASSING)
    other = project.write("other.yaml", f"# Another header.{LEDGER}")
    assert project.check(f"--same-as={other}")[0] == 0
    other.write_text(LEDGER.replace("Second.", "Second, on Sundays."))
    status, output = project.check(f"--same-as={other}")
    assert status == 1
    assert "TO-002 is not the same" in output


def test_outcomes_reach_the_report_from_parallel_workers(project: Project) -> None:
    project.run_tests(PASSING + FAILING, "-n2", "-p", "xdist.plugin")
    status, output = project.check()
    assert status == 1
    assert "2 tests" in output


def test_the_projects_own_ledger_can_be_read(project: Project) -> None:
    project.run_tests(PASSING)
    status, output = project.check(f"--ledger={ROOT / 'docs' / 'promises.yaml'}")
    assert status == 0
    assert "97 promises" in output
