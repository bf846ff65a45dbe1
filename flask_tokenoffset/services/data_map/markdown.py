"""The data map as a page of the reference docs: ``flask tokenoffset privacy map --markdown``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask_tokenoffset.services.data_map.inventory import what_may_be_held

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flask_tokenoffset.services.data_map.inventory import Held, HeldGroup

_HEAD: Final = """\
# Data map

Everything that is held or passes: each table, key, log value, message, file, cookie and job. The
page `/privacy/what-we-hold` says the same to everybody, with the periods that count on your site;
the ones here are the longest that there may be ([settings](settings.md)). An archive
of everything held about a person and the erasure of an account go by this map, and a column, a key
in Redis or a job's argument without an entry fails the tests.

This file is written by `flask tokenoffset privacy map --markdown`; change
`flask_tokenoffset/data_map/data/` instead.
"""


def to_markdown() -> str:
    """The whole map, with the longest periods that there may be."""
    held = what_may_be_held()
    parts = [_HEAD]
    for group in held.tables:
        parts += [f"## {group.title}\n", *map(_table, group.items)]
    parts.append("## Outside the database\n")
    parts += map(_elsewhere, held.elsewhere)
    parts.append("## Categories\n")
    parts.append(_rows(("category", "what it is"), held.words.items()))
    return "\n".join(parts)


def _table(item: Held) -> str:
    why_not = {name: reason for reason, names in item.kept_out.items() for name in names}
    columns = (
        (f"`{name}`", category, why_not.get(name, "yes") if item.about != "nobody" else "")
        for name, category in item.categories.items()
    )
    lines = [
        f"### {item.title} (`{item.name}`)\n",
        f"{item.holds}\n",
        f"- About: {item.about}.",
        f"- What for: {item.purpose}",
        f"- On which basis: {item.basis}",
        f"- How long: {item.kept_for}",
        f"- When the account is deleted: {item.erased}\n",
        _rows(("column", "category", "in the copy"), columns),
    ]
    return "\n".join(lines)


def _elsewhere(group: HeldGroup) -> str:
    rows = (
        (
            f"`{item.name}`",
            item.holds,
            ", ".join(f"`{name}` ({category})" for name, category in item.categories.items()),
            item.kept_for,
            item.erased,
        )
        for item in group.items
    )
    columns = ("name", "what", "values", "how long", "when the account is deleted")
    return f"### {group.title}\n\n{_rows(columns, rows)}"


def _rows(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join(_lines(columns, rows)) + "\n"


def _lines(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield f"|{'|'.join('---' for _ in columns)}|"
    for row in rows:
        yield f"| {' | '.join(map(_escaped, row))} |"


def _escaped(cell: str) -> str:
    return cell.replace("|", r"\|")
