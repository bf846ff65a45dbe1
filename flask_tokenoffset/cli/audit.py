"""``flask tokenoffset audit``: verify the audit log, and note outside where it stands."""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING, Final
from uuid import UUID

import click
from flask import current_app
from flask.cli import AppGroup

from flask_tokenoffset.services.audit.chain import AuditKeys
from flask_tokenoffset.services.audit.log import reseal_batch
from flask_tokenoffset.services.audit.verification import Head, compare_heads, read_heads, verify
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask_tokenoffset.services.audit.verification import Fault

#: Events of a chain that a database could count.
_LONGEST: Final = 2**63 - 1

#: For every command that compares with what a former secret signed.
former_secrets_option: Final = click.option(
    "--former-secrets",
    type=click.File(encoding="utf-8"),
    help="Secrets that are no longer in SECRET_KEY_FALLBACKS, one a line.",
)


@click.group(cls=AppGroup)
def audit() -> None:
    """The audit log: who did what, in an unbroken chain for each account."""


@audit.command("verify", short_help="Look for anything that was done to the log.")
@click.option("--account", "account_id", type=click.UUID, help="One account's chain only.")
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
    """Look at every event of every chain, and exit with 1 if anything is not as it was written.

    With --heads it also finds a chain that was put back to how it was, that vanished whole, or that
    was written anew by somebody who has the secret.
    """
    session = current_state().session
    verified = verify(session, keys_of(former_secrets), print_fault, account_id=account_id)
    looked_at = f"{count(verified.events, 'event')} in {count(verified.chains, 'chain')}"
    faults = verified.faults
    if heads_file is not None:
        compared = compare_heads(session, noted_heads(heads_file, account_id), print_fault)
        looked_at += f", {count(compared.heads, 'noted head')}"
        if compared.released:
            looked_at += f" ({compared.released:,} of them of accounts that nothing is kept of)"
        faults += compared.faults
    if faults:
        raise click.ClickException(f"{count(faults, 'fault')} found in {looked_at}.")
    click.echo(f"All is as it was written: {looked_at}.")


@audit.command()
def heads() -> None:
    """Print where every chain stands, as JSON Lines, to be kept outside of this database.

    Keep it where whoever can write to the database cannot write, and give it to «audit verify
    --heads» later.
    """
    for head in read_heads(current_state().session):
        click.echo(
            json.dumps(
                {
                    "account_id": str(head.account_id),
                    "length": head.length,
                    "head_digest": head.head_digest,
                }
            )
        )


@audit.command(short_help="Seal every chain with the present secret.")
@click.option(
    "--accept",
    "accepted",
    type=click.UUID,
    multiple=True,
    metavar="ACCOUNT",
    help="Seal this account's chain as it stands, although its seal does not fit.",
)
def reseal(accepted: tuple[UUID, ...]) -> None:
    """Seal the end of every chain with the present SECRET_KEY.

    Run it after SECRET_KEY was changed and before the former one leaves SECRET_KEY_FALLBACKS: what
    is appended to a chain whose seal cannot be checked never gets one that fits. The events stay as
    they were signed; keep the former secret for «audit verify --former-secrets».
    """
    state = current_state()
    resealed, last_id, left = 0, None, list[UUID]()
    while True:
        with state.unit_of_work() as work:
            batch = reseal_batch(work.session, state.audit_keys, after=last_id, accept=accepted)
        resealed += batch.resealed
        left += batch.left
        last_id = batch.last_id
        if last_id is None:
            break
    click.echo(f"{count(resealed, 'chain')} sealed anew.")
    if left:
        for account_id in left:
            click.echo(f"{account_id}: its seal does not fit, or its secret is not known.")
        raise click.ClickException(
            f"Not sealed anew: {count(len(left), 'chain')}. Put the secret they were sealed with"
            " into SECRET_KEY_FALLBACKS and run this again. If that is not it, run «audit verify»."
        )


def keys_of(former_secrets: IO[str] | None) -> AuditKeys:
    """The keys of every secret that ever signed.

    :param former_secrets: a file with those that are no longer configured, one a line.
    """
    former = list(current_app.config.get("SECRET_KEY_FALLBACKS") or ())
    if former_secrets is not None:
        former += [line.rstrip("\r\n") for line in former_secrets if line.strip()]
    return AuditKeys.derive(current_app.secret_key, former)


def noted_heads(file: IO[str], account_id: UUID | None) -> Iterator[Head]:
    """The heads in a file, one by one.

    :raises ClickException: a line is none of ours.
    """
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            noted = json.loads(line)
            head = Head(UUID(noted["account_id"]), int(noted["length"]), str(noted["head_digest"]))
            if not 0 < head.length <= _LONGEST:
                raise ValueError(number)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise click.ClickException(
                f"Line {number} is not what «audit heads» prints, so it cannot be compared."
            ) from None
        if account_id in {None, head.account_id}:
            yield head


def print_fault(fault: Fault) -> None:
    """Print what is wrong and with which account."""
    click.echo(f"{fault.account_id}: {fault.sentence}")


def count(number: int, noun: str) -> str:
    """A number and what it counts: ``1,000 events``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
