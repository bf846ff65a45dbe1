"""Legal texts of a made-up host, published and told of."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from flask_tokenoffset.services.documents.publishing import Draft, publish
from flask_tokenoffset.tasks.documents import tell_of_document

if TYPE_CHECKING:
    from tests.support.world import World

FIRST_TEXT: Final = """\
## What is kept

We keep what you type for 30 days, and then it is gone.

## Whom to ask

Write to us at any time.
"""
SECOND_TEXT: Final = """\
## What is kept

We keep what you type for 14 days, and then it is gone.

## Who sees it

Nobody but you.

## Whom to ask

Write to us at any time.
"""
#: Days between publication and the intended effect, so that telling everyone may take its time.
AMPLE_DAYS: Final = 20


def draft(**more: Any) -> Draft:
    """The first version of a document, unless more is said."""
    given: dict[str, Any] = {
        "document": "house-rules",
        "version": "2026-11",
        "sequence": 1,
        "title": "House rules",
        "text": FIRST_TEXT,
        "summary": "The first version.",
        "material": False,
        "acceptance_required": False,
    }
    return Draft(**{**given, **more})


def second_draft(world: World, **more: Any) -> Draft:
    """A material second version, announced in time."""
    given: dict[str, Any] = {
        "version": "2026-12",
        "sequence": 2,
        "text": SECOND_TEXT,
        "summary": "What you type is kept for a shorter time.",
        "material": True,
        "effective_at": world.clock.now() + timedelta(days=AMPLE_DAYS),
    }
    return draft(**{**given, **more})


def publish_draft(world: World, wanted: Draft, **options: Any) -> UUID:
    """Publish a version; people who are to be told wait for a worker. Returns the version's id."""
    with world.app.app_context(), world.state.unit_of_work() as work:
        published = publish(work, wanted, world.clock.now(), **options)
        return UUID(str(published.version.id))


def tell_everyone(world: World, version_id: UUID) -> None:
    """What a worker does with the job of a version's notice; sends no mail by itself."""
    with world.app.app_context():
        tell_of_document(str(version_id))


def published(world: World) -> dict[str, str]:
    """A document that counts and asks nothing of anyone, as paths name it."""
    publish_draft(world, draft())
    return {"document": "house-rules", "version": "2026-11"}
