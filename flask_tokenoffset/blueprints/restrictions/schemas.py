"""What the operations on a restriction answer."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import Field

from flask_tokenoffset.blueprints.schemas.base import Answer

if TYPE_CHECKING:
    from flask_tokenoffset.models import Person


class RestrictionAnswer(Answer):
    """Whether the processing of the caller's data is restricted."""

    restricted: bool = Field(
        description="Nothing but storage is done: no vendor is asked, nothing is counted into any"
        " insight, no optional mail is sent. The time before a deletion counts as well."
    )
    restricted_at: datetime | None = Field(description="Since when, where the caller asked for it.")

    @classmethod
    def of(cls, person: Person | None, *, restricted: bool) -> RestrictionAnswer:
        """Show it, before a person's first change as well."""
        return cls(
            restricted=restricted,
            restricted_at=person.restricted_at if person else None,
        )
