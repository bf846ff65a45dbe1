"""What legal texts look like in the API."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field

from flask_tokenoffset.blueprints.schemas.base import Answer, Query
from flask_tokenoffset.models import LONGEST_DOCUMENT, LONGEST_LANGUAGE

if TYPE_CHECKING:
    from flask_tokenoffset.blueprints.documents.shown import Shown
    from flask_tokenoffset.services.documents.documents import Standing


class DocumentQuery(Query):
    """In which language."""

    language: Annotated[str, Field(max_length=LONGEST_LANGUAGE)] = Field(
        "en", description="As in `pt-BR`. A document that lacks it is shown in another language."
    )


class ComparisonQuery(DocumentQuery):
    """Which versions to compare."""

    from_version: Annotated[str, Field(max_length=LONGEST_DOCUMENT)] = Field(
        description="The name of the earlier one."
    )
    to_version: Annotated[str, Field(max_length=LONGEST_DOCUMENT)] = Field(
        description="The name of the later one."
    )


class DocumentVersionAnswer(Answer):
    """A version of a document, without its text."""

    version: str
    language: str
    sequence: int = Field(description="Which of the versions in this language it is, from 1 on.")
    title: str
    summary: str = Field(description="What changed since the version before.")
    digest: str = Field(description="SHA-256 over the text in UTF-8, in hexadecimal digits.")
    material: bool = Field(description="Whether the change matters to people.")
    acceptance_required: bool
    published_at: datetime
    notice_at: datetime | None = Field(
        description="When everyone had been told; null where nobody had to be or not all were yet."
    )
    intended_effective_at: datetime = Field(description="The earliest time it can take effect.")
    effective_at: datetime | None = Field(
        description="Since when it counts, or will; null as long as people are being told."
    )
    in_force: bool = Field(description="Whether it is the one that counts now.")

    @classmethod
    def of(cls, standing: Standing, document: Shown) -> Self:
        """Show a version."""
        return super().of(standing.version, standing, in_force=standing is document.in_force)


class DocumentAnswer(Answer):
    """A document and its versions, the newest first."""

    document: str
    language: str
    versions: list[DocumentVersionAnswer]

    @classmethod
    def of(cls, document: Shown) -> Self:
        """Show a document."""
        return super().of(
            document,
            document=document.name,
            versions=[DocumentVersionAnswer.of(each, document) for each in document.versions],
        )


class DocumentListAnswer(Answer):
    """Every document."""

    items: list[DocumentAnswer]


class DocumentTextAnswer(Answer):
    """A version of a document with its text."""

    document: str
    version: DocumentVersionAnswer
    text: str = Field(description="Markdown.")


class ComparedPart(Answer):
    """Some words, and what became of them."""

    fate: Literal["same", "added", "removed"]
    text: str


class ComparedPassageAnswer(Answer):
    """A passage and what became of it."""

    fate: Literal["same", "added", "removed", "changed"]
    kind: str = Field(description="`heading`, `paragraph`, `item`, `cell` or `code`.")
    parts: list[ComparedPart] = Field(description="All of its words, in order.")


class ComparisonAnswer(Answer):
    """What changed from one version to another."""

    document: str
    language: str
    from_version: str
    to_version: str
    passages: list[ComparedPassageAnswer]
