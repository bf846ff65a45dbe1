"""Has accounts deleted, and finds what is left of that."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from sqlalchemy import select

from flask_tokenoffset import forget_person
from flask_tokenoffset.models import Erasure, ErasureStatus
from flask_tokenoffset.services.erasures.receipts import RECEIPT_TOKEN
from flask_tokenoffset.services.shared.tokens import derive_token
from flask_tokenoffset.tasks.erasing import erase
from flask_tokenoffset.tasks.schedule import run_scheduler

if TYPE_CHECKING:
    from tests.support.world import Browser, World


def receipt_token(world: World) -> str:
    """The token of the receipt of a person who came, went at once, and is sent no mail."""
    passer_by = world.browser(f"passer-by {uuid4().hex[:8]}", verified=False)
    passer_by.pick_band()
    with world.app.app_context():
        forget_person(passer_by.user_key)
    return token_of(world)


def token_of(world: World) -> str:
    """The token of the receipt of the newest erasure that is done."""
    with world.app.app_context():
        erasure = world.state.session.scalars(
            select(Erasure)
            .where(Erasure.finished_at.is_not(None))
            .order_by(Erasure.finished_at.desc(), Erasure.requested_at.desc())
        ).first()
        assert erasure is not None
        return derive_token(world.state.link_key, RECEIPT_TOKEN, erasure.id, erasure.salt)


def ask_for_deletion(browser: Browser) -> datetime:
    """Have a person ask for the deletion of their account; when it is due."""
    answer = browser.api("DELETE", "/me", {"confirm": True})
    assert answer.status_code == 202, answer.text
    return datetime.fromisoformat(answer.get_json()["due_at"])


def erase_when_due(world: World) -> None:
    """Move the clock to when the one deletion that waits is due, and have that done alone.

    Nothing else of the schedule is done, so that whatever is gone afterwards went by this.
    """
    with world.app.app_context():
        waiting = select(Erasure).where(Erasure.status == ErasureStatus.WAITING)
        erasure = world.state.session.scalars(waiting).one()
        erasure_id, due_at = erasure.id, erasure.due_at
    world.clock.move_to(due_at)
    with world.app.app_context():
        erase(str(erasure_id))
    world.work()


def only_erasure(world: World) -> Erasure:
    """The one erasure there is."""
    with world.app.app_context():
        erasure = world.state.session.scalars(select(Erasure)).one()
        world.state.session.expunge(erasure)
        return erasure


def let_time_pass(world: World, **passed: float) -> None:
    """Move the clock, run the scheduler, and do what waits.

    :param passed: as of a :class:`~datetime.timedelta`.
    """
    world.clock.move(**passed)
    with world.app.app_context():
        report = run_scheduler(world.state)
    assert report.failed_steps == []
    world.work()
