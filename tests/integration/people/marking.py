"""Two people with marked rows in every table, and an organization with marked rows beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from flask_tokenoffset.data_map import load
from flask_tokenoffset.models import (
    TABLE_PREFIX,
    AuditEvent,
    Base,
    CostLine,
    Membership,
    Person,
    UsageSeries,
)
from flask_tokenoffset.permissions import Role
from tests.integration.people.every_table import Marked, tables
from tests.support.organizations import join

if TYPE_CHECKING:
    from uuid import UUID

    from tests.support.world import Browser, World

#: Six characters, as the shortest column takes; everything else is followed by more.
ADA, BEN, FERNHILL = "ADA-7Q", "BEN-8W", "FER-9Z"
AGENT = "the-browser-of-ada-7q"
#: Whatever names a person in these is the person's own, and never an organization's.
ONLY_OF_PEOPLE = {
    TABLE_PREFIX + table.name
    for table in load().tables.values()
    if any(way.way in {"person", "address"} for way in table.ways)
    or table.feature in {"identities", "consents", "privacy", "retention"}
} - {"tokenoffset_invitation"}
#: Columns of what stays, in which the tests put marks where the product has words, digests and
#: figures of its own. Nothing a person says of themselves is among them.
REMAINING = {
    f"{TABLE_PREFIX}{table.name}.{name}"
    for table in load().tables.values()
    if table.name in {"consent_event", "rights_request", "erasure", "legal_remain", "legal_hold"}
    for name, column in table.columns.items()
    if table.erasure_of(name) == "kept"
    and column.category not in {"email", "name", "statement", "network", "host-key", "subject"}
}
OF_AN_ORGANIZATION = {
    "tokenoffset_account",
    "tokenoffset_person",
    "tokenoffset_organization",
    "tokenoffset_membership",
    "tokenoffset_invitation",
    "tokenoffset_bulk_change",
    "tokenoffset_bulk_change_target",
}


def person_of(world: World, browser: Browser) -> tuple[UUID, UUID]:
    """The ids of a person and their account."""
    with world.app.app_context():
        row = world.state.session.execute(
            select(Person.id, Person.account_id).where(Person.user_key == browser.user_key)
        ).one()
        return row.id, row.account_id


def mark_everything(world: World, browser: Browser, mark: str) -> None:
    """Give a person a marked row in every table that can hold one of theirs."""
    person_id, account_id = person_of(world, browser)
    with world.app.app_context():
        session = world.state.session
        person = session.get_one(Person, person_id)
        for name in ("company", "job_role", "heard_from", "display_name"):
            setattr(person, name, f"{mark}{name}")
        person.email, person.email_verified_at = f"{mark}@example.com", world.clock.now()
        marked = Marked(
            session,
            mark,
            world.clock.now(),
            {"tokenoffset_account": account_id, "tokenoffset_person": person_id},
        )
        marked.fill(*tables(without=OF_AN_ORGANIZATION), user_key=browser.user_key)
        session.commit()


def mark_an_organization(world: World, organization_id: UUID, by: Browser) -> None:
    """Fill an organization's tables with rows that a person made as its admin."""
    person_id, _ = person_of(world, by)
    with world.app.app_context():
        session = world.state.session
        account_id = session.execute(
            select(Base.metadata.tables["tokenoffset_organization"].c.account_id)
        ).scalar_one()
        member = session.scalar(select(Membership).where(Membership.person_id != person_id))
        assert member is not None
        marked = Marked(
            session,
            FERNHILL,
            world.clock.now(),
            {
                "tokenoffset_account": account_id,
                "tokenoffset_person": person_id,
                "tokenoffset_organization": organization_id,
                "tokenoffset_membership": member.id,
            },
        )
        without = {
            "tokenoffset_account",
            "tokenoffset_person",
            "tokenoffset_organization",
            "tokenoffset_membership",
            *ONLY_OF_PEOPLE,
        }
        marked.fill(*tables(without=without), user_key="an integration's", accepted_by=None)
        session.commit()


def dump(world: World) -> str:
    return repr(world.rows())


def tables_with(world: World, *marks: str) -> set[str]:
    """The tables in which one of some texts stands anywhere."""
    return {
        table
        for table, rows in world.rows().items()
        if any(mark in repr(row) for row in rows for mark in marks)
    }


def columns_with(world: World, *marks: str) -> set[str]:
    """The columns in which one of some texts stands anywhere."""
    return {
        f"{table}.{column.name}"
        for table, rows in world.rows().items()
        for position, column in enumerate(Base.metadata.tables[table].columns)
        if any(mark in repr(row[position]) for row in rows for mark in marks)
    }


def rows_with(world: World, mark: str) -> list[Any]:
    """Every row in which a text stands."""
    return [row for rows in world.rows().values() for row in rows if mark in repr(row)]


def of_others(world: World, person_id: UUID, account_id: UUID) -> dict[str, list[Any]]:
    """Every row that neither is a person's nor names them, as far as it must stay as it is."""
    with world.app.app_context():
        session = world.state.session
        acts = session.scalars(select(AuditEvent.id).where(AuditEvent.actor_id == person_id))
        series = session.scalars(select(UsageSeries.id).where(UsageSeries.account_id == account_id))
        lines = session.scalars(select(CostLine.id).where(CostLine.account_id == account_id))
        user_key = session.get_one(Person, person_id).user_key
        named = {repr(each) for each in (person_id, account_id, *acts)}
        theirs = {
            "tokenoffset_daily_usage": set(series),
            "tokenoffset_daily_cost": set(lines),
        }
    rows = world.rows()
    # An organization's log grows by the departure.
    del rows["tokenoffset_audit_chain"]
    rows["tokenoffset_idempotency_record"] = [
        row for row in rows["tokenoffset_idempotency_record"] if row[1] != user_key
    ]
    return {
        table: [
            row
            for row in those
            if row[0] not in theirs.get(table, ()) and not any(each in repr(row) for each in named)
        ]
        for table, those in rows.items()
    }


def mark_world(world: World) -> UUID:
    """Give Ada and Ben marked rows everywhere, both in an organization, whose owner is Cora.

    :return: the organization.
    """
    world.ada.client.environ_base["HTTP_USER_AGENT"] = AGENT
    # To Flask-Login another browser's sign-in is none.
    world.ada.client.post("/sign-in", data={"name": "ada"})
    for person in (world.ada, world.ben):
        person.sample()
        person.api("PATCH", "/me", {"display_name": person.name})
    cora = world.browser("cora")
    organization_id = cora.create_organization("Fernhill")
    join(world, organization_id, world.ada, Role.ADMIN)
    join(world, organization_id, world.ben, Role.MEMBER)
    world.ada.within(organization_id).pick_band()
    mark_an_organization(world, organization_id, world.ada)
    mark_everything(world, world.ada, ADA)
    mark_everything(world, world.ben, BEN)
    return organization_id
