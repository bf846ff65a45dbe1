"""Writing to the audit log without the product, and tampering with it as its database can."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select, text

from flask_tokenoffset.models import APPEND_ONLY, AuditAction, AuditChain, AuditEvent, AuditOrigin
from flask_tokenoffset.services.audit.verification import Fault, verify

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Connection, Table

    from flask_tokenoffset.services.audit.chain import AuditKeys
    from tests.support.world import World

EVENT: Final[Table] = AuditEvent.metadata.tables[AuditEvent.__tablename__]
CHAIN: Final[Table] = AuditChain.metadata.tables[AuditChain.__tablename__]
ORIGIN: Final[Table] = AuditOrigin.metadata.tables[AuditOrigin.__tablename__]


def record(world: World, account_id: UUID, count: int = 1, **details: Any) -> None:
    """Append some events that say nothing in particular, each in a transaction of its own."""
    for _ in range(count):
        with world.app.app_context(), world.state.unit_of_work() as work:
            work.record(
                AuditAction.ORGANIZATION_CHANGED,
                account_id=account_id,
                subject_type="organization",
                subject_id=account_id,
                **details,
            )


def faults_of(
    world: World, account_id: UUID | None = None, keys: AuditKeys | None = None
) -> list[Fault]:
    """What the verification finds."""
    found: list[Fault] = []
    with world.app.app_context():
        state = world.state
        verify(state.session, keys or state.audit_keys, found.append, account_id=account_id)
    return found


def events_of(world: World, account_id: UUID) -> list[dict[str, Any]]:
    """An account's events as they stand, oldest first."""
    with world.app.app_context():
        rows = world.state.session.execute(
            select(EVENT).where(EVENT.c.account_id == account_id).order_by(EVENT.c.sequence)
        )
        return [dict(row) for row in rows.mappings()]


def count(world: World, table: Table) -> int:
    """How many rows a table has."""
    with world.app.app_context():
        return world.state.session.scalar(select(func.count()).select_from(table)) or 0


def drop_triggers(connection: Connection) -> None:
    """Take away what makes the database refuse changes, as its owner can."""
    names = (
        ("append_only",) if connection.dialect.name == "postgresql" else ("no_update", "no_delete")
    )
    assert len(names) <= len(APPEND_ONLY[connection.dialect.name])
    table = AuditEvent.__tablename__
    on = f" ON {table}" if connection.dialect.name == "postgresql" else ""
    for name in names:
        connection.execute(text(f"DROP TRIGGER {table}_{name}{on}"))
