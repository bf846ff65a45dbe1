"""Has people decide about what their data is used for, and looks at the ledger past the product."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import select, text

from flask_tokenoffset.models import ConsentEvent, ConsentNotice
from flask_tokenoffset.services.consents.verification import verify

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

    from flask_tokenoffset.services.audit.verification import Fault
    from tests.support.world import Browser, World

LEDGER: Final[Table] = ConsentEvent.metadata.tables[ConsentEvent.__tablename__]
NOTICE: Final[Table] = ConsentNotice.metadata.tables[ConsentNotice.__tablename__]


def decide(person: Browser, purpose: str = "product-updates", decision: str = "refuse") -> UUID:
    """Have a person decide about a purpose; gives the id of the event that counts."""
    answer = person.api("POST", f"/privacy/consents/{purpose}", {"decision": decision})
    assert answer.status_code == 200, answer.text
    return UUID(answer.get_json()["event_id"])


def states_of(person: Browser) -> dict[str, str]:
    """How each purpose stands for a person."""
    items = person.api("GET", "/privacy/consents").get_json()["items"]
    return {each["purpose"]: each["state"] for each in items}


def consents_of(world: World, account_id: UUID) -> list[dict[str, Any]]:
    """An account's ledger as it stands, oldest first."""
    with world.app.app_context():
        rows = world.state.session.execute(
            select(LEDGER).where(LEDGER.c.account_id == account_id).order_by(LEDGER.c.sequence)
        )
        return [dict(row) for row in rows.mappings()]


def faults_of(world: World, account_id: UUID | None = None) -> list[Fault]:
    """What one run of the verification finds."""
    found: list[Fault] = []
    with world.app.app_context():
        state = world.state
        verify(state.session, state.audit_keys, found.append, account_id=account_id)
    return found


def drop_consent_triggers(connection: Connection) -> None:
    """Take away what makes the database refuse changes to the ledger, as its owner can."""
    postgresql = connection.dialect.name == "postgresql"
    for table in (LEDGER, NOTICE):
        for name in ("append_only",) if postgresql else ("no_update", "no_delete"):
            on = f" ON {table}" if postgresql else ""
            connection.execute(text(f"DROP TRIGGER {table}_{name}{on}"))
