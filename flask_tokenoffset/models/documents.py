"""Legal texts, version by version: what they said, and since when they count."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from flask_tokenoffset.models.append_only import make_append_only
from flask_tokenoffset.models.base import Base, primary_key
from flask_tokenoffset.models.identities import DIGEST_LENGTH

#: Characters of a document's name (a word such as ``privacy-policy``) and of a version's.
LONGEST_DOCUMENT: Final = 40
#: Characters of a language tag, for example ``en`` or ``pt-BR`` (BCP 47).
LONGEST_LANGUAGE: Final = 16
#: Characters of a title, and of the sentence that says what changed.
LONGEST_TITLE: Final = 200
LONGEST_SUMMARY: Final = 500
#: Days between the notice of a material change, to everyone, and its effect.
NOTICE_DAYS: Final = 14


class DocumentVersion(Base):
    """One text of one document in one language, as it was published. It never changes again."""

    __tablename__ = "tokenoffset_document_version"
    __table_args__ = (
        UniqueConstraint("document", "version", "language"),
        UniqueConstraint("document", "language", "sequence"),
    )

    id: Mapped[UUID] = primary_key()
    #: Which document: ``terms``, ``privacy-policy``, or a word of the host's.
    document: Mapped[str] = mapped_column(String(LONGEST_DOCUMENT))
    #: What the version is called, for example ``2026-11-20``.
    version: Mapped[str] = mapped_column(String(LONGEST_DOCUMENT))
    language: Mapped[str] = mapped_column(String(LONGEST_LANGUAGE))
    #: From 1 on: which of the versions in this language it is.
    sequence: Mapped[int]
    title: Mapped[str] = mapped_column(String(LONGEST_TITLE))
    #: The text itself, in Markdown.
    text: Mapped[str] = mapped_column(Text)
    #: SHA-256 over the text.
    digest: Mapped[str] = mapped_column(String(DIGEST_LENGTH))
    #: What changed since the version before, in a sentence or two.
    summary: Mapped[str] = mapped_column(String(LONGEST_SUMMARY))
    #: Whether the change matters to people, so that they are told and asked again.
    material: Mapped[bool] = mapped_column(Boolean)
    #: Whether nobody goes on without having accepted it; a cookie notice is only shown.
    acceptance_required: Mapped[bool] = mapped_column(Boolean)
    published_at: Mapped[datetime]
    #: When it is meant to take effect; see :class:`DocumentEffect` for when it does.
    intended_effective_at: Mapped[datetime]


class DocumentNotice(Base):
    """How far the notice of a material change has gone out."""

    __tablename__ = "tokenoffset_document_notice"

    document_version_id: Mapped[UUID] = mapped_column(
        ForeignKey(DocumentVersion.id), primary_key=True
    )
    #: Everyone up to this id has a message in the outbox, or a banner where no mail reaches them.
    last_person_id: Mapped[UUID | None]
    people_notified: Mapped[int] = mapped_column(default=0)
    people_unreached: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime]
    #: When the last one was told; the fourteen days begin here.
    completed_at: Mapped[datetime | None]


class DocumentEffect(Base):
    """Since when a version counts. Written once, when that is certain, and never changed."""

    __tablename__ = "tokenoffset_document_effect"
    __table_args__ = (
        CheckConstraint("NOT material OR notice_at IS NOT NULL", name="told"),
        # The same rule in both dialects: SQLite keeps instants as texts.
        CheckConstraint(
            f"NOT material OR effective_at >= notice_at + INTERVAL '{NOTICE_DAYS} days'",
            name="told_in_time",
        ).ddl_if(dialect="postgresql"),
        CheckConstraint(
            "NOT material OR effective_at >="
            f" strftime('%Y-%m-%d %H:%M:%f', notice_at, '+{NOTICE_DAYS} days')",
            name="told_in_time",
        ).ddl_if(dialect="sqlite"),
    )

    document_version_id: Mapped[UUID] = mapped_column(
        ForeignKey(DocumentVersion.id), primary_key=True
    )
    material: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    #: When the notice had gone to everyone; none for what changes nothing material.
    notice_at: Mapped[datetime | None]
    effective_at: Mapped[datetime] = mapped_column(index=True)


DOCUMENTS_APPEND_ONLY: Final = (
    make_append_only(DocumentVersion.__table__, "A published document never changes."),
    make_append_only(DocumentEffect.__table__, "When a document takes effect never changes."),
)
