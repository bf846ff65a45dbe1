"""What consents and their receipts look like in the API."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self
from uuid import UUID

from pydantic import Field

from flask_tokenoffset.blueprints.schemas.base import Answer, Body
from flask_tokenoffset.data_map.purposes import Basis, Purpose
from flask_tokenoffset.models import ConsentEventType, ConsentMethod
from flask_tokenoffset.services.consents.ledger import Decision

if TYPE_CHECKING:
    from flask_tokenoffset.services.consents.reading import Receipt, Standing

_STATE: str = (
    "`given`, `refused`, `withdrawn` or `objected` as it was decided last; `expired` where a"
    " consent's time is over; `not-asked` before any decision; `contract` where there is none."
)


class DecisionBody(Body):
    """What is decided about a purpose."""

    decision: Decision = Field(
        strict=False,
        description="`give`, `refuse`, `withdraw` or `object`. An objection ends with a `give`.",
    )


class ConsentNoticeAnswer(Answer):
    """What a person is told about a purpose."""

    purpose: str
    title: str
    notice: str = Field(description="What is done, and what happens without it.")
    language: str = Field(description="The language of the notice, a BCP 47 tag.")
    legal_basis: Basis
    data_kinds: list[str] = Field(description="The kinds of data that are used.")
    controller: str = Field(description="Who is responsible.")
    privacy_contact: str = Field(description="Who answers questions about it.")
    storage_place: str = Field(description="Where the data lies.")
    retention: str = Field(description="How long the data is kept.")
    jurisdiction: str = Field(description="Whose law the processing is under.")
    recipients: list[str] = Field(description="Who gets the data beside the controller.")
    withdrawal: str = Field(description="How to end it.")


class ConsentAnswer(Answer):
    """Where a purpose stands."""

    purpose: Purpose
    state: str = Field(description=_STATE)
    since: datetime | None = Field(description="When that was decided.")
    event_id: UUID | None = Field(description="What decided it; its receipt says more.")
    objected_by_browser: bool = Field(
        description="Whether this request carries Global Privacy Control, which objects to the"
        " purpose, whatever was decided."
    )
    is_on: bool = Field(description="Whether data is used for it.")
    decisions: list[Decision] = Field(description="What can be decided now.")
    notice: ConsentNoticeAnswer

    @classmethod
    def of(cls, standing: Standing) -> Self:
        """Show where a purpose stands."""
        return super().of(standing, objected_by_browser=standing.by_signal, notice=standing.told)


class ConsentListAnswer(Answer):
    """Every purpose there is."""

    items: list[ConsentAnswer]


class ReceiptDocumentAnswer(Answer):
    """The document version that was accepted."""

    document: str
    version: str
    title: str
    language: str
    digest: str = Field(description="SHA-256 over its text.")


class ConsentReceiptAnswer(Answer):
    """The record of one decision, with the particulars that ISO/IEC TS 27560 asks for."""

    schema_version: int
    record_id: UUID
    person_id: UUID = Field(description="Who decided.")
    by: UUID | None = Field(description="Who acted: the person, or whoever acted for them.")
    event_type: ConsentEventType
    state: str = Field(description=f"Where it stands now: {_STATE}")
    occurred_at: datetime
    valid_until: datetime | None = Field(description="Null: until it is taken back.")
    place: str = Field(description="Where in the product.")
    method: ConsentMethod
    language: str
    purpose: str | None
    document: ReceiptDocumentAnswer | None
    notice: ConsentNoticeAnswer | None = Field(description="What the person was told then.")
    notice_digest: str | None = Field(description="SHA-256 over the canonical notice.")
    address: str | None = Field(description="The network address, while it is kept.")
    user_agent: str | None = Field(description="What the client called itself, while it is kept.")
    sequence: int = Field(description="Its place in the person's ledger.")
    digest: str = Field(description="SHA-256 over the record.")
    audit_sequence: int | None = Field(
        description="The event of the audit log that bears witness to it."
    )

    @classmethod
    def of(cls, receipt: Receipt) -> Self:
        """Show a receipt."""
        return super().of(
            receipt,
            receipt.event,
            record_id=receipt.event.id,
            by=receipt.event.actor_id,
            notice=receipt.told,
        )
