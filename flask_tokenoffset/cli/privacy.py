"""``flask tokenoffset privacy``: what is held, and whether the promises about it are kept."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import click
from flask.cli import AppGroup
from sqlalchemy import inspect

from flask_tokenoffset.cli.enforcements import all_enforcements
from flask_tokenoffset.data_map import load
from flask_tokenoffset.data_map.promises import promises
from flask_tokenoffset.models import TABLE_PREFIX
from flask_tokenoffset.services.data_map.markdown import to_markdown
from flask_tokenoffset.services.erasures.host_hook import unanswered
from flask_tokenoffset.services.privacy import promise_checks
from flask_tokenoffset.services.retention.purge import standings
from flask_tokenoffset.services.rights_requests.queue import overdue
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flask_tokenoffset.services.privacy.promise_checks import Answered

#: What the migrations keep for themselves.
_NOT_OURS_TO_MAP: Final = "alembic_version"
#: What is open about a deletion; see :class:`.Unanswered`.
_SAID_OF_DELETIONS: Final = {
    "host": "the host's hook has not answered",
    "purge": "it does not come to its end",
}


@click.group(cls=AppGroup)
def privacy() -> None:
    """What is held of people, and whether what was promised about it is kept."""


@privacy.command("map", short_help="Print everything that is held.", with_appcontext=False)
@click.option("--markdown", is_flag=True, help="As the page of the reference docs.")
def map_command(*, markdown: bool) -> None:
    """Print the data map: a line for each table and for each thing outside the database."""
    if markdown:
        click.echo(to_markdown(), nl=False)
        return
    data_map = load()
    for table in data_map.tables.values():
        click.echo(
            f"{table.name}: {_count(len(table.columns), 'column')}, {len(table.exported)} in the"
            f" copy; {table.basis}; kept by the rule {table.retention}; {table.erasure}"
        )
    for entry in data_map.elsewhere:
        click.echo(f"{entry.kind} {entry.name}: {entry.basis}; {entry.retention}; {entry.erasure}")


@privacy.command(short_help="Check what was promised.")
def report() -> None:
    """Print the map in short, what is overdue, and every promise check; exit with 1 on a violation.

    The checks look at the live database and change nothing.
    """
    state = current_state()
    missing = _without_entry()
    _print_map(missing)
    _print_overdue()
    answers = promise_checks.ask_all(state.session, state.settings, state.clock.now())
    _print_checks(answers)
    _print_enforcements()
    violations = sum(answer.violations for answer in answers) + len(missing)
    if violations:
        raise click.ClickException(f"{_count(violations, 'violation')} found; see above.")
    click.echo("No violation found.")


def _without_entry() -> list[str]:
    """Columns of the live database that the map does not name."""
    inspector = inspect(current_state().engine)
    tables = load().tables
    return sorted(
        f"{name}.{column['name']}"
        for name in inspector.get_table_names()
        if name.startswith(TABLE_PREFIX) and not name.endswith(_NOT_OURS_TO_MAP)
        for column in inspector.get_columns(name)
        if (table := tables.get(name.removeprefix(TABLE_PREFIX))) is None
        or column["name"] not in table.columns
    )


def _print_map(missing: list[str]) -> None:
    data_map = load()
    columns = [
        (table, column) for table in data_map.tables.values() for column in table.columns.values()
    ]
    click.echo(
        f"The map: {_count(len(columns), 'column')} of {_count(len(data_map.tables), 'table')}, and"
        f" {len(data_map.elsewhere)} things outside the database."
    )
    _print_counts("by basis", data_map.bases, (table.basis for table, _ in columns))
    _print_counts("by category", data_map.categories, (column.category for _, column in columns))
    _print_counts("when an account is deleted", data_map.erasures, _erasures())
    click.echo(f"  without an entry: {len(missing)}")
    for name in missing:
        click.echo(f"    {name}")


def _erasures() -> Iterable[str]:
    for table in load().tables.values():
        for column in table.columns:
            yield table.erasure_of(column)


def _print_counts(title: str, order: Iterable[str], words: Iterable[str]) -> None:
    counted = Counter(words)
    said = ", ".join(f"{word} {counted[word]}" for word in order if counted[word])
    click.echo(f"  {title}: {said}")


def _print_overdue() -> None:
    state = current_state()
    requests = overdue(state.session, state.clock.now())
    click.echo(f"Overdue: {_count(len(requests), 'privacy request')}.")
    for request in requests:
        click.echo(f"  {request.id} ({request.kind}), due {request.due_at:%Y-%m-%d %H:%M} UTC")
    unfinished = unanswered(state.session)
    click.echo(f"Deletions: {_count(len(unfinished), 'open matter')}.")
    for matter in unfinished:
        click.echo(
            f"  {matter.erasure_id}: {_SAID_OF_DELETIONS[matter.what]} after"
            f" {_count(matter.attempts, 'attempt')}, since {matter.since:%Y-%m-%d %H:%M} UTC"
            f"{', given up' if matter.given_up else ''}"
        )
    late = [each for each in standings(state.session, state.settings) if each.is_late]
    click.echo(f"Purge: {_count(len(late), 'rule')} late.")
    for standing in late:
        click.echo(f"  {standing.rule.name}")


def _print_checks(answers: list[Answered]) -> None:
    click.echo(f"Promise checks: {len(answers)}.")
    for answer in answers:
        check = answer.check
        standing = f"{answer.violations} {check.counts}" if answer.violations else "kept"
        click.echo(f"  {check.name} ({', '.join(check.promises)}): {standing}")
        if answer.violations:
            for number in check.promises:
                click.echo(f"    {number}: {promises()[number]}")


def _print_enforcements() -> None:
    enforcements = all_enforcements()
    click.echo(f"What keeps them: {_count(len(enforcements), 'enforcement')}.")
    for name, enforcement in sorted(enforcements.items()):
        click.echo(f"  {name}: {', '.join(enforcement.promises)}")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
