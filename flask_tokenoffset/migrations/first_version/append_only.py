"""What the database itself refuses to change, no matter who asks."""

from __future__ import annotations

from typing import Final

from alembic import op

#: The table, what the database says, and whether the rows of a released account may be deleted.
APPEND_ONLY: Final = (
    ("tokenoffset_audit_event", "The audit log is append-only.", "released"),
    ("tokenoffset_document_version", "A published document never changes.", "never"),
    ("tokenoffset_document_effect", "When a document takes effect never changes.", "never"),
    ("tokenoffset_consent_notice", "What people were told never changes.", "never"),
    ("tokenoffset_consent_event", "The consent ledger is append-only.", "released"),
)
REFUSE: Final = """
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
UNLESS_RELEASED: Final = """WHEN NOT EXISTS (
    SELECT 1 FROM tokenoffset_account WHERE id = OLD.account_id AND released_at IS NOT NULL
)"""


def create() -> None:
    """Make the triggers, and on PostgreSQL the function that they call."""
    dialect = op.get_bind().dialect.name
    if dialect == "postgresql":
        op.execute(REFUSE)
    for table, message, released in APPEND_ONLY:
        for statement in _guard(dialect, table, message, released):
            op.execute(statement)


def drop() -> None:
    """Drop what is left when the tables, and with them their triggers, are gone."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION tokenoffset_refuse_change()")


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
