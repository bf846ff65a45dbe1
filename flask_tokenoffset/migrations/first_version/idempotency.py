"""The tables of repeated API requests."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

from flask_tokenoffset.migrations.first_version.values import INSTANT

#: In the order in which they are made.
TABLES: Final = ("tokenoffset_idempotency_record",)


def create() -> None:
    """Make the tables of repeated API requests."""
    _create_idempotency_record()


def _create_idempotency_record() -> None:
    op.create_table(
        "tokenoffset_idempotency_record",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_key", sa.String(length=255), nullable=False),
        sa.Column("route", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("request_digest", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_idempotency_record")),
        sa.UniqueConstraint(
            "user_key",
            "route",
            "key",
            name=op.f("uq_tokenoffset_idempotency_record_user_key_route_key"),
        ),
    )
    op.create_index(
        op.f("ix_tokenoffset_idempotency_record_created_at"),
        "tokenoffset_idempotency_record",
        ["created_at"],
    )
