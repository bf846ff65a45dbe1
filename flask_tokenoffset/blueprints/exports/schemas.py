"""What the operations on copies answer."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import Field

from flask_tokenoffset.blueprints.schemas.base import Answer
from flask_tokenoffset.models import ExportStatus


class ExportAnswer(Answer):
    """A copy of everything held about the caller."""

    id: UUID
    status: ExportStatus = Field(
        description="`queued` and `running` while it is made, `ready` until it is fetched or"
        " expires, then `fetched` or `expired`; `failed` where a human has to look."
    )
    tables_done: int = Field(description="Tables that were written so far.")
    tables_expected: int
    size_bytes: int | None = Field(description="Of the archive, once it is ready.")
    requested_at: datetime
    ready_at: datetime | None
    expires_at: datetime | None = Field(description="Until when it can be fetched, once.")
    fetched_at: datetime | None
    link: str | None = Field(
        description="The page that fetches it, for the caller alone and after a fresh sign-in."
    )


class ExportListAnswer(Answer):
    """The caller's copies, the newest first."""

    items: list[ExportAnswer]
