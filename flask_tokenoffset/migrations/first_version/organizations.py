"""The tables of organizations, their members and invitations."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

from flask_tokenoffset.migrations.first_version.values import INSTANT

#: In the order in which they are made.
TABLES: Final = (
    "tokenoffset_organization",
    "tokenoffset_membership",
    "tokenoffset_invitation",
)


def create() -> None:
    """Make the tables of organizations, their members and invitations."""
    _create_organization()
    _create_membership()
    _create_invitation()


def _create_organization() -> None:
    op.create_table(
        "tokenoffset_organization",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("payer_rule", sa.String(length=20), nullable=False),
        sa.Column("default_band", sa.String(length=40), nullable=True),
        sa.Column("default_coverage_percent", sa.Integer(), nullable=False),
        sa.Column("cap_cents_per_month", sa.BigInteger(), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "cap_cents_per_month >= 0", name=op.f("ck_tokenoffset_organization_cap_not_negative")
        ),
        sa.CheckConstraint(
            "default_coverage_percent BETWEEN 0 AND 1000",
            name=op.f("ck_tokenoffset_organization_coverage_range"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tokenoffset_account.id"],
            name=op.f("fk_tokenoffset_organization_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["created_by"],
            ["tokenoffset_person.id"],
            name=op.f("fk_tokenoffset_organization_created_by"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_organization")),
        sa.UniqueConstraint("account_id", name=op.f("uq_tokenoffset_organization_account_id")),
    )


def _create_membership() -> None:
    op.create_table(
        "tokenoffset_membership",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("sort_name", sa.String(length=120), nullable=False),
        sa.Column("search_text", sa.String(length=441), nullable=False),
        sa.Column("chosen_payer", sa.String(length=20), nullable=True),
        sa.Column("usage_shared_at", INSTANT, nullable=True),
        sa.Column("joined_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tokenoffset_account.id"],
            name=op.f("fk_tokenoffset_membership_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["tokenoffset_organization.id"],
            name=op.f("fk_tokenoffset_membership_organization_id"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["tokenoffset_person.id"],
            name=op.f("fk_tokenoffset_membership_person_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_membership")),
        sa.UniqueConstraint("account_id", name=op.f("uq_tokenoffset_membership_account_id")),
        sa.UniqueConstraint(
            "organization_id",
            "person_id",
            name=op.f("uq_tokenoffset_membership_organization_id_person_id"),
        ),
    )
    op.create_index(
        op.f("ix_tokenoffset_membership_organization_id_role"),
        "tokenoffset_membership",
        ["organization_id", "role"],
    )
    op.create_index(
        op.f("ix_tokenoffset_membership_organization_id_sort_name_id"),
        "tokenoffset_membership",
        ["organization_id", "sort_name", "id"],
    )
    op.create_index(
        op.f("ix_tokenoffset_membership_person_id"), "tokenoffset_membership", ["person_id"]
    )


def _create_invitation() -> None:
    op.create_table(
        "tokenoffset_invitation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=False),
        sa.Column("salt", sa.String(length=64), nullable=False),
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("sent_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("accepted_at", INSTANT, nullable=True),
        sa.Column("accepted_by", sa.Uuid(), nullable=True),
        sa.Column("cancelled_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["accepted_by"],
            ["tokenoffset_person.id"],
            name=op.f("fk_tokenoffset_invitation_accepted_by"),
        ),
        sa.ForeignKeyConstraint(
            ["invited_by"],
            ["tokenoffset_person.id"],
            name=op.f("fk_tokenoffset_invitation_invited_by"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["tokenoffset_organization.id"],
            name=op.f("fk_tokenoffset_invitation_organization_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_invitation")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_tokenoffset_invitation_token_digest")),
    )
    op.create_index(
        op.f("ix_tokenoffset_invitation_accepted_by"), "tokenoffset_invitation", ["accepted_by"]
    )
    op.create_index(
        op.f("ix_tokenoffset_invitation_invited_by"), "tokenoffset_invitation", ["invited_by"]
    )
    op.create_index(
        op.f("ix_tokenoffset_invitation_organization_id_created_at_id"),
        "tokenoffset_invitation",
        ["organization_id", "created_at", "id"],
    )
    op.create_index(
        op.f("ix_tokenoffset_invitation_organization_id_email"),
        "tokenoffset_invitation",
        ["organization_id", "email"],
    )
    op.create_index(
        op.f("ix_tokenoffset_invitation_expires_at"), "tokenoffset_invitation", ["expires_at"]
    )
