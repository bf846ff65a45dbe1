"""The tables of sources and the sealed keys of connected vendors."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

from flask_tokenoffset.migrations.first_version.values import INSTANT

#: In the order in which they are made.
TABLES: Final = (
    "tokenoffset_source",
    "tokenoffset_connection",
    "tokenoffset_credential",
)
NOT_SAMPLED: Final = sa.text("kind <> 'sampled'")


def create() -> None:
    """Make the tables of sources and the sealed keys of connected vendors."""
    _create_source()
    _create_connection()
    _create_credential()


def _create_source() -> None:
    op.create_table(
        "tokenoffset_source",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("label", sa.String(length=120), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tokenoffset_account.id"],
            name=op.f("fk_tokenoffset_source_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["tokenoffset_person.id"], name=op.f("fk_tokenoffset_source_created_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_source")),
    )
    op.create_index(op.f("ix_tokenoffset_source_account_id"), "tokenoffset_source", ["account_id"])
    op.create_index(
        "uq_tokenoffset_source_single",
        "tokenoffset_source",
        ["account_id", "kind"],
        unique=True,
        postgresql_where=NOT_SAMPLED,
        sqlite_where=NOT_SAMPLED,
    )


def _create_connection() -> None:
    op.create_table(
        "tokenoffset_connection",
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("paused_code", sa.String(length=60), nullable=True),
        sa.Column("paused_reason", sa.Text(), nullable=True),
        sa.Column("key_prefix", sa.String(length=6), nullable=False),
        sa.Column("organization_id", sa.String(length=200), nullable=True),
        sa.Column("organization_name", sa.String(length=200), nullable=True),
        sa.Column("refresh_offset_seconds", sa.Integer(), nullable=False),
        sa.Column("connected_at", INSTANT, nullable=False),
        sa.Column("disconnected_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tokenoffset_account.id"],
            name=op.f("fk_tokenoffset_connection_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["source_id"],
            ["tokenoffset_source.id"],
            name=op.f("fk_tokenoffset_connection_source_id"),
        ),
        sa.PrimaryKeyConstraint("source_id", name=op.f("pk_tokenoffset_connection")),
    )
    op.create_index(
        op.f("ix_tokenoffset_connection_account_id"), "tokenoffset_connection", ["account_id"]
    )
    op.create_index(op.f("ix_tokenoffset_connection_status"), "tokenoffset_connection", ["status"])


def _create_credential() -> None:
    op.create_table(
        "tokenoffset_credential",
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("schema_version", sa.Integer(), nullable=False),
        sa.Column("key_version", sa.String(length=100), nullable=False),
        sa.Column("data_key_id", sa.String(length=64), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tokenoffset_account.id"],
            name=op.f("fk_tokenoffset_credential_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["source_id"],
            ["tokenoffset_connection.source_id"],
            name=op.f("fk_tokenoffset_credential_source_id"),
        ),
        sa.PrimaryKeyConstraint("source_id", name=op.f("pk_tokenoffset_credential")),
    )
    op.create_index(
        op.f("ix_tokenoffset_credential_account_id"), "tokenoffset_credential", ["account_id"]
    )
    op.create_index(
        op.f("ix_tokenoffset_credential_key_version"), "tokenoffset_credential", ["key_version"]
    )
