"""``flask tokenoffset requests``: the operator's queue, for hosts without its page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click
from flask.cli import AppGroup

from flask_tokenoffset.models import RightsRequestStatus
from flask_tokenoffset.services.rights_requests import queue as request_queue
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from flask_tokenoffset.models import RightsRequest

_BATCH: Final = 100


@click.group(cls=AppGroup)
def requests() -> None:
    """What people ask for under their rights, and by when it has to be answered."""


@requests.command("list")
def list_command() -> None:
    """Print what is open, by due date, and exit with 1 if anything of it is overdue.

    It names nobody.
    """
    state = current_state()
    now = state.clock.now()
    after = None
    overdue = shown = 0
    while found := request_queue.list_open(state.session, after=after, limit=_BATCH):
        for request in found:
            click.echo(_line(request, now))
            shown += 1
            overdue += request_queue.is_overdue(request, now)
        after = found[-1].due_at, found[-1].id
    if not shown:
        click.echo("Nothing waits for an answer.")
    if overdue:
        raise click.ClickException(f"Overdue: {overdue} of {shown}.")


@requests.command()
@click.argument("request_id", type=click.UUID)
def show(request_id: UUID) -> None:
    """Print who asked and what they wrote. They find this look in their log."""
    state = current_state()
    with state.unit_of_work() as work:
        request, asker = request_queue.look_at(work, request_id)
        verified = "verified" if asker.address_verified else "not verified"
        address = f"{asker.address} ({verified})" if asker.address else "no address"
        click.echo(_line(request, state.clock.now()))
        click.echo(f"Asked by: {asker.name or 'no name'}, {address}")
        click.echo(f"They wrote: {request.statement or 'nothing'}")
        if request.extension_reason:
            click.echo(f"Takes longer because: {request.extension_reason}")
        if request.reply:
            click.echo(f"Answered: {request.reply}")


@requests.command()
@click.argument("request_id", type=click.UUID)
@click.option("--reply", required=True, help="What was done, or why not. The person reads it.")
@click.option("--refuse", is_flag=True, help="It is not done; the reply says why.")
def close(request_id: UUID, reply: str, *, refuse: bool) -> None:
    """Answer a request that waits for a human, or refuse it."""
    state = current_state()
    status = RightsRequestStatus.REFUSED if refuse else RightsRequestStatus.DONE
    with state.unit_of_work() as work:
        request_queue.answer(work, request_id, status, reply, state.clock.now(), operator=None)
    click.echo(f"Closed: {request_id} is {status}.")


@requests.command()
@click.argument("request_id", type=click.UUID)
@click.option("--days", type=int, required=True, help="How many further days.")
@click.option("--reason", required=True, help="Why. The person reads it.")
def extend(request_id: UUID, days: int, reason: str) -> None:
    """Take more time for a request, once, before it is due."""
    state = current_state()
    with state.unit_of_work() as work:
        request = request_queue.extend(
            work, request_id, days, reason, state.clock.now(), operator=None
        )
        due = request.due_at
    click.echo(f"Extended: {request_id} is due by {due:%Y-%m-%d %H:%M} UTC.")


def _line(request: RightsRequest, now: datetime) -> str:
    standing = "overdue" if request_queue.is_overdue(request, now) else request.status
    who = "by an operator" if request.needs_human else "automatic"
    return f"{request.id}  due {request.due_at:%Y-%m-%d %H:%M}  {standing}  {request.kind}  {who}"
