"""``flask tokenoffset retention``: how long what is kept, and erasing again after a restore."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import IO, TYPE_CHECKING

import click
from flask import current_app
from flask.cli import AppGroup

from flask_tokenoffset.cli.audit import count, former_secrets_option
from flask_tokenoffset.services.erasures.immediate import forget_again
from flask_tokenoffset.services.erasures.tombstones import (
    Mark,
    TombstoneKeys,
    find_returned,
    read_marks,
)
from flask_tokenoffset.services.retention import legal_holds, purge
from flask_tokenoffset.services.retention.retained_records import read_retained_records
from flask_tokenoffset.services.retention.table import periods, plans, to_markdown
from flask_tokenoffset.state import current_state
from flask_tokenoffset.tasks.purging import delete_old_request_logs, purge_now

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID


@click.group(cls=AppGroup)
def retention() -> None:
    """How long things are kept, and what happens to whoever was erased."""


@retention.command()
@click.option("--markdown", is_flag=True, help="The longest periods, as the page of the docs.")
def show(markdown: bool) -> None:
    """Print how long everything is kept on this site."""
    if markdown:
        click.echo(to_markdown(), nl=False)
        return
    settings = current_state().settings
    for period in periods(settings):
        click.echo(f"{period.rule.name}: {period.kept}. {period.then} ({period.rule.title})")
    for name, days in plans(settings).items():
        click.echo(f"plan {name}: usage for {count(days, 'day')}")


@retention.command()
@click.argument("rules", nargs=-1, type=click.Choice(sorted(purge.steps())))
def run(rules: tuple[str, ...]) -> None:
    """Delete now whatever was kept long enough, of these RULES or of all.

    The schedule does the same once a day. It may be stopped at any time, and called by several at
    once.
    """
    state = current_state()
    purged = purge_now(state, rules or purge.steps())
    if not rules and (files := delete_old_request_logs(state)):
        purged["request-log"] = files
    for rule, rows in purged.items():
        click.echo(f"{rule}: {count(rows, 'row')} deleted.")
    click.echo("Nothing is left that was kept long enough.")


@retention.command()
def report() -> None:
    """Print where the purge stands with each rule, and exit with 1 if one is over a day late."""
    state = current_state()
    late = []
    for each in purge.standings(state.session, state.settings):
        progress = each.progress
        if progress is None:
            click.echo(f"{each.rule.name}: never looked at yet")
            continue
        when = progress.finished_at
        stands = "under way" if progress.position is not None else "done"
        last = "never finished" if when is None else f"finished {when:%Y-%m-%d %H:%M} UTC"
        click.echo(
            f"{each.rule.name}: {stands}, {last}, {count(progress.rows_purged, 'row')} deleted,"
            f" {progress.lag_seconds // 3600} hours late"
        )
        if each.is_late:
            late.append(each.rule.name)
    if late:
        raise click.ClickException(
            f"Over a day late: {', '.join(late)}. Let the schedule tick every minute, and see in"
            " the log what keeps the purge."
        )


@retention.command(short_help="Keep named records of an account for a legal reason.")
@click.argument("account_id", type=click.UUID)
@click.argument("table", type=click.Choice(legal_holds.tables_to_hold()))
@click.option("--record", "record_id", type=click.UUID, help="One record; all without it.")
@click.option("--reason", required=True, help="Why, for example a file number; no names.")
@click.option(
    "--until",
    required=True,
    type=click.DateTime(["%Y-%m-%d"]),
    help="The last day on which it is held, in UTC.",
)
def hold(
    account_id: UUID, table: str, record_id: UUID | None, reason: str, until: datetime
) -> None:
    """Keep records of an account in a TABLE from being purged and erased, until an end."""
    state = current_state()
    with state.unit_of_work() as work:
        placed = legal_holds.place_hold(
            work,
            account_id=account_id,
            table=table,
            record_id=record_id,
            reason=reason,
            held_until=until.replace(tzinfo=UTC) + timedelta(days=1),
            now=state.clock.now(),
        )
        click.echo(f"Hold {placed.id} is placed.")


@retention.command()
def holds() -> None:
    """Print the holds in force."""
    state = current_state()
    for each in legal_holds.holds_in_force(state.session, state.clock.now()):
        which = "all" if each.record_id is None else str(each.record_id)
        click.echo(
            f"{each.id}: {each.table_name} of account {each.account_id}, {which}, until"
            f" {each.held_until:%Y-%m-%d %H:%M} UTC: {each.reason}"
        )


@retention.command()
@click.argument("hold_id", type=click.UUID)
def lift(hold_id: UUID) -> None:
    """End a hold before its time. What it kept goes with the next run."""
    state = current_state()
    with state.unit_of_work() as work:
        legal_holds.lift_hold(work, hold_id, state.clock.now())
    click.echo("The hold is lifted.")


@retention.command(short_help="Print who was erased, to be kept outside of the database.")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="Only those erased from then on, in UTC.",
)
def tombstones(since: datetime | None) -> None:
    """Print the tombstones as JSON Lines: keyed digests that name nobody.

    Keep them where no restore of the database reaches, at least as often as it is copied. After a
    restore, give them to «retention replay».
    """
    after = None if since is None else since.replace(tzinfo=UTC)
    for mark in read_marks(current_state().session, since=after):
        click.echo(
            json.dumps(
                {
                    "user_digest": mark.user_digest,
                    "key_id": mark.key_id,
                    "erased_at": mark.erased_at.isoformat(),
                }
            )
        )


@retention.command(short_help="Erase again whoever an older copy brought back.")
@click.argument("file", type=click.File(encoding="utf-8"), required=False)
@former_secrets_option
def replay(file: IO[str] | None, former_secrets: IO[str] | None) -> None:
    """Erase everybody once more who was erased and is there again, after a restore.

    FILE is what «retention tombstones» printed; «-» reads it from standard input, and without one
    the table is read, which the restore may have set back as well. Run it before the application
    serves anybody. Whoever came back by themselves after their erasure stays. Run it any number of
    times: each is erased once.
    """
    state = current_state()
    keys = _keys(former_secrets)
    marks = list(read_marks(state.session) if file is None else _read(file))
    returned, unknown = find_returned(state.session, marks, keys=keys)
    state.session.rollback()
    erased = 0
    for each in returned:
        with state.unit_of_work() as work:
            erased += forget_again(work, each, state.erasure_means)
    click.echo(f"{count(len(marks), 'tombstone')} read, {count(erased, 'person')} erased again.")
    if unknown:
        raise click.ClickException(
            f"{count(unknown, 'tombstone')} could not be compared: they were made with a secret"
            " that is neither SECRET_KEY nor in SECRET_KEY_FALLBACKS. Give it in --former-secrets"
            " and run this again."
        )


@retention.command(short_help="Print what law requires to be kept of erased accounts.")
def remains() -> None:
    """Print the legal remains as JSON Lines, for whoever has to show the books.

    Each names an account by its number alone, says why it is kept, and until when.
    """
    for record in read_retained_records(current_state().session):
        click.echo(
            json.dumps(
                {
                    "account_id": str(record.account_id),
                    "kind": record.kind,
                    "basis": record.basis,
                    "month": None if record.month is None else record.month.isoformat(),
                    "amount_cents": record.amount_cents,
                    "payer": record.payer,
                    "method_version": record.method_version,
                    "programmes": record.programmes,
                    "kept_until": record.kept_until.isoformat(),
                }
            )
        )


def _keys(former_secrets: IO[str] | None) -> TombstoneKeys:
    former = list(current_app.config.get("SECRET_KEY_FALLBACKS") or ())
    if former_secrets is not None:
        former += [line.rstrip("\r\n") for line in former_secrets if line.strip()]
    return TombstoneKeys.derive(current_app.secret_key, former)


def _read(file: IO[str]) -> Iterator[Mark]:
    """The tombstones in a file, one by one.

    :raises ClickException: a line is none of ours.
    """
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            noted = json.loads(line)
            erased_at = datetime.fromisoformat(noted["erased_at"])
            mark = Mark(str(noted["user_digest"]), str(noted["key_id"]), erased_at)
            if erased_at.tzinfo is None:
                raise ValueError(number)
        except (ValueError, KeyError, TypeError):
            raise click.ClickException(
                f"Line {number} is not what «retention tombstones» prints, so nobody was erased."
                " Correct the file and run this again."
            ) from None
        yield mark
