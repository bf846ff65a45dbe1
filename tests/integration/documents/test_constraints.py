"""The database itself refuses to change what is published, and an effect without its notice."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.support.documents import draft, publish_draft, second_draft

if TYPE_CHECKING:
    from tests.support.world import World

PERIOD = timedelta(days=14)


def execute(world: World, statement: str, **values: Any) -> None:
    """Send SQL past the product."""
    with world.app.app_context(), world.state.engine.begin() as connection:
        connection.execute(text(statement), values)


def stored(world: World, moment: datetime | None) -> Any:
    """An instant as the database keeps it."""
    if moment is None or world.state.engine.dialect.name != "sqlite":
        return moment
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")


def write_effect(world: World, version_id: UUID, **more: Any) -> None:
    """An effect of a material change, written by hand."""
    now = world.clock.now()
    given = {"material": True, "notice_at": now, "effective_at": now + PERIOD, **more}
    with world.app.app_context():
        sqlite = world.state.engine.dialect.name == "sqlite"
        values = {
            name: stored(world, value) if isinstance(value, datetime) else value
            for name, value in given.items()
        }
    execute(
        world,
        "INSERT INTO tokenoffset_document_effect"
        " (document_version_id, material, notice_at, effective_at)"
        " VALUES (:id, :material, :notice_at, :effective_at)",
        id=version_id.hex if sqlite else version_id,
        **values,
    )


@pytest.fixture
def version_id(db_world: World) -> UUID:
    """A material change of which nobody has been told."""
    publish_draft(db_world, draft())
    return publish_draft(db_world, second_draft(db_world))


@pytest.mark.promise("TS-013")
@pytest.mark.parametrize(
    "short_by", [timedelta(seconds=1), timedelta(minutes=1), timedelta(days=14)]
)
def test_an_effect_less_than_fourteen_days_after_its_notice_is_refused(
    db_world: World, version_id: UUID, short_by: timedelta
) -> None:
    with pytest.raises(DBAPIError, match="told_in_time"):
        write_effect(db_world, version_id, effective_at=db_world.clock.now() + PERIOD - short_by)


@pytest.mark.promise("TS-013")
def test_a_material_effect_without_a_notice_is_refused(db_world: World, version_id: UUID) -> None:
    with pytest.raises(DBAPIError, match=r"ck_tokenoffset_document_effect_told"):
        write_effect(db_world, version_id, notice_at=None)


@pytest.mark.promise("TS-013")
def test_an_effect_fourteen_days_after_its_notice_is_taken(
    db_world: World, version_id: UUID
) -> None:
    write_effect(db_world, version_id)


def test_an_effect_of_what_nobody_had_to_be_told_needs_no_notice(
    db_world: World, version_id: UUID
) -> None:
    write_effect(
        db_world, version_id, material=False, notice_at=None, effective_at=db_world.clock.now()
    )


@pytest.mark.promise("TO-058")
@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("tokenoffset_document_version", "text = 'something else'"),
        ("tokenoffset_document_version", "digest = 'something else'"),
        ("tokenoffset_document_version", "intended_effective_at = published_at"),
        ("tokenoffset_document_effect", "effective_at = '2020-01-01 00:00:00.000000'"),
        ("tokenoffset_document_effect", "material = NOT material"),
    ],
)
def test_what_is_published_is_neither_changed_nor_deleted(
    db_world: World, version_id: UUID, table: str, change: str
) -> None:
    before = db_world.rows()
    for statement in (f"UPDATE {table} SET {change}", f"DELETE FROM {table}"):
        with pytest.raises(DBAPIError, match="never changes"):
            execute(db_world, statement)
    assert db_world.rows() == before


def test_a_name_and_a_number_are_given_once(db_world: World, version_id: UUID) -> None:
    columns = (
        "title, text, digest, summary, material, acceptance_required, published_at,"
        " intended_effective_at, document, language"
    )
    for version, sequence in (("'2026-11'", "3"), ("'another'", "2")):
        with pytest.raises(DBAPIError, match=r"(?i)unique"):
            execute(
                db_world,
                f"INSERT INTO tokenoffset_document_version (id, version, sequence, {columns})"
                f" SELECT '{UUID(int=1)}', {version}, {sequence}, {columns}"
                " FROM tokenoffset_document_version WHERE sequence = 1",
            )
