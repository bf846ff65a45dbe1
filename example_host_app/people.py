"""The people and papers the demo begins with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from example_host_app.database import db
from example_host_app.models import Document, User, Workspace

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Someone:
    """Somebody who can sign in to the demo."""

    email: str
    name: str
    password: str


ALICE: Final = Someone("alice@fernhill.example", "Alice Marten", "alice-writes-letters")
BOB: Final = Someone("bob@fernhill.example", "Bob Osei", "bob-counts-the-tides")
STRANGER: Final = Someone("charlie@elsewhere.example", "Charlie Wren", "charlie-knows-nobody")

_ALMANAC: Final = (
    ("Tides of the inner harbour", "High water comes an hour later each day, give or take."),
    ("A letter to the printers", "We should like the moon phases in a second colour this year."),
    ("What the lighthouse keeper said", "Mostly that the lamp has been electric since 1961."),
)
_NOTEBOOK: Final = (("Things to ask the council", "Who owns the wall behind the bakery?"),)


def settle_in() -> None:
    """Give the demo its people and their workspaces, once. Needs an application context."""
    alice, bob, stranger = (find_or_add(someone) for someone in (ALICE, BOB, STRANGER))
    if db.session.scalar(select(Workspace).limit(1)) is None:
        db.session.add_all(
            [
                Workspace(
                    name="Harbour Almanac", members=[alice, bob], documents=_written(_ALMANAC)
                ),
                Workspace(
                    name="Charlie's notebook", members=[stranger], documents=_written(_NOTEBOOK)
                ),
            ]
        )
    db.session.commit()


def find_or_add(someone: Someone) -> User:
    """Their row, made with their password if there is none. The caller commits."""
    user = db.session.scalar(select(User).where(User.email == someone.email))
    if user is None:
        user = User(email=someone.email, name=someone.name)
        user.set_password(someone.password)
        db.session.add(user)
    return user


def _written(papers: Sequence[tuple[str, str]]) -> list[Document]:
    now = datetime.now(UTC).replace(tzinfo=None)
    return [
        Document(title=title, text=text, changed_at=now - timedelta(days=2 * days_ago))
        for days_ago, (title, text) in enumerate(papers)
    ]
