"""What the operations on the operator's queue read and answer."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal, Self
from uuid import UUID

from pydantic import Field

from flask_tokenoffset.blueprints.rights_requests.schemas import RequestAnswer
from flask_tokenoffset.blueprints.schemas.base import Answer, Body, ItemList, ListQuery
from flask_tokenoffset.models import LONGEST_STATEMENT, RightsRequestKind, RightsRequestStatus
from flask_tokenoffset.services.rights_requests.queue import is_overdue

if TYPE_CHECKING:
    from flask_tokenoffset.models import RightsRequest
    from flask_tokenoffset.services.rights_requests.queue import Asker


class QueueQuery(ListQuery):
    """Which requests, and which page of them."""

    state: Literal["open", "closed"] = Field(
        "open", description="Open ones come by due date, closed ones newest first."
    )


class QueuedRequestAnswer(Answer):
    """A request in the queue. It tells nothing of who asked, and nothing that anyone wrote."""

    id: UUID
    kind: RightsRequestKind
    status: RightsRequestStatus
    needs_human: bool = Field(description="Whether it waits for an operator.")
    received_at: datetime
    due_at: datetime
    overdue: bool
    extended_at: datetime | None
    closed_at: datetime | None

    @classmethod
    def of(cls, request: RightsRequest, now: datetime) -> Self:
        """Show a request.

        :param now: the present instant, aware.
        """
        return super().of(request, overdue=is_overdue(request, now))


class QueuedRequestList(ItemList[QueuedRequestAnswer]):
    """One page of the queue."""


class AskerAnswer(Answer):
    """Who asked, as far as answering needs it."""

    person_id: UUID
    name: str | None
    email: str | None
    email_verified: bool

    @classmethod
    def of(cls, asker: Asker) -> Self:
        """Show who asked."""
        return super().of(asker, email=asker.address, email_verified=asker.address_verified)


class SeenRequestAnswer(Answer):
    """A request with everything that is needed to answer it."""

    request: RequestAnswer
    asked_by: AskerAnswer


class ExtensionBody(Body):
    """More time for a request."""

    days: Annotated[int, Field(ge=1, le=90)] = Field(description="How many further days.")
    reason: Annotated[str, Field(min_length=1, max_length=LONGEST_STATEMENT)] = Field(
        description="Why. The person reads it."
    )


class ReplyBody(Body):
    """What became of a request."""

    status: Literal["done", "refused"]
    reply: Annotated[str, Field(min_length=1, max_length=LONGEST_STATEMENT)] = Field(
        description="What was done, or why it is refused. The person reads it."
    )
