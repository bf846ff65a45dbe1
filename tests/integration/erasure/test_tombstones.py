"""After an older copy of the database was restored, erasures are done again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, select

from flask_tokenoffset import forget_person
from flask_tokenoffset.cli import tokenoffset
from flask_tokenoffset.models import Base, Tombstone
from flask_tokenoffset.permissions import Role
from flask_tokenoffset.services.erasures.tombstones import TombstoneKeys
from tests.integration.people.marking import ADA, REMAINING, columns_with, mark_world
from tests.support.erasing import ask_for_deletion, erase_when_due
from tests.support.organizations import join
from tests.support.tables import make_tables

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from tests.support.world import World


def run(world: World, *arguments: str, typed: str = "") -> Result:
    """Call a command as an operator does."""
    return world.app.test_cli_runner().invoke(
        tokenoffset, ["retention", *arguments], input=typed, catch_exceptions=False
    )


def copied(world: World) -> dict[str, list[dict[str, Any]]]:
    """A copy of all tables, as a backup makes one."""
    with world.app.app_context():
        return {
            table.name: [dict(row._mapping) for row in world.state.session.execute(select(table))]
            for table in Base.metadata.sorted_tables
        }


def restore(world: World, copy: dict[str, list[dict[str, Any]]]) -> None:
    """Put the copy in the place of what is there, as restoring a backup does."""
    with world.app.app_context():
        engine = world.state.engine
        Base.metadata.drop_all(engine)
        make_tables(engine)
        session = world.state.session
        for table in Base.metadata.sorted_tables:
            if copy[table.name]:
                session.execute(insert(table), copy[table.name])
        session.commit()


@pytest.mark.promise("TO-049", "TS-011")
def test_an_older_copy_brings_nobody_back(db_world: World, tmp_path: Path) -> None:
    world = db_world
    mark_world(world)
    copy = copied(world)
    world.clock.move(hours=1)
    ask_for_deletion(world.ada)
    erase_when_due(world)
    lines = run(world, "tombstones").output
    assert len(lines.splitlines()) == 1
    file = tmp_path / "tombstones"
    file.write_text(lines)
    restore(world, copy)
    assert columns_with(world, ADA) - REMAINING
    mails = len(world.mail.messages)
    bens = [row for row in world.rows()["tokenoffset_person"] if "BEN-8W" in repr(row)]

    assert "1 tombstone read, 1 person erased again" in run(world, "replay", str(file)).output
    world.work()
    assert columns_with(world, ADA) <= REMAINING
    assert "ADA-7Q" not in repr(world.rows()["tokenoffset_person"])
    assert [row for row in world.rows()["tokenoffset_person"] if "BEN-8W" in repr(row)] == bens
    assert len(world.mail.messages) == mails, "they were told when it was done first"
    # Its day counts from the first time.
    assert json.loads(run(world, "tombstones").output) == json.loads(lines)
    assert "0 persons erased again" in run(world, "replay", str(file)).output
    assert "0 persons erased again" in run(world, "replay").output


def test_anyone_who_came_back_by_themselves_stays(world: World) -> None:
    world.ada.settle()
    world.clock.move(hours=1)
    with world.app.app_context():
        forget_person(world.ada.user_key)
    world.work()
    world.clock.move(hours=1)
    world.ada.pick_band()
    before = world.rows()
    assert "1 tombstone read, 0 persons erased again" in run(world, "replay").output
    assert world.rows() == before
    assert world.mail.messages


def test_an_organization_that_nobody_else_owned_then_is_handed_on(world: World) -> None:
    organization_id = world.ada.create_organization("Fernhill")
    membership = join(world, organization_id, world.ben, Role.ADMIN)
    copy = copied(world)
    world.clock.move(hours=1)
    inside = world.ada.within(organization_id)
    assert inside.api("PATCH", f"/members/{membership}", {"role": "owner"}).status_code == 200
    with world.app.app_context():
        forget_person(world.ada.user_key)
    lines = run(world, "tombstones").output
    restore(world, copy)
    world.queue.jobs.clear()
    result = run(world, "replay", "-", typed=lines)
    assert "1 person erased again" in result.output, result.output
    (member,) = world.ben.within(organization_id).api("GET", "/members").get_json()["items"]
    assert member["role"] == "owner"


def test_a_former_secret_still_tells_who_it_was(world: World, tmp_path: Path) -> None:
    world.ada.pick_band()
    copy = copied(world)
    world.clock.move(hours=1)
    with world.app.app_context():
        forget_person(world.ada.user_key)
    file = tmp_path / "tombstones"
    file.write_text(run(world, "tombstones").output)
    restore(world, copy)
    world.queue.jobs.clear()
    former = world.app.config["SECRET_KEY"]
    world.app.secret_key = "another secret"
    refused = run(world, "replay", str(file))
    assert refused.exit_code == 1
    assert "1 tombstone could not be compared" in refused.output
    assert world.ada.has_account
    secrets = tmp_path / "secrets"
    secrets.write_text(f"{former}\n")
    again = run(world, "replay", str(file), "--former-secrets", str(secrets))
    assert "1 person erased again" in again.output
    assert not world.ada.has_account


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "{}",
        '{"user_digest": "x", "key_id": "y", "erased_at": "yesterday"}',
        '{"user_digest": "x", "key_id": "y", "erased_at": "2026-11-20T10:00:00"}',
        "[1]",
    ],
)
def test_a_file_that_is_none_of_ours_erases_nobody(world: World, tmp_path: Path, line: str) -> None:
    world.ada.pick_band()
    file = tmp_path / "tombstones"
    file.write_text(f"\n{line}\n")
    before = world.rows()
    result = run(world, "replay", str(file))
    assert result.exit_code == 1
    assert "Line 2 is not what" in result.output
    assert world.rows() == before


def test_since_leaves_out_who_was_erased_before(world: World) -> None:
    for name in ("first", "second"):
        browser = world.browser(name, verified=False)
        browser.pick_band()
        with world.app.app_context():
            forget_person(browser.user_key)
        world.clock.move(days=10)
    assert len(run(world, "tombstones").output.splitlines()) == 2
    (line,) = run(world, "tombstones", "--since", "2026-11-25").output.splitlines()
    assert json.loads(line)["erased_at"] == "2026-11-30T10:00:00+00:00"


def test_a_tombstone_tells_nothing_to_anyone_who_lacks_the_secret(world: World) -> None:
    world.ada.pick_band()
    user_key = world.ada.user_key
    with world.app.app_context():
        forget_person(user_key)
        stone = world.state.session.scalars(select(Tombstone)).one()
        keys = world.state.tombstone_keys
        assert stone.user_digest == keys.digest(user_key)
        others = TombstoneKeys.derive("somebody else's secret", ())
        assert stone.user_digest != others.digest(user_key)
        assert stone.key_id != others.present
    world.queue.jobs.clear()
