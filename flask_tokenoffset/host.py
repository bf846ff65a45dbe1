"""What the host application tells us about the person in front of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

#: Characters of the longest user key we store.
LONGEST_USER_KEY: Final = 255


@dataclass(frozen=True, slots=True)
class HostUser:
    """The signed-in user as the host knows them. We never create or change host users.

    :param key: the host's own primary key for the user as text. It must never change and never be
        given to somebody else; do not use a login name, an e-mail address or Flask-Login's
        ``get_id()`` (which may change with the password).
    :param name: what to call the person on a page.
    :param email: the address the host holds, if any.
    :param email_verified: whether the host has proved that the address is theirs.
    :param fresh: whether they have proved a moment ago who they are, so that they need not do so
        again before something that matters. ``None`` if the host cannot tell.
    :param operator: whether they work for the platform and answer people's privacy requests.
    """

    key: str
    name: str = ""
    email: str | None = None
    email_verified: bool = False
    fresh: bool | None = None
    operator: bool = False

    def __post_init__(self) -> None:
        # A host is free to be untyped, so the type is checked although mypy knows it.
        key: object = self.key
        if not isinstance(key, str) or not 0 < len(key) <= LONGEST_USER_KEY:
            raise ValueError(
                "HostUser.key must be a text of 1 to 255 characters: the host's primary key for"
                f" the user, for example str(user.id). It was {type(key).__name__}."
            )


#: The hook by which the host says who is there; ``None`` means nobody is signed in.
UserLoader: TypeAlias = Callable[[], HostUser | None]
