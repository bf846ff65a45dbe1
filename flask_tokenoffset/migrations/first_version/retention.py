"""The tables of retention."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

from flask_tokenoffset.migrations.first_version.values import INSTANT

#: In the order in which they are made.
TABLES: Final = (
    "tokenoffset_purge_progress",
    "tokenoffset_retention_choice",
    "tokenoffset_legal_hold",
    "tokenoffset_legal_remain",
    "tokenoffset_usage_aggregate",
)


def create() -> None:
    """Make the tables of retention."""
    _create_purge_progress()
    _create_retention_choice()
    _create_legal_hold()
    _create_retained_record()
    _create_usage_aggregate()


def _create_purge_progress() -> None:
    op.create_table(
        "tokenoffset_purge_progress",
        sa.Column("rule", sa.String(length=60), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("position", sa.String(length=60), nullable=True),
        sa.Column("rows_purged", sa.BigInteger(), nullable=False),
        sa.Column("lag_seconds", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("rule", name=op.f("pk_tokenoffset_purge_progress")),
    )


def _create_retention_choice() -> None:
    op.create_table(
        "tokenoffset_retention_choice",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.String(length=60), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("chosen_by", sa.Uuid(), nullable=True),
        sa.Column("chosen_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tokenoffset_account.id"],
            name=op.f("fk_tokenoffset_retention_choice_account_id"),
        ),
        sa.PrimaryKeyConstraint("account_id", "rule", name=op.f("pk_tokenoffset_retention_choice")),
    )


def _create_legal_hold() -> None:
    op.create_table(
        "tokenoffset_legal_hold",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("table_name", sa.String(length=60), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(length=120), nullable=False),
        sa.Column("placed_at", INSTANT, nullable=False),
        sa.Column("held_until", INSTANT, nullable=False),
        sa.Column("lifted_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tokenoffset_account.id"],
            name=op.f("fk_tokenoffset_legal_hold_account_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_legal_hold")),
    )
    op.create_index(
        op.f("ix_tokenoffset_legal_hold_account_id"), "tokenoffset_legal_hold", ["account_id"]
    )
    op.create_index(
        op.f("ix_tokenoffset_legal_hold_table_name_account_id"),
        "tokenoffset_legal_hold",
        ["table_name", "account_id"],
    )


def _create_retained_record() -> None:
    op.create_table(
        "tokenoffset_legal_remain",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("basis", sa.String(length=40), nullable=False),
        sa.Column("month", sa.Date(), nullable=True),
        sa.Column("amount_cents", sa.BigInteger(), nullable=True),
        sa.Column("payer", sa.String(length=20), nullable=True),
        sa.Column("method_version", sa.String(length=20), nullable=True),
        sa.Column("programmes", sa.JSON(), nullable=True),
        sa.Column("kept_until", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tokenoffset_account.id"],
            name=op.f("fk_tokenoffset_legal_remain_account_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_legal_remain")),
    )
    op.create_index(
        op.f("ix_tokenoffset_legal_remain_account_id"), "tokenoffset_legal_remain", ["account_id"]
    )
    op.create_index(
        op.f("ix_tokenoffset_legal_remain_kept_until"), "tokenoffset_legal_remain", ["kept_until"]
    )


def _create_usage_aggregate() -> None:
    op.create_table(
        "tokenoffset_usage_aggregate",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("service_tier", sa.String(length=200), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("contributors", sa.Integer(), nullable=False),
        sa.Column("uncached_input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cached_input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cache_creation_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "contributors >= 10", name=op.f("ck_tokenoffset_usage_aggregate_large_enough")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_usage_aggregate")),
        sa.UniqueConstraint(
            "provider",
            "model",
            "service_tier",
            "month",
            name="uq_tokenoffset_usage_aggregate_group",
        ),
    )
