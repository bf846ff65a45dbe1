"""The tables of mail and product updates."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

from flask_tokenoffset.migrations.first_version.values import INSTANT

#: In the order in which they are made.
TABLES: Final = (
    "tokenoffset_outbound_message",
    "tokenoffset_product_update",
)


def create() -> None:
    """Make the tables of mail and product updates."""
    _create_outbound_message()
    _create_product_update()


def _create_outbound_message() -> None:
    op.create_table(
        "tokenoffset_outbound_message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("reference_id", sa.Uuid(), nullable=True),
        sa.Column("to_address", sa.String(length=320), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", INSTANT, nullable=False),
        sa.Column("failure_code", sa.String(length=60), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("sent_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tokenoffset_account.id"],
            name=op.f("fk_tokenoffset_outbound_message_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["tokenoffset_person.id"],
            name=op.f("fk_tokenoffset_outbound_message_person_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_outbound_message")),
    )
    op.create_index(
        op.f("ix_tokenoffset_outbound_message_account_id"),
        "tokenoffset_outbound_message",
        ["account_id"],
    )
    op.create_index(
        op.f("ix_tokenoffset_outbound_message_person_id"),
        "tokenoffset_outbound_message",
        ["person_id"],
    )
    op.create_index(
        op.f("ix_tokenoffset_outbound_message_status_next_attempt_at"),
        "tokenoffset_outbound_message",
        ["status", "next_attempt_at"],
    )
    op.create_index(
        op.f("ix_tokenoffset_outbound_message_created_at"),
        "tokenoffset_outbound_message",
        ["created_at"],
    )


def _create_product_update() -> None:
    op.create_table(
        "tokenoffset_product_update",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("last_person_id", sa.Uuid(), nullable=True),
        sa.Column("people_queued", sa.BigInteger(), nullable=False),
        sa.Column("completed_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_product_update")),
        sa.UniqueConstraint("digest", name=op.f("uq_tokenoffset_product_update_digest")),
    )
