"""The tables of the audit log."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

from flask_tokenoffset.migrations.first_version.values import INSTANT

#: In the order in which they are made.
TABLES: Final = (
    "tokenoffset_audit_chain",
    "tokenoffset_audit_event",
    "tokenoffset_audit_origin",
)


def create() -> None:
    """Make the tables of the audit log."""
    _create_audit_chain()
    _create_audit_event()
    _create_audit_origin()


def _create_audit_chain() -> None:
    op.create_table(
        "tokenoffset_audit_chain",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.Column("head_digest", sa.String(length=64), nullable=False),
        sa.Column("head_seal", sa.String(length=64), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tokenoffset_account.id"],
            name=op.f("fk_tokenoffset_audit_chain_account_id"),
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_tokenoffset_audit_chain")),
    )


def _create_audit_event() -> None:
    op.create_table(
        "tokenoffset_audit_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("subject_type", sa.String(length=40), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("origin_digest", sa.String(length=64), nullable=True),
        sa.Column("previous_digest", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tokenoffset_account.id"],
            name=op.f("fk_tokenoffset_audit_event_account_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_audit_event")),
        sa.UniqueConstraint(
            "account_id", "sequence", name=op.f("uq_tokenoffset_audit_event_account_id_sequence")
        ),
    )
    op.create_index(
        op.f("ix_tokenoffset_audit_event_account_id_action_sequence"),
        "tokenoffset_audit_event",
        ["account_id", "action", "sequence"],
    )
    op.create_index(
        op.f("ix_tokenoffset_audit_event_account_id_actor_id_sequence"),
        "tokenoffset_audit_event",
        ["account_id", "actor_id", "sequence"],
    )


def _create_audit_origin() -> None:
    op.create_table(
        "tokenoffset_audit_origin",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=True),
        sa.Column("user_agent", sa.String(length=300), nullable=True),
        sa.Column("salt", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tokenoffset_account.id"],
            name=op.f("fk_tokenoffset_audit_origin_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["tokenoffset_audit_event.id"],
            name=op.f("fk_tokenoffset_audit_origin_event_id"),
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_tokenoffset_audit_origin")),
    )
    op.create_index(
        op.f("ix_tokenoffset_audit_origin_account_id"), "tokenoffset_audit_origin", ["account_id"]
    )
    op.create_index(
        op.f("ix_tokenoffset_audit_origin_recorded_at"), "tokenoffset_audit_origin", ["recorded_at"]
    )
