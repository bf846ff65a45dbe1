"""Which rows are a person's, as the data map says, and what becomes of them in an erasure.

Hardly a table is named here: the map says how a person's rows are found and what is done to them,
and the foreign keys say in which order. What a legal hold keeps is left alone, with all that it
leads to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from graphlib import TopologicalSorter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import Boolean, CursorResult, and_, delete, false, func, not_, or_, select, update

from flask_tokenoffset.data_map import load
from flask_tokenoffset.data_map.enforcement import enforces
from flask_tokenoffset.models import TABLE_PREFIX, Base, Person, SignInAddress
from flask_tokenoffset.services.retention.legal_holds import holds_in_force

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import Column, ColumnElement, Table
    from sqlalchemy.orm import Session

    from flask_tokenoffset.data_map import FoundBy


class All(Enum):
    """All of a person's rows in a table."""

    ROWS = auto()


ALL: Final = All.ROWS
#: Rows of a table that stay: their ids, or all of the person's.
Kept = Mapping[str, "set[UUID] | All"]
#: Tables that the map has emptied and that services deal with one by one: a person is emptied last
#: of all, an invitation is cancelled first, and an erasure still has to name whom it was about.
BY_HAND: Final = frozenset({"person", "invitation", "erasure"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose rows.

    :param user_key: the host's key for them, as long as it is known.
    :param addresses: those that they and nobody else have proved to be theirs.
    """

    person_id: UUID
    account_id: UUID
    user_key: str | None = None
    addresses: frozenset[str] = frozenset()


def addresses_of(session: Session, person: Person) -> frozenset[str]:
    """Every address that a person, and nobody else, has proved to be theirs.

    :param person: the person.
    """
    proved = set(
        session.scalars(select(SignInAddress.email).where(SignInAddress.person_id == person.id))
    )
    if person.email is not None and person.email_verified_at is not None:
        proved.add(person.email)
    others = session.scalars(
        select(Person.email).where(
            Person.email.in_(proved),
            Person.email_verified_at.is_not(None),
            Person.id != person.id,
        )
    )
    return frozenset(proved.difference(others))


def table_of(name: str) -> Table:
    """A table of ours by its name in the map."""
    return Base.metadata.tables[TABLE_PREFIX + name]


def key_of(table: Table) -> Column[Any]:
    """The column that a row is named by; of several, the first."""
    (first, *_) = table.primary_key.columns
    return first


def own(name: str, owner: Owner) -> ColumnElement[bool]:
    """The condition on a table that a row is a person's.

    :param name: the table in the map.
    """
    table = table_of(name)
    return or_(false(), *(_by(table, way, owner) for way in load().tables[name].ways))


def deleted_tables() -> tuple[str, ...]:
    """The tables whose rows an erasure deletes, those first that lead to others."""
    tables = load().tables
    return tuple(
        name
        for name in _children_first()
        if tables[name].about == "person" and tables[name].erasure == "deleted"
    )


def delete_rows(session: Session, names: Iterable[str], owner: Owner, kept: Kept) -> dict[str, int]:
    """Delete a person's rows in some tables.

    :param names: the tables, those first that lead to others.
    :param kept: what stays; see :func:`kept_by_hold`.
    :return: how many, by table; tables without any are left out.
    """
    deleted: dict[str, int] = {}
    for name in names:
        which = kept.get(name, set())
        if which is ALL:
            continue
        table = table_of(name)
        condition = and_(own(name, owner), not_(key_of(table).in_(which)))
        result = cast("CursorResult[Any]", session.execute(delete(table).where(condition)))
        if result.rowcount:
            deleted[name] = result.rowcount
    session.expire_all()
    return deleted


def empty_rows(session: Session, owner: Owner, kept: Kept) -> dict[str, int]:
    """Take out of a person's rows what the map says, where it says so.

    :return: how many rows, by table.
    """
    emptied: dict[str, int] = {}
    for name, entry in load().tables.items():
        which = kept.get(name, set())
        if entry.erasure != "emptied" or name in BY_HAND or which is ALL:
            continue
        table = table_of(name)
        values = {
            column: empty_value(table.c[column])
            for column in entry.columns
            if entry.erasure_of(column) == "emptied"
        }
        filled = or_(*(table.c[column].is_not(None) for column in values))
        condition = and_(own(name, owner), filled, not_(key_of(table).in_(which)))
        result = cast(
            "CursorResult[Any]", session.execute(update(table).where(condition).values(values))
        )
        if result.rowcount:
            emptied[name] = result.rowcount
    session.expire_all()
    return emptied


def empty_value(column: Column[Any]) -> Any:
    """What stands in a column once it is emptied."""
    if column.nullable:
        return None
    return False if isinstance(column.type, Boolean) else ""


def count_rows(session: Session, names: Iterable[str], owner: Owner) -> dict[str, int]:
    """How many rows a person has in some tables."""
    return {
        name: session.execute(
            select(func.count()).select_from(table_of(name)).where(own(name, owner))
        ).scalar_one()
        for name in names
    }


@enforces("a-hold-outlives-an-erasure", "TO-049", off=MappingProxyType({}))
def kept_by_hold(session: Session, owner: Owner, now: datetime) -> Kept:
    """What a legal hold keeps of a person: the rows it names, and those that these lead to.

    A row that stays anyway is emptied all the same, unless the hold names it.

    :param now: the present instant, aware.
    :return: by table, the ids or :data:`ALL`.
    """
    kept: dict[str, set[UUID] | All] = {}
    for hold in holds_in_force(session, now, account_id=owner.account_id):
        which = kept.setdefault(hold.table_name, set())
        if hold.record_id is None:
            kept[hold.table_name] = ALL
        elif which is not ALL:
            which.add(hold.record_id)
    for name in _children_first() if kept else ():
        if name in kept:
            for parent, ids in _parents_of(session, name, owner, kept[name]).items():
                if not ids or _survives(parent):
                    continue
                already = kept.setdefault(parent, set())
                if already is not ALL:
                    already.update(ids)
    return kept


def _parents_of(
    session: Session, name: str, owner: Owner, which: set[UUID] | All
) -> dict[str, set[UUID]]:
    """The rows that some rows of a table lead to, by table."""
    table = table_of(name)
    chosen = own(name, owner) if which is ALL else key_of(table).in_(which)
    found: dict[str, set[UUID]] = {}
    for column, parent in _leads_to(name):
        ids = session.scalars(select(table.c[column]).where(chosen, table.c[column].is_not(None)))
        found.setdefault(parent, set()).update(ids)
    return found


def _leads_to(name: str) -> list[tuple[str, str]]:
    """The columns of a table that lead to another one, with or without a foreign key."""
    found = [
        (key.parent.name, key.column.table.name.removeprefix(TABLE_PREFIX))
        for key in table_of(name).foreign_keys
    ]
    found += [(way.column, way.table) for way in load().tables[name].ways if way.way == "through"]
    return [(column, parent) for column, parent in found if parent != name]


def _survives(name: str) -> bool:
    """Whether the rows of a table stay anyway, so that none has to be kept for others."""
    return load().tables[name].erasure != "deleted"


@cache
def _children_first() -> tuple[str, ...]:
    """Every table, before those it leads to."""
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for name in load().tables:
        sorter.add(name)
        for _, parent in _leads_to(name):
            sorter.add(parent, name)
    return tuple(sorter.static_order())


def _by(table: Table, way: FoundBy, owner: Owner) -> ColumnElement[bool]:
    match way.way:
        case "account":
            return table.c[way.column] == owner.account_id
        case "person":
            return table.c[way.column] == owner.person_id
        case "user_key":
            return false() if owner.user_key is None else table.c[way.column] == owner.user_key
        case "address":
            proved = table.c[way.column].in_(owner.addresses)
            # Another person may have been written to, without proof.
            return and_(proved, table.c.person_id.is_(None)) if "person_id" in table.c else proved
        case "through":
            other = table_of(way.table)
            theirs = (
                other.c[way.person_column] == owner.person_id
                if way.person_column
                else own(way.table, owner)
            )
            return table.c[way.column].in_(select(key_of(other)).where(theirs))
    return false()
