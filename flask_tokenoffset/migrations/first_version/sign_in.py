"""The tables of sign-in by mailed link, and reauthentication."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

from flask_tokenoffset.migrations.first_version.values import INSTANT

#: In the order in which they are made.
TABLES: Final = (
    "tokenoffset_sign_in_address",
    "tokenoffset_magic_link",
    "tokenoffset_fresh_proof",
)


def create() -> None:
    """Make the tables of sign-in by mailed link, and reauthentication."""
    _create_sign_in_address()
    _create_magic_link()
    _create_reauthentication_proof()


def _create_sign_in_address() -> None:
    op.create_table(
        "tokenoffset_sign_in_address",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("verified_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["tokenoffset_person.id"],
            name=op.f("fk_tokenoffset_sign_in_address_person_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_sign_in_address")),
        sa.UniqueConstraint("email", name=op.f("uq_tokenoffset_sign_in_address_email")),
    )
    op.create_index(
        op.f("ix_tokenoffset_sign_in_address_person_id"),
        "tokenoffset_sign_in_address",
        ["person_id"],
    )


def _create_magic_link() -> None:
    op.create_table(
        "tokenoffset_magic_link",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("browser_digest", sa.String(length=64), nullable=False),
        sa.Column("salt", sa.String(length=64), nullable=False),
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.Column("next_path", sa.String(length=500), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["tokenoffset_person.id"],
            name=op.f("fk_tokenoffset_magic_link_person_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_magic_link")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_tokenoffset_magic_link_token_digest")),
    )
    op.create_index(
        op.f("ix_tokenoffset_magic_link_expires_at"), "tokenoffset_magic_link", ["expires_at"]
    )
    op.create_index(
        op.f("ix_tokenoffset_magic_link_person_id"), "tokenoffset_magic_link", ["person_id"]
    )


def _create_reauthentication_proof() -> None:
    op.create_table(
        "tokenoffset_fresh_proof",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("browser_digest", sa.String(length=64), nullable=False),
        sa.Column("method", sa.String(length=40), nullable=False),
        sa.Column("proved_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["tokenoffset_person.id"],
            name=op.f("fk_tokenoffset_fresh_proof_person_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_fresh_proof")),
        sa.UniqueConstraint(
            "person_id",
            "browser_digest",
            name=op.f("uq_tokenoffset_fresh_proof_person_id_browser_digest"),
        ),
    )
    op.create_index(
        op.f("ix_tokenoffset_fresh_proof_proved_at"), "tokenoffset_fresh_proof", ["proved_at"]
    )
