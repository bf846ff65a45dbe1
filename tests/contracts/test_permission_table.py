"""The page about permissions says what the code decides."""

from __future__ import annotations

import re
from pathlib import Path

from click.testing import CliRunner

from flask_tokenoffset.cli import tokenoffset
from flask_tokenoffset.permissions import ROLES, Permission, Role, may_grant

PAGE = Path(__file__).parent.parent.parent / "docs" / "reference" / "permissions.md"


def section(title: str) -> str:
    """The text under a heading of the page."""
    parts = re.split(r"^## (.*)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))[title]


def cells(text: str) -> list[list[str]]:
    """The rows of a table but for its head."""
    rows = [line.strip("|\n").split("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def test_the_documented_table_is_the_one_that_the_command_prints() -> None:
    printed = CliRunner().invoke(tokenoffset, ["permissions"])
    assert printed.exit_code == 0, printed.output
    documented = "".join(
        line for line in section("Who holds what").splitlines(keepends=True) if line[0] == "|"
    )
    assert documented == printed.output


def test_the_printed_table_is_what_the_code_decides() -> None:
    for name, *marks in cells(CliRunner().invoke(tokenoffset, ["permissions"]).output):
        permission = Permission(name.strip("`"))
        for role, mark in zip(
            (Role.OWNER, Role.ADMIN, Role.AUDITOR, Role.MEMBER), marks, strict=False
        ):
            assert (mark == "yes") == (permission in ROLES[role]), (permission, role)


def test_every_permission_is_explained_and_no_other() -> None:
    explained = [name.strip("`") for name, _ in cells(section("What each allows"))]
    assert explained == [str(permission) for permission in Permission]


def test_who_may_give_which_role_is_what_the_code_decides() -> None:
    words = {
        "every role": set(Role),
        "admin, auditor, member": {Role.ADMIN, Role.AUDITOR, Role.MEMBER},
        "none": set(),
    }
    seen = set()
    for acting, _, given in cells(section("Who may give which role")):
        for name in acting.split(", "):
            seen.add(Role(name))
            assert {role for role in Role if may_grant(Role(name), role)} == words[given], name
    assert seen == set(Role)
