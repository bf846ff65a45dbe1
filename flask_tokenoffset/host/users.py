"""What the host application tells us about the person in front of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, TypeAlias

#: Characters of the longest user key we store.
LONGEST_USER_KEY: Final = 255
#: The greatest age that is taken for one.
GREATEST_AGE: Final = 150


@dataclass(frozen=True, slots=True)
class HostUser:
    """The signed-in user as the host knows them. We never create or change host users.

    :param key: the host's own primary key for the user as text. It must never change and never be
        given to another person; do not use a login name, an e-mail address or Flask-Login's
        ``get_id()`` (which may change with the password).
    :param name: what to call the person on a page.
    :param email: the address the host holds, if any.
    :param email_verified: whether the host has proved that the address is theirs.
    :param fresh: whether they have proved a moment ago who they are, so that they need not do so
        again before something that matters. ``None`` if the host cannot tell.
    :param operator: whether they work for the platform and answer people's privacy requests.
    :param birth_date: the day they were born, if you know it. It is compared with
        ``TOKENOFFSET_MINIMUM_AGE`` and never kept, and neither is the next one. Leave both out
        where you do not know, rather than to state a day or an age that stands for that: anyone
        who is too young has everything erased that is held about them.
    :param age: how old they are in whole years, if you know that.
    """

    key: str
    name: str = ""
    email: str | None = None
    email_verified: bool = False
    fresh: bool | None = None
    operator: bool = False
    birth_date: date | None = field(default=None, repr=False)
    age: int | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        # A host is free to be untyped, so the type is checked although mypy knows it.
        key: object = self.key
        if not isinstance(key, str) or not 0 < len(key) <= LONGEST_USER_KEY:
            raise ValueError(
                "HostUser.key must be a text of 1 to 255 characters: the host's primary key for"
                f" the user, for example str(user.id). It was {type(key).__name__}."
            )
        # What is wrong is never repeated here: it would stand in a log.
        birth_date: object = self.birth_date
        is_day = isinstance(birth_date, date) and not isinstance(birth_date, datetime)
        if birth_date is not None and not is_day:
            raise ValueError(
                "HostUser.birth_date must be a datetime.date, or None where you do not know it. It"
                f" was {type(birth_date).__name__}."
            )
        age: object = self.age
        if age is not None and (type(age) is not int or not 0 <= age <= GREATEST_AGE):
            raise ValueError(
                f"HostUser.age must be a whole number from 0 to {GREATEST_AGE}, or None where you"
                " do not know it."
            )


#: The hook by which the host says who is there; ``None`` means nobody is signed in.
UserLoader: TypeAlias = Callable[[], HostUser | None]
