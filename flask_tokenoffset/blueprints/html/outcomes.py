"""What a page says of what was just done or refused, and how that is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from flask_tokenoffset.errors import InvalidInput, TooManyAttempts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask.typing import ResponseReturnValue

    from flask_tokenoffset.errors import Refusal

#: The headers of a page whose address opens something, so that no other page is told it.
UNTOLD: Final = {"Referrer-Policy": "no-referrer"}


class Notice(NamedTuple):
    """What to say after a change."""

    title: str
    text: str


def with_status(page: str, refused: Refusal | None) -> ResponseReturnValue:
    """A page that says itself what was refused, with the status and headers of that.

    :param refused: what was; ``None`` where nothing was.
    """
    if isinstance(refused, TooManyAttempts):
        return page, refused.status, {"Retry-After": str(refused.retry_after_seconds)}
    return page, refused.status if refused else 200


def errors_of(refused: Refusal | None) -> Mapping[str, str]:
    """What was wrong with what was sent, field by field; empty where something else was."""
    return refused.errors if isinstance(refused, InvalidInput) else {}
