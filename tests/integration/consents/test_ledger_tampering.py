"""The consent ledger: nothing done to it, or to what bears witness to it, goes unnoticed."""

from __future__ import annotations

import hashlib
import json
import threading
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from flask_tokenoffset import hooks
from flask_tokenoffset.cli import tokenoffset
from flask_tokenoffset.data_map.purposes import Purpose
from flask_tokenoffset.models import (
    Account,
    ConsentEvent,
    ConsentEventType,
    ConsentMethod,
    DocumentVersion,
)
from flask_tokenoffset.services.audit.verification import Head, compare_heads, read_heads
from flask_tokenoffset.services.consents.ledger import record_event
from flask_tokenoffset.services.consents.notices import notice_of
from flask_tokenoffset.services.consents.witness import SIGNED, digest_of_event
from flask_tokenoffset.services.people.profiles import find_person
from tests.support.audit_log import CHAIN, EVENT, ORIGIN, drop_triggers
from tests.support.consenting import (
    LEDGER,
    NOTICE,
    consents_of,
    decide,
    drop_consent_triggers,
    faults_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from click.testing import Result
    from sqlalchemy import Connection

    from flask_tokenoffset.services.audit.verification import Fault
    from tests.support.world import Browser, World

WRITERS = 50
#: Six decisions, so that there is something before and behind the one in the middle.
STORY = (
    ("calibration", "give"),
    ("product-updates", "give"),
    ("calibration", "withdraw"),
    ("insights", "refuse"),
    ("calibration", "give"),
    ("product-updates", "withdraw"),
)


@pytest.fixture
def db_world(prepared_world: Callable[..., World], database_url: str) -> World:
    """Ada and Ben, each with a ledger of six events."""
    # SQLite has one writer at a time, and fifty may want to write.
    options = {"connect_args": {"timeout": 60}} if database_url.startswith("sqlite") else {}
    return prepared_world(two_ledgers, SQLALCHEMY_ENGINE_OPTIONS=options)


def two_ledgers(world: World) -> None:
    for browser in (world.ada, world.ben):
        tell_the_story(world, browser)


def tell_the_story(world: World, browser: Browser) -> None:
    for purpose, decision in STORY:
        world.clock.move(minutes=1)
        decide(browser, purpose, decision)


@contextmanager
def tampering(world: World) -> Iterator[Connection]:
    """Write into the database past the product, with the triggers out of the way."""
    with world.app.app_context(), world.state.engine.begin() as connection:
        drop_triggers(connection)
        drop_consent_triggers(connection)
        yield connection


def mine(account_id: UUID, *sequences: int) -> Any:
    own = LEDGER.c.account_id == account_id
    return own & LEDGER.c.sequence.in_(sequences) if sequences else own


def consent(connection: Connection, account_id: UUID, sequence: int) -> dict[str, Any]:
    rows = connection.execute(select(LEDGER).where(mine(account_id, sequence)))
    return dict(rows.mappings().one())


def rewritten(event: dict[str, Any], **values: Any) -> dict[str, Any]:
    """An event that says something else, with a digest that fits it: no key is needed for that."""
    other = {**event, **values}
    return {**other, "digest": digest_of_event(other)}


def shown(faults: list[Fault]) -> set[int | None]:
    return {fault.sequence for fault in faults}


def verified_by_command(world: World, *arguments: str) -> Result:
    return world.app.test_cli_runner().invoke(
        tokenoffset, ["consents", "verify", *arguments], catch_exceptions=False
    )


# --- as it was written ----------------------------------------------------------------------------


@pytest.mark.promise("TO-014", "TO-052")
def test_a_ledger_as_it_was_written_has_no_fault(db_world: World) -> None:
    assert faults_of(db_world) == []
    events = consents_of(db_world, db_world.ada.account_id)
    assert [each["sequence"] for each in events] == [1, 2, 3, 4, 5, 6]
    result = verified_by_command(db_world)
    assert result.exit_code == 0
    assert result.output.startswith(
        "All is as it was written: 12 consent events in 2 ledgers, 12 audit events"
    )
    one = verified_by_command(db_world, "--account", str(db_world.ada.account_id))
    assert "6 consent events in 1 ledger, 6 audit events" in one.output


def test_everything_that_stands_in_a_row_is_covered_by_its_digest() -> None:
    assert {*SIGNED, "digest"} == set(LEDGER.c.keys())


@pytest.mark.promise("TO-052")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tokenoffset_consent_event SET event_type = 'given'",
        "UPDATE tokenoffset_consent_event SET sequence = sequence WHERE sequence = 3",
        "DELETE FROM tokenoffset_consent_event WHERE sequence = 6",
        "DELETE FROM tokenoffset_consent_event",
        "UPDATE tokenoffset_consent_notice SET particulars = '{}'",
        "DELETE FROM tokenoffset_consent_notice",
        "TRUNCATE tokenoffset_consent_event CASCADE",
    ],
)
def test_the_database_refuses_to_change_an_event_or_a_notice(
    db_world: World, statement: str
) -> None:
    before = db_world.rows()
    with db_world.app.app_context():
        engine = db_world.state.engine
        if statement.startswith("TRUNCATE") and engine.dialect.name == "sqlite":
            statement = "DELETE FROM tokenoffset_consent_event"  # SQLite knows no other way.
        with (
            pytest.raises(DBAPIError, match=r"append-only|never changes"),
            engine.begin() as connection,
        ):
            connection.execute(text(statement))
    assert db_world.rows() == before


@pytest.mark.promise("TO-014")
@pytest.mark.timeout(180)
def test_fifty_writers_at_once_leave_one_unbroken_ledger(db_world: World) -> None:
    ada = db_world.ada
    start, raised = threading.Barrier(WRITERS), list[BaseException]()

    def write() -> None:
        start.wait()
        try:
            with db_world.app.app_context(), db_world.state.unit_of_work() as work:
                person = find_person(work.session, ada.user_key)
                assert person is not None
                record_event(
                    work,
                    person=person,
                    event_type=ConsentEventType.SHOWN,
                    now=db_world.clock.now(),
                    place="host:checkout",
                    method=ConsentMethod.HOST,
                    purpose=Purpose.INSIGHTS,
                    notice=notice_of(Purpose.INSIGHTS, db_world.state.settings),
                )
        except Exception as error:  # noqa: BLE001 - looked at below
            raised.append(error)

    threads = [threading.Thread(target=write) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert raised == []
    sequences = [each["sequence"] for each in consents_of(db_world, ada.account_id)]
    assert sequences == list(range(1, len(STORY) + WRITERS + 1))
    assert faults_of(db_world) == []


# --- the seven tamperings -------------------------------------------------------------------------

ALTERED: dict[str, Any] = {
    "id": uuid4(),
    "schema_version": 2,
    "person_id": None,  # Ben's.
    "event_type": "given",
    "document_version_id": None,
    "purpose": "sampling",
    "notice_digest": None,  # That of another notice.
    "language": "de",
    "place": "nowhere",
    "method": "link",
    "actor_id": uuid4(),
    "occurred_at": None,  # A moment later.
    "valid_until": None,  # The same moment.
    "digest": "0" * 64,
}


def other_value(connection: Connection, world: World, column: str, event: dict[str, Any]) -> Any:
    match column:
        case "person_id":
            return consent(connection, world.ben.account_id, 1)["person_id"]
        case "notice_digest":
            other = NOTICE.c.digest != event["notice_digest"]
            return connection.scalar(select(NOTICE.c.digest).where(other).limit(1))
        case "occurred_at" | "valid_until":
            return event["occurred_at"] + timedelta(microseconds=1)
    return ALTERED[column]


def test_every_column_is_tried() -> None:
    assert set(ALTERED) | {"account_id", "sequence"} == set(LEDGER.c.keys())


@pytest.mark.promise("TO-052")
@pytest.mark.parametrize("corrected", [False, True], ids=["as-it-is", "digest-made-to-fit"])
@pytest.mark.parametrize("column", sorted(set(ALTERED) - {"document_version_id"}))
def test_an_edit_of_any_column_is_found(db_world: World, column: str, *, corrected: bool) -> None:
    account_id = db_world.ada.account_id
    with tampering(db_world) as connection:
        before = consent(connection, account_id, 3)
        values = {column: other_value(connection, db_world, column, before)}
        assert before[column] != values[column]
        if corrected and column != "digest":
            values = rewritten(before, **values)
        connection.execute(update(LEDGER).where(mine(account_id, 3)).values(**values))
    found = faults_of(db_world)
    assert 3 in shown(found)
    assert {fault.account_id for fault in found} == {account_id}
    assert faults_of(db_world, db_world.ben.account_id) == []
    result = verified_by_command(db_world)
    assert result.exit_code == 1
    assert str(account_id) in result.output


@pytest.mark.promise("TO-052")
@pytest.mark.parametrize("gone", [(3,), (1,), (6,), (2, 3, 4), (1, 2, 3, 4, 5, 6)])
def test_a_deletion_and_a_cut_tail_are_found(db_world: World, gone: tuple[int, ...]) -> None:
    account_id = db_world.ada.account_id
    with tampering(db_world) as connection:
        connection.execute(delete(LEDGER).where(mine(account_id, *gone)))
    assert set(gone) <= shown(faults_of(db_world))


@pytest.mark.promise("TO-052")
def test_a_deletion_that_closes_its_gap_is_found(db_world: World) -> None:
    account_id = db_world.ada.account_id
    with tampering(db_world) as connection:
        connection.execute(delete(LEDGER).where(mine(account_id, 3)))
        for sequence in (4, 5, 6):
            moved = rewritten(consent(connection, account_id, sequence), sequence=sequence - 1)
            connection.execute(update(LEDGER).where(mine(account_id, sequence)).values(**moved))
    assert shown(faults_of(db_world)) >= {3, 4, 5}


@pytest.mark.promise("TO-052")
def test_an_insertion_is_found(db_world: World) -> None:
    account_id = db_world.ada.account_id
    with tampering(db_world) as connection:
        event = rewritten(
            consent(connection, account_id, 5), id=uuid4(), sequence=7, purpose="insights"
        )
        connection.execute(insert(LEDGER).values(**event))
    assert shown(faults_of(db_world)) == {7}


@pytest.mark.promise("TO-052")
def test_another_order_is_found(db_world: World) -> None:
    account_id = db_world.ada.account_id
    with tampering(db_world) as connection:
        second = consent(connection, account_id, 2)
        third = consent(connection, account_id, 3)
        connection.execute(delete(LEDGER).where(mine(account_id, 2, 3)))
        for event in (rewritten(second, sequence=3), rewritten(third, sequence=2)):
            connection.execute(insert(LEDGER).values(**event))
    assert shown(faults_of(db_world)) >= {2, 3}


@pytest.mark.promise("TO-052")
def test_a_cut_of_both_tails_is_found(db_world: World) -> None:
    account_id = db_world.ada.account_id
    with tampering(db_world) as connection:
        cut_both_tails(connection, account_id, behind=4)
    assert shown(faults_of(db_world)) == {5}, "the end of the audit chain says that there are more"


def cut_both_tails(connection: Connection, account_id: UUID, *, behind: int) -> None:
    connection.execute(
        delete(LEDGER).where(LEDGER.c.account_id == account_id, LEDGER.c.sequence > behind)
    )
    tail = (EVENT.c.account_id == account_id, EVENT.c.sequence > behind)
    ids = select(EVENT.c.id).where(*tail)
    connection.execute(delete(ORIGIN).where(ORIGIN.c.event_id.in_(ids)))
    connection.execute(delete(EVENT).where(*tail))


@pytest.mark.promise("TO-052")
def test_a_ledger_written_anew_with_its_witness_is_found(db_world: World) -> None:
    account_id = db_world.ada.account_id
    with tampering(db_world) as connection:
        for sequence in range(1, 7):
            before = consent(connection, account_id, sequence)
            event = rewritten(before, event_type="given", place="elsewhere")
            connection.execute(update(LEDGER).where(mine(account_id, sequence)).values(**event))
            own = (EVENT.c.account_id == account_id, EVENT.c.sequence == sequence)
            details = connection.execute(select(EVENT.c.details).where(*own)).scalar_one()
            said = {**details, "digest": event["digest"]}
            connection.execute(
                update(EVENT).where(*own).values(details=said, action="consent.given")
            )
    assert shown(faults_of(db_world)) == {1, 2, 3, 4, 5, 6}


@pytest.mark.promise("TO-052")
def test_a_splice_of_another_ledger_is_found(db_world: World) -> None:
    ada, ben = db_world.ada.account_id, db_world.ben.account_id
    with tampering(db_world) as connection:
        adas = [consent(connection, ada, each) for each in (4, 5, 6)]
        bens = [consent(connection, ben, each) for each in (4, 5, 6)]
        for account_id in (ada, ben):
            connection.execute(delete(LEDGER).where(mine(account_id, 4, 5, 6)))
        for events, account_id in ((adas, ben), (bens, ada)):
            for event in events:
                person_id = consent(connection, account_id, 1)["person_id"]
                moved = rewritten(event, account_id=account_id, person_id=person_id)
                connection.execute(insert(LEDGER).values(**moved))
    found = faults_of(db_world)
    assert {(each.account_id, each.sequence) for each in found} >= {
        (account_id, sequence) for account_id in (ada, ben) for sequence in (4, 5, 6)
    }


@pytest.mark.promise("TO-052")
def test_what_people_were_told_cannot_be_altered_unnoticed(db_world: World) -> None:
    event = consents_of(db_world, db_world.ada.account_id)[2]
    with tampering(db_world) as connection:
        own = NOTICE.c.digest == event["notice_digest"]
        told = connection.execute(select(NOTICE.c.particulars).where(own)).scalar_one()
        other = {**told, "recipients": ["anybody who pays"]}
        connection.execute(update(NOTICE).where(own).values(particulars=other))
    found = {(each.account_id, each.sequence) for each in faults_of(db_world)}
    assert (db_world.ada.account_id, 3) in found
    assert all("told" in each.sentence for each in faults_of(db_world))


@pytest.mark.promise("TO-014")
def test_the_text_of_an_accepted_document_cannot_be_altered_unnoticed(db_world: World) -> None:
    ada = db_world.ada
    with db_world.app.app_context(), db_world.state.unit_of_work() as work:
        version = _version(db_world)
        work.session.add(version)
        work.session.flush()
        person = find_person(work.session, ada.user_key)
        assert person is not None
        record_event(
            work,
            person=person,
            event_type=ConsentEventType.GIVEN,
            now=db_world.clock.now(),
            place="acceptance-page",
            method=ConsentMethod.FORM,
            document_version_id=version.id,
        )
    assert faults_of(db_world) == []
    table = DocumentVersion.metadata.tables[DocumentVersion.__tablename__]
    with db_world.app.app_context(), db_world.state.engine.begin() as connection:
        postgresql = connection.dialect.name == "postgresql"
        name = "append_only" if postgresql else "no_update"
        connection.execute(
            text(f"DROP TRIGGER {table}_{name}{f' ON {table}' if postgresql else ''}")
        )
        other = "You owe us a kidney."
        connection.execute(update(table).values(text=other, digest=_digest(other)))
    assert shown(faults_of(db_world)) == {7}


def _digest(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()


def _version(world: World) -> DocumentVersion:
    words = "You owe us nothing."
    return DocumentVersion(
        document="house-rules",
        version="2026-11-20",
        language="en",
        sequence=1,
        title="House rules",
        text=words,
        digest=_digest(words),
        summary="The first version.",
        material=False,
        acceptance_required=False,
        published_at=world.clock.now(),
        intended_effective_at=world.clock.now(),
    )


# --- what only an anchor outside can tell ---------------------------------------------------------


@pytest.mark.promise("TO-052")
def test_a_ledger_put_back_together_with_its_log_is_found_by_an_anchor(
    db_world: World, tmp_path: Path
) -> None:
    account_id = db_world.ada.account_id
    with db_world.app.app_context():
        heads = list(read_heads(db_world.state.session))
        end = dict(
            db_world.state.session.execute(select(CHAIN).where(CHAIN.c.account_id == account_id))
            .mappings()
            .one()
        )
    decide(db_world.ada, "insights", "give")
    with db_world.app.app_context():
        newer = list(read_heads(db_world.state.session))
    with tampering(db_world) as connection:
        cut_both_tails(connection, account_id, behind=6)
        connection.execute(update(CHAIN).where(CHAIN.c.account_id == account_id).values(**end))
    assert faults_of(db_world) == []
    assert anchor(db_world, heads) == []
    assert [each.account_id for each in anchor(db_world, newer)] == [account_id]
    file = tmp_path / "heads.jsonl"
    file.write_text(
        "\n".join(
            json.dumps(
                {
                    "account_id": str(each.account_id),
                    "length": each.length,
                    "head_digest": each.head_digest,
                }
            )
            for each in newer
        )
    )
    assert verified_by_command(db_world).exit_code == 0
    assert verified_by_command(db_world, "--heads", str(file)).exit_code == 1


def anchor(world: World, heads: list[Head]) -> list[Fault]:
    found: list[Fault] = []
    with world.app.app_context():
        compare_heads(world.state.session, heads, found.append)
    return found


# --- erasure and release --------------------------------------------------------------------------


@pytest.mark.promise("TO-014")
def test_the_ledger_verifies_after_its_person_was_forgotten(db_world: World) -> None:
    account_id = db_world.ada.account_id
    before = consents_of(db_world, account_id)
    with db_world.app.app_context():
        hooks.forget_person(db_world.ada.user_key)
    assert consents_of(db_world, account_id) == before
    assert faults_of(db_world) == []
    with db_world.app.app_context():
        origins = select(ORIGIN.c.address).where(ORIGIN.c.account_id == account_id)
        assert db_world.state.session.execute(origins).all() == []


def release(world: World, account_id: UUID) -> None:
    with world.app.app_context(), world.state.unit_of_work() as work:
        work.session.execute(
            update(Account).where(Account.id == account_id).values(released_at=world.clock.now())
        )


@pytest.mark.parametrize("gone", [(1,), (3,), (1, 2, 3, 4, 5, 6)])
def test_the_rows_of_a_released_account_may_go_and_nothing_is_missed(
    db_world: World, gone: tuple[int, ...]
) -> None:
    account_id = db_world.ada.account_id
    remove = delete(ConsentEvent).where(
        ConsentEvent.account_id == account_id, ConsentEvent.sequence.in_(gone)
    )
    with db_world.app.app_context():
        hooks.forget_person(db_world.ada.user_key)
        with pytest.raises(DBAPIError, match="append-only"), db_world.state.unit_of_work() as work:
            work.session.execute(remove)
    release(db_world, account_id)
    with db_world.app.app_context(), db_world.state.unit_of_work() as work:
        work.session.execute(remove)
    assert len(consents_of(db_world, account_id)) == 6 - len(gone)
    assert faults_of(db_world) == []


def test_an_account_released_by_anyone_but_the_product_hides_nothing(db_world: World) -> None:
    account_id = db_world.ada.account_id
    release(db_world, account_id)
    with db_world.app.app_context(), db_world.state.unit_of_work() as work:
        work.session.execute(
            delete(ConsentEvent).where(
                ConsentEvent.account_id == account_id, ConsentEvent.sequence == 3
            )
        )
    assert 3 in shown(faults_of(db_world))


def test_what_is_left_of_a_released_account_is_still_verified(db_world: World) -> None:
    account_id = db_world.ada.account_id
    with db_world.app.app_context():
        hooks.forget_person(db_world.ada.user_key)
    release(db_world, account_id)
    with tampering(db_world) as connection:
        event = rewritten(consent(connection, account_id, 3), event_type="given")
        connection.execute(update(LEDGER).where(mine(account_id, 3)).values(**event))
    assert shown(faults_of(db_world)) == {3}


def test_a_ledger_that_is_written_while_it_is_verified_has_no_fault(db_world: World) -> None:
    faults: list[Fault] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            faults.extend(faults_of(db_world))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        for decision in ("give", "withdraw") * 5:
            decide(db_world.ada, "insights", decision)
    finally:
        done.set()
        looking.join()
    assert faults == []


def test_a_value_of_another_kind_is_found(make_world: Callable[..., World]) -> None:
    world = make_world()
    tell_the_story(world, world.ada)
    account_id = world.ada.account_id
    with tampering(world) as connection:
        connection.execute(
            text("UPDATE tokenoffset_consent_event SET occurred_at = 'soon' WHERE sequence = 3")
        )
    found = faults_of(world, account_id)
    assert shown(found) == {3}
    assert ["cannot even be read" in each.sentence for each in found] == [True]
