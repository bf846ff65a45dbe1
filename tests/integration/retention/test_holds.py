"""A hold keeps the records it names, for a reason and until an end, and nothing beside them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from flask_tokenoffset.errors import InvalidInput, NotFound
from flask_tokenoffset.models import (
    AuditEvent,
    BillingRecord,
    Credential,
    DailyUsage,
    LegalHold,
    OutboundMessage,
)
from flask_tokenoffset.services.retention import legal_holds
from flask_tokenoffset.services.retention.rules import find_rule
from flask_tokenoffset.tasks.purging import purge_now
from flask_tokenoffset.tasks.schedule import run_scheduler
from tests.integration.retention.aged_rows import age, count

if TYPE_CHECKING:
    from tests.support.world import World

LONG_AGO = datetime(2023, 2, 28, tzinfo=UTC)


def place(
    world: World,
    account_id: UUID,
    table: str,
    record_id: UUID | None = None,
    *,
    reason: str = "Case 4711",
    days: int = 30,
) -> UUID:
    with world.app.app_context(), world.state.unit_of_work() as work:
        hold = legal_holds.place_hold(
            work,
            account_id=account_id,
            table=table,
            record_id=record_id,
            reason=reason,
            held_until=world.clock.now() + timedelta(days=days),
            now=world.clock.now(),
        )
        return UUID(str(hold.id))


def purge(world: World, rule: str) -> None:
    with world.app.app_context():
        purge_now(world.state, [rule])


@pytest.mark.promise("TO-049")
def test_a_held_record_is_kept_and_its_neighbour_goes(world: World) -> None:
    account_id = age(world, find_rule("messages"), LONG_AGO)
    with world.app.app_context():
        session = world.state.session
        message = session.scalars(select(OutboundMessage)).one()
        held_id = message.id
        values = {
            column.key: getattr(message, column.key) for column in OutboundMessage.__table__.columns
        }
        session.add(OutboundMessage(**(values | {"id": uuid4()})))
        session.commit()
    place(world, account_id, "outbound_message", held_id)
    purge(world, "messages")
    with world.app.app_context():
        assert world.state.session.scalars(select(OutboundMessage.id)).all() == [held_id]
    world.clock.move(days=30, seconds=-1)
    purge(world, "messages")
    assert count(world, "outbound_message") == 1
    world.clock.move(seconds=1)
    purge(world, "messages")
    assert count(world, "outbound_message") == 0


@pytest.mark.parametrize(
    ("rule", "table", "kept"),
    [
        ("usage", "daily_usage", "daily_usage"),
        ("usage", "daily_cost", "cost_line"),
        ("billing", "billing_record", "billing_record"),
        ("audit-log", "audit_event", "audit_event"),
        ("audit-log", "audit_event", "audit_chain"),
        ("exports", "export_part", "export_part"),
        ("organizations", "plan", "plan"),
    ],
)
def test_a_table_of_an_account_is_held_whole_and_goes_once_the_hold_is_lifted(
    db_world: World, rule: str, table: str, kept: str
) -> None:
    account_id = age(db_world, find_rule(rule), LONG_AGO)
    another = age(db_world, find_rule(rule), LONG_AGO)
    there = count(db_world, kept)
    hold = place(db_world, account_id, table)
    purge(db_world, rule)
    # The other account's are gone.
    assert another != account_id
    assert 0 < count(db_world, kept) < there
    with db_world.app.app_context(), db_world.state.unit_of_work() as work:
        legal_holds.lift_hold(work, hold, db_world.clock.now())
        legal_holds.lift_hold(work, hold, db_world.clock.now())
    purge(db_world, rule)
    assert count(db_world, kept) == 0 if rule != "audit-log" else True
    assert count(db_world, kept) < there / 2 or rule == "audit-log"


def test_a_hold_needs_a_reason_an_end_and_something_to_hold(world: World) -> None:
    world.ada.settle()
    account_id = world.ada.account_id
    with pytest.raises(InvalidInput) as refused:
        place(world, account_id, "purge_progress", reason=" ", days=0)
    assert set(refused.value.errors) == {"table", "reason", "until"}
    with pytest.raises(InvalidInput):
        place(world, account_id, "billing_record", reason="x" * 121)
    with pytest.raises(NotFound):
        place(world, uuid4(), "billing_record")
    with pytest.raises(NotFound):
        place(world, account_id, "billing_record", uuid4())
    with pytest.raises(InvalidInput, match="one by one"):
        place(world, account_id, "daily_usage", uuid4())
    with world.app.app_context():
        assert world.state.session.scalars(select(LegalHold)).all() == []


def test_nobody_elses_record_can_be_named(world: World) -> None:
    world.ada.settle()
    world.ben.settle()
    with world.app.app_context():
        bens = world.state.session.scalars(
            select(BillingRecord.id).where(BillingRecord.account_id == world.ben.account_id)
        ).first()
    with pytest.raises(NotFound):
        place(world, world.ada.account_id, "billing_record", bens)


def test_placing_and_lifting_stand_in_the_log_without_the_reason(world: World) -> None:
    world.ada.settle()
    hold = place(world, world.ada.account_id, "billing_record", reason="Case 4711")
    with world.app.app_context():
        with world.state.unit_of_work() as work:
            legal_holds.lift_hold(work, hold, world.clock.now())
        events = world.state.session.scalars(
            select(AuditEvent).where(AuditEvent.subject_id == hold).order_by(AuditEvent.sequence)
        ).all()
        assert [each.action for each in events] == ["legal-hold.placed", "legal-hold.lifted"]
        assert "4711" not in str([each.details for each in events])
        assert world.state.session.scalars(select(DailyUsage.day)).first() is not None


@pytest.mark.promise("TO-042", "TO-043")
def test_nobody_destroys_what_is_held_by_disconnecting(world: World) -> None:
    source_id, others = world.ada.sample(), world.ben.sample()
    days = len(world.rows(DailyUsage)["tokenoffset_daily_usage"])
    held = place(world, world.ada.account_id, "daily_usage")
    for person, source in ((world.ada, source_id), (world.ben, others)):
        assert person.api("DELETE", f"/sources/{source}").status_code == 204
    # The keys went at once, Ben's days as well; what is held stays.
    assert not world.rows(Credential)["tokenoffset_credential"]
    kept = len(world.rows(DailyUsage)["tokenoffset_daily_usage"])
    assert 0 < kept < days
    run_scheduler_once(world)
    assert len(world.rows(DailyUsage)["tokenoffset_daily_usage"]) == kept
    with world.app.app_context(), world.state.unit_of_work() as work:
        legal_holds.lift_hold(work, held, world.clock.now())
    run_scheduler_once(world)
    assert not world.rows(DailyUsage)["tokenoffset_daily_usage"]


def run_scheduler_once(world: World) -> None:
    with world.app.app_context():
        assert run_scheduler(world.state).failed_steps == []
