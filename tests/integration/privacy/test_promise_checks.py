"""Each promise check counts what breaks its promise, and nothing in a world that keeps them all."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import pytest
from click.testing import CliRunner
from flask.cli import ScriptInfo
from sqlalchemy import insert, text, update

from flask_tokenoffset.cli import tokenoffset as command
from flask_tokenoffset.data_map.promises import promises
from flask_tokenoffset.models import (
    Connection,
    ConsentEvent,
    DocumentEffect,
    DocumentVersion,
    Export,
    ExportPart,
    OutboundMessage,
    Person,
    Plan,
    RetainedRecord,
    RightsRequest,
    SampleRun,
    UsageAggregate,
)
from flask_tokenoffset.services.people.profiles import find_person
from flask_tokenoffset.services.privacy import promise_checks
from tests.support.asking import ask

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result
    from sqlalchemy.orm import Session

    from tests.support.world import World


def violations(world: World) -> dict[str, int]:
    with world.app.app_context():
        answers = promise_checks.ask_all(
            world.state.session, world.state.settings, world.clock.now()
        )
    return {answer.check.name: answer.violations for answer in answers if answer.violations}


def report(world: World) -> Result:
    info = ScriptInfo(create_app=lambda: world.app)
    return CliRunner().invoke(command, ["privacy", "report"], obj=info)


def a_credential_left(world: World, session: Session, person: Person) -> None:
    session.execute(update(Connection).values(status="disconnected"))


def a_small_sum(world: World, session: Session, person: Person) -> None:
    # The database refuses it, unless a person took its constraint away.
    session.execute(text("PRAGMA ignore_check_constraints = ON"))
    kinds = ("uncached_input", "cached_input", "cache_creation", "output")
    counts = {f"{kind}_tokens": 1 for kind in kinds}
    session.execute(
        insert(UsageAggregate).values(
            id=uuid4(),
            provider="openai",
            model="m",
            service_tier="",
            month=world.clock.today().replace(day=1),
            contributors=3,
            **counts,
        )
    )
    session.execute(text("PRAGMA ignore_check_constraints = OFF"))


def a_run_for_the_restricted(world: World, session: Session, person: Person) -> None:
    session.execute(update(SampleRun).values(status="queued"))
    session.execute(
        update(Person).where(Person.id == person.id).values(restricted_at=world.clock.now())
    )


def news_for_the_unwilling(world: World, session: Session, person: Person) -> None:
    then = world.clock.now() - timedelta(days=1)
    session.execute(
        insert(OutboundMessage).values(
            id=uuid4(),
            person_id=person.id,
            kind="product-update",
            to_address="ada@example.com",
            details={},
            status="queued",
            next_attempt_at=then,
            created_at=then,
        )
    )


def an_overdue_deletion(world: World, session: Session, person: Person) -> None:
    session.execute(
        update(Person)
        .where(Person.id == person.id)
        .values(deletion_due_at=world.clock.now() - timedelta(days=1))
    )


def an_erasure_that_left_all(world: World, session: Session, person: Person) -> None:
    session.execute(
        update(Person).where(Person.id == person.id).values(forgotten_at=world.clock.now())
    )


def _export(world: World, session: Session, person: Person, status: str) -> None:
    now, export_id = world.clock.now(), uuid4()
    owner = {"account_id": person.account_id}
    session.execute(
        insert(Export).values(
            id=export_id,
            person_id=person.id,
            status=status,
            next_attempt_at=now,
            requested_at=now - timedelta(days=2),
            expires_at=now - timedelta(days=1),
            salt="s",
            token_digest="d",
            **owner,
        )
    )
    session.execute(
        insert(ExportPart).values(
            export_id=export_id,
            number=1,
            schema_version=1,
            key_version="1",
            data_key_id="1",
            wrapped_key=b"w",
            nonce=b"n",
            ciphertext=b"c",
            **owner,
        )
    )


def a_fetched_copy(world: World, session: Session, person: Person) -> None:
    _export(world, session, person, "fetched")


def a_copy_past_its_time(world: World, session: Session, person: Person) -> None:
    _export(world, session, person, "ready")


def an_overdue_request(world: World, session: Session, person: Person) -> None:
    ask(world.ada)
    session.execute(update(RightsRequest).values(due_at=world.clock.now() - timedelta(seconds=1)))


def an_endless_retained_record(world: World, session: Session, person: Person) -> None:
    session.execute(
        insert(RetainedRecord).values(
            id=uuid4(),
            account_id=person.account_id,
            kind="billing-record",
            basis="books",
            kept_until=world.clock.now() - timedelta(days=2),
            created_at=world.clock.now(),
        )
    )


def mail_of_last_year(world: World, session: Session, person: Person) -> None:
    then = world.clock.now() - timedelta(days=365)
    session.execute(
        insert(OutboundMessage).values(
            id=uuid4(),
            kind="signed-in",
            to_address="ada@example.com",
            details={},
            status="sent",
            next_attempt_at=then,
            created_at=then,
        )
    )


def a_consent_out_of_nowhere(world: World, session: Session, person: Person) -> None:
    session.execute(
        insert(ConsentEvent).values(
            id=uuid4(),
            schema_version=1,
            account_id=person.account_id,
            person_id=person.id,
            sequence=1000,
            event_type="given",
            purpose="insights",
            language="en",
            place="nowhere",
            method="form",
            occurred_at=world.clock.now(),
            digest="d",
        )
    )


def a_hurried_change(world: World, session: Session, person: Person) -> None:
    now, version_id = world.clock.now(), uuid4()
    session.execute(
        insert(DocumentVersion).values(
            id=version_id,
            document="terms",
            version="2",
            language="en",
            sequence=2,
            title="Terms",
            text="Everything is new.",
            digest="d",
            summary="New.",
            material=True,
            acceptance_required=True,
            published_at=now,
            intended_effective_at=now,
        )
    )
    session.execute(text("PRAGMA ignore_check_constraints = ON"))
    session.execute(
        insert(DocumentEffect).values(
            document_version_id=version_id,
            material=True,
            notice_at=now,
            effective_at=now + timedelta(days=13),
        )
    )
    session.execute(text("PRAGMA ignore_check_constraints = OFF"))


def a_raised_amount(world: World, session: Session, person: Person) -> None:
    session.execute(
        update(Plan)
        .where(Plan.account_id == person.account_id)
        .values(amount_cents=Plan.amount_cents + 1)
    )


def no_trigger(world: World, session: Session, person: Person) -> None:
    session.execute(text("DROP TRIGGER tokenoffset_audit_event_no_update"))


BROKEN: Final[list[tuple[Any, dict[str, int]]]] = [
    # Ada's and Ben's key each; the days that go with a connection are there as well.
    (a_credential_left, {"no-credential-outlives-its-connection": 2}),
    (a_small_sum, {"sums-are-large": 1}),
    (a_run_for_the_restricted, {"the-restricted-are-not-sampled": 1}),
    (news_for_the_unwilling, {"news-goes-to-those-who-want-it": 1}),
    (an_overdue_deletion, {"accounts-go-on-their-day": 1}),
    (an_erasure_that_left_all, {}),
    (a_fetched_copy, {"copies-do-not-lie-about": 1}),
    (a_copy_past_its_time, {"copies-do-not-lie-about": 1}),
    (an_overdue_request, {"requests-are-answered-in-time": 1}),
    (an_endless_retained_record, {"legal-remains-end": 1}),
    (mail_of_last_year, {"nothing-is-kept-too-long": 1}),
    (a_consent_out_of_nowhere, {"consents-have-a-witness": 1}),
    (a_hurried_change, {"changes-are-announced": 1}),
    (a_raised_amount, {"only-what-was-adopted-is-charged": 1}),
    (no_trigger, {"records-cannot-be-changed": 1}),
]


@pytest.mark.parametrize(("plant", "found"), BROKEN, ids=[each.__name__ for each, _ in BROKEN])
def test_what_breaks_a_promise_is_counted(
    settled_world: World,
    plant: Callable[[World, Session, Person], object],
    found: dict[str, int],
) -> None:
    world = settled_world
    with world.app.app_context(), world.state.unit_of_work() as work:
        person = find_person(work.session, world.ada.user_key)
        assert person is not None
        plant(world, work.session, person)
    counted = violations(world)
    if plant is a_credential_left:
        assert counted.pop("no-usage-outlives-its-connection") > 0
    if plant is an_erasure_that_left_all:
        assert counted.pop("nothing-is-left-of-the-erased") > 10
    assert counted == found
    printed = report(world)
    assert printed.exit_code == 1
    assert "found; see above" in printed.output
    for name in found:
        assert f"  {name} (" in printed.output


def test_every_check_is_broken_here_once() -> None:
    broken = {name for _, found in BROKEN for name in found}
    broken |= {"no-usage-outlives-its-connection", "nothing-is-left-of-the-erased"}
    assert broken == {check.name for check in promise_checks.CHECKS}


def test_a_check_names_promises_of_the_ledger() -> None:
    for check in promise_checks.CHECKS:
        assert set(check.promises) <= set(promises())


def test_a_world_that_keeps_its_promises_has_no_violation(db_world: World) -> None:
    source_id = db_world.ada.settle()
    db_world.ben.settle("openai")
    assert db_world.ada.api("DELETE", f"/sources/{source_id}").status_code == 204
    assert violations(db_world) == {}
    printed = report(db_world)
    assert printed.exit_code == 0, printed.output
    assert "without an entry: 0" in printed.output
    assert "No violation found." in printed.output
    assert "Overdue: 0 privacy requests." in printed.output


def test_a_column_that_only_the_database_has_is_a_violation(settled_world: World) -> None:
    with settled_world.app.app_context(), settled_world.state.unit_of_work() as work:
        work.session.execute(text("ALTER TABLE tokenoffset_person ADD COLUMN shoe_size TEXT"))
    printed = report(settled_world)
    assert printed.exit_code == 1
    assert "without an entry: 1\n    tokenoffset_person.shoe_size" in printed.output
