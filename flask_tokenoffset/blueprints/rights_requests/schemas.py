"""What the operations on one's own requests read and answer."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal, Self
from uuid import UUID

from pydantic import Field

from flask_tokenoffset.blueprints.schemas.base import Answer, Body, ItemList
from flask_tokenoffset.models import LONGEST_STATEMENT, RightsRequestKind, RightsRequestStatus
from flask_tokenoffset.services.rights_requests.queue import is_overdue

if TYPE_CHECKING:
    from flask_tokenoffset.models import RightsRequest


class RequestBody(Body):
    """Something that only a human can do or answer."""

    kind: Literal["correction", "question"]
    statement: Annotated[str, Field(min_length=1, max_length=LONGEST_STATEMENT)] = Field(
        description="What you ask for, in your own words. Write no card or account numbers."
    )


class RequestAnswer(Answer):
    """A request under one's rights."""

    id: UUID
    kind: RightsRequestKind
    status: RightsRequestStatus
    needs_human: bool = Field(description="Whether a human answers it.")
    statement: str | None = Field(description="What you wrote.")
    received_at: datetime
    due_at: datetime = Field(description="When it is answered at the latest.")
    overdue: bool
    extended_at: datetime | None = Field(description="When its time was extended.")
    extension_reason: str | None
    closed_at: datetime | None
    reply: str | None = Field(description="What you were answered.")

    @classmethod
    def of(cls, request: RightsRequest, now: datetime) -> Self:
        """Show a request.

        :param now: the present instant, aware.
        """
        return super().of(request, overdue=is_overdue(request, now))


class RequestList(ItemList[RequestAnswer]):
    """One page of one's own requests, the newest first."""
