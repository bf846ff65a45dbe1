"""People: the host's users who have an account here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from flask_tokenoffset.models import Account, AccountKind, Person

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session


def find_person(session: Session, user_key: str) -> Person | None:
    """The person behind one of the host's users, if they have ever changed anything here.

    :param user_key: the host's own key for the user.
    """
    return session.scalar(select(Person).where(Person.user_key == user_key))


def ensure_person(session: Session, user_key: str, now: datetime) -> Person:
    """The person behind one of the host's users, made with their account if need be.

    Two first changes at the same moment make one person: the second finds the first one's row.

    :param user_key: the host's own key for the user.
    :param now: the present instant, aware.
    """
    person = find_person(session, user_key)
    if person is not None:
        return person
    try:
        with session.begin_nested():
            account = Account(kind=AccountKind.PERSON, created_at=now)
            session.add(account)
            session.flush()
            person = Person(account_id=account.id, user_key=user_key, created_at=now)
            session.add(person)
    except IntegrityError:
        person = find_person(session, user_key)
        if person is None:
            raise
    return person
