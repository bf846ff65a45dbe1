"""The task of the notice of a material change."""

from __future__ import annotations

from uuid import UUID

from flask_tokenoffset.services.documents.notices import continue_notice
from flask_tokenoffset.state import current_state


def tell_of_document(document_version_id: str) -> None:
    """Go on telling everyone of a version of a document. Each gets one message.

    :param document_version_id: the id of a :class:`~flask_tokenoffset.models.DocumentVersion`.
    """
    state = current_state()
    continue_notice(
        state.unit_of_work, document_version_id=UUID(document_version_id), clock=state.clock
    )
