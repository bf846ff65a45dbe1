"""Finds every row about a person, table by table, as the data map says.

A row belongs to a person through their own account, through the account of one of their memberships
(what an organization holds about them), by their own id, by the host's key of them, or by an
address that they have proved. Anyone who else is named in such a row stays unnamed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import and_, exists, false, or_, select
from sqlalchemy.orm import aliased

from flask_tokenoffset.data_map.enforcement import enforces
from flask_tokenoffset.models import TABLE_PREFIX, Base, Membership, Person
from flask_tokenoffset.services.data_map.personal_rows import addresses_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import ColumnElement, FromClause
    from sqlalchemy.orm import Session

    from flask_tokenoffset.data_map import DataMap, FoundBy, Table

#: Rows that are fetched at a time.
BATCH: Final = 1_000
#: Columns that name a person without a foreign key, because the person may be gone.
NAMING_PEOPLE: Final = frozenset(
    {
        "audit_event.actor_id",
        "consent_event.actor_id",
        "retention_choice.chosen_by",
        "rights_request.closed_by",
    }
)
#: Words in details that name a person, or a person's membership.
_NAMING_DETAILS: Final = frozenset({"actor", "membership_id", "person_id"})


@dataclass(frozen=True, slots=True)
class Subject:
    """By what a person's rows are known.

    :param own_ids: their own id, and those of their memberships.
    :param account_ids: their own account, and those of their memberships.
    :param addresses: those that they, and nobody else, have proved: where another person has as
        well, what was sent there may be the other one's.
    """

    person_id: UUID
    account_ids: tuple[UUID, ...]
    own_ids: frozenset[UUID]
    user_key: str = field(repr=False)
    addresses: tuple[str, ...] = field(repr=False)

    @classmethod
    def of(cls, session: Session, person: Person) -> Subject:
        """Anyone who a row describes."""
        memberships = session.execute(
            select(Membership.id, Membership.account_id)
            .where(Membership.person_id == person.id)
            .order_by(Membership.id)
        ).all()
        return cls(
            person_id=person.id,
            account_ids=(person.account_id, *(account_id for _, account_id in memberships)),
            own_ids=frozenset({person.id, *(each for each, _ in memberships)}),
            user_key=person.user_key,
            addresses=tuple(sorted(addresses_of(session, person))),
        )


def exported_tables(data_map: DataMap) -> list[Table]:
    """The tables of which people get a copy, in the order of the map."""
    return [
        table
        for table in data_map.tables.values()
        if table.about == "person" and table.exported and table.found_by != "none"
    ]


def columns_of(table: Table) -> list[str]:
    """The columns of a table that are in the copy, in their order."""
    return [column.name for column in table.exported]


def read_rows(
    session: Session,
    data_map: DataMap,
    table: Table,
    subject: Subject,
    *,
    without: UUID | None = None,
) -> Iterator[tuple[Any, ...]]:
    """A person's rows of a table in the order of its key: what of them is in the copy.

    :param without: an archive whose own content is left out.
    """
    rows = table_of(table.name)
    columns = columns_of(table)
    statement = (
        select(*(rows.c[name] for name in columns))
        .where(is_about(data_map, table, rows, subject))
        .order_by(*rows.primary_key)
        .execution_options(yield_per=BATCH)
    )
    if without is not None and "export_id" in rows.c:
        statement = statement.where(rows.c.export_id != without)
    naming = [name for name in columns if _names_people(table.name, rows, name)]
    for row in session.execute(statement):
        yield _unnamed(columns, naming, tuple(row), subject)


def table_of(name: str) -> FromClause:
    """One of our tables.

    :param name: without our prefix.
    """
    return Base.metadata.tables[f"{TABLE_PREFIX}{name}"]


@enforces("a-copy-holds-nobody-elses-rows", "TO-047", "TO-051", "TB-006", off=None)
def _refused(
    rows: FromClause, ways: Sequence[FoundBy], subject: Subject
) -> ColumnElement[bool] | None:
    """The condition that a row found in one way says in no other that it is another person's."""
    mine = [
        or_(rows.c[way.column].is_(None), rows.c[way.column] == subject.person_id)
        for way in ways
        if way.way == "person"
    ]
    for way in ways:
        if way.way == "through" and way.person_column:
            other = aliased(table_of(way.table))
            named = other.c[way.person_column]
            key = next(iter(table_of(way.table).primary_key)).name
            mine.append(
                ~exists(other.c[key]).where(
                    other.c[key] == rows.c[way.column], named != subject.person_id
                )
            )
    return and_(*mine) if mine else None


def is_about(
    data_map: DataMap, table: Table, rows: FromClause, subject: Subject
) -> ColumnElement[bool]:
    """The condition that a row is about a person, and about nobody else.

    :param rows: the table, or an alias of it.
    """
    found = or_(
        false(), *(_found(data_map, way, rows.c[way.column], subject) for way in table.ways)
    )
    nobody_else = _refused(rows, table.ways, subject)
    return found if nobody_else is None else and_(found, nobody_else)


def _found(
    data_map: DataMap, way: FoundBy, column: ColumnElement[Any], subject: Subject
) -> ColumnElement[bool]:
    if way.way == "account":
        return column.in_(subject.account_ids)
    if way.way == "person":
        return column == subject.person_id
    if way.way == "user_key":
        return column == subject.user_key
    if way.way == "address":
        return column.in_(subject.addresses)
    if way.way == "through":
        other = aliased(table_of(way.table))
        key = next(iter(table_of(way.table).primary_key)).name
        condition = (
            other.c[way.person_column] == subject.person_id
            if way.person_column
            else is_about(data_map, data_map.tables[way.table], other, subject)
        )
        return column.in_(select(other.c[key]).where(condition).scalar_subquery())
    return false()


def _names_people(table: str, rows: FromClause, column: str) -> bool:
    """Whether a column holds the id of a person, or words among which one may be."""
    if f"{table}.{column}" in NAMING_PEOPLE or column == "details":
        return True
    people = Person.__table__
    return any(key.column.table is people for key in rows.c[column].foreign_keys)


@enforces("a-copy-names-nobody-else", "TO-047", "TB-006", off=None)
def _hidden(value: object, subject: Subject) -> tuple[Any] | None:
    """What stands in the copy where a value names another person; ``None`` where it does not.

    :param value: an id, or details by their words.
    """
    if isinstance(value, UUID):
        return None if value in subject.own_ids else (None,)
    if isinstance(value, dict):
        own = {str(each) for each in subject.own_ids}
        kept = {
            word: told
            for word, told in value.items()
            if word not in _NAMING_DETAILS or str(told) in own
        }
        return (kept,)
    return None


def _unnamed(
    columns: Sequence[str], naming: Sequence[str], row: tuple[Any, ...], subject: Subject
) -> tuple[Any, ...]:
    """A row in which nobody else is named."""
    if not naming:
        return row
    values: Mapping[str, Any] = dict(zip(columns, row, strict=True))
    hidden = {name: _hidden(values[name], subject) for name in naming}
    return tuple(
        value if (instead := hidden.get(name)) is None else instead[0]
        for name, value in values.items()
    )
