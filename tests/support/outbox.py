"""Puts messages into a world's outbox, and looks at what became of them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest

from flask_tokenoffset.models import MessageKind, OutboundMessage
from flask_tokenoffset.services.mail.outbox import queue_message
from flask_tokenoffset.tasks.mail import mail

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from flask_tokenoffset.unit_of_work import UnitOfWork
    from tests.support.world import World

#: Where the messages go of which a test says nothing else.
ADA: Final = "ada@example.com"


class Outbox:
    """The outbox of a world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def put(self, **more: Any) -> UUID:
        """Queue a notice to Ada."""
        with self.unit() as work:
            return self.queue(work, **more)

    def queue(self, work: UnitOfWork, **more: Any) -> UUID:
        given: dict[str, Any] = {
            "kind": MessageKind.KEY_REPLACED,
            "to_address": ADA,
            "source": "Work",
            "vendor": "Anthropic",
        }
        return queue_message(work, now=self.world.clock.now(), **{**given, **more}).id

    @contextmanager
    def unit(self) -> Iterator[UnitOfWork]:
        with self.world.app.app_context(), self.world.state.unit_of_work() as work:
            yield work

    def send(self, message_id: UUID) -> None:
        """What a worker does with the job of a message."""
        with self.world.app.app_context():
            mail(str(message_id))

    def row(self, message_id: UUID) -> OutboundMessage:
        with self.world.app.app_context():
            session = self.world.state.session
            row = session.get_one(OutboundMessage, message_id)
            session.expunge(row)
            return row

    def standing(self, message_id: UUID) -> tuple[str, str | None]:
        row = self.row(message_id)
        return row.status, row.failure_code


@pytest.fixture
def outbox(world: World) -> Outbox:
    return Outbox(world)
