"""``flask tokenoffset keys``: make master keys, and change from one to the next."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from flask_tokenoffset.clock import SystemClock
from flask_tokenoffset.services.key_rotation import ALL_SEALED, rewrap_batch, versions_in_use
from flask_tokenoffset.state import current_state
from flask_tokenoffset.vault import generate_key


@click.group(cls=AppGroup)
def keys() -> None:
    """The master keys that protect connected vendor keys and the tokens of linked identities."""


@keys.command(with_appcontext=False)
@click.option(
    "--version", help="The new key's name; it must differ from those in use.  [default: the month]"
)
def generate(version: str | None) -> None:
    """Print a new master key for TOKENOFFSET_KEYS. Needs no application.

    Only the key goes to standard output, so that it can be sent straight into a secret store.
    """
    click.echo(generate_key(version or f"{SystemClock().now():%Y-%m}"))
    click.echo(
        "Keep it in your secret store, and nowhere else: whoever has it and the database can read"
        " the connected keys, and without it nobody can.",
        err=True,
    )


@keys.command(short_help="Put every stored key under the primary master key.")
@click.option(
    "--batch-size",
    type=click.IntRange(1, 10_000),
    default=500,
    show_default=True,
    help="Keys wrapped anew in one transaction.",
)
def rotate(batch_size: int) -> None:
    """Put every stored key under the primary master key, the first in TOKENOFFSET_KEYS.

    Pages and workers go on meanwhile. If it is cut short, run it again.
    """
    state = current_state()
    primary = state.vault.primary_version
    rewrapped = 0
    for rows in ALL_SEALED:
        last_id, remaining = None, 1
        while remaining:
            with state.unit_of_work() as work:
                batch = rewrap_batch(
                    work.session, state.vault, after=last_id, limit=batch_size, rows=rows
                )
            rewrapped += batch.rewrapped
            last_id, remaining = batch.last_id, batch.remaining
            if batch.last_id is not None or rows is ALL_SEALED[0]:
                click.echo(f"{rewrapped} keys are now under {primary}, {remaining} to go.")
    with state.unit_of_work() as work:
        versions = versions_in_use(work.session)
    left = {version: count for version, count in versions.items() if version != primary}
    if left:
        raise click.ClickException(
            f"{sum(left.values())} keys are still under {', '.join(left)}; keep those master keys."
            " If the log says key-version-unknown, put the master key of that version back and"
            " run this again; if it says seal-broken, the person has to connect again; if it"
            " says nothing, a process with the old settings stored a key meanwhile: restart it"
            " and run this again."
        )
    click.echo(f"Every stored key is under {primary}. The older master keys may be retired.")


@keys.command()
def status() -> None:
    """Show how many stored keys each master key protects."""
    state = current_state()
    primary = state.vault.primary_version
    with state.unit_of_work() as work:
        versions = versions_in_use(work.session)
    for version, count in ({primary: 0} | versions).items():
        click.echo(f"{version}: {count}{'  (primary)' if version == primary else ''}")
    if versions.keys() - {primary}:
        click.echo("Run «flask tokenoffset keys rotate» before you retire an older master key.")
