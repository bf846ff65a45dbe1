"""Billing records go after twelve months at most, and their months are never billed again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from flask_tokenoffset.models import BillingRecord
from flask_tokenoffset.tasks.purging import purge_now
from flask_tokenoffset.tasks.schedule import run_scheduler

if TYPE_CHECKING:
    from tests.support.world import World


def months(world: World) -> list[Any]:
    (rows,) = world.rows(BillingRecord).values()
    names = [column.key for column in BillingRecord.__table__.columns]
    return sorted(row[names.index("month")].isoformat() for row in rows)


def purge(world: World) -> None:
    with world.app.app_context():
        purge_now(world.state, ["billing"])


@pytest.mark.promise("TB-005")
def test_a_month_that_was_purged_is_never_billed_again(world: World) -> None:
    world.ada.settle()
    for _ in range(14):
        world.clock.move(days=30)
        world.bill()
    assert months(world)[0] == "2026-11-01"
    purge(world)
    kept = months(world)
    # 2028-01-14 less 365 days.
    assert kept[0] == "2027-02-01"
    assert len(kept) == 12
    assert world.bill() == 0
    # With the next month the whole ledger is looked at again.
    world.clock.move(days=30)
    assert world.bill() == 1
    assert months(world) == [*kept, "2028-02-01"]


@pytest.mark.promise("TB-005")
def test_a_plan_that_slept_until_all_its_records_were_gone_owes_nothing_for_that_time(
    world: World,
) -> None:
    world.ada.settle()
    assert world.ada.api("POST", "/plan/pause").status_code == 200
    world.clock.move(days=400)
    purge(world)
    assert months(world) == []
    assert world.ada.api("POST", "/plan/resume").status_code == 200
    world.bill()
    assert months(world) == ["2027-12-01"]


@pytest.mark.promise("TB-005")
def test_a_scheduler_that_was_away_for_years_makes_up_twelve_months_and_no_more(
    world: World,
) -> None:
    world.ada.settle()
    world.clock.move(days=800)
    with world.app.app_context():
        run_scheduler(world.state)
        made_up = months(world)
        assert made_up[0] == "2028-02-01"
        run_scheduler(world.state)
    assert months(world) == made_up


def test_pages_and_totals_go_on_without_the_records_that_are_gone(world: World) -> None:
    world.ada.settle()
    world.clock.move(days=430)
    purge(world)
    assert months(world) == []
    for path in ("/", "/plan", "/billing-records"):
        world.ada.page(path)
    answer = world.ada.api("GET", "/billing-records")
    assert answer.status_code == 200
