"""What the operations on a deletion take and answer."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, field_validator

from flask_tokenoffset.blueprints.schemas.base import Answer, Body
from flask_tokenoffset.models import HostOutcome

if TYPE_CHECKING:
    from flask_tokenoffset.models import Erasure


class DeletionBody(Body):
    """Says that it is meant."""

    confirm: bool = Field(
        description="Must be true: once its day has come, nothing of it can be brought back.",
        json_schema_extra={"const": True},
    )

    @field_validator("confirm")
    @classmethod
    def _is_meant(cls, confirm: bool) -> bool:  # noqa: FBT001 - as pydantic calls it
        if not confirm:
            raise ValueError("It must be true. Nothing was deleted.")
        return confirm


class DeletionAnswer(Answer):
    """Where the deletion of the caller's account stands."""

    status: Literal["none", "waiting"] = Field(
        description="`waiting` as long as it was asked for and can be taken back."
    )
    requested_at: datetime | None
    due_at: datetime | None = Field(description="When the account is deleted.")

    @classmethod
    def of(cls, erasure: Erasure | None) -> DeletionAnswer:
        """Show it.

        :param erasure: the deletion that waits, if one does.
        """
        return cls(
            status="none" if erasure is None else "waiting",
            requested_at=erasure.requested_at if erasure else None,
            due_at=erasure.due_at if erasure else None,
        )


class GoneAnswer(Answer):
    """What went."""

    what: str = Field(description="What we call it on the page «what we hold».")
    table: str = Field(description="The table it stood in.")
    outcome: Literal["deleted", "emptied", "ended"]
    rows: int


class StaysAnswer(Answer):
    """What stays."""

    what: str
    basis: str = Field(description="A word for the reason.")
    why: str
    until: datetime | None = Field(description="When it goes; null where it has no such day.")


class ReceiptAnswer(Answer):
    """The receipt of a deletion. It names nobody."""

    schema_version: int
    requested_at: datetime
    erased_at: datetime
    gone: list[GoneAnswer]
    stays: list[StaysAnswer]
    host: HostOutcome = Field(
        description="What the site itself said when it was told to delete what it holds."
    )
    host_replied_at: datetime | None

    @classmethod
    def of(cls, erasure: Erasure) -> Self:
        """Show one.

        :param erasure: one that is done.
        """
        return super().of(
            **(erasure.receipt or {}),
            host=erasure.host_outcome,
            host_replied_at=erasure.host_replied_at,
        )


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
