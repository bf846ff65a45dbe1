"""What runs by itself runs what contributors run, with no more rights than it needs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml

from tests.support.project_files import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

WORKFLOWS: Final = sorted((ROOT / ".github/workflows").glob("*.yml"))
HOOKS: Final = ROOT / ".pre-commit-config.yaml"
#: What a job may run beside a target of make.
PREPARATION: Final = "sudo apt-get update && sudo apt-get install --yes redis-server"


def read(workflow: Any) -> Any:
    return yaml.safe_load(workflow.read_text(encoding="utf-8"))


def jobs() -> Iterator[Any]:
    for workflow in WORKFLOWS:
        yield from read(workflow)["jobs"].values()


def steps() -> Iterator[Any]:
    for job in jobs():
        yield from job["steps"]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_read_the_code_and_nothing_more(workflow: Any) -> None:
    whole = read(workflow)
    assert whole["permissions"] == {"contents": "read"}
    for job in whole["jobs"].values():
        assert "permissions" not in job
        assert job["timeout-minutes"] <= 60
    text = workflow.read_text(encoding="utf-8")
    assert "secrets." not in text
    assert "pull_request_target" not in text


def test_actions_are_pinned_by_commit_and_say_their_version() -> None:
    lines = [
        line
        for workflow in WORKFLOWS
        for line in workflow.read_text(encoding="utf-8").splitlines()
        if "uses:" in line
    ]
    assert lines
    for line in lines:
        assert re.search(r"uses: actions/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line
    for step in steps():
        if "actions/checkout" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False


def test_a_workflow_runs_targets_of_make() -> None:
    commands = {step["run"] for step in steps() if "run" in step} - {PREPARATION}
    assert commands
    for command in commands:
        assert re.fullmatch(r"make (\$\{\{ matrix\.target \}\}|[a-z-]+)", command), command


def test_hooks_fetch_nothing_and_use_the_virtual_environment() -> None:
    repositories = read(HOOKS)["repos"]
    assert [each["repo"] for each in repositories] == ["local"]
    for hook in repositories[0]["hooks"]:
        assert hook["language"] == "system"
        assert re.match(r"make [a-z-]+$|\.venv/bin/ruff ", hook["entry"]), hook["id"]


def test_every_target_of_make_that_is_named_exists() -> None:
    rules = re.findall(
        r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
    )
    pages = [*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")]
    named = {
        target
        for page in pages
        for command in re.findall(
            r"(?:^ {4}|`)make((?: [a-z-]+)+)", page.read_text(encoding="utf-8"), re.MULTILINE
        )
        for target in command.split()
    }
    for job in jobs():
        named |= set(job.get("strategy", {}).get("matrix", {}).get("target", []))
    for hook in read(HOOKS)["repos"][0]["hooks"]:
        named |= set(re.findall(r"^make ([a-z-]+)$", hook["entry"]))
    assert {"quick", "test", "lint", "build"} <= named
    assert named <= set(rules)
