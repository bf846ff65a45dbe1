"""Operations on acceptances of the documents in force."""

from __future__ import annotations

from typing import Final

from flask_tokenoffset.blueprints.acceptances.schemas import AcceptanceAnswer, AcceptanceBody
from flask_tokenoffset.blueprints.access.changing import changing
from flask_tokenoffset.blueprints.access.context import missing_documents
from flask_tokenoffset.blueprints.json_api.operations import OperationAnswer, operation, operations
from flask_tokenoffset.errors import Conflict
from flask_tokenoffset.models import ConsentMethod
from flask_tokenoffset.permissions import Permission
from flask_tokenoffset.services.documents import acceptances
from flask_tokenoffset.state import current_state

#: What the ledger calls these operations.
PLACE: Final = "api"
_RULE: Final = "/privacy/acceptance"


@operation(
    "GET",
    _RULE,
    permission=Permission.READ_SELF,
    summary="List the documents in force that you have not accepted",
    answers={200: AcceptanceAnswer},
)
def read_acceptance() -> OperationAnswer:
    """The documents in force that the caller has not accepted, each with what changed."""
    return AcceptanceAnswer.of(missing_documents())


@operation(
    "POST",
    _RULE,
    permission=Permission.CHANGE_SELF,
    summary="Accept documents in force",
    body=AcceptanceBody,
    answers={200: AcceptanceAnswer},
    problems=[Conflict],
)
def post_acceptance(body: AcceptanceBody) -> OperationAnswer:
    """Take down that the caller accepts these versions; answers what is still missing."""
    state = current_state()
    with changing() as (work, person, now):
        acceptances.accept(
            work,
            person,
            body.version_ids,
            place=PLACE,
            method=ConsentMethod.API,
            now=now,
            settings=state.settings,
        )
    return AcceptanceAnswer.of(missing_documents())


register = operations(read_acceptance, post_acceptance)
