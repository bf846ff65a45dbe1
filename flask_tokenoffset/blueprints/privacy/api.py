"""The operation that says where a person stands with their privacy."""

from __future__ import annotations

from flask_tokenoffset.blueprints.access.context import current_user
from flask_tokenoffset.blueprints.json_api.operations import OperationAnswer, operation, operations
from flask_tokenoffset.blueprints.privacy.rights_links import operations_of_rights
from flask_tokenoffset.blueprints.privacy.schemas import PrivacyAnswer
from flask_tokenoffset.permissions import Permission
from flask_tokenoffset.services.privacy.overview import read_overview
from flask_tokenoffset.state import current_state


@operation(
    "GET",
    "/privacy",
    permission=Permission.READ_SELF,
    summary="Read where you stand with your privacy",
    answers={200: PrivacyAnswer},
)
def read_privacy() -> OperationAnswer:
    """What is agreed, accepted, restricted and asked for, and where each right is used."""
    state = current_state()
    now = state.clock.now()
    return PrivacyAnswer.of(
        read_overview(state.session, current_user().person, now),
        contact=state.settings.privacy_contact,
        links=operations_of_rights(),
        now=now,
    )


register = operations(read_privacy)
