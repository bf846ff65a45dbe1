"""The audit log as a chain: unbroken under load, and nothing done to it goes unnoticed."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from flask_tokenoffset.models import AuditAction, AuditEvent, AuditOrigin
from flask_tokenoffset.services.audit import verification as audit_verification
from flask_tokenoffset.services.audit.chain import GENESIS, AuditKeys, Signed, canonical
from flask_tokenoffset.services.audit.log import reseal_batch
from flask_tokenoffset.services.audit.verification import Head, compare_heads, read_heads
from flask_tokenoffset.tasks.schedule import run_scheduler
from flask_tokenoffset.unit_of_work import UnitOfWork
from tests.support.audit_log import (
    CHAIN,
    EVENT,
    ORIGIN,
    count,
    drop_triggers,
    events_of,
    faults_of,
    record,
)
from tests.support.world import KEYS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from flask_tokenoffset.services.audit.verification import Fault
    from tests.support.world import World

WRITERS = 50


@pytest.fixture
def db_world(prepared_world: Callable[..., World], database_url: str) -> World:
    """Ada and Ben, each with a chain of six events."""
    # SQLite has one writer at a time, and fifty may want to write.
    options = {"connect_args": {"timeout": 60}} if database_url.startswith("sqlite") else {}
    return prepared_world(two_chains, SQLALCHEMY_ENGINE_OPTIONS=options)


def two_chains(world: World) -> None:
    for browser in (world.ada, world.ben):
        browser.pick_band()
        own_chain(world, browser.account_id)


def own_chain(world: World, account_id: UUID) -> None:
    while len(events_of(world, account_id)) < 6:
        with world.app.test_request_context(headers={"User-Agent": "Firefox"}):
            record_within(world, account_id)


def record_within(world: World, account_id: UUID) -> None:
    with world.state.unit_of_work() as work:
        work.record(
            AuditAction.ORGANIZATION_CHANGED,
            account_id=account_id,
            subject_type="organization",
            subject_id=uuid4(),
            actor_id=uuid4(),
            changed="name",
            cap_cents_per_month=len(events_of(world, account_id)),
        )


@contextmanager
def tampering(world: World) -> Iterator[Connection]:
    """Write into the database past the product, with the triggers out of the way."""
    with world.app.app_context(), world.state.engine.begin() as connection:
        drop_triggers(connection)
        yield connection


def alter(connection: Connection, account: UUID, number: int, /, **values: Any) -> None:
    connection.execute(
        update(EVENT)
        .where(EVENT.c.account_id == account, EVENT.c.sequence == number)
        .values(**values)
    )


def remove(connection: Connection, account_id: UUID, *sequences: int) -> None:
    mine = (EVENT.c.account_id == account_id, EVENT.c.sequence.in_(sequences))
    ids = select(EVENT.c.id).where(*mine)
    connection.execute(delete(ORIGIN).where(ORIGIN.c.event_id.in_(ids)))
    connection.execute(delete(EVENT).where(*mine))


def event(connection: Connection, account_id: UUID, sequence: int) -> dict[str, Any]:
    rows = connection.execute(
        select(EVENT).where(EVENT.c.account_id == account_id, EVENT.c.sequence == sequence)
    )
    return dict(rows.mappings().one())


def shown(faults: list[Fault]) -> set[int | None]:
    return {fault.sequence for fault in faults}


# --- what is written ------------------------------------------------------------------------------


def test_a_chain_as_it_was_written_has_no_fault(db_world: World) -> None:
    assert faults_of(db_world) == []
    events = events_of(db_world, db_world.ada.account_id)
    assert [each["sequence"] for each in events] == [1, 2, 3, 4, 5, 6]
    assert [each["previous_digest"] for each in events] == [
        GENESIS,
        *(each["digest"] for each in events[:-1]),
    ]


def test_everything_that_stands_in_a_row_is_signed() -> None:
    assert {*Signed.EVENT.fields, "digest"} == set(EVENT.c.keys())
    assert set(Signed.ORIGIN.fields) == set(ORIGIN.c.keys())
    assert {*Signed.HEAD.fields, "head_seal"} == set(CHAIN.c.keys())


def test_different_values_are_never_written_alike() -> None:
    values: list[list[Any]] = [
        [1, "2"],
        ["1", 2],
        ["1,2"],
        ["1", "2"],
        [True, "2"],
        [None, "2"],
        ["None", "2"],
        [{"a": 1, "b": "2"}],
        [{"a": 1}, {"b": "2"}],
        [[1], "2"],
    ]
    assert len({canonical(each) for each in values}) == len(values)


@pytest.mark.promise("TO-045")
def test_the_product_notes_who_did_what_when_and_from_where(
    make_world: Callable[..., World], database_url: str
) -> None:
    world = make_world(database_url)
    ada = world.ada
    source_id = ada.sample()
    estimate_id = ada.newest_estimate(source_id)["id"]
    world.clock.move(hours=1)
    ada.adopt(estimate_id, 150)
    ada.api("PUT", f"/sources/{source_id}/key", {"key": KEYS["anthropic"]})
    ada.post(f"/sources/{source_id}/label", label="Press room")
    ada.post("/plan/pause")
    ada.post(f"/sources/{source_id}/disconnect")
    events = events_of(world, ada.account_id)
    assert [each["action"] for each in events if each["subject_type"] in {"plan", "source"}] == [
        "source.connected",
        "plan.adopted",
        "source.key-replaced",
        "source.renamed",
        "plan.status-changed",
        "source.disconnected",
    ]
    person_id = events[0]["actor_id"]
    assert person_id
    assert {each["actor_id"] for each in events} == {person_id}
    adopted = next(each for each in events if each["action"] == "plan.adopted")
    assert adopted["details"]["coverage_percent"] == 150
    assert adopted["occurred_at"] == world.clock.now()
    with world.app.app_context():
        origins = world.state.session.scalars(select(AuditOrigin)).all()
    assert {each.address for each in origins} == {"127.0.0.1"}
    assert {(each.user_agent or "").partition("/")[0] for each in origins} == {"Werkzeug"}
    assert faults_of(world) == []


def test_a_rollback_writes_nothing(db_world: World) -> None:
    account_id = db_world.ada.account_id
    before = db_world.rows()

    def fail_after_recording() -> None:
        with db_world.app.app_context(), db_world.state.unit_of_work() as work:
            work.record(
                AuditAction.PLAN_ADOPTED,
                account_id=account_id,
                subject_type="plan",
                subject_id=None,
            )
            raise RuntimeError("Nothing of this shall stay.")

    with pytest.raises(RuntimeError, match="Nothing of this"):
        fail_after_recording()
    assert db_world.rows() == before


@pytest.mark.parametrize(
    "details",
    [
        {"reason": "Ada Lovelace"},
        {"reason": "ada@example.com"},
        {"reason": "x" * 81},
        {"reason": 1.5},
        {"reason": ["a"]},
        {"reason": 2**63},
        {"email": "hidden"},
        {"note": "x"},
    ],
)
def test_what_is_no_word_and_no_figure_is_refused_and_not_repeated(
    world: World, details: dict[str, Any]
) -> None:
    world.ada.pick_band()
    before = world.rows()
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - its words are looked at below
        record(world, world.ada.account_id, **details)
    assert "Ada" not in str(caught.value)
    assert "example" not in str(caught.value)
    assert world.rows() == before


@pytest.mark.parametrize("wrong", ["subject", "action"])
def test_an_action_or_a_subject_that_nobody_declared_is_refused(world: World, wrong: str) -> None:
    world.ada.pick_band()
    before = world.rows()

    def write() -> None:
        with world.app.app_context(), world.state.unit_of_work() as work:
            work.record(
                "plan.mislaid" if wrong == "action" else AuditAction.PLAN_ADOPTED,
                account_id=world.ada.account_id,
                subject_type="elephant" if wrong == "subject" else "plan",
                subject_id=None,
            )

    with pytest.raises(ValueError, match=r"mislaid|elephant"):
        write()
    assert world.rows() == before


def test_many_entries_of_many_accounts_ask_the_database_as_often_as_one(db_world: World) -> None:
    accounts = [db_world.ada.account_id, db_world.ben.account_id]

    def statements(entries: int) -> int:
        with (
            db_world.statements() as sent,
            db_world.app.app_context(),
            db_world.state.unit_of_work() as work,
        ):
            for number in range(entries):
                work.record(
                    AuditAction.PLAN_ADOPTED,
                    account_id=accounts[number % 2],
                    subject_type="plan",
                    subject_id=None,
                )
        return len([each for each in sent if not each.startswith("BEGIN")])

    assert statements(400) == statements(1) <= 5
    assert faults_of(db_world) == []


# --- at once --------------------------------------------------------------------------------------


def at_once(*acts: Callable[[], None]) -> list[BaseException]:
    """Run everything at the same moment; returns what was raised."""
    start, raised = threading.Barrier(len(acts)), list[BaseException]()

    def run(act: Callable[[], None]) -> None:
        start.wait()
        try:
            act()
        except Exception as error:  # noqa: BLE001 - looked at by the test
            raised.append(error)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


@pytest.mark.promise("TO-045")
@pytest.mark.timeout(180)
def test_fifty_writers_at_once_leave_one_unbroken_chain(db_world: World) -> None:
    account_id = uuid_of_new_account(db_world)
    write = partial(record, db_world, account_id, 2)
    assert at_once(*[write] * WRITERS) == []
    events = events_of(db_world, account_id)
    assert [each["sequence"] for each in events] == list(range(1, 2 * WRITERS + 1))
    assert faults_of(db_world) == []


def uuid_of_new_account(world: World) -> UUID:
    """An account without a chain, so that the first writers race to begin it."""
    carol = world.browser("carol")
    carol.pick_band()
    account_id = carol.account_id
    with tampering(world) as connection:
        for table in (ORIGIN, EVENT, CHAIN):
            connection.execute(delete(table).where(table.c.account_id == account_id))
    return account_id


def test_writers_to_the_same_accounts_in_another_order_never_block_each_other(
    db_world: World,
) -> None:
    accounts = [db_world.ada.account_id, db_world.ben.account_id]

    def write(order: list[UUID]) -> None:
        for _ in range(15):
            with db_world.app.app_context(), db_world.state.unit_of_work() as work:
                for account_id in order:
                    work.record(
                        AuditAction.PLAN_ADOPTED,
                        account_id=account_id,
                        subject_type="plan",
                        subject_id=None,
                    )

    assert at_once(*[partial(write, order) for order in (accounts, accounts[::-1])] * 2) == []
    assert [len(events_of(db_world, each)) for each in accounts] == [66, 66]
    assert faults_of(db_world) == []


def test_a_chain_that_grows_while_it_is_verified_has_no_fault(
    db_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_verification, "BATCH", 7)
    account_id = db_world.ada.account_id
    faults: list[Fault] = []

    def look() -> None:
        for _ in range(10):
            faults.extend(faults_of(db_world, account_id))

    assert at_once(look, partial(record, db_world, account_id, 40)) == []
    assert faults == []
    assert len(events_of(db_world, account_id)) == 46


# --- the database itself --------------------------------------------------------------------------


@pytest.mark.promise("TO-045")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tokenoffset_audit_event SET action = 'plan.adopted'",
        "UPDATE tokenoffset_audit_event SET sequence = sequence WHERE sequence = 3",
        "DELETE FROM tokenoffset_audit_event WHERE sequence = 6",
        "DELETE FROM tokenoffset_audit_event",
        "TRUNCATE tokenoffset_audit_event CASCADE",
    ],
)
def test_the_database_refuses_to_change_an_event(db_world: World, statement: str) -> None:
    before = db_world.rows(AuditEvent)
    with db_world.app.app_context():
        engine = db_world.state.engine
        if statement.startswith("TRUNCATE") and engine.dialect.name == "sqlite":
            statement = "DELETE FROM tokenoffset_audit_event"  # SQLite knows no other way.
        with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
            connection.execute(text(statement))
    assert db_world.rows(AuditEvent) == before


# --- tampering ------------------------------------------------------------------------------------

ALTERED: dict[str, Any] = {
    "id": uuid4(),
    "occurred_at": None,  # Computed from what stands there.
    "action": "plan.adopted",
    "actor_id": uuid4(),
    "subject_type": "plan",
    "subject_id": uuid4(),
    "details": {"changed": "name", "cap_cents_per_month": 999},
    "origin_digest": "0" * 64,
    "previous_digest": "0" * 64,
    "digest": "0" * 64,
    "key_id": "0" * 16,
}


def test_every_column_is_tried() -> None:
    assert set(ALTERED) | {"account_id", "sequence"} == set(EVENT.c.keys())


@pytest.mark.promise("TO-045")
@pytest.mark.parametrize("column", ALTERED)
def test_an_edit_of_any_column_is_found(db_world: World, column: str) -> None:
    account_id = db_world.ada.account_id
    with tampering(db_world) as connection:
        before = event(connection, account_id, 3)
        value = ALTERED[column] or before["occurred_at"] + timedelta(microseconds=1)
        assert before[column] != value
        if column == "id":
            connection.execute(delete(ORIGIN).where(ORIGIN.c.event_id == before["id"]))
        alter(connection, account_id, 3, **{column: value})
    faults = faults_of(db_world)
    assert 3 in shown(faults)
    assert {fault.account_id for fault in faults} == {account_id}
    assert all(fault.sentence.endswith(".") for fault in faults)
    assert "Event 3" in faults[0].sentence


@pytest.mark.promise("TO-045")
@pytest.mark.parametrize("sequences", [(1,), (3,), (3, 4), (1, 2, 3)])
def test_a_removed_event_is_found(db_world: World, sequences: tuple[int, ...]) -> None:
    account_id = db_world.ada.account_id
    with tampering(db_world) as connection:
        remove(connection, account_id, *sequences)
    faults = faults_of(db_world)
    assert shown(faults) == {sequences[0], sequences[-1] + 1}
    first, last = sequences[0], sequences[-1]
    missing = f"Event {first} is" if first == last else f"Events {first} to {last} are"
    assert f"{missing} missing." in [fault.sentence for fault in faults]


@pytest.mark.promise("TO-045")
@pytest.mark.parametrize("place", ["at the end", "in the middle"])
def test_an_event_put_in_is_found(db_world: World, place: str) -> None:
    account_id = db_world.ada.account_id
    with tampering(db_world) as connection:
        forged = event(connection, account_id, 3) | {"id": uuid4(), "origin_digest": None}
        if place == "at the end":
            forged["sequence"] = 7
            forged["previous_digest"] = event(connection, account_id, 6)["digest"]
        else:
            for sequence in (6, 5, 4):
                alter(connection, account_id, sequence, sequence=sequence + 1)
            forged["sequence"] = 4
        connection.execute(insert(EVENT).values(**forged))
    faults = faults_of(db_world)
    assert forged["sequence"] in shown(faults)
    sentences = " ".join(fault.sentence for fault in faults)
    assert "beyond the end of the chain" in sentences
    assert f"Event {forged['sequence']} was altered, put in or moved here." in sentences


@pytest.mark.promise("TO-045")
def test_events_in_another_order_are_found(db_world: World) -> None:
    account_id = db_world.ada.account_id
    with tampering(db_world) as connection:
        for old, new in ((2, 99), (3, 2), (99, 3)):
            alter(connection, account_id, old, sequence=new)
    assert {2, 3} <= shown(faults_of(db_world))


@pytest.mark.promise("TO-045")
@pytest.mark.parametrize("covered", ["not at all", "length", "length and head"])
def test_a_cut_tail_is_found_however_well_it_is_covered(db_world: World, covered: str) -> None:
    account_id = db_world.ada.account_id
    with tampering(db_world) as connection:
        remove(connection, account_id, 5, 6)
        values: dict[str, Any] = {} if covered == "not at all" else {"length": 4}
        if covered == "length and head":
            values["head_digest"] = event(connection, account_id, 4)["digest"]
        if values:
            connection.execute(
                update(CHAIN).where(CHAIN.c.account_id == account_id).values(**values)
            )
    sentences = [fault.sentence for fault in faults_of(db_world, account_id)]
    if covered == "not at all":
        assert sentences == [
            "Events 5 to 6 are missing at the end of the chain, which says that it has 6."
        ]
    else:
        assert "its seal does not fit" in sentences[-1]


@pytest.mark.promise("TO-045")
def test_a_cut_tail_stays_found_after_the_product_has_gone_on(
    db_world: World, caplog: pytest.LogCaptureFixture
) -> None:
    account_id = db_world.ada.account_id
    with tampering(db_world) as connection:
        remove(connection, account_id, 5, 6)
        head = event(connection, account_id, 4)["digest"]
        connection.execute(
            update(CHAIN).where(CHAIN.c.account_id == account_id).values(length=4, head_digest=head)
        )
    record(db_world, account_id, 3)
    assert "does not end as it was left" in caplog.text
    (fault,) = faults_of(db_world)
    assert "the chain went on after it had been" in fault.sentence
    with db_world.app.app_context(), db_world.state.unit_of_work() as work:
        resealed = reseal_batch(work.session, db_world.state.audit_keys)
    assert resealed.resealed == 0
    assert faults_of(db_world) == [fault]


def sign_anew(connection: Connection, account_id: UUID, keys: AuditKeys, key_id: str) -> None:
    """Write a whole chain anew, with digests that fit each other."""
    rows = connection.execute(
        select(EVENT).where(EVENT.c.account_id == account_id).order_by(EVENT.c.sequence)
    )
    previous, length = GENESIS, 0
    for row in [dict(each) for each in rows.mappings()]:
        row |= {"previous_digest": previous, "key_id": key_id, "origin_digest": None}
        row["details"] = {"changed": "name"}
        row["digest"] = previous = keys.present.sign(Signed.EVENT, row)
        length = row["sequence"]
        alter(connection, account_id, length, **row)
    head = {
        "account_id": account_id,
        "length": length,
        "head_digest": previous,
        "key_id": key_id,
    }
    head["head_seal"] = keys.present.sign(Signed.HEAD, head)
    connection.execute(update(CHAIN).where(CHAIN.c.account_id == account_id).values(**head))


@pytest.mark.promise("TO-045")
@pytest.mark.parametrize("names_its_key", [False, True])
def test_a_chain_written_anew_without_the_key_is_found(
    db_world: World, names_its_key: bool
) -> None:
    account_id = db_world.ada.account_id
    others = AuditKeys.derive("somebody else's secret")
    with db_world.app.app_context():
        ours = db_world.state.audit_keys.present.id
    with tampering(db_world) as connection:
        connection.execute(delete(ORIGIN).where(ORIGIN.c.account_id == account_id))
        sign_anew(connection, account_id, others, others.present.id if names_its_key else ours)
    faults = faults_of(db_world)
    assert {fault.account_id for fault in faults} == {account_id}
    if names_its_key:
        assert "cannot be verified" in faults[0].sentence
        assert others.present.id in faults[0].sentence
    else:
        assert shown(faults) == {1, 2, 3, 4, 5, 6, None}


@pytest.mark.promise("TO-045")
@pytest.mark.parametrize("whole", [False, True])
def test_a_piece_of_another_chain_is_found(db_world: World, whole: bool) -> None:
    """Genuine events, of another person: one in the place of one, or all of them."""
    mine, theirs = db_world.ada.account_id, db_world.ben.account_id
    sequences = range(1, 7) if whole else [3]
    with tampering(db_world) as connection:
        foreign = [event(connection, theirs, each) for each in sequences]
        end = connection.execute(select(CHAIN).where(CHAIN.c.account_id == theirs)).mappings().one()
        remove(connection, mine, *sequences)
        for each in foreign:
            own = each | {"id": uuid4(), "account_id": mine}
            connection.execute(insert(EVENT).values(**own))
        if whole:
            connection.execute(
                update(CHAIN)
                .where(CHAIN.c.account_id == mine)
                .values({name: end[name] for name in end if name != "account_id"})
            )
    faults = faults_of(db_world)
    assert {fault.account_id for fault in faults} == {mine}
    assert set(sequences) <= shown(faults)


@pytest.mark.promise("TO-045")
@pytest.mark.parametrize(
    "values", [{"address": "10.0.0.9"}, {"user_agent": None}, {"salt": "0" * 64}]
)
def test_an_altered_origin_is_found(db_world: World, values: dict[str, Any]) -> None:
    account_id = db_world.ada.account_id
    events = events_of(db_world, account_id)
    with tampering(db_world) as connection:
        connection.execute(
            update(ORIGIN).where(ORIGIN.c.event_id == events[3]["id"]).values(**values)
        )
    (fault,) = faults_of(db_world)
    assert fault.sequence == 4
    assert fault.sentence.startswith("Where event 4 came from")


def test_an_origin_that_was_made_up_is_found(db_world: World) -> None:
    account_id = db_world.ada.account_id
    record(db_world, account_id)
    made_up = events_of(db_world, account_id)[-1]
    assert made_up["origin_digest"] is None
    with tampering(db_world) as connection:
        connection.execute(
            insert(ORIGIN).values(
                event_id=made_up["id"],
                account_id=account_id,
                address="10.0.0.9",
                salt="0" * 64,
                recorded_at=made_up["occurred_at"],
            )
        )
    assert shown(faults_of(db_world)) == {7}


def test_a_chain_whose_end_is_gone_is_found(db_world: World) -> None:
    with tampering(db_world) as connection:
        connection.execute(delete(CHAIN).where(CHAIN.c.account_id == db_world.ada.account_id))
    (fault,) = faults_of(db_world)
    assert fault.sentence == "The row that says where the chain ends is missing."


def test_values_that_cannot_be_read_are_found_and_do_not_hide_others(
    db_world: World, database_url: str
) -> None:
    if not database_url.startswith("sqlite"):
        pytest.skip("PostgreSQL takes no value of another kind.")
    account_id = db_world.ada.account_id
    with tampering(db_world) as connection:
        for column, sequence in (("details", 2), ("occurred_at", 4), ("actor_id", 5)):
            connection.execute(
                text(
                    f"UPDATE tokenoffset_audit_event SET {column} = 'no sense'"
                    " WHERE account_id = :account_id AND sequence = :sequence"
                ),
                {"account_id": account_id.hex, "sequence": sequence},
            )
    faults = faults_of(db_world)
    unreadable = {each.sequence for each in faults if "cannot even be read" in each.sentence}
    assert unreadable == {2, 4, 5}


def test_batches_hide_no_fault_at_their_edges(
    db_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for batch in (1, 2, 3):
        monkeypatch.setattr(audit_verification, "BATCH", batch)
        assert faults_of(db_world) == []
    with tampering(db_world) as connection:
        remove(connection, db_world.ada.account_id, 3)
    for batch in (1, 2, 3):
        monkeypatch.setattr(audit_verification, "BATCH", batch)
        assert shown(faults_of(db_world)) == {3, 4}


# --- an anchor outside ----------------------------------------------------------------------------


def heads_of(world: World) -> list[Head]:
    with world.app.app_context():
        return list(read_heads(world.state.session))


def compared(world: World, heads: list[Head]) -> list[Fault]:
    faults: list[Fault] = []
    with world.app.app_context():
        compare_heads(world.state.session, heads, faults.append)
    return faults


@pytest.mark.promise("TO-045")
@pytest.mark.parametrize("how", ["put back", "vanished", "written anew with the key"])
def test_heads_noted_elsewhere_find_what_the_key_alone_cannot(db_world: World, how: str) -> None:
    account_id = db_world.ada.account_id
    with db_world.app.app_context():
        keys = db_world.state.audit_keys
        before = db_world.state.session.execute(
            select(CHAIN).where(CHAIN.c.account_id == account_id)
        )
        old_end = dict(before.mappings().one())
    record(db_world, account_id, 2)
    heads = heads_of(db_world)
    record(db_world, account_id)
    assert compared(db_world, heads) == []
    with tampering(db_world) as connection:
        if how == "put back":
            remove(connection, account_id, 7, 8, 9)
            connection.execute(
                update(CHAIN).where(CHAIN.c.account_id == account_id).values(**old_end)
            )
        elif how == "vanished":
            remove(connection, account_id, *range(1, 10))
            connection.execute(delete(CHAIN).where(CHAIN.c.account_id == account_id))
        else:
            connection.execute(delete(ORIGIN).where(ORIGIN.c.account_id == account_id))
            sign_anew(connection, account_id, keys, keys.present.id)
    assert faults_of(db_world) == []
    (fault,) = compared(db_world, heads)
    assert (fault.account_id, fault.sequence) == (account_id, 8)


# --- secrets that change --------------------------------------------------------------------------


def test_a_chain_goes_on_under_a_new_secret_and_verifies_with_the_former_one(
    db_world: World,
) -> None:
    config, former = db_world.app.config, db_world.app.config["SECRET_KEY"]
    account_id = db_world.ada.account_id
    config.update(SECRET_KEY="the next one", SECRET_KEY_FALLBACKS=[former])
    record(db_world, account_id, 2)
    assert len({each["key_id"] for each in events_of(db_world, account_id)}) == 2
    assert faults_of(db_world) == []
    config["SECRET_KEY_FALLBACKS"] = []
    faults = faults_of(db_world)
    # Each chain once for its first events; Ben's is sealed with the former secret as well.
    assert [(each.account_id, each.sequence) for each in faults if each.sequence is not None] == [
        (each, 1) for each in sorted([account_id, db_world.ben.account_id])
    ]
    assert [each.account_id for each in faults if each.sequence is None] == [
        db_world.ben.account_id
    ]
    assert faults_of(db_world, keys=AuditKeys.derive("the next one", [former])) == []


def test_sealing_anew_frees_chains_from_the_former_secret(db_world: World) -> None:
    config, former = db_world.app.config, db_world.app.config["SECRET_KEY"]
    config.update(SECRET_KEY="the next one", SECRET_KEY_FALLBACKS=[former])
    with db_world.app.app_context(), db_world.state.unit_of_work() as work:
        keys = db_world.state.audit_keys
        first = reseal_batch(work.session, keys, limit=1)
        second = reseal_batch(work.session, keys, limit=1, after=first.last_id)
        assert (first.resealed, second.resealed, second.left) == (1, 1, [])
        assert reseal_batch(work.session, keys, after=second.last_id).last_id is None
    config["SECRET_KEY_FALLBACKS"] = []
    record(db_world, db_world.ada.account_id)
    assert {each.sequence for each in faults_of(db_world)} == {1}  # The events' own secret.


def test_a_seal_that_does_not_fit_is_made_good_only_if_a_person_says_so(db_world: World) -> None:
    account_id = db_world.ada.account_id
    with tampering(db_world) as connection:
        connection.execute(
            update(CHAIN).where(CHAIN.c.account_id == account_id).values(head_seal="0" * 64)
        )
    for accept, faults in (([], 1), ([account_id], 0)):
        with db_world.app.app_context(), db_world.state.unit_of_work() as work:
            reseal_batch(work.session, db_world.state.audit_keys, accept=accept)
        assert len(faults_of(db_world)) == faults


# --- where it came from ---------------------------------------------------------------------------

BROWSER = "Canary/1.0 (of a user agent)"


def test_where_a_change_came_from_is_forgotten_and_the_chain_stays_whole(
    db_world: World,
) -> None:
    ada = db_world.ada
    answer = ada.client.post(
        "/tokenoffset/api/v1/plan/adoptions",
        json={"estimate_id": ada.pick_band()},
        headers={"User-Agent": BROWSER},
    )
    assert answer.status_code == 201
    assert BROWSER in repr(db_world.rows())
    digests = [each["origin_digest"] for each in events_of(db_world, ada.account_id)]
    days = db_world.state.settings.audit_origin_days
    db_world.clock.move(days=days, seconds=-1)
    with db_world.app.app_context():
        assert run_scheduler(db_world.state).audit_origins_forgotten == 0
        db_world.clock.move(seconds=1)
        report = run_scheduler(db_world.state)
    assert report.failed_steps == []
    assert report.audit_origins_forgotten > 0
    assert count(db_world, ORIGIN) == 0
    assert BROWSER not in repr(db_world.rows())
    assert [each["origin_digest"] for each in events_of(db_world, ada.account_id)] == digests
    assert faults_of(db_world) == []


def test_origins_go_in_batches(db_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flask_tokenoffset.services.retention.purge_steps.ROWS_PER_BATCH", 5)
    there = count(db_world, ORIGIN)
    assert there > 10
    db_world.clock.move(days=91)
    with db_world.app.app_context():
        assert run_scheduler(db_world.state).audit_origins_forgotten == there
    assert count(db_world, ORIGIN) == 0


def test_no_origin_is_kept_where_the_host_wants_none(make_world: Callable[..., World]) -> None:
    world = make_world(TOKENOFFSET_AUDIT_ORIGIN_DAYS=0)
    world.ada.adopt(world.ada.pick_band())
    assert count(world, EVENT) > 0
    assert count(world, ORIGIN) == 0
    assert faults_of(world) == []


def test_a_forged_forwarding_header_changes_nothing_by_default(world: World) -> None:
    estimate_id = world.ada.pick_band()
    answer = world.ada.client.post(
        "/tokenoffset/api/v1/plan/adoptions",
        json={"estimate_id": estimate_id},
        headers={
            "X-Forwarded-For": "203.0.113.7",
            "Forwarded": "for=203.0.113.7",
            "X-Real-IP": "203.0.113.7",
        },
    )
    assert answer.status_code == 201
    assert "203.0.113.7" not in repr(world.rows())
    assert "127.0.0.1" in repr(world.rows(AuditOrigin))


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("x" * 400, "x" * 300), ("a\tb", "a?b"), ("caf\xe9", "caf\xe9"), ("", None)],
)
def test_any_user_agent_fits_its_column(db_world: World, sent: str, kept: str | None) -> None:
    estimate_id = db_world.ada.pick_band()
    answer = db_world.ada.client.post(
        "/tokenoffset/api/v1/plan/adoptions",
        json={"estimate_id": estimate_id},
        environ_overrides={"HTTP_USER_AGENT": sent},
    )
    assert answer.status_code == 201
    newest = events_of(db_world, db_world.ada.account_id)[-1]
    with db_world.app.app_context():
        origin = db_world.state.session.get_one(AuditOrigin, newest["id"])
        assert origin.user_agent == kept
    assert faults_of(db_world) == []


def test_a_unit_of_work_without_a_recorder_writes_no_log(world: World) -> None:
    world.ada.pick_band()
    before = world.rows(AuditEvent)
    with world.app.app_context(), UnitOfWork(world.state.session) as work:
        work.record(
            AuditAction.PLAN_ADOPTED,
            account_id=world.ada.account_id,
            subject_type="plan",
            subject_id=None,
        )
    assert world.rows(AuditEvent) == before
