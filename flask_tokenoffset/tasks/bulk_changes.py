"""The task of a change to many plans."""

from __future__ import annotations

from uuid import UUID

from flask_tokenoffset.services.member_plans.bulk_worker import continue_change
from flask_tokenoffset.state import current_state


def change_plans(change_id: str) -> None:
    """Go on with a change to the plans of many members. Each plan is changed once.

    :param change_id: the id of a :class:`~flask_tokenoffset.models.BulkChange`.
    """
    state = current_state()
    continue_change(state.unit_of_work, change_id=UUID(change_id), clock=state.clock)
