"""Ada's copy holds all that may be hers of every table, nothing of Ben's and no secret."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import jsonschema  # type: ignore[import-untyped]  # it has no types
import pytest
from sqlalchemy import select

from flask_tokenoffset.data_map import load
from flask_tokenoffset.models import (
    Account,
    AuditChain,
    AuditEvent,
    AuditOrigin,
    Base,
    Membership,
    Person,
)
from flask_tokenoffset.permissions import Role
from flask_tokenoffset.services.data_map.held_rows import columns_of, exported_tables, table_of
from flask_tokenoffset.services.exports.archive import plain, schema_text
from tests.integration.exports.copies import Copy
from tests.integration.exports.seeding import BY_THE_APPLICATION, Seed, name_of, rows_in
from tests.support.organizations import join

if TYPE_CHECKING:
    from tests.support.world import Browser, World


@dataclass
class Sown:
    """A person and everything that is held about them."""

    person_id: UUID
    account_ids: list[UUID]
    rows: dict[str, list[dict[str, Any]]]


def sow(world: World, browser: Browser, letter: str, other: UUID | None = None) -> Sown:
    """Give a person a marked row in every table, in their own account and in a membership's.

    :param other: the person who acted in what an organization holds about them.
    """
    with world.app.app_context():
        session = world.state.session
        person = session.scalars(select(Person).where(Person.user_key == browser.user_key)).one()
        membership = session.scalars(
            select(Membership).where(Membership.person_id == person.id)
        ).first()
        assert membership is not None
        for column in ("company", "job_role", "heard_from"):
            setattr(person, column, f"{letter}{letter}-{column}-{person.id.hex[:8]}")
        now = world.clock.now()
        addresses = {"to_address": browser.address, "accepted_by": person.id}

        def seed(letter: str, account_id: UUID, **named: Any) -> Seed:
            return Seed(
                session,
                letter,
                account_id=account_id,
                person_id=person.id,
                user_key=browser.user_key,
                now=now,
                organization_id=membership.organization_id,
                named={**addresses, **named},
            )

        own = seed(letter, person.account_id)
        own.fill()
        # What an organization holds about them; another person decided it.
        decided = {"adopted_by", "changed_by", "created_by"}
        held = seed(
            letter.lower(),
            membership.account_id,
            **dict.fromkeys(decided, other or person.id),
        )
        names = ("source", "connection", "sample_run", "estimate", "plan", "adoption")
        for name in (*names, "plan_status_change", "billing_record"):
            held.add(table_of(name))
        session.commit()
        rows = {name: [*made] for name, made in own.rows.items()}
        for name, made in held.rows.items():
            rows.setdefault(name, []).extend(made)
        return Sown(person.id, [person.account_id, membership.account_id], rows)


def written_by_the_application(world: World, sown: Sown) -> None:
    """Add what using the product wrote about a person."""
    with world.app.app_context():
        session = world.state.session
        for account_id in sown.account_ids:
            for name, column in (
                ("account", "id"),
                ("audit_event", "account_id"),
                ("audit_chain", "account_id"),
            ):
                sown.rows.setdefault(name, []).extend(
                    rows_in(session, table_of(name), **{column: account_id})
                )
        for name in ("person", "membership"):
            column = "id" if name == "person" else "person_id"
            sown.rows[name] = rows_in(session, table_of(name), **{column: sown.person_id})
        acted = select(AuditEvent.id).where(AuditEvent.actor_id == sown.person_id)
        origins = select(AuditOrigin.__table__).where(AuditOrigin.event_id.in_(acted))
        sown.rows["audit_origin"] = [dict(row._mapping) for row in session.execute(origins)]


def marks(rows: dict[str, list[dict[str, Any]]], *, only: set[str] | None = None) -> set[str]:
    """Every value that is found by itself, as it would stand in a file."""
    found: set[str] = set()
    for table, made in rows.items():
        for row in made:
            for column, value in row.items():
                if only is not None and f"{table}.{column}" not in only:
                    continue
                found |= texts_of(value)
    return found


def texts_of(value: Any) -> set[str]:
    if isinstance(value, dict):
        return {text for each in value.values() for text in texts_of(each)}
    if isinstance(value, bytes):
        return {value.hex()}
    if value is None or (isinstance(value, (bool, date)) and not isinstance(value, datetime)):
        return set()
    text = str(plain(value))
    # A word or a small number of ours is no mark.
    return {text} if len(text) >= 9 or isinstance(value, UUID) else set()


@pytest.fixture
def sown(db_world: World) -> tuple[World, Sown, Sown]:
    """Ada and Ben, each in an organization of the other's, with a row in every table."""
    world = db_world
    organizations = {}
    for browser in (world.ada, world.ben):
        browser.client.environ_base["HTTP_USER_AGENT"] = f"the browser of {browser.name}"
        browser.client.post("/sign-in", data={"name": browser.name})
        organizations[browser.name] = browser.create_organization(f"The club of {browser.name}")
    join(world, organizations["ada"], world.ben, Role.MEMBER)
    join(world, organizations["ben"], world.ada, Role.ADMIN)
    bens = sow(world, world.ben, "B")
    adas = sow(world, world.ada, "A", other=bens.person_id)
    return world, adas, bens


def expected(row: dict[str, Any], table: str, own_ids: set[UUID]) -> dict[str, Any]:
    """A row as the copy has it: nobody else is named."""
    people = Person.__table__
    shown = {}
    for name in columns_of(load().tables[table]):
        value = row[name]
        column = table_of(table).c[name]
        names_people = any(key.column.table is people for key in column.foreign_keys)
        if names_people and value not in own_ids:
            value = None
        shown[name] = json.loads(json.dumps(plain(value)))
    return shown


@pytest.mark.promise("TO-047", "TO-051", "TB-006")
def test_a_copy_holds_all_of_adas_none_of_bens_and_no_secret(
    sown: tuple[World, Sown, Sown],
) -> None:
    world, adas, bens = sown
    copy = Copy.of(world, world.ada)
    written_by_the_application(world, adas)
    written_by_the_application(world, bens)
    exported = exported_tables(load())

    # All of Ada's that may be handed over, in every table.
    for table in exported:
        held = adas.rows.get(table.name)
        assert held, f"Nothing was sown in {table.name}."
        inside = copy.rows(table.name)
        for row in held:
            if table.name in {"audit_event", "audit_chain", "audit_origin"}:
                continue  # Fetching the copy wrote some more; looked at below.
            assert expected(row, table.name, {adas.person_id}) in inside, table.name
    events = {row["id"] for row in copy.rows("audit_event")}
    missing = [row for row in adas.rows["audit_event"] if str(row["id"]) not in events]
    # To fetch the copy, and so to close the request for it, came after the copy.
    assert {row["action"] for row in missing} <= {"export.fetched", "request.closed"}
    assert len(missing) < len(adas.rows["audit_event"])
    assert any("the browser of ada" in row["user_agent"] for row in copy.rows("audit_origin"))

    # None of Ben's, in any file.
    text = copy.all_text
    shared = marks(adas.rows) | {str(world.clock.now().isoformat())}
    foreign = {each for each in marks(bens.rows) - shared if len(each) > 9}
    assert len(foreign) > 250
    assert {each for each in foreign if each in text} == set()

    # No secret: what the map keeps out of every copy.
    kept_out = {
        f"{table.name}.{column.name}"
        for table in load().tables.values()
        for column in table.columns.values()
        if not column.export
    }
    open_marks = marks(
        adas.rows,
        only={f"{table.name}.{column}" for table in exported for column in columns_of(table)},
    )
    secrets = marks(adas.rows, only=kept_out) - open_marks
    assert len(secrets) > 30
    assert {each for each in secrets if each in text} == set()


@pytest.mark.promise("TO-051")
def test_every_json_file_is_as_the_shipped_schema_says(sown: tuple[World, Sown, Sown]) -> None:
    world, *_ = sown
    copy = Copy.of(world, world.ada)
    assert copy.files["schema.json"].decode() == schema_text()
    jsonschema.Draft202012Validator.check_schema(copy.schema)
    validator = jsonschema.Draft202012Validator(
        copy.schema, format_checker=jsonschema.FormatChecker()
    )
    names = [name for name in copy.files if name.endswith(".json") and name != "schema.json"]
    assert len(names) == len(exported_tables(load())) + 1
    for name in names:
        validator.validate(json.loads(copy.files[name]))
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({"table": "person", "rows": [{}]})


@pytest.mark.promise("TO-047", "TB-006")
def test_what_is_found_in_one_way_and_says_in_another_that_it_is_bens_is_not_adas(
    sown: tuple[World, Sown, Sown],
) -> None:
    """Mail that Ben got and an offer that he took, sent to an address that is Ada's by now."""
    world, adas, bens = sown
    address = world.ada.address
    with world.app.app_context():
        session = world.state.session
        club = session.scalars(
            select(Membership.organization_id).where(Membership.person_id == adas.person_id)
        ).first()
        assert club is not None
        own = Seed(
            session,
            "C",
            account_id=bens.account_ids[0],
            person_id=bens.person_id,
            user_key="nobody's",
            now=world.clock.now(),
            organization_id=club,
            named={"email": address, "to_address": address, "accepted_by": bens.person_id},
        )
        for name in ("outbound_message", "magic_link", "invitation"):
            own.add(table_of(name))
        session.commit()
    text = Copy.of(world, world.ada).all_text
    foreign = {each for each in marks(own.rows) if len(each) > 9} - {address}
    shared = marks(adas.rows)
    assert {each for each in foreign - shared if each in text} == set()


def test_everything_about_people_is_sown() -> None:
    """A new table about people is in the test above without anyone doing anything."""
    about = {name for name, table in load().tables.items() if table.about == "person"}
    assert about <= {name_of(table) for table in Base.metadata.sorted_tables}
    assert BY_THE_APPLICATION - about == {"organization"}
    assert {each.__tablename__ for each in (Account, AuditChain)} <= set(Base.metadata.tables)
