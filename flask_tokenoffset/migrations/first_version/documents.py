"""The tables of legal texts."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

from flask_tokenoffset.migrations.first_version.values import INSTANT

#: In the order in which they are made.
TABLES: Final = (
    "tokenoffset_document_version",
    "tokenoffset_document_effect",
    "tokenoffset_document_notice",
)
#: Fourteen days between notice and effect; SQLite keeps instants as texts.
TOLD_IN_TIME: Final = {
    "postgresql": "NOT material OR effective_at >= notice_at + INTERVAL '14 days'",
    "sqlite": (
        "NOT material OR effective_at >= strftime('%Y-%m-%d %H:%M:%f', notice_at, '+14 days')"
    ),
}


def create() -> None:
    """Make the tables of legal texts."""
    _create_document_version()
    _create_document_effect()
    _create_document_notice()


def _create_document_version() -> None:
    op.create_table(
        "tokenoffset_document_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("document", sa.String(length=40), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("summary", sa.String(length=500), nullable=False),
        sa.Column("material", sa.Boolean(), nullable=False),
        sa.Column("acceptance_required", sa.Boolean(), nullable=False),
        sa.Column("published_at", INSTANT, nullable=False),
        sa.Column("intended_effective_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_document_version")),
        sa.UniqueConstraint(
            "document",
            "language",
            "sequence",
            name=op.f("uq_tokenoffset_document_version_document_language_sequence"),
        ),
        sa.UniqueConstraint(
            "document",
            "version",
            "language",
            name=op.f("uq_tokenoffset_document_version_document_version_language"),
        ),
    )


def _create_document_effect() -> None:
    op.create_table(
        "tokenoffset_document_effect",
        sa.Column("document_version_id", sa.Uuid(), nullable=False),
        sa.Column("material", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("notice_at", INSTANT, nullable=True),
        sa.Column("effective_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            TOLD_IN_TIME[op.get_bind().dialect.name],
            name=op.f("ck_tokenoffset_document_effect_told_in_time"),
        ),
        sa.CheckConstraint(
            "NOT material OR notice_at IS NOT NULL",
            name=op.f("ck_tokenoffset_document_effect_told"),
        ),
        sa.ForeignKeyConstraint(
            ["document_version_id"],
            ["tokenoffset_document_version.id"],
            name=op.f("fk_tokenoffset_document_effect_document_version_id"),
        ),
        sa.PrimaryKeyConstraint("document_version_id", name=op.f("pk_tokenoffset_document_effect")),
    )
    op.create_index(
        op.f("ix_tokenoffset_document_effect_effective_at"),
        "tokenoffset_document_effect",
        ["effective_at"],
    )


def _create_document_notice() -> None:
    op.create_table(
        "tokenoffset_document_notice",
        sa.Column("document_version_id", sa.Uuid(), nullable=False),
        sa.Column("last_person_id", sa.Uuid(), nullable=True),
        sa.Column("people_notified", sa.BigInteger(), nullable=False),
        sa.Column("people_unreached", sa.BigInteger(), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("completed_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["document_version_id"],
            ["tokenoffset_document_version.id"],
            name=op.f("fk_tokenoffset_document_notice_document_version_id"),
        ),
        sa.PrimaryKeyConstraint("document_version_id", name=op.f("pk_tokenoffset_document_notice")),
    )
