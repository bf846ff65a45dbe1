"""The tables of accounts and people."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

from flask_tokenoffset.migrations.first_version.values import INSTANT

#: In the order in which they are made.
TABLES: Final = (
    "tokenoffset_account",
    "tokenoffset_person",
)


def create() -> None:
    """Make the tables of accounts and people."""
    _create_account()
    _create_person()


def _create_account() -> None:
    op.create_table(
        "tokenoffset_account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("retention_plan", sa.String(length=40), nullable=True),
        sa.Column("released_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_account")),
    )


def _create_person() -> None:
    op.create_table(
        "tokenoffset_person",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("user_key", sa.String(length=255), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("email_verified_at", INSTANT, nullable=True),
        sa.Column(
            "email_verified_by_host", sa.Boolean(), server_default=sa.false(), nullable=False
        ),
        sa.Column("display_name", sa.String(length=120), nullable=True),
        sa.Column("company", sa.String(length=120), nullable=True),
        sa.Column("job_role", sa.String(length=120), nullable=True),
        sa.Column("heard_from", sa.String(length=120), nullable=True),
        sa.Column("onboarded_at", INSTANT, nullable=True),
        sa.Column("login_epoch", sa.Integer(), server_default="0", nullable=False),
        sa.Column("forgotten_at", INSTANT, nullable=True),
        sa.Column("restricted_at", INSTANT, nullable=True),
        sa.Column("deletion_due_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tokenoffset_account.id"],
            name=op.f("fk_tokenoffset_person_account_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_person")),
        sa.UniqueConstraint("account_id", name=op.f("uq_tokenoffset_person_account_id")),
        sa.UniqueConstraint("user_key", name=op.f("uq_tokenoffset_person_user_key")),
    )
    op.create_index(
        op.f("ix_tokenoffset_person_deletion_due_at"), "tokenoffset_person", ["deletion_due_at"]
    )
