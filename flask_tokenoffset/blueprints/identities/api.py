"""Operations on one's linked identities. Linking takes a browser, and so a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_tokenoffset.blueprints.access.context import current_user
from flask_tokenoffset.blueprints.access.reauthentication import require_reauthentication
from flask_tokenoffset.blueprints.identities import linking
from flask_tokenoffset.blueprints.identities.schemas import IdentityAnswer, IdentityListAnswer
from flask_tokenoffset.blueprints.json_api.operations import OperationAnswer, operation, operations
from flask_tokenoffset.errors import Conflict, NotFound, ReauthenticationRequired
from flask_tokenoffset.permissions import Permission
from flask_tokenoffset.services.identities import links as identities
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from uuid import UUID


@operation(
    "GET",
    "/identities",
    permission=Permission.READ_SELF,
    summary="List linked identities",
    answers={200: IdentityListAnswer},
)
def list_identities() -> OperationAnswer:
    """The caller's accounts at identity providers, the oldest first."""
    person = current_user().person
    found = [] if person is None else identities.list_identities(current_state().session, person.id)
    return IdentityListAnswer(items=[IdentityAnswer.of(each) for each in found])


@operation(
    "DELETE",
    "/identities/<uuid:identity_id>",
    permission=Permission.CHANGE_SELF,
    summary="Unlink an identity",
    answers={204: None},
    problems=[NotFound, Conflict, ReauthenticationRequired],
)
def unlink_identity(identity_id: UUID) -> OperationAnswer:
    """End a link and give its refresh token back. Needs a fresh sign-in."""
    require_reauthentication(strict=True)
    linking.unlink(identity_id)
    return None, 204


register = operations(list_identities, unlink_identity)
