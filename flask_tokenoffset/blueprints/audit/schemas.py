"""What events of the audit log look like in the API and in a file of JSON Lines."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Self
from uuid import UUID

from pydantic import BeforeValidator, Field

from flask_tokenoffset.blueprints.audit.sentences import sentence_of
from flask_tokenoffset.blueprints.schemas.base import Answer, ItemList, ListQuery
from flask_tokenoffset.services.audit.reading import AuditFilter

if TYPE_CHECKING:
    from flask_tokenoffset.services.audit.reading import AuditView

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


def _iso_day(value: Any) -> Any:
    # By itself the model would take a number of seconds as well.
    if isinstance(value, str) and not _DAY.fullmatch(value):
        raise ValueError("It must be a day, as in 2026-11-20.")
    return value


Day = Annotated[date, BeforeValidator(_iso_day)]


class AuditEventAnswer(Answer):
    """One change of consequence. It is never altered and never goes away."""

    id: UUID
    sequence: int = Field(description="Its place in the log, from 1 on and without gaps.")
    occurred_at: datetime
    action: str = Field(description="What was done: `plan.adopted`. New ones may come.")
    sentence: str = Field(description="The same in words.")
    actor_id: UUID | None = Field(
        description="The person who did it; null where a job or a command did."
    )
    actor_name: str | None = Field(
        description="What they call themselves now; null for a former user."
    )
    subject_type: str
    subject_id: UUID | None
    details: dict[str, str | int | bool | None] = Field(description="Words and figures.")
    address: str | None = Field(description="Where it came from, while that is kept.")
    user_agent: str | None = Field(description="What the client called itself, while it is kept.")
    digest: str = Field(description="Follows from everything before it; compare it with yours.")

    @classmethod
    def of(cls, view: AuditView) -> Self:
        """Show an event."""
        actor = view.actor
        return super().of(
            view,
            view.event,
            sentence=sentence_of(view),
            actor_name=actor.name if actor and not actor.forgotten else None,
        )


class AuditEventList(ItemList[AuditEventAnswer]):
    """One page of the audit log, newest first."""


class AuditEventQuery(ListQuery):
    """Which events, and which page of them."""

    action: Annotated[str, Field(max_length=60)] | None = Field(
        None, description="An action (`member.joined`), or all about a subject (`member`)."
    )
    actor_id: UUID | None = Field(None, description="The person who did it.")
    subject_type: Annotated[str, Field(max_length=40)] | None = Field(
        None, description="What it was done to: `plan`."
    )
    from_date: Day | None = Field(None, description="The first day, in UTC.")
    to_date: Day | None = Field(None, description="The last day, in UTC.")

    def wanted(self) -> AuditFilter:
        """The events asked for.

        :raises InvalidInput: there can be none such.
        """
        return AuditFilter(**self.model_dump(exclude={"limit", "cursor"}))
