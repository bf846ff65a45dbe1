"""``flask tokenoffset updates``: send news about the product to those who want it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from flask.cli import with_appcontext

from flask_tokenoffset.services.links.product_updates import begin_update, queue_update
from flask_tokenoffset.services.mail.outbox import require_mailer
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from typing import TextIO


@click.group("updates", short_help="Send news about the product.")
def updates() -> None:
    """Send news about the product to those who agreed to get it."""


@updates.command("send")
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option("--subject", required=True, help="One line.")
@with_appcontext
def send(file: TextIO, subject: str) -> None:
    """Send the plain text in FILE to everybody who wants news, once.

    It goes into the outbox, from which the workers send it. If this breaks off, give the same
    command again: it goes on where it ended, and nobody gets the same text twice.
    """
    state = current_state()
    require_mailer(state.mailer)
    state.public_url("/")  # Without it no mail could carry the way to get no more of them.
    with state.unit_of_work() as work:
        update = begin_update(work, subject, file.read(), state.clock.now())
        update_id, was_complete, before = update.id, update.completed_at, update.people_queued
    if was_complete is not None:
        click.echo(
            f"This very text was sent on {was_complete:%Y-%m-%d}, to {_people(before)}, so nothing"
            " was done. Another one needs another text or subject."
        )
        return
    queued = queue_update(state.unit_of_work, update_id=update_id, clock=state.clock)
    further = f", after {_people(before)} before" if before else ""
    click.echo(
        f"Queued for {_people(queued)}{further}. Each is asked for again when it leaves: whoever"
        " has withdrawn by then gets nothing."
    )


def _people(number: int) -> str:
    return "1 person" if number == 1 else f"{number:,} people"
