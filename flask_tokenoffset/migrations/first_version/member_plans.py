"""The tables of changes to many plans at once."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

from flask_tokenoffset.migrations.first_version.values import INSTANT, UNFINISHED

#: In the order in which they are made.
TABLES: Final = (
    "tokenoffset_bulk_change",
    "tokenoffset_bulk_change_target",
)


def create() -> None:
    """Make the tables of changes to many plans at once."""
    _create_bulk_change()
    _create_bulk_change_target()


def _create_bulk_change() -> None:
    op.create_table(
        "tokenoffset_bulk_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("band", sa.String(length=40), nullable=False),
        sa.Column("coverage_percent", sa.Integer(), nullable=False),
        sa.Column("method_version", sa.String(length=20), nullable=False),
        sa.Column("programmes", sa.JSON(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("difference_cents", sa.BigInteger(), nullable=False),
        sa.Column("plans_to_change", sa.Integer(), nullable=False),
        sa.Column("plans_changed", sa.Integer(), nullable=False),
        sa.Column("stopped_code", sa.String(length=60), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tokenoffset_account.id"],
            name=op.f("fk_tokenoffset_bulk_change_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["tokenoffset_organization.id"],
            name=op.f("fk_tokenoffset_bulk_change_organization_id"),
        ),
        sa.ForeignKeyConstraint(
            ["requested_by"],
            ["tokenoffset_person.id"],
            name=op.f("fk_tokenoffset_bulk_change_requested_by"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_bulk_change")),
    )
    op.create_index(
        op.f("ix_tokenoffset_bulk_change_account_id"), "tokenoffset_bulk_change", ["account_id"]
    )
    op.create_index(
        op.f("ix_tokenoffset_bulk_change_organization_id_created_at"),
        "tokenoffset_bulk_change",
        ["organization_id", "created_at"],
    )
    op.create_index(
        op.f("ix_tokenoffset_bulk_change_requested_by"), "tokenoffset_bulk_change", ["requested_by"]
    )
    op.create_index(
        "ix_tokenoffset_bulk_change_unfinished",
        "tokenoffset_bulk_change",
        ["created_at"],
        postgresql_where=UNFINISHED,
        sqlite_where=UNFINISHED,
    )


def _create_bulk_change_target() -> None:
    op.create_table(
        "tokenoffset_bulk_change_target",
        sa.Column("bulk_change_id", sa.Uuid(), nullable=False),
        sa.Column("membership_id", sa.Uuid(), nullable=False),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["bulk_change_id"],
            ["tokenoffset_bulk_change.id"],
            name=op.f("fk_tokenoffset_bulk_change_target_bulk_change_id"),
        ),
        sa.ForeignKeyConstraint(
            ["membership_id"],
            ["tokenoffset_membership.id"],
            name=op.f("fk_tokenoffset_bulk_change_target_membership_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "bulk_change_id", "membership_id", name=op.f("pk_tokenoffset_bulk_change_target")
        ),
    )
    op.create_index(
        op.f("ix_tokenoffset_bulk_change_target_bulk_change_id_done"),
        "tokenoffset_bulk_change_target",
        ["bulk_change_id", "done"],
    )
