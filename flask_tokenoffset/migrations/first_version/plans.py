"""The tables of plans, adoptions and billing records."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

from flask_tokenoffset.migrations.first_version.values import INSTANT

#: In the order in which they are made.
TABLES: Final = (
    "tokenoffset_plan",
    "tokenoffset_plan_status_change",
    "tokenoffset_adoption",
    "tokenoffset_billing_record",
)


def create() -> None:
    """Make the tables of plans, adoptions and billing records."""
    _create_plan()
    _create_plan_status_change()
    _create_adoption()
    _create_billing_record()


def _create_plan() -> None:
    op.create_table(
        "tokenoffset_plan",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("billed_until", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["tokenoffset_account.id"], name=op.f("fk_tokenoffset_plan_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_plan")),
        sa.UniqueConstraint("account_id", name=op.f("uq_tokenoffset_plan_account_id")),
    )


def _create_plan_status_change() -> None:
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


def _create_adoption() -> None:
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
        sa.Column("programmes", sa.JSON(), nullable=False),
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
    op.create_index(
        op.f("ix_tokenoffset_adoption_estimate_id"), "tokenoffset_adoption", ["estimate_id"]
    )


def _create_billing_record() -> None:
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
        sa.Column("programmes", sa.JSON(), nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("payer", sa.String(length=20), server_default="person", nullable=False),
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
    op.create_index(
        op.f("ix_tokenoffset_billing_record_due_at"), "tokenoffset_billing_record", ["due_at"]
    )
