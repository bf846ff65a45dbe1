"""Sends news about the product in a world, to anyone who wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_tokenoffset.data_map.purposes import Purpose
from flask_tokenoffset.models import ConsentMethod
from flask_tokenoffset.services.consents import ledger as consents
from flask_tokenoffset.services.links.product_updates import begin_update, queue_update
from flask_tokenoffset.services.links.unsubscribing import unsubscribe_token
from flask_tokenoffset.services.mail.sending import MESSAGES
from flask_tokenoffset.services.people.profiles import find_person
from flask_tokenoffset.unit_of_work import Task

if TYPE_CHECKING:
    from uuid import UUID

    from tests.support.world import Browser, World


def agree_to_news(world: World, *people: Browser) -> None:
    """Let people agree to get news; they have changed something here already."""
    with world.app.app_context(), world.state.unit_of_work() as work:
        for browser in people:
            person = find_person(work.session, browser.user_key)
            assert person is not None
            consents.give(
                work,
                person,
                Purpose.PRODUCT_UPDATES,
                consents.Circumstances(
                    now=world.clock.now(),
                    place="test",
                    method=ConsentMethod.FORM,
                    settings=world.state.settings,
                ),
            )


def queue_news(world: World, subject: str = "News", text: str = "There is news.") -> int:
    """Put news into the outbox for everyone who wants it; returns for how many."""
    with world.app.app_context():
        with world.state.unit_of_work() as work:
            update_id = begin_update(work, subject, text, world.clock.now()).id
        return queue_update(world.state.unit_of_work, update_id=update_id, clock=world.clock)


def deliver(world: World) -> None:
    """Hand everything in the outbox that is due to the mailer, as the schedule does."""
    with world.app.app_context(), world.state.unit_of_work() as work:
        for message in MESSAGES.due(work.session, world.clock.now()):
            work.enqueue(Task.MAIL, message.row_id)
    world.work()


def way_out_of_news(world: World, account_id: UUID) -> str:
    """The token in the link by which an account gets no more news."""
    with world.app.app_context():
        return unsubscribe_token(world.state.link_key, account_id)
