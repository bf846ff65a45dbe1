"""``flask tokenoffset retention``: show, run, report, hold, holds, lift."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select

from flask_tokenoffset.cli.retention import retention
from flask_tokenoffset.models import BillingRecord, PurgeProgress
from flask_tokenoffset.services.retention.every_rule import RULES
from flask_tokenoffset.services.retention.rules import find_rule
from tests.integration.retention.aged_rows import age, count

if TYPE_CHECKING:
    from click.testing import Result

    from tests.support.world import World

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "retention.md"
LONG_AGO = datetime(2023, 2, 28, tzinfo=UTC)


def call(world: World, *arguments: str) -> Result:
    return world.app.test_cli_runner().invoke(retention, arguments)


def test_the_reference_of_the_docs_is_what_the_command_prints(world: World) -> None:
    printed = call(world, "show", "--markdown")
    assert printed.exit_code == 0
    written = REFERENCE.read_text(encoding="utf-8")
    assert written == printed.output, "flask tokenoffset retention show --markdown writes it anew"
    for rule in RULES:
        assert f"| `{rule.name}` |" in written
    assert "| 365 days: TokenByte |" in written


def test_the_periods_of_this_site_are_shown(world: World) -> None:
    shown = call(world, "show").output
    assert "audit-origins: 90 days after the change. It is deleted." in shown
    assert "plan business: usage for 365 days" in shown


def test_run_deletes_what_is_over_and_report_says_so(world: World) -> None:
    age(world, find_rule("messages"), LONG_AGO)
    age(world, find_rule("tombstones"), LONG_AGO)
    assert "messages: never looked at yet" in call(world, "report").output
    assert "messages: 1 row deleted." in call(world, "run", "messages").output
    assert count(world, "tombstone") == 1
    done = call(world, "run")
    assert done.exit_code == 0, done.output
    assert count(world, "tombstone") == 0
    reported = call(world, "report")
    assert reported.exit_code == 0
    assert "tombstones: done, finished 2026-11-20 10:00 UTC, 1 row deleted" in reported.output


def test_report_fails_where_the_purge_is_over_a_day_late(world: World) -> None:
    call(world, "run")
    with world.app.app_context():
        progress = world.state.session.get_one(PurgeProgress, "usage")
        progress.lag_seconds = int(timedelta(hours=25).total_seconds())
        world.state.session.commit()
    late = call(world, "report")
    assert late.exit_code == 1
    assert "Over a day late: usage." in late.output


def test_a_hold_is_placed_shown_and_lifted(world: World) -> None:
    world.ada.settle()
    account = str(world.ada.account_id)
    with world.app.app_context():
        record = str(world.state.session.scalars(select(BillingRecord.id)).one())
    placed = call(
        world,
        *("hold", account, "billing_record", "--record", record),
        *("--reason", "Case 4711", "--until", "2027-12-31"),
    )
    assert placed.exit_code == 0, placed.output
    hold_id = placed.output.split()[1]
    shown = call(world, "holds").output
    assert f"{hold_id}: billing_record of account {account}, {record}" in shown
    assert "until 2028-01-01 00:00 UTC: Case 4711" in shown
    assert call(world, "lift", hold_id).exit_code == 0
    assert call(world, "holds").output == ""


def test_a_hold_without_a_reason_or_an_end_is_refused(world: World) -> None:
    world.ada.settle()
    account = str(world.ada.account_id)
    assert call(world, "hold", account, "plan", "--until", "2027-12-31").exit_code == 2
    assert call(world, "hold", account, "plan", "--reason", "x").exit_code == 2
    past = call(world, "hold", account, "plan", "--reason", "x", "--until", "2020-01-01")
    assert past.exit_code == 1
