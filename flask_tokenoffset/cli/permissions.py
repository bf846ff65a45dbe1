"""``flask tokenoffset permissions``: print who may do what."""

from __future__ import annotations

from typing import Final

import click

from flask_tokenoffset.permissions import OPERATOR, OWN_ACCOUNT, PUBLIC, ROLES, Permission, Role

_COLUMNS: Final = {
    **{str(role): ROLES[role] for role in (Role.OWNER, Role.ADMIN, Role.AUDITOR, Role.MEMBER)},
    "own account": OWN_ACCOUNT,
    "operator": OWN_ACCOUNT | OPERATOR,
    "visitor": PUBLIC,
}


@click.command("permissions", short_help="Print who may do what.")
def permissions() -> None:
    """Print which role holds which permission, as a table in Markdown."""
    click.echo(matrix(), nl=False)


def matrix() -> str:
    """Who holds what: a row for each permission, a column for each role and place."""
    rows = [["permission", *_COLUMNS], ["---", *(":-:" for _ in _COLUMNS)]]
    for permission in Permission:
        marks = ["yes" if permission in held else "" for held in _COLUMNS.values()]
        rows.append([f"`{permission}`", *marks])
    return "".join(f"| {' | '.join(row)} |\n".replace("  ", " ") for row in rows)
