"""The tables of what was read from vendors, day by day."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

from flask_tokenoffset.migrations.first_version.values import ROW_NUMBER

#: In the order in which they are made.
TABLES: Final = (
    "tokenoffset_cost_line",
    "tokenoffset_usage_series",
    "tokenoffset_daily_cost",
    "tokenoffset_daily_usage",
    "tokenoffset_kept_day",
)


def create() -> None:
    """Make the tables of what was read from vendors, day by day."""
    _create_cost_line()
    _create_usage_series()
    _create_daily_cost()
    _create_daily_usage()
    _create_kept_day()


def _create_cost_line() -> None:
    op.create_table(
        "tokenoffset_cost_line",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("description", sa.String(length=200), nullable=False),
        sa.Column("cost_type", sa.String(length=200), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("service_tier", sa.String(length=200), nullable=False),
        sa.Column("token_type", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tokenoffset_account.id"],
            name=op.f("fk_tokenoffset_cost_line_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["source_id"],
            ["tokenoffset_source.id"],
            name=op.f("fk_tokenoffset_cost_line_source_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_cost_line")),
        sa.UniqueConstraint(
            "source_id",
            "description",
            "cost_type",
            "model",
            "service_tier",
            "token_type",
            name=op.f(
                "uq_tokenoffset_cost_line_source_id_description_cost_type_model_service_tier_token_type"
            ),
        ),
    )
    op.create_index(
        op.f("ix_tokenoffset_cost_line_account_id"), "tokenoffset_cost_line", ["account_id"]
    )


def _create_usage_series() -> None:
    op.create_table(
        "tokenoffset_usage_series",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("service_tier", sa.String(length=200), nullable=False),
        sa.Column("context_window", sa.String(length=200), nullable=False),
        sa.Column("batch", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tokenoffset_account.id"],
            name=op.f("fk_tokenoffset_usage_series_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["source_id"],
            ["tokenoffset_source.id"],
            name=op.f("fk_tokenoffset_usage_series_source_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_usage_series")),
        sa.UniqueConstraint(
            "source_id",
            "model",
            "service_tier",
            "context_window",
            "batch",
            name=op.f(
                "uq_tokenoffset_usage_series_source_id_model_service_tier_context_window_batch"
            ),
        ),
    )
    op.create_index(
        op.f("ix_tokenoffset_usage_series_account_id"), "tokenoffset_usage_series", ["account_id"]
    )


def _create_daily_cost() -> None:
    op.create_table(
        "tokenoffset_daily_cost",
        sa.Column("line_id", ROW_NUMBER, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("cost_nano_usd", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("line_id", "day", name=op.f("pk_tokenoffset_daily_cost")),
    )


def _create_daily_usage() -> None:
    op.create_table(
        "tokenoffset_daily_usage",
        sa.Column("series_id", ROW_NUMBER, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("uncached_input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cached_input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cache_creation_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), nullable=False),
        sa.Column("request_count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("series_id", "day", name=op.f("pk_tokenoffset_daily_usage")),
    )


def _create_kept_day() -> None:
    op.create_table(
        "tokenoffset_kept_day",
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("report", sa.String(length=10), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tokenoffset_account.id"],
            name=op.f("fk_tokenoffset_kept_day_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["tokenoffset_sample_run.id"], name=op.f("fk_tokenoffset_kept_day_run_id")
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["tokenoffset_source.id"], name=op.f("fk_tokenoffset_kept_day_source_id")
        ),
        sa.PrimaryKeyConstraint("source_id", "day", "report", name=op.f("pk_tokenoffset_kept_day")),
    )
    op.create_index(
        op.f("ix_tokenoffset_kept_day_account_id"), "tokenoffset_kept_day", ["account_id"]
    )
    op.create_index(op.f("ix_tokenoffset_kept_day_run_id"), "tokenoffset_kept_day", ["run_id"])
