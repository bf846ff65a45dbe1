"""Publishes documents in a world, and lets changes of them take effect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_tokenoffset.services.documents.documents import NOTICE_PERIOD, history
from flask_tokenoffset.services.documents.publishing import Draft, publish

if TYPE_CHECKING:
    from uuid import UUID

    from tests.support.world import Browser, World


def publish_required(
    world: World,
    document: str = "terms",
    *,
    material: bool = False,
    required: bool = True,
    language: str = "en",
) -> UUID:
    """Publish the next version of a document; returns its id.

    A version that is not material is in force at once.

    :param material: whether everyone has to be told first; see :func:`let_take_effect`.
    :param required: whether nobody goes on without having accepted it.
    """
    now = world.clock.now()
    with world.app.app_context(), world.state.unit_of_work() as work:
        of_language = [
            each
            for each in history(work.session, document, language)
            if each.version.language == language
        ]
        sequence = len(of_language) + 1
        draft = Draft(
            document=document,
            version=f"v{sequence}",
            sequence=sequence,
            title=document.replace("-", " ").capitalize(),
            text=f"# {document}\n\nWhat number {sequence} says.\n",
            summary=f"What number {sequence} changed.",
            material=material,
            acceptance_required=required,
            language=language,
            effective_at=now + NOTICE_PERIOD * 2 if material and sequence > 1 else None,
        )
        return publish(work, draft, now).version.id


def let_take_effect(world: World) -> None:
    """Tell everyone of what is published, and wait until it is in force."""
    world.work()
    world.clock.move(days=2 * NOTICE_PERIOD.days)


def accept_everything(person: Browser) -> None:
    """Have a person accept whatever is asked of them."""
    missing = person.api("GET", "/privacy/acceptance").get_json()["missing"]
    if missing:
        body = {"version_ids": [each["version_id"] for each in missing]}
        assert person.api("POST", "/privacy/acceptance", body).status_code == 200
