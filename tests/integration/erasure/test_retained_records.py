"""What law requires to be kept: named with its basis and its end, read by nobody, and gone then."""

from __future__ import annotations

import ast
import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

import flask_tokenoffset
from flask_tokenoffset import forget_person
from flask_tokenoffset.cli import tokenoffset
from flask_tokenoffset.models import (
    Account,
    AuditChain,
    AuditEvent,
    BillingRecord,
    ConsentEvent,
    Erasure,
    LegalHold,
    Plan,
    RetainedRecord,
    new_id,
)
from flask_tokenoffset.services.audit.verification import compare_heads, read_heads, verify
from flask_tokenoffset.services.retention.retained_records import end_retained_records
from tests.support.consenting import decide
from tests.support.erasing import let_time_pass, token_of
from tests.support.every_route import routes_of
from tests.support.world import API, PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from tests.support.world import Browser, World


def forget(world: World, browser: Browser) -> None:
    with world.app.app_context():
        assert forget_person(browser.user_key).known
    world.queue.jobs.clear()


def retained(world: World) -> list[RetainedRecord]:
    with world.app.app_context():
        found = world.state.session.scalars(
            select(RetainedRecord).order_by(RetainedRecord.kept_until, RetainedRecord.kind)
        ).all()
        world.state.session.expunge_all()
        return list(found)


def faults(world: World) -> list[Any]:
    """What is wrong with any chain of the log."""
    found: list[Any] = []
    with world.app.app_context():
        verify(world.state.session, world.state.audit_keys, found.append)
    return found


@pytest.mark.promise("TO-049", "TB-005")
def test_books_keep_a_figure_for_twelve_months_and_nothing_more(db_world: World) -> None:
    world = db_world
    world.ada.settle()
    world.clock.move(days=40)
    world.bill()
    with world.app.app_context():
        records = {
            (each.month, each.amount_cents): each.due_at
            for each in world.state.session.scalars(select(BillingRecord))
        }
    assert len(records) == 2
    account_id = world.ada.account_id
    forget(world, world.ada)
    assert not world.rows()["tokenoffset_billing_record"]
    books = [each for each in retained(world) if each.basis == "bookkeeping"]
    assert {(each.month, each.amount_cents): each.kept_until for each in books} == {
        key: due_at + timedelta(days=365) for key, due_at in records.items()
    }
    assert {each.account_id for each in books} == {account_id}
    first, second = sorted(each.kept_until for each in books)
    for moment, left in (
        (first - timedelta(seconds=1), 2),
        (first, 1),
        (second - timedelta(seconds=1), 1),
        (second, 0),
    ):
        world.clock.move_to(moment)
        with world.app.app_context(), world.state.unit_of_work() as work:
            end_retained_records(work.session, world.clock.now(), 100)
        assert len([each for each in retained(world) if each.basis == "bookkeeping"]) == left


def test_a_record_older_than_that_is_not_kept_at_all(world: World) -> None:
    world.ada.settle()
    world.clock.move(days=400)
    forget(world, world.ada)
    assert [each.basis for each in retained(world)] == ["proof"]


@pytest.mark.promise("TO-049")
def test_the_proof_is_kept_for_its_years_and_then_all_of_it_goes(db_world: World) -> None:
    world = db_world
    world.ada.settle()
    world.ben.settle()
    decide(world.ada)
    account_id = world.ada.account_id
    with world.app.app_context():
        heads = list(read_heads(world.state.session))
    forget(world, world.ada)
    assert faults(world) == []
    (proof,) = [each for each in retained(world) if each.basis == "proof"]
    assert proof.kept_until == world.clock.now() + timedelta(days=3 * 365)
    world.clock.move_to(proof.kept_until - timedelta(seconds=1))
    let_time_pass(world)
    assert left_of(world, account_id)
    assert faults(world) == []
    for _ in range(3):
        let_time_pass(world, days=1)
    assert left_of(world, account_id) == []
    assert faults(world) == []
    with world.app.app_context():
        session = world.state.session
        assert session.get_one(Account, account_id).released_at is not None
        found: list[Any] = []
        compared = compare_heads(session, heads, found.append)
        assert (found, compared.released) == ([], 1)
    assert world.ben.api("GET", "/plan").status_code == 200
    assert world.mail.messages


def left_of(world: World, account_id: UUID) -> list[str]:
    """The ledgers in which something of an account stands."""
    with world.app.app_context():
        session = world.state.session
        return [
            model.__tablename__
            for model in (AuditEvent, AuditChain, ConsentEvent, RetainedRecord)
            if session.scalars(
                select(model.account_id).where(model.account_id == account_id)
            ).first()
        ]


@pytest.mark.parametrize("years", [0, 1, 3])
def test_the_setting_says_for_how_long(make_world: Callable[..., World], years: int) -> None:
    world = make_world(TOKENOFFSET_PROOF_YEARS=years)
    world.ada.pick_band()
    forget(world, world.ada)
    (proof,) = retained(world)
    assert proof.kept_until == world.clock.now() + timedelta(days=365 * years)
    receipt = world.nobody.api("GET", f"/erasures/{token_of(world)}").get_json()
    (said,) = [each for each in receipt["stays"] if each["basis"] == "proof"]
    assert said["until"] == proof.kept_until.isoformat().replace("+00:00", "Z")


def test_nothing_reads_them_but_the_report(world: World) -> None:
    """Neither a module of ours, by its source, nor any operation, by what it asks the database."""
    root = Path(flask_tokenoffset.__file__).parent
    reading = set()
    for path in root.rglob("*.py"):
        names = {
            node.id if isinstance(node, ast.Name) else node.attr
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Name | ast.Attribute)
        }
        if names & {"RetainedRecord", "read_retained_records", "ends_of"}:
            reading.add(str(path.relative_to(root)))
    assert reading == {
        "cli/retention.py",
        # Looks whether any is left, and at nothing in it.
        "services/retention/ended_accounts.py",
        # Writes the ends down in the transaction that makes them.
        "services/erasures/receipts.py",
        "services/retention/retained_records.py",
        # Counts those that are overdue.
        "services/privacy/promise_queries.py",
    }
    world.ada.settle()
    forget(world, world.ada)
    world.ben.settle()
    routes = [
        route.rule
        for route in routes_of(world.app)
        if route.method == "GET" and "<" not in route.rule
    ]
    assert len(routes) > 20
    token = token_of(world)
    with world.statements() as sent:
        for rule in (*routes, f"{PREFIX}/erasures/{token}", f"{API}/erasures/{token}"):
            assert world.ben.client.get(rule).status_code < 500, rule
    assert sent
    assert not [each for each in sent if "legal_remain" in each]


def test_the_report_prints_figures_and_numbers_and_no_name(world: World) -> None:
    world.ada.settle()
    forget(world, world.ada)
    output = (
        world.app.test_cli_runner()
        .invoke(tokenoffset, ["retention", "remains"], catch_exceptions=False)
        .output
    )
    lines = [json.loads(line) for line in output.splitlines()]
    assert {line["basis"] for line in lines} == {"bookkeeping", "proof"}
    assert all(line["kept_until"] for line in lines)
    assert "ada" not in output


def hold(world: World, account_id: UUID, table: str, record_id: UUID | None, days: int) -> None:
    with world.app.app_context(), world.state.unit_of_work() as work:
        work.session.add(
            LegalHold(
                id=new_id(),
                account_id=account_id,
                table_name=table,
                record_id=record_id,
                reason="file 7",
                placed_at=world.clock.now(),
                held_until=world.clock.now() + timedelta(days=days),
            )
        )


@pytest.mark.promise("TO-049")
def test_what_is_held_survives_with_what_it_leads_to_and_its_neighbours_go(
    db_world: World,
) -> None:
    world = db_world
    world.ada.settle()
    world.ada.sample("openai")
    account_id = world.ada.account_id
    with world.app.app_context():
        plan = world.state.session.scalars(select(Plan)).one()
        record = world.state.session.scalars(select(BillingRecord)).one()
        held = {"billing_record": record.id, "plan": plan.id, "adoption": record.adoption_id}
    hold(world, account_id, "billing_record", held["billing_record"], days=10)
    rows = world.rows()
    forget(world, world.ada)
    now = world.rows()
    for table, record_id in held.items():
        name = f"tokenoffset_{table}"
        assert now[name] == [row for row in rows[name] if row[0] == record_id], table
    # The estimate that was adopted, the run that made it, and its source: no more of each.
    for table in ("estimate", "sample_run", "source"):
        assert len(rows[f"tokenoffset_{table}"]) > len(now[f"tokenoffset_{table}"]) == 1, table
    for table in ("identity", "credential", "daily_usage", "usage_series", "outbound_message"):
        assert len(now[f"tokenoffset_{table}"]) <= (table == "outbound_message"), table
    assert not world.ada.has_account
    assert "'ada'" not in repr(now["tokenoffset_person"])
    receipt = world.nobody.api("GET", f"/erasures/{token_of(world)}").get_json()
    (said,) = [each for each in receipt["stays"] if each["basis"] == "legal-hold"]
    assert said["until"] == "2026-11-30T10:00:00Z"
    # Once the hold is over it goes as well.
    let_time_pass(world, days=9)
    assert world.rows()["tokenoffset_billing_record"]
    let_time_pass(world, days=2)
    for table in ("billing_record", "plan", "adoption", "estimate", "sample_run", "source"):
        assert not world.rows()[f"tokenoffset_{table}"], table
    with world.app.app_context():
        assert world.state.session.scalars(select(Erasure.step)).one() == "emptied"


def test_all_of_a_table_can_be_held(world: World) -> None:
    world.ada.settle()
    usage = world.rows()["tokenoffset_daily_usage"]
    hold(world, world.ada.account_id, "daily_usage", None, days=10)
    forget(world, world.ada)
    assert world.rows()["tokenoffset_daily_usage"] == usage
    assert not world.rows()["tokenoffset_daily_cost"]
    let_time_pass(world, days=11)
    assert not world.rows()["tokenoffset_daily_usage"]
    assert not world.rows()["tokenoffset_source"]
