"""The tables of sample runs."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

from flask_tokenoffset.migrations.first_version.values import INSTANT, UNFINISHED

#: In the order in which they are made.
TABLES: Final = ("tokenoffset_sample_run",)


def create() -> None:
    """Make the tables of sample runs."""
    _create_sample_run()
    _index_sample_run()


def _create_sample_run() -> None:
    op.create_table(
        "tokenoffset_sample_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("trigger", sa.String(length=20), nullable=False),
        sa.Column("scheduled_for", INSTANT, nullable=True),
        sa.Column("window_start", sa.Date(), nullable=False),
        sa.Column("window_end", sa.Date(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("reason_code", sa.String(length=60), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("pages_done", sa.Integer(), nullable=False),
        sa.Column("pages_expected", sa.Integer(), nullable=False),
        sa.Column("requested_at", INSTANT, nullable=False),
        sa.Column("available_at", INSTANT, nullable=False),
        sa.Column("enqueued_at", INSTANT, nullable=True),
        sa.Column("lease_expires_at", INSTANT, nullable=True),
        sa.Column("started_at", INSTANT, nullable=True),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("gaps", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tokenoffset_account.id"],
            name=op.f("fk_tokenoffset_sample_run_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["source_id"],
            ["tokenoffset_connection.source_id"],
            name=op.f("fk_tokenoffset_sample_run_source_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_sample_run")),
        sa.UniqueConstraint(
            "source_id",
            "scheduled_for",
            name=op.f("uq_tokenoffset_sample_run_source_id_scheduled_for"),
        ),
    )


def _index_sample_run() -> None:
    op.create_index(
        op.f("ix_tokenoffset_sample_run_account_id"), "tokenoffset_sample_run", ["account_id"]
    )
    op.create_index(
        op.f("ix_tokenoffset_sample_run_enqueued_at"), "tokenoffset_sample_run", ["enqueued_at"]
    )
    op.create_index(
        "ix_tokenoffset_sample_run_due", "tokenoffset_sample_run", ["status", "available_at"]
    )
    op.create_index(
        op.f("ix_tokenoffset_sample_run_source_id"), "tokenoffset_sample_run", ["source_id"]
    )
    op.create_index(
        "uq_tokenoffset_sample_run_unfinished",
        "tokenoffset_sample_run",
        ["source_id"],
        unique=True,
        postgresql_where=UNFINISHED,
        sqlite_where=UNFINISHED,
    )
    op.create_index(
        op.f("ix_tokenoffset_sample_run_finished_at"), "tokenoffset_sample_run", ["finished_at"]
    )
