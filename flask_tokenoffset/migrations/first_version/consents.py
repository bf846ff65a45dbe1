"""The tables of consents."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

from flask_tokenoffset.migrations.first_version.values import INSTANT

#: In the order in which they are made.
TABLES: Final = (
    "tokenoffset_consent_notice",
    "tokenoffset_consent_event",
)


def create() -> None:
    """Make the tables of consents."""
    _create_consent_notice()
    _create_consent_event()


def _create_consent_notice() -> None:
    op.create_table(
        "tokenoffset_consent_notice",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("particulars", sa.JSON(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_tokenoffset_consent_notice")),
    )


def _create_consent_event() -> None:
    op.create_table(
        "tokenoffset_consent_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("schema_version", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("event_type", sa.String(length=20), nullable=False),
        sa.Column("document_version_id", sa.Uuid(), nullable=True),
        sa.Column("purpose", sa.String(length=60), nullable=True),
        sa.Column("notice_digest", sa.String(length=64), nullable=True),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("place", sa.String(length=80), nullable=False),
        sa.Column("method", sa.String(length=40), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("valid_until", INSTANT, nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.CheckConstraint(
            "(document_version_id IS NULL) <> (purpose IS NULL)",
            name=op.f("ck_tokenoffset_consent_event_one_of_the_two"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tokenoffset_account.id"],
            name=op.f("fk_tokenoffset_consent_event_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["document_version_id"],
            ["tokenoffset_document_version.id"],
            name=op.f("fk_tokenoffset_consent_event_document_version_id"),
        ),
        sa.ForeignKeyConstraint(
            ["notice_digest"],
            ["tokenoffset_consent_notice.digest"],
            name=op.f("fk_tokenoffset_consent_event_notice_digest"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["tokenoffset_person.id"],
            name=op.f("fk_tokenoffset_consent_event_person_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_consent_event")),
        sa.UniqueConstraint(
            "account_id", "sequence", name=op.f("uq_tokenoffset_consent_event_account_id_sequence")
        ),
    )
    op.create_index(
        op.f("ix_tokenoffset_consent_event_purpose_account_id_sequence"),
        "tokenoffset_consent_event",
        ["purpose", "account_id", "sequence"],
    )
