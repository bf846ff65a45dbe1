"""What goes in and out of the operations on acceptances."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self
from uuid import UUID

from pydantic import Field

from flask_tokenoffset.blueprints.schemas.base import Answer, Body

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask_tokenoffset.services.documents.acceptances import Asked

#: Documents that one call accepts at most.
MOST_VERSIONS = 20


class AcceptanceBody(Body):
    """Which texts are accepted."""

    version_ids: Annotated[
        list[Annotated[UUID, Field(strict=False)]],
        Field(
            min_length=1,
            max_length=MOST_VERSIONS,
            description="The versions, as `missing` named them. Put each text before the person,"
            " and name only those they accepted one by one.",
        ),
    ]


class MissingDocument(Answer):
    """A document in force that the caller has not accepted."""

    version_id: UUID = Field(description="What an acceptance names it by.")
    document: str = Field(description="Which document: `terms`, `privacy-policy`, ...")
    version: str = Field(description="Which version of it.")
    language: str = Field(description="The language of the text, a BCP 47 tag.")
    title: str = Field(description="What it is called.")
    summary: str = Field(description="What changed since the version before.")
    effective_at: datetime = Field(description="Since when it is in force.")
    accepted_before: str | None = Field(
        description="The newest version of it that the caller accepted; null if none."
    )

    @classmethod
    def of(cls, asked: Asked) -> Self:
        """Show one."""
        return super().of(asked, version_id=asked.id)


class AcceptanceAnswer(Answer):
    """What the caller has yet to accept."""

    missing: list[MissingDocument] = Field(
        description="While it is not empty, most operations answer `acceptance-required`. What is"
        " about one's rights does not."
    )

    @classmethod
    def of(cls, missing: Sequence[Asked]) -> AcceptanceAnswer:
        """Show them."""
        return cls(missing=[MissingDocument.of(each) for each in missing])
