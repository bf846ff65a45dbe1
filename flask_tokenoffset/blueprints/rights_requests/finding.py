"""Finding a request of the current user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_tokenoffset.blueprints.access.context import current_user, nothing_here
from flask_tokenoffset.services.rights_requests.requests import find_own
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from uuid import UUID

    from flask_tokenoffset.models import RightsRequest


def find_or_nothing(request_id: UUID) -> RightsRequest:
    """A request of the current user's own.

    :raises NotFound: there is none such.
    """
    person = current_user().person
    found = None
    if person is not None:
        found = find_own(current_state().session, person.id, request_id)
    if found is None:
        raise nothing_here()
    return found
