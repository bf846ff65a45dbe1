"""Documents, consents, privacy requests, retention, and aggregates that name nobody.

Revision: 0003
Follows: 0002

Every name is written out, so that it stays what it is when the naming convention of the models
changes. The types are SQLAlchemy's own for the same reason.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
#: In the order in which they can be dropped.
TABLES = (
    "tokenoffset_export_part",
    "tokenoffset_export",
    "tokenoffset_rights_request",
    "tokenoffset_erasure",
    "tokenoffset_consent_event",
    "tokenoffset_retention_choice",
    "tokenoffset_legal_remain",
    "tokenoffset_legal_hold",
    "tokenoffset_document_notice",
    "tokenoffset_document_effect",
    "tokenoffset_usage_aggregate",
    "tokenoffset_tombstone",
    "tokenoffset_purge_progress",
    "tokenoffset_product_update",
    "tokenoffset_document_version",
    "tokenoffset_consent_notice",
)
#: Clocks that the purge looks at, and what leads to rows that it deletes, of tables that were
#: there before.
CLOCKS = (
    ("tokenoffset_adoption", "estimate_id"),
    ("tokenoffset_kept_day", "run_id"),
    ("tokenoffset_sample_run", "finished_at"),
    ("tokenoffset_estimate", "created_at"),
    ("tokenoffset_billing_record", "due_at"),
    ("tokenoffset_outbound_message", "created_at"),
    ("tokenoffset_invitation", "expires_at"),
)
#: Fourteen days between notice and effect; SQLite keeps instants as texts.
TOLD_IN_TIME = {
    "postgresql": "NOT material OR effective_at >= notice_at + INTERVAL '14 days'",
    "sqlite": (
        "NOT material OR effective_at >= strftime('%Y-%m-%d %H:%M:%f', notice_at, '+14 days')"
    ),
}
#: What the database itself refuses to change: the table, what it says, and whether the rows of a
#: released account may be deleted.
APPEND_ONLY = (
    ("tokenoffset_audit_event", "The audit log is append-only.", "released"),
    ("tokenoffset_document_version", "A published document never changes.", "never"),
    ("tokenoffset_document_effect", "When a document takes effect never changes.", "never"),
    ("tokenoffset_consent_notice", "What people were told never changes.", "never"),
    ("tokenoffset_consent_event", "The consent ledger is append-only.", "released"),
)
REFUSE = """
CREATE OR REPLACE FUNCTION tokenoffset_refuse_change() RETURNS trigger AS $$
BEGIN
    IF TG_OP = 'DELETE' AND TG_ARGV[1] = 'released' THEN
        IF EXISTS (
            SELECT 1 FROM tokenoffset_account
            WHERE id = OLD.account_id AND released_at IS NOT NULL
        ) THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION '%', TG_ARGV[0];
END
$$ LANGUAGE plpgsql
"""
UNLESS_RELEASED = """WHEN NOT EXISTS (
    SELECT 1 FROM tokenoffset_account WHERE id = OLD.account_id AND released_at IS NOT NULL
)"""
#: How the audit log was guarded before, for the way back.
FORMER_GUARD = {
    "postgresql": (
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
TRIGGERS_OF_AUDIT = {
    "postgresql": (
        "DROP TRIGGER IF EXISTS tokenoffset_audit_event_append_only ON tokenoffset_audit_event",
        "DROP TRIGGER IF EXISTS tokenoffset_audit_event_no_truncate ON tokenoffset_audit_event",
    ),
    "sqlite": (
        "DROP TRIGGER IF EXISTS tokenoffset_audit_event_no_update",
        "DROP TRIGGER IF EXISTS tokenoffset_audit_event_no_delete",
    ),
}


def upgrade() -> None:
    op.create_table(
        "tokenoffset_consent_notice",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("particulars", sa.JSON(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_tokenoffset_consent_notice")),
    )

    op.create_table(
        "tokenoffset_document_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("document", sa.String(length=40), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("summary", sa.String(length=500), nullable=False),
        sa.Column("material", sa.Boolean(), nullable=False),
        sa.Column("acceptance_required", sa.Boolean(), nullable=False),
        sa.Column("published_at", INSTANT, nullable=False),
        sa.Column("intended_effective_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_document_version")),
        sa.UniqueConstraint(
            "document",
            "language",
            "sequence",
            name=op.f("uq_tokenoffset_document_version_document_language_sequence"),
        ),
        sa.UniqueConstraint(
            "document",
            "version",
            "language",
            name=op.f("uq_tokenoffset_document_version_document_version_language"),
        ),
    )

    op.create_table(
        "tokenoffset_product_update",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("last_person_id", sa.Uuid(), nullable=True),
        sa.Column("people_queued", sa.BigInteger(), nullable=False),
        sa.Column("completed_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_product_update")),
        sa.UniqueConstraint("digest", name=op.f("uq_tokenoffset_product_update_digest")),
    )

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

    op.create_table(
        "tokenoffset_tombstone",
        sa.Column("user_digest", sa.String(length=64), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("erased_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("user_digest", name=op.f("pk_tokenoffset_tombstone")),
    )
    op.create_index(
        op.f("ix_tokenoffset_tombstone_erased_at"), "tokenoffset_tombstone", ["erased_at"]
    )

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

    op.create_table(
        "tokenoffset_document_effect",
        sa.Column("document_version_id", sa.Uuid(), nullable=False),
        sa.Column("material", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("notice_at", INSTANT, nullable=True),
        sa.Column("effective_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            TOLD_IN_TIME[op.get_bind().dialect.name],
            name=op.f("ck_tokenoffset_document_effect_told_in_time"),
        ),
        sa.CheckConstraint(
            "NOT material OR notice_at IS NOT NULL",
            name=op.f("ck_tokenoffset_document_effect_told"),
        ),
        sa.ForeignKeyConstraint(
            ["document_version_id"],
            ["tokenoffset_document_version.id"],
            name=op.f("fk_tokenoffset_document_effect_document_version_id"),
        ),
        sa.PrimaryKeyConstraint("document_version_id", name=op.f("pk_tokenoffset_document_effect")),
    )
    op.create_index(
        op.f("ix_tokenoffset_document_effect_effective_at"),
        "tokenoffset_document_effect",
        ["effective_at"],
    )

    op.create_table(
        "tokenoffset_document_notice",
        sa.Column("document_version_id", sa.Uuid(), nullable=False),
        sa.Column("last_person_id", sa.Uuid(), nullable=True),
        sa.Column("people_notified", sa.BigInteger(), nullable=False),
        sa.Column("people_unreached", sa.BigInteger(), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("completed_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["document_version_id"],
            ["tokenoffset_document_version.id"],
            name=op.f("fk_tokenoffset_document_notice_document_version_id"),
        ),
        sa.PrimaryKeyConstraint("document_version_id", name=op.f("pk_tokenoffset_document_notice")),
    )

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

    op.create_table(
        "tokenoffset_consent_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("schema_version", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("event_type", sa.String(length=20), nullable=False),
        sa.Column("document_version_id", sa.Uuid(), nullable=True),
        sa.Column("purpose", sa.String(length=60), nullable=True),
        sa.Column("notice_digest", sa.String(length=64), nullable=True),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("place", sa.String(length=80), nullable=False),
        sa.Column("method", sa.String(length=40), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("valid_until", INSTANT, nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.CheckConstraint(
            "(document_version_id IS NULL) <> (purpose IS NULL)",
            name=op.f("ck_tokenoffset_consent_event_one_of_the_two"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tokenoffset_account.id"],
            name=op.f("fk_tokenoffset_consent_event_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["document_version_id"],
            ["tokenoffset_document_version.id"],
            name=op.f("fk_tokenoffset_consent_event_document_version_id"),
        ),
        sa.ForeignKeyConstraint(
            ["notice_digest"],
            ["tokenoffset_consent_notice.digest"],
            name=op.f("fk_tokenoffset_consent_event_notice_digest"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["tokenoffset_person.id"],
            name=op.f("fk_tokenoffset_consent_event_person_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_consent_event")),
        sa.UniqueConstraint(
            "account_id", "sequence", name=op.f("uq_tokenoffset_consent_event_account_id_sequence")
        ),
    )
    op.create_index(
        op.f("ix_tokenoffset_consent_event_purpose_account_id_sequence"),
        "tokenoffset_consent_event",
        ["purpose", "account_id", "sequence"],
    )

    op.create_table(
        "tokenoffset_erasure",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("step", sa.String(length=40), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", INSTANT, nullable=False),
        sa.Column("requested_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("reminded_at", INSTANT, nullable=True),
        sa.Column("undone_at", INSTANT, nullable=True),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("user_key", sa.String(length=255), nullable=True),
        sa.Column("host_outcome", sa.String(length=20), nullable=False),
        sa.Column("host_code", sa.String(length=60), nullable=True),
        sa.Column("host_attempts", sa.Integer(), nullable=False),
        sa.Column("host_next_attempt_at", INSTANT, nullable=True),
        sa.Column("host_replied_at", INSTANT, nullable=True),
        sa.Column("receipt", sa.JSON(), nullable=True),
        sa.Column("salt", sa.String(length=64), nullable=False),
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tokenoffset_account.id"],
            name=op.f("fk_tokenoffset_erasure_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["tokenoffset_person.id"], name=op.f("fk_tokenoffset_erasure_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_erasure")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_tokenoffset_erasure_token_digest")),
    )
    op.create_index(
        op.f("ix_tokenoffset_erasure_account_id"), "tokenoffset_erasure", ["account_id"]
    )
    op.create_index(op.f("ix_tokenoffset_erasure_person_id"), "tokenoffset_erasure", ["person_id"])
    op.create_index(
        op.f("ix_tokenoffset_erasure_status_next_attempt_at"),
        "tokenoffset_erasure",
        ["status", "next_attempt_at"],
    )

    op.create_table(
        "tokenoffset_rights_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("needs_human", sa.Boolean(), nullable=False),
        sa.Column("statement", sa.String(length=500), nullable=True),
        sa.Column("reply", sa.String(length=500), nullable=True),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("acknowledged_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("extended_at", INSTANT, nullable=True),
        sa.Column("extension_reason", sa.String(length=500), nullable=True),
        sa.Column("due_soon_warned_at", INSTANT, nullable=True),
        sa.Column("overdue_warned_at", INSTANT, nullable=True),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.Column("closed_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tokenoffset_account.id"],
            name=op.f("fk_tokenoffset_rights_request_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["tokenoffset_person.id"],
            name=op.f("fk_tokenoffset_rights_request_person_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_rights_request")),
    )
    op.create_index(
        op.f("ix_tokenoffset_rights_request_account_id"),
        "tokenoffset_rights_request",
        ["account_id"],
    )
    op.create_index(
        op.f("ix_tokenoffset_rights_request_person_id"), "tokenoffset_rights_request", ["person_id"]
    )
    op.create_index(
        op.f("ix_tokenoffset_rights_request_status_due_at"),
        "tokenoffset_rights_request",
        ["status", "due_at"],
    )

    op.create_table(
        "tokenoffset_export",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("tables_done", sa.Integer(), nullable=False),
        sa.Column("tables_expected", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", INSTANT, nullable=False),
        sa.Column("failure_code", sa.String(length=60), nullable=True),
        sa.Column("salt", sa.String(length=64), nullable=False),
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("requested_at", INSTANT, nullable=False),
        sa.Column("ready_at", INSTANT, nullable=True),
        sa.Column("expires_at", INSTANT, nullable=True),
        sa.Column("fetched_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tokenoffset_account.id"],
            name=op.f("fk_tokenoffset_export_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["tokenoffset_person.id"], name=op.f("fk_tokenoffset_export_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["tokenoffset_rights_request.id"],
            name=op.f("fk_tokenoffset_export_request_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenoffset_export")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_tokenoffset_export_token_digest")),
    )
    op.create_index(op.f("ix_tokenoffset_export_account_id"), "tokenoffset_export", ["account_id"])
    op.create_index(op.f("ix_tokenoffset_export_expires_at"), "tokenoffset_export", ["expires_at"])
    op.create_index(op.f("ix_tokenoffset_export_person_id"), "tokenoffset_export", ["person_id"])
    op.create_index(op.f("ix_tokenoffset_export_request_id"), "tokenoffset_export", ["request_id"])
    op.create_index(
        op.f("ix_tokenoffset_export_status_next_attempt_at"),
        "tokenoffset_export",
        ["status", "next_attempt_at"],
    )

    op.create_table(
        "tokenoffset_export_part",
        sa.Column("export_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("schema_version", sa.Integer(), nullable=False),
        sa.Column("key_version", sa.String(length=100), nullable=False),
        sa.Column("data_key_id", sa.String(length=64), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tokenoffset_account.id"],
            name=op.f("fk_tokenoffset_export_part_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["export_id"],
            ["tokenoffset_export.id"],
            name=op.f("fk_tokenoffset_export_part_export_id"),
        ),
        sa.PrimaryKeyConstraint("export_id", "number", name=op.f("pk_tokenoffset_export_part")),
    )

    _add_columns()
    dialect = op.get_bind().dialect.name
    for statement in TRIGGERS_OF_AUDIT[dialect]:
        op.execute(statement)
    if dialect == "postgresql":
        op.execute(REFUSE)
    for table, message, released in APPEND_ONLY:
        for statement in _guard(dialect, table, message, released):
            op.execute(statement)


def _guard(dialect: str, table: str, message: str, released: str) -> tuple[str, ...]:
    if dialect == "postgresql":
        call = f"EXECUTE FUNCTION tokenoffset_refuse_change('{message}', '{released}')"
        for_each_row = f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
        for_all = f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
        return (f"{for_each_row} FOR EACH ROW {call}", f"{for_all} FOR EACH STATEMENT {call}")
    unless = UNLESS_RELEASED if released == "released" else ""
    refuse = f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
    return (
        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {refuse}",
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {unless} {refuse}",
    )


def _add_columns() -> None:
    op.add_column(
        "tokenoffset_account", sa.Column("retention_plan", sa.String(length=40), nullable=True)
    )
    op.add_column("tokenoffset_account", sa.Column("released_at", INSTANT, nullable=True))
    op.add_column("tokenoffset_plan", sa.Column("billed_until", sa.Date(), nullable=True))
    op.add_column("tokenoffset_person", sa.Column("restricted_at", INSTANT, nullable=True))
    op.add_column("tokenoffset_person", sa.Column("deletion_due_at", INSTANT, nullable=True))
    op.create_index(
        op.f("ix_tokenoffset_person_deletion_due_at"), "tokenoffset_person", ["deletion_due_at"]
    )
    for table, column in CLOCKS:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])


def downgrade() -> None:
    dialect = op.get_bind().dialect.name
    for statement in TRIGGERS_OF_AUDIT[dialect]:
        op.execute(statement)
    for table in TABLES:
        op.drop_table(table)
    if dialect == "postgresql":
        op.execute("DROP FUNCTION tokenoffset_refuse_change()")
    for statement in FORMER_GUARD[dialect]:
        op.execute(statement)
    for table, column in CLOCKS:
        op.drop_index(f"ix_{table}_{column}", table)
    op.drop_index("ix_tokenoffset_person_deletion_due_at", "tokenoffset_person")
    op.drop_column("tokenoffset_plan", "billed_until")
    op.drop_column("tokenoffset_account", "released_at")
    op.drop_column("tokenoffset_account", "retention_plan")
    op.drop_column("tokenoffset_person", "deletion_due_at")
    op.drop_column("tokenoffset_person", "restricted_at")
