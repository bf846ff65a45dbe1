"""The operation on what is held. Anyone may read it."""

from __future__ import annotations

from flask_tokenoffset.blueprints.data_map.schemas import WhatIsHeldAnswer
from flask_tokenoffset.blueprints.json_api.operations import OperationAnswer, operation, operations
from flask_tokenoffset.permissions import Permission
from flask_tokenoffset.services.data_map.inventory import what_is_held
from flask_tokenoffset.state import current_state


@operation(
    "GET",
    "/privacy/what-we-hold",
    permission=Permission.READ_PUBLISHED,
    summary="Read what is held",
    answers={200: WhatIsHeldAnswer},
)
def read_what_is_held() -> OperationAnswer:
    """Every table and everything outside the database, with the periods that count here."""
    return WhatIsHeldAnswer.of(what_is_held(current_state().settings))


register = operations(read_what_is_held)
