"""``flask tokenoffset consents``: verify the ledger of consents."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

import click
from flask.cli import AppGroup

from flask_tokenoffset.cli.audit import (
    count,
    former_secrets_option,
    keys_of,
    noted_heads,
    print_fault,
)
from flask_tokenoffset.services.audit.verification import compare_heads
from flask_tokenoffset.services.consents.verification import verify
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from uuid import UUID


@click.group(cls=AppGroup)
def consents() -> None:
    """The consent ledger: who agreed to what, and when they took it back."""


@consents.command("verify", short_help="Look for anything that was done to the ledger.")
@click.option("--account", "account_id", type=click.UUID, help="One account's ledger only.")
@click.option(
    "--heads",
    "heads_file",
    type=click.File(encoding="utf-8"),
    help="What «audit heads» printed some time ago; «-» reads it from standard input.",
)
@former_secrets_option
def verify_command(
    account_id: UUID | None, heads_file: IO[str] | None, former_secrets: IO[str] | None
) -> None:
    """Verify the audit log, and compare the ledger with what it says was written.

    Exits with 1 if anything is not as it was written. With --heads it also finds a ledger and an
    audit log that were put back to how they were together.
    """
    session = current_state().session
    verified = verify(session, keys_of(former_secrets), print_fault, account_id=account_id)
    looked_at = (
        f"{count(verified.events, 'consent event')} in {count(verified.ledgers, 'ledger')},"
        f" {count(verified.audit_events, 'audit event')}"
    )
    faults = verified.faults
    if heads_file is not None:
        compared = compare_heads(session, noted_heads(heads_file, account_id), print_fault)
        looked_at += f", {count(compared.heads, 'noted head')}"
        faults += compared.faults
    if faults:
        raise click.ClickException(f"{count(faults, 'fault')} found in {looked_at}.")
    click.echo(f"All is as it was written: {looked_at}.")
