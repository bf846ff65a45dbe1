"""Operations on consents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask_tokenoffset.blueprints.consents import deciding
from flask_tokenoffset.blueprints.consents.schemas import (
    ConsentAnswer,
    ConsentListAnswer,
    ConsentReceiptAnswer,
    DecisionBody,
)
from flask_tokenoffset.blueprints.json_api.operations import OperationAnswer, operation, operations
from flask_tokenoffset.errors import Conflict, NotFound
from flask_tokenoffset.models import ConsentMethod
from flask_tokenoffset.permissions import Permission

if TYPE_CHECKING:
    from uuid import UUID


#: Where a person decides, in the ledger.
PLACE: Final = "api"


@operation(
    "GET",
    "/privacy/consents",
    permission=Permission.READ_SELF,
    summary="Read what your data is used for",
    answers={200: ConsentListAnswer},
)
def list_consents() -> OperationAnswer:
    """Every purpose: what the caller is told of it, and what they decided."""
    return ConsentListAnswer(items=[ConsentAnswer.of(each) for each in deciding.standings()])


@operation(
    "POST",
    "/privacy/consents/<purpose>",
    permission=Permission.CHANGE_SELF,
    summary="Decide about a purpose",
    body=DecisionBody,
    answers={200: ConsentAnswer},
    problems=[Conflict, NotFound],
)
def decide_consent(purpose: str, body: DecisionBody) -> OperationAnswer:
    """Agree to one purpose, decline it, take a consent back, or object.

    Whatever is decided costs nothing else. A decision that holds already is not noted again.
    """
    chosen = deciding.purpose_of(purpose)
    deciding.decide(chosen, body.decision, place=PLACE, method=ConsentMethod.API)
    (standing,) = [each for each in deciding.standings() if each.purpose == chosen]
    return ConsentAnswer.of(standing)


@operation(
    "GET",
    "/privacy/consents/<uuid:event_id>/receipt",
    permission=Permission.READ_SELF,
    summary="Read the receipt of a decision",
    answers={200: ConsentReceiptAnswer},
    problems=[NotFound],
)
def read_consent_receipt(event_id: UUID) -> OperationAnswer:
    """Everything that is kept of one decision about a purpose or a document."""
    return ConsentReceiptAnswer.of(deciding.receipt(event_id))


register = operations(list_consents, decide_consent, read_consent_receipt)
