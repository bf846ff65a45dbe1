"""Rows of any rule, all of whose clocks say the same instant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from sqlalchemy import func, select

from flask_tokenoffset.models import TABLE_PREFIX, AuditAction, Base, Estimate
from tests.integration.people.every_table import BY_THE_APPLICATION, WITHOUT_FOREIGN_KEY, Marked

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Table

    from flask_tokenoffset.services.retention.rule_types import RetentionRule
    from tests.support.world import World

#: Columns without which a row is none of a rule's, whatever its clock says.
EMPTY: dict[str, dict[str, Any]] = {
    "consents": {"released_at": None},
    "audit-log": {"released_at": None},
    # An open change has no end, and a closed organization no membership that goes on.
    "legal-holds": {"lifted_at": None},
}


def age(world: World, rule: RetentionRule, instant: datetime) -> UUID:
    """Make rows of a rule whose clocks all say one instant; gives the account's id.

    Only what they cannot be without is made besides.

    :param instant: a midnight, so that a day begins with it.
    """
    names = {TABLE_PREFIX + table for table in rule.tables} | {"tokenoffset_account"}
    if rule.name == "organizations":
        names |= {"tokenoffset_plan", "tokenoffset_invitation"}
    if rule.name in {"consents", "audit-log"}:
        names |= {"tokenoffset_person"}
    wanted = _with_parents(names)
    with world.app.app_context():
        session = world.state.session
        marked = Marked(session, f"M{uuid4().hex[:5]}", instant, {})
        marked.fill(
            *_in_order(wanted),
            **{"day": instant.date(), **EMPTY.get(rule.name, {})},
        )
        if rule.name == "estimates":
            _make_newer_estimate(world)
        session.commit()
        account_id: UUID = marked.parents["tokenoffset_account"]
    if names & BY_THE_APPLICATION:
        _write_log(world, account_id, instant)
    return account_id


def _make_newer_estimate(world: World) -> None:
    """The newest estimate of a source is kept, so another one is needed."""
    session = world.state.session
    row = session.scalars(select(Estimate)).one()
    values = {column.key: getattr(row, column.key) for column in Estimate.__table__.columns}
    newer = {"id": uuid4(), "run_id": None, "created_at": world.clock.now()}
    session.add(Estimate(**(values | newer)))


def _write_log(world: World, account_id: UUID, instant: datetime) -> None:
    """Have three changes noted at an instant, from some address."""
    now = world.clock.now()
    world.clock.move_to(instant)
    with (
        world.app.test_request_context(environ_base={"REMOTE_ADDR": "192.0.2.1"}),
        world.state.unit_of_work() as work,
    ):
        for _ in range(3):
            work.record(
                AuditAction.PERSON_CHANGED,
                account_id=account_id,
                subject_type="person",
                subject_id=None,
            )
    world.clock.move_to(now)


def _in_order(names: set[str]) -> list[Table]:
    """Tables by name, those first that others lead to."""
    nameless = {name.partition(".")[0] for name in WITHOUT_FOREIGN_KEY}
    found = [
        table for table in Base.metadata.sorted_tables if table.name in names - BY_THE_APPLICATION
    ]
    return sorted(found, key=lambda table: table.name in nameless)


def _with_parents(names: Iterable[str]) -> set[str]:
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        table: Table = Base.metadata.tables[waiting.pop()]
        if table.name in found:
            continue
        found.add(table.name)
        waiting += [key.column.table.name for key in table.foreign_keys]
        waiting += [
            parent
            for column, parent in WITHOUT_FOREIGN_KEY.items()
            if column.startswith(f"{table.name}.")
        ]
    return found


def count(world: World, table: str) -> int:
    """How many rows a table has.

    :param table: its name without our prefix.
    """
    with world.app.app_context():
        return (
            world.state.session.scalar(
                select(func.count()).select_from(Base.metadata.tables[TABLE_PREFIX + table])
            )
            or 0
        )
