"""The people and papers the demo begins with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Final

from sqlalchemy import select
from werkzeug.security import generate_password_hash

from example_host_app.database import db
from example_host_app.models import NO_PASSWORD, Document, User, Workspace

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Someone:
    """A person with an account at Fernhill.

    :param password: without one they are there to be seen, and cannot sign in.
    """

    email: str
    name: str
    password: str = ""


ALICE: Final = Someone("alice@fernhill.example", "Alice Marten", "alice-writes-letters")
BOB: Final = Someone("bob@fernhill.example", "Bob Osei", "bob-counts-the-tides")
DAGNY: Final = Someone("dagny@fernhill.example", "Dagny Holm", "dagny-reads-the-books")
EMEKA: Final = Someone("emeka@fernhill.example", "Emeka Adler", "emeka-draws-the-moon")
IRIS: Final = Someone("iris@fernhill.example", "Iris Vance", "iris-waits-for-a-letter")
NORA: Final = Someone("nora@northsound.example", "Nora Lindqvist", "nora-owns-the-ferries")
OTTO: Final = Someone("otto@northsound.example", "Otto Brandt", "otto-keeps-the-crews")
PETRA: Final = Someone("petra@northsound.example", "Petra Quist", "petra-checks-the-log")
QUENTIN: Final = Someone("quentin@northsound.example", "Quentin Rask", "quentin-ties-the-ropes")
JONAS: Final = Someone("jonas@northsound.example", "Jonas Weir", "jonas-wants-aboard")
STRANGER: Final = Someone("charlie@elsewhere.example", "Charlie Wren", "charlie-knows-nobody")
VERA: Final = Someone("vera@fernhill.example", "Vera Lund", "vera-answers-letters")

#: Whom the sign-in page of the demo offers, and what to call them there.
TO_TRY: Final = (
    (
        "Harbour Almanac, 14 people",
        (
            (ALICE, "owner"),
            (BOB, "administrator"),
            (DAGNY, "auditor"),
            (EMEKA, "member"),
            (IRIS, "invited"),
        ),
    ),
    (
        "North Sound Ferries, 10,000 people",
        (
            (NORA, "owner"),
            (OTTO, "administrator"),
            (PETRA, "auditor"),
            (QUENTIN, "member"),
            (JONAS, "invited"),
        ),
    ),
    ("Neither", ((STRANGER, "stranger"),)),
    ("Fernhill itself", ((VERA, "answers privacy requests"),)),
)

_ALMANAC: Final = (
    ("Tides of the inner harbour", "High water comes an hour later each day, give or take."),
    ("A letter to the printers", "We should like the moon phases in a second colour this year."),
    ("What the lighthouse keeper said", "Mostly that the lamp has been electric since 1961."),
)
_NOTEBOOK: Final = (("Things to ask the council", "Who owns the wall behind the bakery?"),)


def settle_in() -> None:
    """Give the demo its people and their workspaces, once. Needs an application context."""
    alice, bob, stranger = (find_or_add(someone) for someone in (ALICE, BOB, STRANGER))
    find_or_add(VERA).answers_requests = True
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
        user = User(email=someone.email, name=someone.name, email_verified=True)
        user.password_hash = _hash_of(someone.password) if someone.password else NO_PASSWORD
        db.session.add(user)
        db.session.flush()
    return user


@cache
def _hash_of(password: str) -> str:
    """A hash takes a while on purpose, and tests prepare Fernhill again and again."""
    return generate_password_hash(password)


def _written(papers: Sequence[tuple[str, str]]) -> list[Document]:
    now = datetime.now(UTC).replace(tzinfo=None)
    return [
        Document(title=title, text=text, changed_at=now - timedelta(days=2 * days_ago))
        for days_ago, (title, text) in enumerate(papers)
    ]
