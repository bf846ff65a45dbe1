"""Show what AI use costs the environment, with an honest range, inside a partner's own product.

    from flask_tokenoffset import HostUser, TokenOffset

    tokenoffset = TokenOffset(app)

Start with ``docs/tutorial.md``.
"""

from __future__ import annotations

from flask_tokenoffset.extension import TokenOffset
from flask_tokenoffset.hooks import (
    correct_person,
    forget_person,
    has_accepted_current,
    record_consent,
    requires_acceptance,
    set_retention_plan,
)
from flask_tokenoffset.host.users import HostUser

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
