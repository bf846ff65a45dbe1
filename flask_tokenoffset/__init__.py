"""Show what AI use costs the environment, with an honest range, inside a partner's own product.

    from flask_tokenoffset import HostUser, TokenOffset

    tokenoffset = TokenOffset(app)

Start with ``docs/tutorial.md``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask_tokenoffset.extension import TokenOffset
from flask_tokenoffset.host.users import HostUser

if TYPE_CHECKING:
    from flask_tokenoffset.hooks import (
        correct_person,
        forget_person,
        has_accepted_current,
        record_consent,
        requires_acceptance,
        set_retention_plan,
    )

__all__ = [
    "HostUser",
    "TokenOffset",
    "correct_person",
    "forget_person",
    "has_accepted_current",
    "record_consent",
    "requires_acceptance",
    "set_retention_plan",
]


def __getattr__(name: str) -> Any:
    """One of the hooks, which are loaded when the first of them is asked for.

    :raises AttributeError: there is nothing of that name.
    """
    if name in __all__:
        from flask_tokenoffset import hooks  # noqa: PLC0415 - loads the tables and the services

        return getattr(hooks, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
