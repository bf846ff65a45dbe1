"""The task of copies of everything held about a person."""

from __future__ import annotations

from uuid import UUID

from flask_tokenoffset.services.exports.worker import make_export
from flask_tokenoffset.state import current_state


def export(export_id: str) -> None:
    """Make one copy. Called any number of times, it is made once.

    :param export_id: the id of an :class:`~flask_tokenoffset.models.Export`.
    """
    state = current_state()
    make_export(
        state.unit_of_work,
        export_id=UUID(export_id),
        vault=state.vault,
        settings=state.settings,
        clock=state.clock,
    )
