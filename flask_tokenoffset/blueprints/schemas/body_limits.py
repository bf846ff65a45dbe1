"""How much of a request's body is read: little, but for the few routes that take lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

from flask import current_app, request

from flask_tokenoffset.blueprints.schemas.refusals import LONGEST_BODY, BodyTooLarge

#: Bytes of a list of a thousand people with long addresses, as JSON or as a form.
LONGEST_LIST: Final = 400 * 1024

_ATTRIBUTE: Final = "tokenoffset_longest_body"

View = TypeVar("View", bound=Callable[..., Any])


def reads_up_to(longest_bytes: int) -> Callable[[View], View]:
    """Let a view read more than others do.

    :param longest_bytes: how much.
    """

    def mark(view: View) -> View:
        setattr(view, _ATTRIBUTE, longest_bytes)
        return view

    return mark


def bound_body() -> None:
    """Read no more than the view needs, or than the host allows if that is less."""
    view = current_app.view_functions.get(request.endpoint or "")
    longest = cast("int", getattr(view, _ATTRIBUTE, LONGEST_BODY))
    host_limit = current_app.config.get("MAX_CONTENT_LENGTH")
    request.max_content_length = min(longest, host_limit or longest)


def too_large() -> BodyTooLarge:
    """What answers a body that is longer than the present view reads."""
    return BodyTooLarge(request.max_content_length or LONGEST_BODY)
