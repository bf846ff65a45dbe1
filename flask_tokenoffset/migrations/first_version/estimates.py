"""The tables of estimates."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

from flask_tokenoffset.migrations.first_version.values import INSTANT

#: In the order in which they are made.
TABLES: Final = ("tokenoffset_estimate",)


def create() -> None:
    """Make the tables of estimates."""
    _create_estimate()


def _create_estimate() -> None:
    op.create_table(
        "tokenoffset_estimate",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("source_kind", sa.String(length=20), nullable=False),
        sa.Column("band", sa.String(length=20), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("window_start", sa.Date(), nullable=True),
        sa.Column("window_end", sa.Date(), nullable=True),
        sa.Column("quality", sa.String(length=40), nullable=False),
        sa.Column("uncached_input_tokens_per_month", sa.BigInteger(), nullable=False),
        sa.Column("cached_input_tokens_per_month", sa.BigInteger(), nullable=False),
        sa.Column("cache_creation_tokens_per_month", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens_per_month", sa.BigInteger(), nullable=False),
        sa.Column("cost_nano_usd_per_month", sa.BigInteger(), nullable=True),
        sa.Column("published_version", sa.String(length=20), nullable=False),
        sa.Column("class_aware_version", sa.String(length=20), nullable=False),
        sa.Column("bands_version", sa.String(length=20), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tokenoffset_account.id"],
            name=op.f("fk_tokenoffset_estimate_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["created_by"],
            ["tokenoffset_person.id"],
            name=op.f("fk_tokenoffset_estimate_created_by"),
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["tokenoffset_sample_run.id"], name=op.f("fk_tokenoffset_estimate_run_id")
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["tokenoffset_source.id"], name=op.f("fk_tokenoffset_estimate_source_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_estimate")),
        sa.UniqueConstraint("run_id", name=op.f("uq_tokenoffset_estimate_run_id")),
    )
    op.create_index(
        "ix_tokenoffset_estimate_newest",
        "tokenoffset_estimate",
        ["account_id", "source_id", "created_at"],
    )
    op.create_index(
        op.f("ix_tokenoffset_estimate_created_at"), "tokenoffset_estimate", ["created_at"]
    )
