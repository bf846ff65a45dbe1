"""The first tables: accounts, sources, credentials, samples, usage, estimates and plans.

Revision: 0001
Follows: nothing

Every name is written out, so that it stays what it is when the naming convention of the models
changes. The types are SQLAlchemy's own for the same reason.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
# SQLite numbers rows by itself only in a column declared INTEGER.
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NOT_SAMPLED = sa.text("kind <> 'sampled'")
UNFINISHED = sa.text("status IN ('queued', 'running')")


def upgrade() -> None:
    op.create_table(
        "tokenoffset_account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_account")),
    )

    op.create_table(
        "tokenoffset_person",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("user_key", sa.String(length=255), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tokenoffset_account.id"],
            name=op.f("fk_tokenoffset_person_account_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_person")),
        sa.UniqueConstraint("account_id", name=op.f("uq_tokenoffset_person_account_id")),
        sa.UniqueConstraint("user_key", name=op.f("uq_tokenoffset_person_user_key")),
    )

    op.create_table(
        "tokenoffset_plan",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["tokenoffset_account.id"], name=op.f("fk_tokenoffset_plan_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_plan")),
        sa.UniqueConstraint("account_id", name=op.f("uq_tokenoffset_plan_account_id")),
    )

    op.create_table(
        "tokenoffset_plan_status_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tokenoffset_account.id"],
            name=op.f("fk_tokenoffset_plan_status_change_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["changed_by"],
            ["tokenoffset_person.id"],
            name=op.f("fk_tokenoffset_plan_status_change_changed_by"),
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"],
            ["tokenoffset_plan.id"],
            name=op.f("fk_tokenoffset_plan_status_change_plan_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_plan_status_change")),
        sa.UniqueConstraint(
            "plan_id", "sequence", name=op.f("uq_tokenoffset_plan_status_change_plan_id_sequence")
        ),
    )
    op.create_index(
        op.f("ix_tokenoffset_plan_status_change_account_id"),
        "tokenoffset_plan_status_change",
        ["account_id"],
    )

    op.create_table(
        "tokenoffset_source",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("label", sa.String(length=120), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tokenoffset_account.id"],
            name=op.f("fk_tokenoffset_source_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["tokenoffset_person.id"], name=op.f("fk_tokenoffset_source_created_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_source")),
    )
    op.create_index(op.f("ix_tokenoffset_source_account_id"), "tokenoffset_source", ["account_id"])
    op.create_index(
        "uq_tokenoffset_source_single",
        "tokenoffset_source",
        ["account_id", "kind"],
        unique=True,
        postgresql_where=NOT_SAMPLED,
        sqlite_where=NOT_SAMPLED,
    )

    op.create_table(
        "tokenoffset_connection",
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("paused_code", sa.String(length=60), nullable=True),
        sa.Column("paused_reason", sa.Text(), nullable=True),
        sa.Column("key_prefix", sa.String(length=6), nullable=False),
        sa.Column("organization_id", sa.String(length=200), nullable=True),
        sa.Column("organization_name", sa.String(length=200), nullable=True),
        sa.Column("refresh_offset_seconds", sa.Integer(), nullable=False),
        sa.Column("connected_at", INSTANT, nullable=False),
        sa.Column("disconnected_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tokenoffset_account.id"],
            name=op.f("fk_tokenoffset_connection_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["source_id"],
            ["tokenoffset_source.id"],
            name=op.f("fk_tokenoffset_connection_source_id"),
        ),
        sa.PrimaryKeyConstraint("source_id", name=op.f("pk_tokenoffset_connection")),
    )
    op.create_index(
        op.f("ix_tokenoffset_connection_account_id"), "tokenoffset_connection", ["account_id"]
    )
    op.create_index(op.f("ix_tokenoffset_connection_status"), "tokenoffset_connection", ["status"])

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

    op.create_table(
        "tokenoffset_credential",
        sa.Column("source_id", sa.Uuid(), nullable=False),
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
            name=op.f("fk_tokenoffset_credential_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["source_id"],
            ["tokenoffset_connection.source_id"],
            name=op.f("fk_tokenoffset_credential_source_id"),
        ),
        sa.PrimaryKeyConstraint("source_id", name=op.f("pk_tokenoffset_credential")),
    )
    op.create_index(
        op.f("ix_tokenoffset_credential_account_id"), "tokenoffset_credential", ["account_id"]
    )
    op.create_index(
        op.f("ix_tokenoffset_credential_key_version"), "tokenoffset_credential", ["key_version"]
    )

    op.create_table(
        "tokenoffset_daily_cost",
        sa.Column("line_id", ROW_NUMBER, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("cost_nano_usd", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("line_id", "day", name=op.f("pk_tokenoffset_daily_cost")),
    )

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

    op.create_table(
        "tokenoffset_adoption",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("estimate_id", sa.Uuid(), nullable=False),
        sa.Column("source_kind", sa.String(length=20), nullable=False),
        sa.Column("tokens_per_month", sa.BigInteger(), nullable=False),
        sa.Column("coverage_percent", sa.Integer(), nullable=False),
        sa.Column("method_version", sa.String(length=20), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("adopted_by", sa.Uuid(), nullable=False),
        sa.Column("adopted_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "amount_cents >= 0", name=op.f("ck_tokenoffset_adoption_amount_not_negative")
        ),
        sa.CheckConstraint(
            "coverage_percent BETWEEN 0 AND 1000",
            name=op.f("ck_tokenoffset_adoption_coverage_range"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tokenoffset_account.id"],
            name=op.f("fk_tokenoffset_adoption_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["adopted_by"],
            ["tokenoffset_person.id"],
            name=op.f("fk_tokenoffset_adoption_adopted_by"),
        ),
        sa.ForeignKeyConstraint(
            ["estimate_id"],
            ["tokenoffset_estimate.id"],
            name=op.f("fk_tokenoffset_adoption_estimate_id"),
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["tokenoffset_plan.id"], name=op.f("fk_tokenoffset_adoption_plan_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_adoption")),
        sa.UniqueConstraint(
            "plan_id", "sequence", name=op.f("uq_tokenoffset_adoption_plan_id_sequence")
        ),
    )
    op.create_index(
        op.f("ix_tokenoffset_adoption_account_id"), "tokenoffset_adoption", ["account_id"]
    )

    op.create_table(
        "tokenoffset_billing_record",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("adoption_id", sa.Uuid(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("tokens_per_month", sa.BigInteger(), nullable=False),
        sa.Column("coverage_percent", sa.Integer(), nullable=False),
        sa.Column("method_version", sa.String(length=20), nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tokenoffset_account.id"],
            name=op.f("fk_tokenoffset_billing_record_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["adoption_id"],
            ["tokenoffset_adoption.id"],
            name=op.f("fk_tokenoffset_billing_record_adoption_id"),
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["tokenoffset_plan.id"], name=op.f("fk_tokenoffset_billing_record_plan_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_billing_record")),
        sa.UniqueConstraint(
            "plan_id", "month", name=op.f("uq_tokenoffset_billing_record_plan_id_month")
        ),
    )
    op.create_index(
        op.f("ix_tokenoffset_billing_record_account_id"),
        "tokenoffset_billing_record",
        ["account_id"],
    )

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


def downgrade() -> None:
    # Dropping a table drops its indexes.
    op.drop_table("tokenoffset_idempotency_record")
    op.drop_table("tokenoffset_billing_record")
    op.drop_table("tokenoffset_adoption")
    op.drop_table("tokenoffset_kept_day")
    op.drop_table("tokenoffset_estimate")
    op.drop_table("tokenoffset_sample_run")
    op.drop_table("tokenoffset_daily_usage")
    op.drop_table("tokenoffset_daily_cost")
    op.drop_table("tokenoffset_credential")
    op.drop_table("tokenoffset_usage_series")
    op.drop_table("tokenoffset_cost_line")
    op.drop_table("tokenoffset_connection")
    op.drop_table("tokenoffset_source")
    op.drop_table("tokenoffset_plan_status_change")
    op.drop_table("tokenoffset_plan")
    op.drop_table("tokenoffset_person")
    op.drop_table("tokenoffset_account")
