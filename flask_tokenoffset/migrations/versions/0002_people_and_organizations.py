"""People, identities, organizations, mail, changes to many plans, and the audit log.

Revision: 0002
Follows: 0001

Every name is written out, so that it stays what it is when the naming convention of the models
changes. The types are SQLAlchemy's own for the same reason.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
UNFINISHED = sa.text("status IN ('queued', 'running')")
#: In the order in which they can be dropped.
TABLES = (
    "tokenoffset_bulk_change_target",
    "tokenoffset_membership",
    "tokenoffset_invitation",
    "tokenoffset_identity_credential",
    "tokenoffset_bulk_change",
    "tokenoffset_sign_in_address",
    "tokenoffset_outbound_message",
    "tokenoffset_organization",
    "tokenoffset_magic_link",
    "tokenoffset_identity_attempt",
    "tokenoffset_identity",
    "tokenoffset_fresh_proof",
    "tokenoffset_audit_origin",
    "tokenoffset_audit_event",
    "tokenoffset_audit_chain",
)
#: The database itself refuses to change the audit log, whoever asks.
APPEND_ONLY = {
    "postgresql": (
        """
        CREATE OR REPLACE FUNCTION tokenoffset_refuse_audit_change() RETURNS trigger AS $$
        BEGIN
            RAISE EXCEPTION 'The audit log is append-only.';
        END
        $$ LANGUAGE plpgsql
        """,
        """
        CREATE TRIGGER tokenoffset_audit_event_append_only
        BEFORE UPDATE OR DELETE OR TRUNCATE ON tokenoffset_audit_event
        FOR EACH STATEMENT EXECUTE FUNCTION tokenoffset_refuse_audit_change()
        """,
    ),
    "sqlite": (
        """
        CREATE TRIGGER tokenoffset_audit_event_no_update
        BEFORE UPDATE ON tokenoffset_audit_event
        BEGIN SELECT RAISE(ABORT, 'The audit log is append-only.'); END
        """,
        """
        CREATE TRIGGER tokenoffset_audit_event_no_delete
        BEFORE DELETE ON tokenoffset_audit_event
        BEGIN SELECT RAISE(ABORT, 'The audit log is append-only.'); END
        """,
    ),
}


def upgrade() -> None:
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

    op.create_table(
        "tokenoffset_identity",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("email_verified", sa.Boolean(), nullable=False),
        sa.Column("linked_at", INSTANT, nullable=False),
        sa.Column("last_used_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tokenoffset_account.id"],
            name=op.f("fk_tokenoffset_identity_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["tokenoffset_person.id"], name=op.f("fk_tokenoffset_identity_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_identity")),
        sa.UniqueConstraint(
            "issuer", "subject", name=op.f("uq_tokenoffset_identity_issuer_subject")
        ),
    )
    op.create_index(
        op.f("ix_tokenoffset_identity_account_id"), "tokenoffset_identity", ["account_id"]
    )
    op.create_index(
        op.f("ix_tokenoffset_identity_person_id"), "tokenoffset_identity", ["person_id"]
    )

    op.create_table(
        "tokenoffset_identity_attempt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("state_digest", sa.String(length=64), nullable=False),
        sa.Column("browser_digest", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("next_path", sa.String(length=500), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["tokenoffset_person.id"],
            name=op.f("fk_tokenoffset_identity_attempt_person_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_identity_attempt")),
        sa.UniqueConstraint(
            "state_digest", name=op.f("uq_tokenoffset_identity_attempt_state_digest")
        ),
    )
    op.create_index(
        op.f("ix_tokenoffset_identity_attempt_expires_at"),
        "tokenoffset_identity_attempt",
        ["expires_at"],
    )
    op.create_index(
        op.f("ix_tokenoffset_identity_attempt_person_id"),
        "tokenoffset_identity_attempt",
        ["person_id"],
    )

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

    op.create_table(
        "tokenoffset_outbound_message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("reference_id", sa.Uuid(), nullable=True),
        sa.Column("to_address", sa.String(length=320), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", INSTANT, nullable=False),
        sa.Column("failure_code", sa.String(length=60), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("sent_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tokenoffset_account.id"],
            name=op.f("fk_tokenoffset_outbound_message_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["tokenoffset_person.id"],
            name=op.f("fk_tokenoffset_outbound_message_person_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_outbound_message")),
    )
    op.create_index(
        op.f("ix_tokenoffset_outbound_message_account_id"),
        "tokenoffset_outbound_message",
        ["account_id"],
    )
    op.create_index(
        op.f("ix_tokenoffset_outbound_message_person_id"),
        "tokenoffset_outbound_message",
        ["person_id"],
    )
    op.create_index(
        op.f("ix_tokenoffset_outbound_message_status_next_attempt_at"),
        "tokenoffset_outbound_message",
        ["status", "next_attempt_at"],
    )

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

    op.create_table(
        "tokenoffset_identity_credential",
        sa.Column("identity_id", sa.Uuid(), nullable=False),
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
            name=op.f("fk_tokenoffset_identity_credential_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["identity_id"],
            ["tokenoffset_identity.id"],
            name=op.f("fk_tokenoffset_identity_credential_identity_id"),
        ),
        sa.PrimaryKeyConstraint("identity_id", name=op.f("pk_tokenoffset_identity_credential")),
    )
    op.create_index(
        op.f("ix_tokenoffset_identity_credential_account_id"),
        "tokenoffset_identity_credential",
        ["account_id"],
    )
    op.create_index(
        op.f("ix_tokenoffset_identity_credential_key_version"),
        "tokenoffset_identity_credential",
        ["key_version"],
    )

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

    _add_columns()
    for statement in APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)


def _add_columns() -> None:
    op.add_column(
        "tokenoffset_billing_record",
        sa.Column("payer", sa.String(length=20), server_default="person", nullable=False),
    )
    op.add_column("tokenoffset_person", sa.Column("email", sa.String(length=320), nullable=True))
    op.add_column("tokenoffset_person", sa.Column("email_verified_at", INSTANT, nullable=True))
    op.add_column(
        "tokenoffset_person",
        sa.Column(
            "email_verified_by_host", sa.Boolean(), server_default=sa.false(), nullable=False
        ),
    )
    op.add_column(
        "tokenoffset_person", sa.Column("display_name", sa.String(length=120), nullable=True)
    )
    op.add_column("tokenoffset_person", sa.Column("company", sa.String(length=120), nullable=True))
    op.add_column("tokenoffset_person", sa.Column("job_role", sa.String(length=120), nullable=True))
    op.add_column(
        "tokenoffset_person", sa.Column("heard_from", sa.String(length=120), nullable=True)
    )
    op.add_column("tokenoffset_person", sa.Column("onboarded_at", INSTANT, nullable=True))
    op.add_column(
        "tokenoffset_person",
        sa.Column("login_epoch", sa.Integer(), server_default="0", nullable=False),
    )
    op.add_column("tokenoffset_person", sa.Column("forgotten_at", INSTANT, nullable=True))
    op.add_column(
        "tokenoffset_plan",
        sa.Column("amount_cents", sa.BigInteger(), server_default="0", nullable=False),
    )


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION tokenoffset_refuse_audit_change()")
    op.drop_column("tokenoffset_billing_record", "payer")
    op.drop_column("tokenoffset_person", "forgotten_at")
    op.drop_column("tokenoffset_person", "login_epoch")
    op.drop_column("tokenoffset_person", "onboarded_at")
    op.drop_column("tokenoffset_person", "heard_from")
    op.drop_column("tokenoffset_person", "job_role")
    op.drop_column("tokenoffset_person", "company")
    op.drop_column("tokenoffset_person", "display_name")
    op.drop_column("tokenoffset_person", "email_verified_by_host")
    op.drop_column("tokenoffset_person", "email_verified_at")
    op.drop_column("tokenoffset_person", "email")
    op.drop_column("tokenoffset_plan", "amount_cents")
