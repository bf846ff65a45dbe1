"""The tables of linked identities."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

from flask_tokenoffset.migrations.first_version.values import INSTANT

#: In the order in which they are made.
TABLES: Final = (
    "tokenoffset_identity",
    "tokenoffset_identity_attempt",
    "tokenoffset_identity_credential",
)


def create() -> None:
    """Make the tables of linked identities."""
    _create_identity()
    _create_identity_attempt()
    _create_identity_credential()


def _create_identity() -> None:
    op.create_table(
        "tokenoffset_identity",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("email_verified", sa.Boolean(), nullable=False),
        sa.Column("linked_at", INSTANT, nullable=False),
        sa.Column("last_used_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tokenoffset_account.id"],
            name=op.f("fk_tokenoffset_identity_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["tokenoffset_person.id"], name=op.f("fk_tokenoffset_identity_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_identity")),
        sa.UniqueConstraint(
            "issuer", "subject", name=op.f("uq_tokenoffset_identity_issuer_subject")
        ),
    )
    op.create_index(
        op.f("ix_tokenoffset_identity_account_id"), "tokenoffset_identity", ["account_id"]
    )
    op.create_index(
        op.f("ix_tokenoffset_identity_person_id"), "tokenoffset_identity", ["person_id"]
    )


def _create_identity_attempt() -> None:
    op.create_table(
        "tokenoffset_identity_attempt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("state_digest", sa.String(length=64), nullable=False),
        sa.Column("browser_digest", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("next_path", sa.String(length=500), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["tokenoffset_person.id"],
            name=op.f("fk_tokenoffset_identity_attempt_person_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_identity_attempt")),
        sa.UniqueConstraint(
            "state_digest", name=op.f("uq_tokenoffset_identity_attempt_state_digest")
        ),
    )
    op.create_index(
        op.f("ix_tokenoffset_identity_attempt_expires_at"),
        "tokenoffset_identity_attempt",
        ["expires_at"],
    )
    op.create_index(
        op.f("ix_tokenoffset_identity_attempt_person_id"),
        "tokenoffset_identity_attempt",
        ["person_id"],
    )


def _create_identity_credential() -> None:
    op.create_table(
        "tokenoffset_identity_credential",
        sa.Column("identity_id", sa.Uuid(), nullable=False),
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
            name=op.f("fk_tokenoffset_identity_credential_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["identity_id"],
            ["tokenoffset_identity.id"],
            name=op.f("fk_tokenoffset_identity_credential_identity_id"),
        ),
        sa.PrimaryKeyConstraint("identity_id", name=op.f("pk_tokenoffset_identity_credential")),
    )
    op.create_index(
        op.f("ix_tokenoffset_identity_credential_account_id"),
        "tokenoffset_identity_credential",
        ["account_id"],
    )
    op.create_index(
        op.f("ix_tokenoffset_identity_credential_key_version"),
        "tokenoffset_identity_credential",
        ["key_version"],
    )
