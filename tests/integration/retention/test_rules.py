"""Every rule keeps what it is about for exactly as long as it says."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from flask_tokenoffset import signals
from flask_tokenoffset.models import Account, Organization
from flask_tokenoffset.services.audit.verification import compare_heads, read_heads, verify
from flask_tokenoffset.services.retention.every_rule import RULES
from flask_tokenoffset.services.retention.purge import KEPT_ELSEWHERE, standings, steps
from flask_tokenoffset.services.retention.rules import operator_days
from flask_tokenoffset.services.shared.request_log import file_of
from flask_tokenoffset.tasks.purging import purge_now, purge_what_is_due
from tests.integration.retention.aged_rows import age, count

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flask_tokenoffset.services.retention.rule_types import RetentionRule
    from tests.support.world import World

LONG_AGO = datetime(2023, 2, 28, tzinfo=UTC)
PURGED = [rule for rule in RULES if rule.name in steps()]


def test_every_rule_with_a_period_is_kept_by_a_person() -> None:
    with_period = {rule.name for rule in RULES if rule.days is not None}
    assert with_period == set(steps()) | set(KEPT_ELSEWHERE)
    assert not set(steps()) & set(KEPT_ELSEWHERE)


@pytest.mark.promise("TO-043")
@pytest.mark.promise("TB-005")
@pytest.mark.parametrize("rule", PURGED, ids=lambda rule: rule.name)
def test_what_a_rule_is_about_is_kept_to_the_second_and_gone_with_the_next_run(
    db_world: World, rule: RetentionRule
) -> None:
    days = operator_days(rule, db_world.state.settings)
    assert days is not None
    assert rule.clock is not None
    age(db_world, rule, LONG_AGO)
    what = {"consents": "consent_event", "audit-log": "audit_event"}.get(
        rule.name, rule.clock.partition(".")[0]
    )
    there = count(db_world, what)
    assert there > 0
    end = LONG_AGO + timedelta(days=days)

    db_world.clock.move_to(end - timedelta(seconds=1))
    run(db_world, rule)
    assert count(db_world, what) == there
    assert not is_emptied(db_world)

    db_world.clock.move_to(end)
    run(db_world, rule)
    if rule.name == "organizations":
        assert is_emptied(db_world)
        assert count(db_world, "plan") == count(db_world, "invitation") == 0
    elif rule.name == "estimates":
        assert count(db_world, what) == 1  # The newest of its source.
    else:
        assert [count(db_world, each) for each in rule.tables] == [0] * len(rule.tables)
    assert_chains_are_whole(db_world)
    run(db_world, rule)  # Once more changes nothing, and fails at nothing.


def run(world: World, rule: RetentionRule) -> dict[str, int]:
    """Have the purge take one rule, as the operator's command does."""
    with world.app.app_context():
        return purge_now(world.state, [rule.name])


def is_emptied(world: World) -> bool:
    with world.app.app_context():
        names = world.state.session.scalars(select(Organization.name)).all()
        return bool(names) and set(names) == {""}


def assert_chains_are_whole(world: World) -> None:
    faults: list[object] = []
    with world.app.app_context():
        verify(world.state.session, world.state.audit_keys, faults.append)
    assert faults == []


def test_a_scheduler_run_takes_every_rule_once_a_day(world: World) -> None:
    rule = next(each for each in RULES if each.name == "messages")
    age(world, rule, LONG_AGO)
    with world.app.app_context():
        assert purge_what_is_due(world.state)["messages"] == 1
    age(world, rule, LONG_AGO)
    with world.app.app_context():
        assert "messages" not in purge_what_is_due(world.state)
        world.clock.move(days=1)
        assert purge_what_is_due(world.state)["messages"] == 1


@pytest.mark.promise("TS-015")
def test_a_file_of_the_request_log_goes_when_its_day_is_over_long_enough(
    make_world: Callable[..., World], tmp_path: Path
) -> None:
    world = make_world(TOKENOFFSET_REQUEST_LOG=str(tmp_path), TOKENOFFSET_REQUEST_LOG_DAYS=30)
    day = world.clock.today()
    old, newer = file_of(tmp_path, day), file_of(tmp_path, day + timedelta(days=1))
    for each in (old, newer):
        each.write_text(json.dumps({}) + "\n")
    somebody_elses = tmp_path / "tokenoffset-requests-of-last-year.jsonl"
    somebody_elses.write_text("kept")
    over = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=31)
    world.clock.move_to(over - timedelta(seconds=1))
    with world.app.app_context():
        purge_what_is_due(world.state)
    assert old.exists()
    world.clock.move_to(over)
    with world.app.app_context():
        assert purge_what_is_due(world.state).get("request-log") == 1
    assert not old.exists()
    assert newer.exists()
    assert somebody_elses.exists()


def test_a_released_account_is_marked_and_others_keep_their_log(db_world: World) -> None:
    rule = next(each for each in RULES if each.name == "audit-log")
    db_world.ada.create_organization("Acme")
    kept = count(db_world, "audit_event")
    account_id = age(db_world, rule, LONG_AGO)
    with db_world.app.app_context():
        heads = list(read_heads(db_world.state.session))
    run(db_world, rule)
    assert count(db_world, "audit_event") == kept
    with db_world.app.app_context():
        # That a log which came to its end is gone is no fault.
        assert compare_heads(db_world.state.session, heads, print).faults == 0
    with db_world.app.app_context():
        assert db_world.state.session.get_one(Account, account_id).released_at is not None
    assert_chains_are_whole(db_world)


def test_a_run_that_comes_too_late_says_so_once(world: World) -> None:
    rule = next(each for each in RULES if each.name == "messages")
    told: list[int] = []

    def receive(_sender: object, *, rule: str, lag_seconds: int) -> None:
        assert rule == "messages"
        told.append(lag_seconds)

    with signals.retention_lagging.connected_to(receive), world.app.app_context():
        # Whatever is old when the first run finds it is nobody's delay.
        age(world, rule, LONG_AGO)
        purge_what_is_due(world.state)
        assert told == []
        last_run = world.clock.now()
        age(world, rule, last_run - timedelta(days=89))
        world.clock.move(days=3)
        purge_what_is_due(world.state)
        assert told == [2 * 86_400]
        assert standings(world.state.session, world.state.settings)
        world.clock.move(days=1)
        purge_what_is_due(world.state)
        assert told == [2 * 86_400]
