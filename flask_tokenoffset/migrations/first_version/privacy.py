"""The tables of privacy requests, copies and erasures."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

from flask_tokenoffset.migrations.first_version.values import INSTANT

#: In the order in which they are made.
TABLES: Final = (
    "tokenoffset_rights_request",
    "tokenoffset_export",
    "tokenoffset_export_part",
    "tokenoffset_erasure",
    "tokenoffset_tombstone",
)


def create() -> None:
    """Make the tables of privacy requests, copies and erasures."""
    _create_rights_request()
    _create_export()
    _create_export_part()
    _create_erasure()
    _create_tombstone()


def _create_rights_request() -> None:
    op.create_table(
        "tokenoffset_rights_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("needs_human", sa.Boolean(), nullable=False),
        sa.Column("statement", sa.String(length=500), nullable=True),
        sa.Column("reply", sa.String(length=500), nullable=True),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("acknowledged_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("extended_at", INSTANT, nullable=True),
        sa.Column("extension_reason", sa.String(length=500), nullable=True),
        sa.Column("due_soon_warned_at", INSTANT, nullable=True),
        sa.Column("overdue_warned_at", INSTANT, nullable=True),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.Column("closed_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tokenoffset_account.id"],
            name=op.f("fk_tokenoffset_rights_request_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["tokenoffset_person.id"],
            name=op.f("fk_tokenoffset_rights_request_person_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_rights_request")),
    )
    op.create_index(
        op.f("ix_tokenoffset_rights_request_account_id"),
        "tokenoffset_rights_request",
        ["account_id"],
    )
    op.create_index(
        op.f("ix_tokenoffset_rights_request_person_id"), "tokenoffset_rights_request", ["person_id"]
    )
    op.create_index(
        op.f("ix_tokenoffset_rights_request_status_due_at"),
        "tokenoffset_rights_request",
        ["status", "due_at"],
    )


def _create_export() -> None:
    op.create_table(
        "tokenoffset_export",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("tables_done", sa.Integer(), nullable=False),
        sa.Column("tables_expected", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", INSTANT, nullable=False),
        sa.Column("failure_code", sa.String(length=60), nullable=True),
        sa.Column("salt", sa.String(length=64), nullable=False),
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("requested_at", INSTANT, nullable=False),
        sa.Column("ready_at", INSTANT, nullable=True),
        sa.Column("expires_at", INSTANT, nullable=True),
        sa.Column("fetched_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tokenoffset_account.id"],
            name=op.f("fk_tokenoffset_export_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["tokenoffset_person.id"], name=op.f("fk_tokenoffset_export_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["tokenoffset_rights_request.id"],
            name=op.f("fk_tokenoffset_export_request_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_export")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_tokenoffset_export_token_digest")),
    )
    op.create_index(op.f("ix_tokenoffset_export_account_id"), "tokenoffset_export", ["account_id"])
    op.create_index(op.f("ix_tokenoffset_export_expires_at"), "tokenoffset_export", ["expires_at"])
    op.create_index(op.f("ix_tokenoffset_export_person_id"), "tokenoffset_export", ["person_id"])
    op.create_index(op.f("ix_tokenoffset_export_request_id"), "tokenoffset_export", ["request_id"])
    op.create_index(
        op.f("ix_tokenoffset_export_status_next_attempt_at"),
        "tokenoffset_export",
        ["status", "next_attempt_at"],
    )


def _create_export_part() -> None:
    op.create_table(
        "tokenoffset_export_part",
        sa.Column("export_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("schema_version", sa.Integer(), nullable=False),
        sa.Column("key_version", sa.String(length=100), nullable=False),
        sa.Column("data_key_id", sa.String(length=64), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tokenoffset_account.id"],
            name=op.f("fk_tokenoffset_export_part_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["export_id"],
            ["tokenoffset_export.id"],
            name=op.f("fk_tokenoffset_export_part_export_id"),
        ),
        sa.PrimaryKeyConstraint("export_id", "number", name=op.f("pk_tokenoffset_export_part")),
    )


def _create_erasure() -> None:
    op.create_table(
        "tokenoffset_erasure",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("step", sa.String(length=40), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", INSTANT, nullable=False),
        sa.Column("requested_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("reminded_at", INSTANT, nullable=True),
        sa.Column("undone_at", INSTANT, nullable=True),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("user_key", sa.String(length=255), nullable=True),
        sa.Column("host_outcome", sa.String(length=20), nullable=False),
        sa.Column("host_code", sa.String(length=60), nullable=True),
        sa.Column("host_attempts", sa.Integer(), nullable=False),
        sa.Column("host_next_attempt_at", INSTANT, nullable=True),
        sa.Column("host_replied_at", INSTANT, nullable=True),
        sa.Column("receipt", sa.JSON(), nullable=True),
        sa.Column("salt", sa.String(length=64), nullable=False),
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tokenoffset_account.id"],
            name=op.f("fk_tokenoffset_erasure_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["tokenoffset_person.id"], name=op.f("fk_tokenoffset_erasure_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_erasure")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_tokenoffset_erasure_token_digest")),
    )
    op.create_index(
        op.f("ix_tokenoffset_erasure_account_id"), "tokenoffset_erasure", ["account_id"]
    )
    op.create_index(op.f("ix_tokenoffset_erasure_person_id"), "tokenoffset_erasure", ["person_id"])
    op.create_index(
        op.f("ix_tokenoffset_erasure_status_next_attempt_at"),
        "tokenoffset_erasure",
        ["status", "next_attempt_at"],
    )


def _create_tombstone() -> None:
    op.create_table(
        "tokenoffset_tombstone",
        sa.Column("user_digest", sa.String(length=64), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("erased_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("user_digest", name=op.f("pk_tokenoffset_tombstone")),
    )
    op.create_index(
        op.f("ix_tokenoffset_tombstone_erased_at"), "tokenoffset_tombstone", ["erased_at"]
    )
