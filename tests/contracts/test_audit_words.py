"""What is noted in the audit log is declared: each action, each subject, each detail."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from flask_tokenoffset.models import AUDIT_DETAILS, AUDIT_SUBJECTS, AuditAction
from flask_tokenoffset.services.audit.log import BEFORE

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE: Final = Path(__file__).parent.parent.parent / "flask_tokenoffset"
#: Where every action has a name or a sentence, which notes nothing.
NAMING_ALL: Final = {"models/audit.py", "blueprints/audit/sentences.py"}
#: What ``UnitOfWork.record`` takes itself.
OWN: Final = {"account_id", "subject_type", "subject_id", "actor_id"}


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Every call of ``work.record``, with where it stands."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "record"
                and isinstance(node.func.value, ast.Name)
            ):
                yield f"{path.relative_to(PACKAGE)}:{node.lineno}", node


def test_calls_are_found() -> None:
    assert len(list(calls())) >= 5


def test_every_detail_and_every_subject_is_declared() -> None:
    for where, call in calls():
        for keyword in call.keywords:
            if keyword.arg == "subject_type" and isinstance(keyword.value, ast.Constant):
                assert keyword.value.value in AUDIT_SUBJECTS, where
            elif keyword.arg is not None and keyword.arg not in OWN:
                assert keyword.arg.removesuffix(BEFORE) in AUDIT_DETAILS, (where, keyword.arg)


@pytest.mark.promise("TO-045")
def test_every_action_is_noted_somewhere() -> None:
    text = "\n".join(
        path.read_text(encoding="utf-8")
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).as_posix() not in NAMING_ALL
    )
    named = {name for name in AuditAction.__members__ if f"AuditAction.{name}" in text}
    assert named == set(AuditAction.__members__)
