"""What the operation on where a person stands answers."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self
from uuid import UUID

from pydantic import Field

from flask_tokenoffset.blueprints.rights_requests.schemas import RequestAnswer
from flask_tokenoffset.blueprints.schemas.base import Answer
from flask_tokenoffset.data_map.purposes import Purpose

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask_tokenoffset.services.privacy.overview import DocumentState, PrivacyOverview


class PurposeStateAnswer(Answer):
    """A purpose that people are asked about."""

    purpose: Purpose
    agreed: bool = Field(description="Whether you agreed to it, and that still holds.")


class DocumentStateAnswer(Answer):
    """A document in force."""

    version_id: UUID
    document: str
    version: str
    title: str
    accepted: bool = Field(description="Whether you accepted this version.")

    @classmethod
    def of(cls, state: DocumentState) -> Self:
        """Show a document."""
        return super().of(state.version, state, version_id=state.version.id)


class PrivacyAnswer(Answer):
    """Where the caller stands with their privacy, and where their rights are used."""

    restricted: bool = Field(description="Nothing but storage is done with your data.")
    restricted_at: datetime | None
    deletion_due_at: datetime | None = Field(
        description="When your account is erased, while that can be taken back."
    )
    purposes: list[PurposeStateAnswer]
    documents: list[DocumentStateAnswer]
    requests: list[RequestAnswer] = Field(description="The newest ones.")
    contact: str = Field(description="Where to reach whoever answers questions about your data.")
    links: dict[str, str] = Field(description="The operations by which each right is used.")

    @classmethod
    def of(
        cls, overview: PrivacyOverview, *, contact: str, links: Mapping[str, str], now: datetime
    ) -> PrivacyAnswer:
        """Show where a person stands.

        :param contact: whom to ask.
        :param links: what each operation is for, and its address.
        :param now: the present instant, aware.
        """
        return cls(
            restricted=overview.restricted,
            restricted_at=overview.restricted_at,
            deletion_due_at=overview.deletion_due_at,
            purposes=[
                PurposeStateAnswer(purpose=purpose, agreed=agreed)
                for purpose, agreed in overview.consents.items()
            ],
            documents=[DocumentStateAnswer.of(each) for each in overview.documents],
            requests=[RequestAnswer.of(each, now) for each in overview.requests],
            contact=contact,
            links=dict(links),
        )
